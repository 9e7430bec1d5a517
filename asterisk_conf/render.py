"""From an `AsteriskSite` to the text of Asterisk's configuration files."""

import stat
from collections.abc import Mapping
from pathlib import Path

import jinja2

from asterisk_conf import modules, names
from asterisk_conf.site import AsteriskSite

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("asterisk_conf"),
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 (these are no web pages; AsteriskSite has checked every value)
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)

FILES = (
    "asterisk.conf",
    "extensions.conf",
    "features.conf",
    "indications.conf",
    "logger.conf",
    "manager.conf",
    "modules.conf",
    "musiconhold.conf",
    "pjsip.conf",
    "queues.conf",
    "rtp.conf",
)


def render(site: AsteriskSite) -> dict[str, str]:
    """Every file that Asterisk needs, by its name in Asterisk's configuration directory."""
    context = {"site": site, "names": names, "modules": modules}
    return {name: _ENVIRONMENT.get_template(f"{name}.j2").render(context) for name in FILES}


def write(files: Mapping[str, str], directory: Path) -> None:
    """Writes the files into `directory`, which is made if needed; only their owner can read them, for the secrets."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = directory / name
        path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        path.write_text(text, encoding="utf-8")

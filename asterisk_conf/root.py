"""Finding an Asterisk that can serve, or building one: a private root, extracted from Debian's packages.

Debian's stable suites have no Asterisk, testing has; so its packages are extracted (not installed) into a directory
of the user's cache and started through that directory's own dynamic loader and libraries. That needs neither chroot
nor root, leaves the machine as it was, and any number of instances share the one root read-only.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf import modules

LEAST_VERSION = (20, 0, 0)
SUITES = ("forky", "sid")  # sid stands in for the times when Asterisk has dropped out of testing
PACKAGES = ("asterisk", "asterisk-core-sounds-en-wav", "asterisk-core-sounds-es-wav", "asterisk-moh-opsound-wav")
LANGUAGES = ("en", "es")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

ENV_CACHE = "SWITCHBOARD_CACHE"
ENV_MIRROR = "SWITCHBOARD_DEBIAN_MIRROR"

Report = Callable[[str], None]
Version = tuple[int, int, int]


class SetupError(RuntimeError):
    """Something that the machine must have is missing; the message says what to install or set."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An Asterisk that can be started: `command` is its argument list without options.

    `modules` and `data` are the directories of its modules and of its sounds, music and documentation.
    """

    command: tuple[str, ...]
    version: Version
    modules: Path
    data: Path
    origin: str

    def __str__(self) -> str:
        return f"Asterisk {'.'.join(map(str, self.version))} ({self.origin})"

    def sounds(self, language: str) -> Path | None:
        """Where the core sounds in `language` are, if it has them; `es` is also served by `es_MX_f_Allison`."""
        base = self.data / "sounds"
        candidates = [base / language, *sorted(base.glob(f"{language}_*"))]
        return next((path for path in candidates if (path / "digits").is_dir()), None)

    def problems(self) -> list[str]:
        """What keeps this Asterisk from serving; nothing: it can."""
        found = []
        if self.version < LEAST_VERSION:
            found.append(f"version {'.'.join(map(str, self.version))} is older than {LEAST_VERSION[0]}")
        missing = [name for name in modules.REQUIRED if not (self.modules / f"{name}.so").is_file()]
        if missing:
            found.append(f"modules missing in {self.modules}: {', '.join(missing)}")
        silent = [language for language in LANGUAGES if self.sounds(language) is None]
        if silent:
            found.append(f"no core sounds in {self.data / 'sounds'} for: {', '.join(silent)}")
        if not any((self.data / "moh").glob("*.*")):
            found.append(f"no music in {self.data / 'moh'}")
        return found


def parse_version(text: str) -> Version | None:
    """The version in what `asterisk -V` prints (`Asterisk 22.10.1~dfsg`, `Asterisk certified-20.7-cert5`)."""
    match = re.search(r"Asterisk\s+(?:certified[-/])?(\d+)\.(\d+)(?:(?:\.|-cert)(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def find_or_build(report: Report = lambda _: None) -> Installation:
    """The machine's own Asterisk if it can serve, otherwise the private root, built now if it is not in the cache.

    Parallel callers build once. Raises SetupError with what to do when neither can be had.
    """
    own = _machine_installation()
    if own and not own.problems():
        return own
    if own:
        report(f"{own} cannot serve: {'; '.join(own.problems())}")
    root = cache_directory() / f"asterisk-{_recipe()}"
    installation = _root_installation(root)
    if installation is None:
        with _lock(root.with_suffix(".lock"), report):
            installation = _root_installation(root)
            if installation is None:
                _build(root, report)
                installation = _root_installation(root)
    if installation is None:
        raise SetupError(f"the Asterisk in {root} does not start; remove that directory and try again")
    if problems := installation.problems():
        raise SetupError(f"the Asterisk in {root} cannot serve ({'; '.join(problems)}); remove that directory")
    return installation


def cache_directory() -> Path:
    """Where built things are kept between runs: $SWITCHBOARD_CACHE, else `switchboard` in the XDG cache directory."""
    if chosen := os.environ.get(ENV_CACHE):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchboard"


def ensure_program(program: str, package: str, report: Report = lambda _: None) -> Path:
    """The path of `program`; installs Debian's `package` when it is missing and we are root.

    Raises SetupError with the command to type when it cannot be installed from here.
    """
    if found := shutil.which(program):
        return Path(found)
    advice = f"{program} is missing: install it with `sudo apt-get install {package}`"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetupError(advice)
    report(f"installing {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update"], environment)  # an old index may still do, so its failure is not the end
    done = _run(["apt-get", "install", "--yes", "--no-install-recommends", package], environment)
    found = shutil.which(program)
    if done.returncode != 0 or not found:
        raise SetupError(f"{advice}\napt-get could not: {_tail(done.stdout)}")
    return Path(found)


def debian_mirror() -> str:
    """The Debian archive that this machine's apt uses, or $SWITCHBOARD_DEBIAN_MIRROR.

    apt itself is asked (`apt-get indextargets`), so every format of sources is understood.
    """
    if chosen := os.environ.get(ENV_MIRROR):
        return chosen
    if shutil.which("apt-get"):
        # $(ORIGIN) stays unexpanded while apt has no index (a fresh container); then the suite's name must do.
        template = "$(ORIGIN)|$(LABEL)|$(RELEASE)|$(REPO_URI)"
        listed = _run(["apt-get", "indextargets", "--format", template, "Created-By: Packages"]).stdout
        rows = [line.split("|") for line in listed.splitlines() if line.count("|") == 3]
        release = _os_release()
        for origin, label, suite, uri in rows:
            known = (origin, label) == ("Debian", "Debian")
            likely = (
                origin.startswith("$") and release.get("ID") == "debian" and suite == release.get("VERSION_CODENAME")
            )
            if known or likely:
                return uri.rstrip("/")
    raise SetupError(
        "this machine's apt names no Debian archive to take Asterisk from. Either install Asterisk "
        f"{LEAST_VERSION[0]} or newer (`sudo apt-get install asterisk`, where the distribution has it), "
        f"or set {ENV_MIRROR} to the address of a Debian mirror"
    )


def _machine_installation() -> Installation | None:
    program = shutil.which("asterisk", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not program:
        return None
    places = ("/usr/lib/*/asterisk/modules", "/usr/lib/asterisk/modules", "/usr/lib64/asterisk/modules")
    found = [path for place in places for path in sorted(Path("/").glob(place[1:]))]
    data = [path for path in (Path("/usr/share/asterisk"), Path("/var/lib/asterisk")) if (path / "sounds").is_dir()]
    version = _version((program,))
    if not found or not data or version is None:
        return None
    return Installation((program,), version, found[0], data[0], program)


def _root_installation(root: Path) -> Installation | None:
    """The Asterisk extracted in `root`, or None when it is not there or does not even tell its version."""
    libraries = [path.parent.parent for path in sorted(root.glob("usr/lib/*/asterisk/modules"))]
    loaders = [path for library in libraries for path in sorted(library.glob("ld-linux*.so.*"))]
    if not loaders:
        return None
    command = (
        str(loaders[0]),
        "--library-path",
        str(libraries[0]),
        "--argv0",
        "asterisk",
        str(root / "usr/sbin/asterisk"),
    )
    version = _version(command)
    if version is None:
        return None
    return Installation(
        command, version, libraries[0] / "asterisk/modules", root / "usr/share/asterisk", f"private, {root}"
    )


def _build(root: Path, report: Report) -> None:
    """Extracts Debian's Asterisk into `root`: in a directory beside it that is renamed once it is whole."""
    mirror = debian_mirror()
    mmdebstrap = ensure_program("mmdebstrap", "mmdebstrap", report)
    if not KEYRING.is_file():
        raise SetupError(f"{KEYRING} is missing: install it with `sudo apt-get install debian-archive-keyring`")
    failures = []
    for suite in SUITES:
        report(f"building a private Asterisk from Debian {suite} (once; about half a minute)")
        with tempfile.TemporaryDirectory(
            prefix=f"{root.name}.", dir=root.parent, ignore_cleanup_errors=True
        ) as scratch:
            tree = Path(scratch) / "root"
            done = _run(
                [
                    str(mmdebstrap),
                    "--variant=extract",
                    # The index in an archive snapshot, or behind a slow mirror, may be older than the clock likes.
                    '--aptopt=Acquire::Check-Valid-Until "false"',
                    f"--keyring={KEYRING}",
                    f"--include={','.join(PACKAGES)}",
                    suite,
                    str(tree),
                    mirror,
                ]
            )
            if done.returncode == 0 and _root_installation(tree):
                tree.chmod(0o755)
                shutil.rmtree(root, ignore_errors=True)
                tree.rename(root)
                return
            failures.append(f"from {suite}: {_tail(done.stdout)}")
    raise SetupError(
        f"could not build a private Asterisk from {mirror}; it needs that mirror to be reachable (set {ENV_MIRROR} "
        f"for another one), or an installed Asterisk {LEAST_VERSION[0]} or newer\n" + "\n".join(failures)
    )


def _recipe() -> str:
    """Names what a root is made of, so that a changed list of packages builds a new one."""
    return hashlib.sha256(" ".join((*SUITES, *PACKAGES)).encode()).hexdigest()[:12]


def _version(command: tuple[str, ...]) -> Version | None:
    try:
        return parse_version(_run([*command, "-V"]).stdout)
    except OSError:
        return None


def _run(command: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )


def _tail(text: str, lines: int = 6) -> str:
    return "\n  ".join(text.strip().splitlines()[-lines:])


def _os_release() -> dict[str, str]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


@contextlib.contextmanager
def _lock(path: Path, report: Report) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another process that is building the private Asterisk")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

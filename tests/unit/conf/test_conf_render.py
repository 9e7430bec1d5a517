"""`switchboard conf render`: from a centre's directory to Asterisk's files."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from documents import DocumentError
from switchboard.centre import load_centre
from switchboard.cli.conf import app
from switchboard.site import asterisk_site
from switchboard.waiting_room import WATCHDOG_S
from tests.support.centres import write_centre


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHBOARD_AMI_SECRET", "ami-secret")
    monkeypatch.setenv("PHONE_102", "phone-secret")
    return write_centre(tmp_path / "centre")


def render(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["render", *map(str, arguments)])


def test_what_the_centre_says_is_what_asterisk_gets(centre: Path) -> None:
    site = asterisk_site(load_centre(centre))
    assert site.numbers == ("100",)
    assert site.languages == ("en", "es")
    assert site.ami_secret == "ami-secret"
    assert site.watchdog_s == WATCHDOG_S
    ana, ben = site.phones
    assert (ana.name, ana.contact, ana.secret, ana.caller_id) == ("ana", "sip:101@10.0.0.7", None, "101")
    assert (ben.name, ben.contact, ben.secret, ben.caller_id) == ("ben", None, "phone-secret", "102")
    assert site.fallback == ("ana", "ben")


def test_every_missing_secret_is_told_with_its_place(centre: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_AMI_SECRET")
    monkeypatch.delenv("PHONE_102")
    with pytest.raises(DocumentError) as caught:
        asterisk_site(load_centre(centre))
    assert [(Path(p.file).name, p.path) for p in caught.value.problems] == [
        ("agents.yaml", "agents.ben.phone.password"),
        ("centre.yaml", "settings.asterisk.ami_secret"),
    ]


def test_the_files_are_written_and_may_be_written_again(centre: Path, tmp_path: Path) -> None:
    out = tmp_path / "etc"
    assert render(centre, out).exit_code == 0
    assert "[sb-in]" in (out / "extensions.conf").read_text()
    assert render(centre, out).exit_code == 0


def test_a_file_that_somebody_else_wrote_is_not_replaced(centre: Path, tmp_path: Path) -> None:
    out = tmp_path / "etc"
    out.mkdir()
    (out / "pjsip.conf").write_text("; mine\n")
    refused = render(centre, out)
    assert refused.exit_code == 2
    assert "pjsip.conf" in refused.output
    assert [path.name for path in out.iterdir()] == ["pjsip.conf"]
    assert (out / "pjsip.conf").read_text() == "; mine\n"
    assert render(centre, out, "--force").exit_code == 0
    assert (out / "pjsip.conf").read_text().startswith("; Rendered by Switchboard.")

"""docs/planning.md: its files are written, its commands run, and what they print is what it shows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.cli.areas import command_line

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/planning.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the page. Files begin with their name; a command without output is only run."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    commands = 0
    for kind, text in BLOCKS:
        if kind == "yaml" and text.startswith("# "):
            name, _, body = text.removeprefix("# ").partition("\n")
            (tmp_path / name).write_text(body)
        elif kind == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                program, *arguments = shlex.split(command)
                assert program == "switchboard"
                result = CliRunner().invoke(command_line(arguments[0]), arguments)
                assert not result.exception or isinstance(result.exception, SystemExit), result.exception
                if shown:
                    assert [line.rstrip() for line in result.stdout.splitlines()] == shown.splitlines(), command
                commands += 1
    assert commands >= 5


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()

"""docs/history.md: its files are written, its commands run, and what they print is what it shows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulations.history.form import CONTACTS, OUTCOME_MEANINGS
from simulations.history.mapping import Columns, Mapping
from switchboard.cli.areas import command_line

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/history.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the page. Files begin with their name; a command without output is only run."""
    shutil.copytree(ROOT / "examples/history", tmp_path / "examples/history")
    monkeypatch.chdir(tmp_path)
    commands = 0
    for kind, text in BLOCKS:
        if kind in ("yaml", "csv"):
            name, _, body = text.removeprefix("# ").partition("\n")
            (tmp_path / name).write_text(body)
        elif kind == "console":
            command, _, shown = text.removeprefix("$ ").partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "switchboard"
            result = CliRunner().invoke(command_line(arguments[0]), arguments)
            assert not result.exception, result.exception
            if shown:
                assert [line.rstrip() for line in result.stdout.splitlines()] == shown.splitlines(), command
            commands += 1
    assert commands == 5


def test_every_column_outcome_and_field_is_explained() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert rows >= {(column.name, column.meaning) for column in CONTACTS}
    assert rows >= set(OUTCOME_MEANINGS.items())
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert named >= set(Columns.model_fields) | set(Mapping.model_fields)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", PAGE + "[](simulation.md)"))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()

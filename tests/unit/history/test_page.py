"""docs/history.md: its files are written, its commands run, and what they print is what it shows."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulations.history.form import CONTACTS, OUTCOME_MEANINGS
from simulations.history.mapping import Columns, Mapping
from switchboard.cli.history import app

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/history.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in [*blocks("yaml"), *blocks("csv")]:
        name, _, body = text.removeprefix("# ").partition("\n")
        (tmp_path / name).write_text(body)
    shown = 0
    for text in blocks("console"):
        command, _, expected = text.removeprefix("$ ").partition("\n")
        if expected and not expected.startswith("$ "):
            result = CliRunner().invoke(app, shlex.split(command)[2:])
            assert [line.rstrip() for line in result.stdout.splitlines()] == expected.splitlines()
            shown += 1
    assert shown == 1


def test_every_column_outcome_and_field_is_explained() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert rows >= {(column.name, column.meaning) for column in CONTACTS}
    assert rows >= set(OUTCOME_MEANINGS.items())
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert named >= set(Columns.model_fields) | set(Mapping.model_fields)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()

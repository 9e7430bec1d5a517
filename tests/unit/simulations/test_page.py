"""The planner's page: its scenarios are written, its commands run, and what they print is what it shows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from switchboard.cli import simulate

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/simulation.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for text in blocks("yaml"):
        name, _, body = text.removeprefix("# ").partition("\n")
        (tmp_path / name).write_text(body)
    (tmp_path / "sales13.yaml").write_text((tmp_path / "sales.yaml").read_text().replace("count: 12", "count: 13"))
    app = typer.Typer()
    simulate.register(app)
    shown = 0
    for text in blocks("console"):
        command, _, expected = text.removeprefix("$ ").partition("\n")
        if expected:
            result = CliRunner().invoke(app, shlex.split(command)[2:])
            assert [line.rstrip() for line in result.stdout.splitlines()] == expected.splitlines()
            shown += 1
    assert shown == 4


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()

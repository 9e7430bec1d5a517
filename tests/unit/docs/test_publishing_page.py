"""docs/publishing.md: its commands run against an engine at work, and what they print is what it shows."""

import asyncio
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.centre import load_centre
from switchboard.cli.areas import command_line
from switchboard.engine import Engine
from tests.support.ports import tcp_port

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/publishing.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SETTINGS = """\
  engine: {{directory: var, agi_port: {agi_port}}}
  asterisk: {{ami_port: 1}}
  api: {{port: 0}}
"""


def without_moments(text: str) -> list[str]:
    """Today is another day than when the page was written; what is planned stays as it is."""
    return [re.sub(r"\b2026-\d\d-\d\d( at)? \d\d:\d\d", "TODAY", line).rstrip() for line in text.splitlines()]


def run(command: str) -> str:
    program, *arguments = shlex.split(command)
    if program != "switchboard":
        subprocess.run([program, *arguments], check=True)
        return ""
    result = CliRunner().invoke(command_line(arguments[0]), arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        return f"{result.output}{result.exception}"  # as `switchboard.cli.areas.run` tells it
    return result.output


async def test_what_the_page_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples/helpdesk", tmp_path / "desk")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWITCHBOARD_AMI_SECRET", "ami-secret")
    monkeypatch.setenv("COLUMNS", "120")
    with (tmp_path / "desk/centre.yaml").open("a") as file:
        file.write(SETTINGS.format(agi_port=tcp_port()))
    commands = 0
    async with Engine(load_centre(Path("desk"))).running():
        for block in BLOCKS:
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                printed = await asyncio.to_thread(run, command)
                assert without_moments(printed) == without_moments(shown), command
                commands += 1
    assert commands >= 10


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()

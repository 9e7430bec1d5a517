"""The page docs/flows.md: its files are written, its commands run, and what they print is what the page shows."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.flow.diagram import diagram
from switchboard.centre import load_centre
from switchboard.cli.flow_commands import app

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/flows.md").read_text()
CALLERS_PICTURE = ROOT / "docs/images/flow-callers.svg"
PICTURE = ROOT / "docs/images/flow.svg"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where all files of the page are; the present directory."""
    for kind, text in BLOCKS:
        if kind == "yaml":
            path = tmp_path / text.partition("\n")[0].removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str, shown: str) -> str:
    """What the command prints; what is typed stands behind the prompts in what the page shows."""
    program, *arguments = shlex.split(command)
    if program != "switchboard":
        subprocess.run([program, *arguments], check=True)
        return ""
    typed = "".join(f"{line}\n" for line in re.findall(r"^(?:keys|answer|comes back by)> (.*)$", shown, re.MULTILINE))
    result = CliRunner().invoke(app, arguments[1:], input=typed)
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return result.output


@pytest.mark.usefixtures("directory")
def test_the_commands_of_the_page_print_what_it_shows() -> None:
    commands = 0
    for kind, text in BLOCKS:
        if kind == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
                assert run(command, shown) == shown
                commands += 1
    assert commands == 19


def test_the_picture_is_that_of_the_flow(directory: Path) -> None:
    centre = load_centre(directory / "garage")
    assert centre.warnings == ()
    drawn = diagram(centre.flows["main"], centre.prompts)
    assert PICTURE.read_text() == drawn, "run `switchboard flow diagram` on the page's garage and commit the picture"


@pytest.mark.usefixtures("directory")
def test_the_picture_with_callers_is_that_of_the_simulation() -> None:
    assert run("switchboard flow simulate garage/scenario.yaml --callers 2000 --output drawn", "")
    drawn = Path("drawn/main.svg").read_text()
    assert CALLERS_PICTURE.read_text() == drawn, "run the page's simulation with --output and commit the picture"

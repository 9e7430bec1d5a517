"""The README's ten minutes: its files are written, its commands run, and what they print is what it shows."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.centre import load_centre
from switchboard.cli.main import app

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LINKS = re.findall(r"\]\((?!http)([^)#]+)\)", README)


def write(directory: Path, text: str) -> None:
    head, _, body = text.partition("\n")
    name, _, how = head.removeprefix("# ").partition(" ")
    with (directory / name).open("a" if how == "(append)" else "w") as file:
        file.write(body)


def run(command: str, shown: str) -> str:
    program, *arguments = shlex.split(command)
    if program != "switchboard":
        subprocess.run([program, *arguments], check=True)
        return ""
    typed = "".join(f"{line}\n" for line in re.findall(r"^(?:keys|comes back by)> (.*)$", shown, re.MULTILINE))
    result = CliRunner().invoke(app, arguments, input=typed)
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_ten_minutes_to_a_first_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples/helpdesk", tmp_path / "examples/helpdesk")
    monkeypatch.chdir(tmp_path)
    commands = 0
    for kind, text in BLOCKS:
        if kind == "yaml":
            write(tmp_path, text)
        elif kind == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                assert run(command, shown) == shown
                commands += 1
    assert commands == 4
    assert load_centre(tmp_path / "desk").numbers["+35315550101"] == "info"


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()

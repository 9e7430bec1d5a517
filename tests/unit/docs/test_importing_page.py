"""The page docs/importing.md: its sources are imported by its commands, which print what the page shows."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.cli.flow_commands import app

PAGE = (Path(__file__).parents[3] / "docs/importing.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(?:#|--|<!--) (\S+)(?: -->)?\n")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all files of the page are; the present directory. The comment that names a file is no part of it."""
    for kind, text in BLOCKS:
        if kind != "console" and (named := COMMENT.match(text)):
            (tmp_path / named[1]).write_text(text[named.end() :])
    monkeypatch.chdir(tmp_path)


def test_the_commands_of_the_page_print_what_it_shows() -> None:
    run = 0
    for kind, text in BLOCKS:
        if kind != "console":
            continue
        for command, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
            program, *arguments = shlex.split(command)
            if program != "switchboard":
                continue
            typed = "".join(f"{line}\n" for line in re.findall(r"^(?:keys|comes back by|seconds)> (.*)$", shown, re.M))
            result = CliRunner().invoke(app, arguments[1:], input=typed)
            assert not result.exception or isinstance(result.exception, SystemExit), result.exception
            if arguments[1] == "import":
                assert result.output.startswith(shown), result.output  # the rest is what is to be done by hand
                assert "warning" in result.output or "The whole list is in" in result.output
            else:
                assert result.output == shown
            run += 1
    assert run == 4

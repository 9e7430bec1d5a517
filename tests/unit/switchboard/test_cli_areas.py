"""A command loads its own area only, and every command is in the table of areas."""

import subprocess
import sys
from importlib import metadata

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from switchboard.cli.areas import AREAS, Area, command_line
from switchboard.cli.main import app


def names(line: typer.Typer) -> list[str]:
    group = typer.main.get_command(line)
    assert isinstance(group, TyperGroup)
    return sorted(group.commands)


def test_the_table_names_every_command_and_no_other() -> None:
    assert names(app) == sorted(name for area in AREAS for name in area.commands)


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.commands[0])
def test_an_area_has_just_its_commands(area: Area) -> None:
    assert names(command_line(area.commands[0])) == sorted(area.commands)


def test_asking_an_engine_loads_neither_the_engine_nor_what_draws_and_stores() -> None:
    code = (
        "import sys\nfrom switchboard.cli.areas import command_line\ncommand_line('state')\n"
        "print({'switchboard.engine', 'sqlalchemy', 'pyarrow', 'numpy', 'matplotlib', 'cel'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_version_is_that_of_the_package() -> None:
    done = CliRunner().invoke(command_line("--version"), ["--version"])
    assert (done.exit_code, done.output) == (0, f"switchboard {metadata.version('switchboard-acd')}\n")


def test_without_a_command_that_is_known_all_of_them_are_there() -> None:
    assert names(command_line("sate")) == names(command_line()) == names(app)


def test_the_engine_starts_without_what_only_rendering_and_planning_need() -> None:
    """Callers wait while it starts anew. scipy, which measures the loudness of prompts, took as long as the rest."""
    code = "import sys, switchboard.engine; print({'scipy', 'matplotlib', 'pyarrow', 'simpy'} & sys.modules.keys())"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded == "set()\n"

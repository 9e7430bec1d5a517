"""docs/reports.md: every command that it shows runs and is right."""

import re
import shlex
from pathlib import Path

import pytest
from sqlalchemy import inspect
from typer.testing import CliRunner

from router.core import events as e
from switchboard.centre import load_centre
from switchboard.cli.main import app
from switchboard.store import schema
from switchboard.store.database import open_centre_store
from switchboard.store.rebuild import rebuild
from tests.support.centres import FILES, write_centre
from tests.support.journals import Day
from tests.support.queue_log import GRAMMAR

PAGE = (Path(__file__).parents[3] / "docs/reports.md").read_text()
COMMANDS = [line for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.M | re.S) for line in block.splitlines()]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("records")
    day = Day(directory)
    day.feed(e.AgentSignedIn("anna"))
    day.feed(e.ContactArrived("1780000000.1", "billing", attributes={"intent": "invoice"}))
    text = f'{FILES["centre.yaml"]}  engine: {{directory: "{directory}"}}\n'
    made = write_centre(directory / "centre", {"centre.yaml": text})
    rebuild(load_centre(made))
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command: str, centre: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(command)
    assert program == "switchboard"
    result = CliRunner().invoke(app, [str(centre) if part == "CENTRE" else part for part in arguments])
    assert result.exit_code == 0, result.output


def test_commands_are_found() -> None:
    assert len(COMMANDS) >= 10


def test_the_tables_are_those_of_the_database(centre: Path) -> None:
    shown = set(re.findall(r"`(\w+)`", PAGE.partition("## The tables")[2])) & set(schema.metadata.tables)
    own = {"journal_position", "queue_log_file", "alembic_version"}
    assert shown == set(inspect(open_centre_store(load_centre(centre))).get_table_names()) - own


def test_every_event_of_the_queue_log_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z]+)`", PAGE))
    assert set(GRAMMAR) - {"QUEUESTART"} == explained - {"CENTRE", "FILE"}

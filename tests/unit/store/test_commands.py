"""The commands that read the records and care for them."""

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from documents import DocumentError
from router.core import events as e
from switchboard.centre import load_centre
from switchboard.cli.main import app
from switchboard.lock import DirectoryLock
from switchboard.operations.base import AUDIT
from switchboard.store.database import StoreError, newest_version, store_url
from switchboard.store.projector import Projector
from tests.support.centres import FILES, write_centre
from tests.support.journals import BEGIN_MS, Day

TODAY = datetime.fromtimestamp(BEGIN_MS / 1000, UTC).date()


def settings(text: str) -> dict[str, str]:
    return {"centre.yaml": f"{FILES['centre.yaml']}  {text}\n"}


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    return write_centre(tmp_path / "centre", settings(f'engine: {{directory: "{tmp_path}"}}'))


@pytest.fixture
def day(tmp_path: Path, database: Callable[[], Engine]) -> Day:
    """A day with one call that was answered; all of it is stored."""
    day = Day(tmp_path)
    day.feed(e.AgentSignedIn("anna"))
    day.call("1780000000.1", "invoice")
    day.wait(1_000)
    day.feed(e.ContactArrived("1780000000.1", "billing", attributes={"intent": "=1\x1b[2J"}, caller="600"))
    found = day.router.contact("1780000000.1")
    assert found is not None
    assert found.offer is not None
    day.wait(4_000)
    day.feed(e.OfferAccepted(found.offer))
    day.fact("disposition", "1780000000.1", "anna", code="sold", note="will call")
    day.fact(AUDIT, "1780000000.1", actor="sue", operation="move_contact", door="api", asked={"queue": "tech"})
    day.wait(60_000)
    day.feed(e.ContactEnded("1780000000.1", "agent"))
    store(day, database)
    return day


def store(day: Day, database: Callable[[], Engine]) -> None:
    projector = Projector(database, day.directory)
    projector.catch_up()
    projector.close()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_contacts_whole_story_in_one_place(centre: Path, day: Day) -> None:
    result = run("contact", "show", "1780000000", centre)
    assert result.exit_code == 0, result.output
    parts = (
        "call from +34600111222 to 5551000",
        "billing: answered, waited 4.0 s with anna, talk 60.0 s",
        "comes to menu of the flow main",
        "comes to ask of the flow main (by 1)",
        "waits in billing",
        "is offered to anna",
        "is joined with anna",
        "disposition by anna (code sold, note will call)",
        "sue asks for move contact (queue tech)",
        "finished: answered",
    )
    places = [result.output.index(part) for part in parts]
    assert places == sorted(places)
    assert "\x1b[2J" not in result.output
    assert "longest_idle" in run("contact", "show", "1780000000.1", centre, "--why").output


def test_a_contact_that_is_not_there_or_could_be_several(
    centre: Path, day: Day, database: Callable[[], Engine]
) -> None:
    assert run("contact", "show", "nobody", centre).exit_code == 1
    day.feed(e.ContactArrived("1780000000.2", "tech"))
    store(day, database)
    assert run("contact", "show", "17800", centre).exit_code == 1
    assert run("contact", "show", "1780000000.1", centre).exit_code == 0


def test_a_part_of_an_id_is_text_and_no_pattern(centre: Path, day: Day) -> None:
    assert run("contact", "show", "%", centre).exit_code == 1


def test_reports_in_every_format(centre: Path, day: Day, tmp_path: Path) -> None:
    asked = ("report", "intents", centre, "--from", TODAY, "--to", TODAY)
    shown = run(*asked)
    assert shown.exit_code == 0, shown.output
    assert "(all)" in shown.output
    lines = list(csv.DictReader(io.StringIO(run(*asked, "--format", "csv").output)))
    assert {line["intent"]: line["answered"] for line in lines} == {"(all)": "1", "'=1 [2J": "1"}
    assert lines[0]["start"] == f"{TODAY}T00:00:00+02:00", "the centre's own clock"
    data = json.loads(run(*asked, "--format", "json", "--interval", "60").output)
    assert {line["intent"] for line in data} == {"(all)", "=1\x1b[2J"}
    assert run(*asked, "--format", "parquet", "-o", tmp_path / "report.parquet").exit_code == 0
    table = parquet.read_table(pyarrow.BufferReader((tmp_path / "report.parquet").read_bytes()))
    assert table.column("answered").to_pylist() == [1, 1]


def test_reports_of_agents_and_of_one_of_them(centre: Path, day: Day) -> None:
    asked = ("report", "agents", centre, "--from", TODAY, "--name", "anna", "--format", "csv")
    (line,) = csv.DictReader(io.StringIO(run(*asked).output))
    assert (line["agent"], line["answered"], line["busy_ms"]) == ("anna", "1", "60000")


@pytest.mark.parametrize(
    "wrong", [("--format", "xml"), ("--interval", "7"), ("--to", str(TODAY - timedelta(1))), ("--to", "tomorrow")]
)
def test_what_makes_no_sense_is_wrong_usage(centre: Path, day: Day, wrong: tuple[str, str]) -> None:
    assert run("report", "queues", centre, "--from", TODAY, *wrong).exit_code == 2


def test_the_queue_log_is_exported_for_days_of_the_centre(centre: Path, day: Day, tmp_path: Path) -> None:
    every = run("queue-log", "export", centre).output.splitlines()
    assert sum("|CONNECT|" in line for line in every) == 1
    assert run("queue-log", "export", centre, "--from", TODAY, "--to", TODAY).output.splitlines() == every
    assert run("queue-log", "export", centre, "--from", TODAY + timedelta(1)).output == ""
    assert run("queue-log", "export", centre, "--output", tmp_path / "queue_log").exit_code == 0
    assert (tmp_path / "queue_log").read_text().splitlines() == every


def test_status_tells_whether_all_is_stored(centre: Path, day: Day, database: Callable[[], Engine]) -> None:
    assert run("store", "status", centre).exit_code == 0
    day.fact("disposition")
    result = run("store", "status", centre)
    assert result.exit_code == 1
    assert "behind by" in result.output


def test_a_rebuild_gives_the_same_records(centre: Path, day: Day) -> None:
    before = run("contact", "show", "1780000000.1", centre).output
    result = run("store", "rebuild", centre)
    assert result.output == f"{len(day.log)} records stored anew.\n"
    assert run("contact", "show", "1780000000.1", centre).output == before


def test_no_rebuild_under_a_running_engine(centre: Path, day: Day, tmp_path: Path) -> None:
    with DirectoryLock(tmp_path):
        result = run("store", "rebuild", centre)
    assert result.exit_code == 3
    assert run("contact", "show", "1780000000.1", centre).exit_code == 0


def test_without_records_commands_say_what_is_missing(centre: Path) -> None:
    result = run("report", "queues", centre, "--from", TODAY)
    assert result.exit_code == 3
    assert run("store", "upgrade", centre).output.endswith(f": version {newest_version()}.\n")
    assert "Nothing is recorded" in run("report", "queues", centre, "--from", TODAY).output


def test_a_damaged_database_is_told_in_words(centre: Path, day: Day, tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"not a database at all" * 100)
    result = run("contact", "show", "1780000000.1", centre)
    assert result.exit_code == 3
    assert "Traceback" not in result.output


def test_no_password_stands_in_the_address(tmp_path: Path) -> None:
    url = 'store: {url: "postgresql://records:geheim@db/records"}'
    with pytest.raises(DocumentError) as raised:
        load_centre(write_centre(tmp_path / "wrong", settings(url)))
    assert "geheim" not in str(raised.value)
    assert "a password does not stand in 'url'" in str(raised.value)


def test_the_password_is_found_where_the_settings_say(tmp_path: Path) -> None:
    text = 'store: {url: "postgresql://records@db/records", password: {secret_file: db-password}}'
    write_centre(tmp_path, settings(text))
    (tmp_path / "db-password").write_text("geheim\n")
    made = store_url(load_centre(tmp_path).settings.store, tmp_path, tmp_path)
    assert (made.drivername, made.password, made.host) == ("postgresql+psycopg", "geheim", "db")


@pytest.mark.parametrize("url", ["mysql://db/records", "nonsense"])
def test_other_databases_are_refused_by_name(tmp_path: Path, url: str) -> None:
    write_centre(tmp_path, settings(f'store: {{url: "{url}"}}'))
    with pytest.raises(StoreError, match=r"settings\.store\.url"):
        store_url(load_centre(tmp_path).settings.store, tmp_path, tmp_path)


def test_sqlite_may_be_somewhere_else(tmp_path: Path) -> None:
    write_centre(tmp_path, settings('store: {url: "sqlite:////srv/records.db"}'))
    made = store_url(load_centre(tmp_path).settings.store, tmp_path, tmp_path)
    assert made.database == "/srv/records.db"


def test_the_file_is_a_plain_sqlite_database_in_wal_mode(day: Day, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "records.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_nobody_but_the_engines_user_reads_the_file(day: Day, tmp_path: Path) -> None:
    assert [path.stat().st_mode & 0o077 for path in tmp_path.glob("records.db*")] == [0]

"""The records in a real PostgreSQL: the same rows as in SQLite, the same promises."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import URL, Engine, text

from switchboard.centre import load_centre
from switchboard.publishing import plan as plans
from switchboard.publishing.preparing import content_of
from switchboard.publishing.versions import Versions
from switchboard.reports.report import make_report
from switchboard.store import projector as module
from switchboard.store.database import newest_version, open_store, require_records, upgrade, version
from switchboard.store.projector import Projector
from switchboard.store.records import find_contacts, whole_contact
from switchboard.store.versions import OutOfDate
from tests.support.centres import write_centre
from tests.support.journals import BEGIN_MS, Day
from tests.support.postgres import Postgres, running_postgres
from tests.unit.store.conftest import everything


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as running:
        yield running


@pytest.fixture
def url(postgres: Postgres, request: pytest.FixtureRequest) -> URL:
    """An empty database."""
    name = request.node.name[:60]
    server = open_store(postgres.url()).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return postgres.url(name)


@pytest.fixture
def database(url: URL) -> Callable[[], Engine]:
    return lambda: open_store(url)


def test_the_same_rows_as_in_sqlite(tmp_path: Path, database: Callable[[], Engine]) -> None:
    Day(tmp_path).busy(300)
    expected: dict[str, list[dict[str, object]]] = {}
    for opened in (lambda: open_store(URL.create("sqlite", database=str(tmp_path / "records.db"))), database):
        projector = Projector(opened, tmp_path)
        projector.catch_up()
        found = everything(opened())
        expected = expected or found
        projector.close()
    assert found == expected


def test_reports_and_stories_are_read_from_it(tmp_path: Path, database: Callable[[], Engine]) -> None:
    day = Day(tmp_path).busy(200)
    projector = Projector(database, tmp_path)
    projector.catch_up()
    today = datetime.fromtimestamp(BEGIN_MS / 1000, UTC).date()
    store = database()
    require_records(store)
    with store.connect() as connection:
        until = today + timedelta(days=1)
        made = make_report(connection, "queues", today, until, ZoneInfo("Etc/UTC"), "15", day.now_ms)
        assert {row.name for row in made.rows} == {"(all)", "billing", "tech"}
        found = find_contacts(connection, "0.1")
        assert "0.1" in found
        whole = whole_contact(connection, "0.1")
    assert whole is not None
    assert whole.stays
    projector.close()


def test_a_nul_from_a_caller_is_stored_as_a_mark(tmp_path: Path, database: Callable[[], Engine]) -> None:
    day = Day(tmp_path)
    day.fact("disposition", "c\0", notes={"said\0": "nothing\0"})
    projector = Projector(database, tmp_path)
    assert projector.catch_up() == 2
    (fact,) = (row for row in everything(database())["facts"] if row["kind"] == "disposition")
    assert (fact["contact"], fact["data"]) == ("c\ufffd", {"notes": {"said\ufffd": "nothing\ufffd"}})
    projector.close()


def test_migrations_run_once_however_many_start_at_the_same_time(database: Callable[[], Engine]) -> None:
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda _: upgrade(database()), range(4)))
    assert version(database()) == newest_version()


def test_a_server_that_stops_and_starts_again_misses_nothing(
    tmp_path: Path, postgres: Postgres, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.2)
    day = Day(tmp_path).busy(50)
    projector = Projector(database, tmp_path)
    projector.start()
    _until(lambda: projector.status.records == len(day.log))
    postgres.stop()
    day.busy(100)
    _until(lambda: projector.status.error != "")
    assert projector.status.behind_bytes > 0
    postgres.start()
    _until(lambda: projector.status.records == len(day.log) and not projector.status.error)
    projector.stop(30)
    stored = everything(database())
    again = tmp_path / "again"
    anew = Projector(lambda: open_store(URL.create("sqlite", database=str(again))), tmp_path)
    anew.catch_up()
    anew.close()
    assert stored == everything(open_store(URL.create("sqlite", database=str(again))))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_published_versions_are_kept_and_of_two_who_publish_at_once_one_is_refused(
    tmp_path: Path, database: Callable[[], Engine]
) -> None:
    centre = load_centre(write_centre(tmp_path / "centre"))
    content = content_of(centre)
    both = [Versions(tmp_path / name, centre.directory, database) for name in ("anna", "ben")]

    def publish(versions: Versions, author: str) -> str:
        try:
            info = versions.publish(content, centre.content, base=0, created_ms=1, author=author, note="\0 ñ 中")
            versions.change(plans.published(versions.plan, info.number, 0), author, f"publish {info.number}")
        except OutOfDate:
            return "refused"
        return "in force"

    upgrade(database())
    with ThreadPoolExecutor() as threads:
        done = list(threads.map(publish, both, ("anna", "ben")))
    assert sorted(done) == ["in force", "refused"]
    for versions in (*both, Versions(tmp_path / "new", centre.directory, database)):
        versions.look()
        assert len(versions.history()) == 1
        assert versions.load(versions.plan.in_force).content == centre.content
    before = both[0].all()
    assert before[both[0].plan.in_force].note == "\ufffd ñ 中"
    with database().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM flow_blobs")).scalar_one() == len(set(content.values()))

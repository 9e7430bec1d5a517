"""The database is locked, read-only, gone or full: what happens then is stored later, and nobody waits for it."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, event

from router.core.events import AgentSignedIn, TimePassed
from router.live.journal import Handled
from switchboard.store import database as database_module
from switchboard.store import projector as module
from switchboard.store import schema
from switchboard.store.database import open_store
from switchboard.store.projector import Projector
from tests.support.journals import Day
from tests.unit.store.conftest import count

DEADLINE_S = 30


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(module, "POLL_S", 0.02)
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(database_module, "_LOCK_WAIT_S", 0.1)


@pytest.fixture
def kept(tmp_path: Path, database: Callable[[], Engine]) -> Iterator[Projector]:
    projector = Projector(database, tmp_path)
    yield projector
    projector.stop(timeout_s=DEADLINE_S)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def stored(kept: Projector, day: Day) -> Callable[[], bool]:
    return lambda: kept.status.records == len(day.log) and not kept.status.error


def test_a_database_that_somebody_has_locked(tmp_path: Path, kept: Projector, database: Callable[[], Engine]) -> None:
    day = Day(tmp_path)
    kept.start()
    until(stored(kept, day))
    locker = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    day.busy(30)
    until(lambda: "locked" in kept.status.error)
    status = kept.status
    assert status.behind_bytes > 0
    assert status.failures > 0
    until(lambda: kept.status.behind_ms > 0)
    locker.execute("ROLLBACK")
    until(stored(kept, day))
    assert kept.status.behind_bytes == 0
    assert count(database(), schema.journal_position) == 1


def test_a_database_on_a_disk_that_became_read_only(
    tmp_path: Path, kept: Projector, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write any file, so SQLite itself is told to refuse."""
    day = Day(tmp_path)
    kept.start()
    until(stored(kept, day))
    read_only = True

    def opened() -> Engine:
        engine = database()
        if read_only:
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
        return engine

    kept._open_database = opened
    kept._failed("the next connection is read-only", 0.0)
    day.busy(20)
    until(lambda: "readonly" in kept.status.error)
    read_only = False
    until(stored(kept, day))


def test_a_database_that_was_removed_is_made_anew_from_the_journals(
    tmp_path: Path, kept: Projector, database: Callable[[], Engine]
) -> None:
    day = Day(tmp_path).busy(20)
    kept.start()
    until(stored(kept, day))
    for path in tmp_path.glob("records.db*"):
        path.unlink()
    day.feed(AgentSignedIn("anna"))
    day.busy(10)
    until(lambda: kept.status.failures > 0 and stored(kept, day)())
    again = Projector(database, tmp_path)
    assert again.catch_up() == 0
    assert count(database(), schema.story) == sum(
        len(record.decisions) for record in day.log if type(record) is Handled
    ) + sum(type(record) is Handled and type(record.event) is not TimePassed for record in day.log)


def test_a_directory_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    day = Day(tmp_path).busy(10)
    projector = Projector(lambda: open_store(URL.create("sqlite", database=str(place / "records.db"))), tmp_path)
    projector.start()
    until(lambda: "unable to open" in projector.status.error)
    place.mkdir()
    until(stored(projector, day))
    projector.stop(DEADLINE_S)


_FULL = """
import resource, sys
from pathlib import Path
from sqlalchemy import URL
from switchboard.store.database import open_store, reason, upgrade
from switchboard.store.projector import Projector
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
directory = Path(sys.argv[1])
open_it = lambda: open_store(URL.create("sqlite", database=str(directory / "records.db")))
upgrade(open_it())
size = (directory / "records.db").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40_000, resource.RLIM_INFINITY))
projector = Projector(open_it, directory)
try:
    projector.catch_up()
except Exception as error:
    print(reason(error))
"""


def test_a_disk_that_is_full(tmp_path: Path, database: Callable[[], Engine]) -> None:
    """The kernel lets the file grow no further, as a full disk would; with space again all is stored."""
    day = Day(tmp_path).busy(200)
    done = subprocess.run([sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert any(word in done.stdout for word in ("full", "disk I/O error")), done.stdout + done.stderr
    projector = Projector(database, tmp_path)
    projector.catch_up()
    assert projector.status.records == len(day.log)
    projector.close()


async def test_the_event_loop_goes_on_while_the_database_hangs(tmp_path: Path, kept: Projector) -> None:
    day = Day(tmp_path)
    kept.start()
    until(stored(kept, day))
    locker = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    day.busy(50)
    longest, loop = 0.0, asyncio.get_running_loop()
    while "locked" not in kept.status.error:
        before = loop.time()
        await asyncio.sleep(0.001)
        longest = max(longest, loop.time() - before)
    locker.execute("ROLLBACK")
    assert longest < 1.0
    until(stored(kept, day))


def test_a_queue_log_that_cannot_be_written_holds_up_nothing(tmp_path: Path, database: Callable[[], Engine]) -> None:
    place = tmp_path / "log"
    place.write_text("a file where a directory should be")
    projector = Projector(database, tmp_path, queue_log=place / "queue_log")
    day = Day(tmp_path).busy(30)
    assert projector.catch_up() == len(day.log)
    place.unlink()
    day.busy(30)
    projector.catch_up()
    assert len((place / "queue_log").read_text().splitlines()) == count(database(), schema.queue_log)
    projector.close()

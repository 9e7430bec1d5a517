"""The thread that keeps the records: follows the journals and stores what they say.

What it promises. Rows and the position behind them are committed together, so a crash or a lost database never stores
anything twice or leaves anything out. Whatever fails is tried again with growing pauses, from what the database has:
calls go on meanwhile, and `status` tells of it. The engine's own thread comes first: this one gives way after every
record.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, PoolProxiedConnection, select
from sqlalchemy.exc import SQLAlchemyError

from router.live.journal import JournalError, newest
from switchboard.store import schema
from switchboard.store.batch import give_way, upsert
from switchboard.store.database import StoreError, reason, upgrade
from switchboard.store.follower import BEGINNING, Follower, Position
from switchboard.store.projection import Projection
from switchboard.store.queue_log_file import QueueLogFile

log = logging.getLogger(__name__)

POLL_S = 0.5
BATCH_BYTES = 128 * 1024
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
_DAY_S = 86_400
_CLEAN_EVERY_S = 3600


class StoreStatus(msgspec.Struct, frozen=True):
    """How the records stand. `behind_bytes` of the journals are not stored yet, the oldest of them for `behind_ms`;
    `error` is what keeps them from it, empty when nothing does. `records` counts all that are stored."""

    file: str = ""
    offset: int = 0
    records: int = 0
    stored_ms: int = 0
    behind_bytes: int = 0
    behind_ms: int = 0
    failures: int = 0
    error: str = ""


class DatabaseGone(StoreError):
    """The database's file is no more the one that was opened."""


class Projector:
    """Keeps the records of the journals in `directory`. `start` it, ask its `status` at any time, `stop` it."""

    def __init__(
        self,
        database: Callable[[], Engine],
        directory: Path,
        *,
        journal_days: int | None = None,
        queue_log: Path | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`database` opens the records; it may raise StoreError, and is asked again after every failure. Without
        `journal_days` no journal is deleted."""
        self._open_database = database
        self._directory = directory
        self._journal_days = journal_days
        self._now_ms = now_ms
        self._queue_log = QueueLogFile(queue_log) if queue_log else None
        self._queue_log_error = ""
        self._engine: Engine | None = None
        self._kept_open: PoolProxiedConnection | None = None
        self._inode: int | None = None
        self._follower = Follower(directory)
        self._stored = BEGINNING
        self._projection = Projection()
        self._records = 0
        self._stored_ms = 0
        self._behind_since: float | None = None
        self._failures = 0
        self._error = ""
        self._cleaned = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends the thread after what is written already is stored; what is not stored then is stored later."""
        self._stopping.set()
        self._thread.join(timeout_s)

    @property
    def status(self) -> StoreStatus:
        """May be asked from any thread."""
        position, since = self._stored, self._behind_since
        try:
            behind = Follower(self._directory, position).behind()
        except OSError:
            behind = 0
        return StoreStatus(
            file=position.file,
            offset=position.offset,
            records=self._records,
            stored_ms=self._stored_ms,
            behind_bytes=behind,
            behind_ms=0 if since is None or not behind else round((time.monotonic() - since) * 1000),
            failures=self._failures,
            error=self._error,
        )

    def catch_up(self) -> int:
        """Stores all that the journals have now; how many records that were. For use without the thread.

        Raises what the database, the journals or the disk have against it.
        """
        if self._engine is None:
            self._connect()
        before = self._records
        while self._store_some():
            pass
        return self._records - before

    def close(self) -> None:
        if self._kept_open is not None:
            self._kept_open.close()
            self._kept_open = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    # The thread

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            last = self._stopping.is_set()
            try:
                self.catch_up()
                self._clean()
            except (SQLAlchemyError, StoreError, JournalError, OSError) as error:
                self._failed(reason(error), pause_s)
                wait_s, pause_s = pause_s, min(2 * pause_s, LONGEST_PAUSE_S)
            except Exception as error:  # a mistake of ours: the records stop here, the calls do not
                log.exception("the records cannot go on")
                self._failed(repr(error), LONGEST_PAUSE_S)
                wait_s = LONGEST_PAUSE_S
            else:
                if self._error:
                    log.info("the records are kept again")
                self._error, wait_s, pause_s = "", POLL_S, FIRST_PAUSE_S
            if last:
                break
            self._stopping.wait(wait_s)
        self.close()

    def _failed(self, why: str, pause_s: float) -> None:
        """All that was in memory is forgotten: the database says where to go on."""
        self._failures += 1
        if why != self._error:
            log.error("the records cannot be kept; they follow when it is mended: %s (again in %g s)", why, pause_s)
        self._error = why
        self._behind_since = self._behind_since or time.monotonic()
        self.close()

    def _connect(self) -> None:
        engine = self._open_database()
        upgrade(engine)
        with engine.begin() as connection:
            row = connection.execute(select(schema.journal_position)).one_or_none()
            position = Position(row.file, row.offset) if row else Position()
            self._projection = Projection.restored(connection, row.next_id if row else 1)
            if self._queue_log:
                self._queue_log.begin(connection)
        self._records, self._stored_ms = (row.records, row.at_ms) if row else (0, 0)
        self._follower = Follower(self._directory, position)
        self._stored = position
        for record in self._follower.read_again():
            self._projection.policy_only(record)
        self._inode = _inode(engine)
        if engine.dialect.name == "sqlite":  # the last connection that is closed empties the write-ahead log, each time
            self._kept_open = engine.raw_connection()
        self._engine = engine
        self._follow_queue_log(engine)

    def _store_some(self) -> int:
        """One batch; how many records it had."""
        assert self._engine is not None
        if _inode(self._engine) != self._inode:
            raise DatabaseGone(f"{self._engine.url.database} is not the file any more that was opened")
        records = self._follower.read(BATCH_BYTES)
        if not records:
            self._behind_since = None
            return 0
        self._behind_since = self._behind_since or time.monotonic()
        for record in records:
            self._projection.take(record)
            give_way()
        with self._engine.begin() as connection:
            self._projection.batch.write(connection)
            self._write_position(connection, self._records + len(records), records[-1].at_ms)
        self._projection.batch.written()
        self._stored = self._follower.position
        self._records += len(records)
        self._stored_ms = records[-1].at_ms
        self._follow_queue_log(self._engine)
        return len(records)

    def _follow_queue_log(self, engine: Engine) -> None:
        if self._queue_log is None:
            return
        try:
            self._queue_log.follow(engine)
            self._queue_log_error = ""
        except OSError as error:
            why = error.strerror or str(error)
            if why != self._queue_log_error:
                log.error("%s cannot be written; it follows when it can: %s", self._queue_log.path, why)
            self._queue_log_error = why

    def _write_position(self, connection: Connection, records: int, at_ms: int) -> None:
        position = self._follower.position
        row = {
            "id": 1,
            "file": position.file,
            "offset": position.offset,
            "records": records,
            "next_id": self._projection.batch.next_id,
            "at_ms": at_ms,
        }
        upsert(connection, schema.journal_position, [row])

    def _clean(self) -> None:
        """Deletes journals that are stored and old; never one that a starting engine may need."""
        if self._journal_days is None or time.monotonic() - self._cleaned < _CLEAN_EVERY_S:
            return
        self._cleaned = time.monotonic()
        needed = newest(self._directory)
        before_s = self._now_ms() / 1000 - self._journal_days * _DAY_S
        for path in self._follower.journals():
            stored = path.name < self._stored.file
            if stored and needed is not None and path.name < needed.name and path.stat().st_mtime < before_s:
                path.unlink()
                log.info("%s is stored and older than %d days: deleted", path, self._journal_days)


def _inode(engine: Engine) -> int | None:
    """Which file a SQLite database is; None for PostgreSQL, and where there is no file."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    try:
        return Path(engine.url.database).stat().st_ino
    except FileNotFoundError:
        return None

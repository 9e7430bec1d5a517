"""Performs the flow's Query: one SELECT in a database of the customer's own, read-only, with bound parameters, in time.

Whatever the statement says, nothing is written: SQLite files are opened read-only, PostgreSQL's transactions are READ
ONLY, and every transaction is rolled back. A statement that takes too long is ended in the database itself. Each
database has threads of its own, so that one that hangs keeps no other waiting; when all of them are busy the next
question fails at once instead of piling up.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from documents import nearest
from ivr.flow.effects import Query
from ivr.flow.inputs import LookedUp, LookupFailed
from ivr.lookup import SIZE_LIMIT, TIMEOUT_LIMIT_MS
from switchboard.centre.secrets import SecretError
from switchboard.centre.settings import DatabaseSettings
from switchboard.store.database import reason

log = logging.getLogger(__name__)

THREADS: Final = 8
"""So many questions are under way in one database."""
CONNECT_S: Final = 3


class UnusableDatabase(Exception):
    """The settings of a database cannot be used; the message says why."""


class DatabaseLookup:
    """Asks the databases that the settings name. Close it in the end."""

    def __init__(self, settings: Mapping[str, DatabaseSettings], directory: Path) -> None:
        self._directory = directory
        self._databases: dict[str, _Database] = {}
        self.change(settings)

    def change(self, settings: Mapping[str, DatabaseSettings]) -> None:
        """From now on these databases may be asked; what is being asked of others is answered yet."""
        before, self._databases = self._databases, {}
        for name, database in settings.items():
            known = before.get(name)
            if known is not None and known.settings == database:
                self._databases[name] = before.pop(name)
            else:
                self._databases[name] = _Database(name, database, self._directory)
        for gone in before.values():
            gone.close()

    def close(self) -> None:
        for database in self._databases.values():
            database.close()

    async def query(self, effect: Query) -> LookedUp | LookupFailed:
        """The first row, or why there is none: `refused` by our rules, `unreachable`, `timeout`, or `bad_response`
        (what the database says to the statement). Details never hold the parameters: callers may have entered them.
        """
        database = self._databases.get(effect.database)
        if database is None:
            hint = nearest(effect.database, self._databases)
            return _failed("refused", f"the settings have no database {effect.database!r} ({hint})")
        return await database.query(effect)


class _Database:
    def __init__(self, name: str, settings: DatabaseSettings, directory: Path) -> None:
        self._name = name
        self.settings = settings
        self._directory = directory
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"lookup-{name}")
        self._busy = 0
        self._engine: Engine | None = None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._engine:
            self._engine.dispose()

    async def query(self, effect: Query) -> LookedUp | LookupFailed:
        if self._busy >= THREADS:
            return _failed("timeout", f"{self._name}: {THREADS} lookups are under way, and none of them has ended")
        timeout_ms = max(1, min(effect.timeout_ms, TIMEOUT_LIMIT_MS))
        self._busy += 1
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._ask, effect, timeout_ms)
        work.add_done_callback(self._done)
        finished, _ = await asyncio.wait({work}, timeout=timeout_ms / 1_000)
        if not finished:
            return _failed("timeout", f"{self._name} did not answer in {timeout_ms} ms")
        return work.result()

    def _done(self, work: "asyncio.Future[LookedUp | LookupFailed]") -> None:
        self._busy -= 1

    def _ask(self, effect: Query, timeout_ms: int) -> LookedUp | LookupFailed:
        """In a thread."""
        try:
            engine = self._engine = self._engine or self._open()
            with engine.connect() as connection, connection.begin() as transaction:
                _limit(connection, timeout_ms)
                found = connection.execute(text(effect.sql), effect.parameters)
                row = found.mappings().first() if found.returns_rows else None
                transaction.rollback()
        except UnusableDatabase as error:
            return _failed("refused", f"{self._name}: {error}")
        except SQLAlchemyError as error:
            said = reason(error)
            if "interrupted" in said or "statement timeout" in said:
                return _failed("timeout", f"{self._name} did not answer in {timeout_ms} ms")
            connected = not any(word in said for word in ("connect", "unable to open"))
            return _failed("bad_response" if connected else "unreachable", f"{self._name}: {said[:200]}")
        if row is None:
            return LookedUp(404)
        try:
            data = {str(name): _plain(value) for name, value in row.items()}
        except TypeError as error:
            return _failed("bad_response", f"{self._name}: {error}")
        size = sum(len(str(value)) for value in data.values())
        if size > SIZE_LIMIT:
            return _failed("bad_response", f"{self._name}: a row of more than {SIZE_LIMIT} characters")
        return LookedUp(200, data)

    def _open(self) -> Engine:
        try:
            url = make_url(self.settings.url)
        except ArgumentError:
            raise UnusableDatabase("its 'url' is no address; try postgresql://user@host/name") from None
        try:
            password = self.settings.password.read(self._directory) if self.settings.password else None
        except SecretError as error:
            raise UnusableDatabase(str(error)) from None
        if url.get_backend_name() == "sqlite":
            path = (self._directory / (url.database or "")).absolute()
            url = url.set(drivername="sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})
            return create_engine(url, poolclass=NullPool, connect_args={"timeout": CONNECT_S})
        if url.get_backend_name() != "postgresql":
            raise UnusableDatabase(f"{url.drivername} is not supported; use postgresql:// or sqlite:///")
        engine = create_engine(
            url.set(drivername="postgresql+psycopg", password=password),
            pool_pre_ping=True,
            pool_size=THREADS,
            connect_args={"connect_timeout": CONNECT_S, "options": "-c default_transaction_read_only=on"},
        )

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")

        return engine


def _limit(connection: Connection, timeout_ms: int) -> None:
    """Ends the statement in the database itself when the time is over."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {timeout_ms}")
        return
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.set_authorizer(_may)
    until = monotonic() + timeout_ms / 1_000
    raw.set_progress_handler(lambda: monotonic() > until, 10_000)


_READING: Final = frozenset(
    (
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
    )
)


def _may(action: int, *_: object) -> int:
    """SQLite asks of everything that a statement does: it may read, and nothing else (ATTACH would make files)."""
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _plain(value: Any) -> Any:
    """What expressions understand."""
    if value is None or isinstance(value, (str, int, float, bool, dict, list)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a column of the kind {type(value).__name__} means nothing to flows; convert it in the statement")


def _failed(cause: Literal["timeout", "refused", "unreachable", "bad_response"], detail: str) -> LookupFailed:
    log.warning("lookup %s: %s", cause, detail)
    return LookupFailed(cause, detail)

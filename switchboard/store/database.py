"""Opening the records' database, SQLite or PostgreSQL, and bringing its tables to this version."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from switchboard.centre import Centre
from switchboard.centre.settings import StoreSettings

FILE_NAME = "records.db"
_LOCK_WAIT_S = 5
_MIGRATION_LOCK = 0x5B0A4D
"""The key of PostgreSQL's advisory lock under which the tables are changed."""


class StoreError(Exception):
    """The records cannot be used as things are; the message says why and what to do."""


def store_url(settings: StoreSettings, directory: Path, centre_directory: Path) -> URL:
    """Where the records are. `directory` is the engine's; the password comes from where the settings say.

    Raises StoreError for an address that is not understood, SecretError for a password that is not there.
    """
    if settings.url is None:
        return URL.create("sqlite", database=str(directory / FILE_NAME))
    try:
        url = make_url(settings.url)
    except ArgumentError:
        raise StoreError(
            f"settings.store.url: {settings.url!r} is no address; try postgresql://user@host/name"
        ) from None
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite")
    if url.get_backend_name() != "postgresql":
        raise StoreError(f"settings.store.url: {url.drivername} is not supported; use postgresql:// or sqlite:///")
    password = settings.password.read(centre_directory) if settings.password else None
    return url.set(drivername="postgresql+psycopg", password=password)


def open_store(url: URL, *, read_only: bool = False) -> Engine:
    """An engine of SQLAlchemy for the records; nothing is connected yet."""
    if url.get_backend_name() != "sqlite":
        options = f"-c statement_timeout={_LOCK_WAIT_S * 60_000} -c lock_timeout={_LOCK_WAIT_S * 1000}"
        arguments = {"connect_timeout": _LOCK_WAIT_S, "options": options}
        return create_engine(url, pool_pre_ping=True, json_serializer=_json, connect_args=arguments)
    # A connection of its own each time: the file may have been replaced.
    arguments = {"timeout": _LOCK_WAIT_S}
    engine = create_engine(url, poolclass=NullPool, json_serializer=_json, connect_args=arguments)

    @event.listens_for(engine, "do_connect")
    def _connects(*_: object) -> None:
        if not read_only and url.database:
            with contextlib.suppress(OSError):  # what is wrong with the place SQLite says itself
                Path(url.database).touch(mode=0o600)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN is ours, see below
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "PRAGMA synchronous = NORMAL"
        )  # with WAL: a power cut may undo a commit, never harm the file

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def open_centre_store(centre: Centre, *, read_only: bool = False) -> Engine:
    """The records of a centre."""
    directory = Path(centre.settings.engine.directory)
    return open_store(store_url(centre.settings.store, directory, centre.directory), read_only=read_only)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Brings the tables to this version; others who try it at the same time wait.

    Raises StoreError when they are of a newer version, DBAPIError when the database cannot be reached or written.
    """
    with engine.begin() as connection:  # with SQLite this is the lock as well
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        present = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if present is not None and present not in known:
            raise StoreError(
                f"the records are of a newer version of Switchboard ({present}); use that version, or a copy of the "
                "database from before"
            )
        command.upgrade(_config(connection), revision)


def version(engine: Engine) -> str | None:
    """The revision of the tables; None: there are none."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def require_records(engine: Engine) -> None:
    """Raises StoreError, in words, unless the records can be read with this version."""
    database = engine.url.database
    if engine.dialect.name == "sqlite" and not (database and Path(database).exists()):
        raise StoreError(f"{database}: no records here; an engine keeps them in its directory (settings.store)")
    try:
        present = version(engine)
    except DBAPIError as error:
        raise StoreError(f"the records cannot be read: {reason(error)}") from None
    if present != newest_version():
        raise StoreError(
            f"the records are of version {present or 'none'}, this program's are {newest_version()}: "
            "`switchboard store upgrade CENTRE`"
        )


def reason(error: BaseException) -> str:
    """What the database said, in one line, without the statement and its values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split()) or type(cause).__name__


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "switchboard.store:migrations")
    config.attributes["connection"] = connection
    return config

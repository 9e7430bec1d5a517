"""Tables of CDRs and of `queue_log` in a database that Asterisk writes, by the address of SQLAlchemy."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy
from sqlalchemy import MetaData, Table, create_engine, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from documents import DocumentError, Problem, nearest
from simulations.history.cdr import Records, text_columns
from switchboard.store.database import reason

_AT_ONCE = 50_000
_CDR_NEEDS = ("duration", "billsec", "disposition", "lastapp", "lastdata", "dstchannel")
_STARTS = ("start", "calldate", "start_time")
_QUEUE_LOG_NEEDS = ("time", "callid", "queuename", "agent", "event")
_DATA = ("data1", "data2", "data3", "data4", "data5")


class DatabaseTable(NamedTuple):
    """A table that was found: which kind of records it has, and its rows."""

    name: str
    kind: str
    table: Table
    engine: Any

    def records(self) -> Iterator[Records]:
        """The columns of CDRs as text. Columns may have any capitals; `calldate` is `start`."""
        columns = {column.name.casefold(): column for column in self.table.columns}
        start = next(name for name in _STARTS if name in columns)
        wanted = {("start" if name == start else name): column for name, column in columns.items()}
        row = 1
        for rows in self._partitions(list(wanted.values())):
            cells = {
                name: list(map(_text, values)) for name, values in zip(wanted, zip(*rows, strict=True), strict=True)
            }
            yield numpy.arange(row, row + len(rows), dtype=numpy.int64), text_columns(cells, len(rows))
            row += len(rows)

    def lines(self) -> Iterator[list[str]]:
        """The rows of a `queue_log` as lines of the file."""
        columns = {column.name.casefold(): column for column in self.table.columns}
        data = [name for name in _DATA if name in columns] or ["data"]
        wanted = [columns[name] for name in (*_QUEUE_LOG_NEEDS, *data) if name in columns]
        for rows in self._partitions(wanted):
            yield ["|".join(map(_text, row)).rstrip("|") for row in rows]

    def _partitions(self, columns: Sequence[Any]) -> Iterator[Sequence[Any]]:
        try:
            with self.engine.connect() as connection:
                query = select(*columns).execution_options(yield_per=_AT_ONCE)
                yield from connection.execute(query).partitions(_AT_ONCE)
        except SQLAlchemyError as error:
            raise DocumentError([Problem(f"the table cannot be read: {reason(error)}", self.name)]) from None


def open_table(address: str, name: str | None) -> DatabaseTable:
    """The table `name` at this address; by default `cdr`, or `queue_log` if there is no such.

    Raises DocumentError for an address, a driver or a table that is not there, and for a table of something else.
    """
    try:
        url = make_url(address)
        shown = url.render_as_string(hide_password=True)
        engine = create_engine(url)
        tables = inspect(engine).get_table_names()
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        hint = "PostgreSQL and SQLite need nothing more; install the driver of others beside Switchboard"
        raise DocumentError([Problem(f"there is no driver for this address: {error}", hint=hint)]) from None
    except ArgumentError:
        hint = "one is postgresql+psycopg://user@host/asteriskcdrdb, or sqlite:///path/to/master.db"
        raise DocumentError([Problem(f"{address!r} is no address of a database", hint=hint)]) from None
    except (SQLAlchemyError, OSError) as error:
        raise DocumentError([Problem(f"the database cannot be reached: {reason(error)}", shown)]) from None
    chosen = name or next((each for each in ("cdr", "queue_log") if each in tables), "cdr")
    if chosen not in tables:
        raise DocumentError(
            [Problem(f"there is no table {chosen!r}; choose with --table", shown, hint=nearest(chosen, tables))]
        )
    table = Table(chosen, MetaData(), autoload_with=engine)
    present = {column.name.casefold() for column in table.columns}
    full = f"{shown}#{chosen}"
    if present.issuperset(_QUEUE_LOG_NEEDS):
        return DatabaseTable(full, "queue-log", table, engine)
    missing = [column for column in _CDR_NEEDS if column not in present]
    if not present.intersection(_STARTS):
        missing.append("start")
    problems = [Problem(f"there is no column {column!r}", full, hint=nearest(column, present)) for column in missing]
    if problems:
        raise DocumentError(problems)
    return DatabaseTable(full, "cdr", table, engine)


def _text(value: object) -> str:
    return "" if value is None else str(value).replace("|", " ")

"""Rows on their way into the database: what was added and what changed since the last commit."""

import select
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from switchboard.store import schema
from switchboard.store.rows import AgentState, Call, OfferRow, Row, Stay, Wait

Item = TypeVar("Item")

_AT_ONCE = 100

TABLE_OF: dict[type[Row], Table] = {
    Stay: schema.contacts,
    Wait: schema.waits,
    OfferRow: schema.offers,
    AgentState: schema.agent_states,
    Call: schema.calls,
}


class Batch:
    """What is to be written with the next position of the journal. `next_id` numbers the happenings."""

    def __init__(self, next_id: int = 1) -> None:
        self.next_id = next_id
        self._added: dict[Table, list[dict[str, Any]]] = {}
        self._changed: dict[type[Row], dict[int, Row]] = {kind: {} for kind in TABLE_OF}

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def add(self, table: Table, **values: Any) -> None:
        """A row that never changes."""
        self._added.setdefault(table, []).append({"id": self.new_id(), **values})

    def change(self, row: Row) -> None:
        """A row that is new or has changed; it is written as it is when the batch is."""
        self._changed[type(row)][row.id] = row

    def write(self, connection: Connection) -> None:
        for kind, rows in self._changed.items():
            for some in _chunks(list(rows.values())):
                upsert(connection, TABLE_OF[kind], [row.values() for row in some])
        for table, added in self._added.items():
            for several in _chunks(added):
                connection.execute(table.insert(), several)

    def written(self) -> None:
        """The transaction is committed."""
        self._added.clear()
        for rows in self._changed.values():
            rows.clear()


def _chunks(rows: list[Item]) -> Iterator[list[Item]]:
    """A few rows at a time, and between them the engine's thread goes first."""
    for begin in range(0, len(rows), _AT_ONCE):
        yield rows[begin : begin + _AT_ONCE]
        give_way()


def give_way() -> None:
    """Lets the engine's thread go first, if it wants to. Not by `time.sleep(0)`, which fails under libfaketime."""
    select.select((), (), (), 0)


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Writes each row, in place of the one of the same id if there is one."""
    connection.execute(_upsert(connection.dialect.name, table), rows)


@cache
def _upsert(dialect: str, table: Table) -> Any:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    new = {column.name: insert.excluded[column.name] for column in table.columns if column.name != "id"}
    return insert.on_conflict_do_update(index_elements=["id"], set_=new)

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, Table, func, select

from switchboard.store import schema
from switchboard.store.database import FILE_NAME, open_store
from switchboard.store.projector import Projector


@pytest.fixture
def database(tmp_path: Path) -> Callable[[], Engine]:
    return lambda: open_store(URL.create("sqlite", database=str(tmp_path / FILE_NAME)))


@pytest.fixture
def projector(tmp_path: Path, database: Callable[[], Engine]) -> Iterator[Projector]:
    made = Projector(database, tmp_path)
    yield made
    made.close()


def rows(engine: Engine, table: Table) -> list[dict[str, object]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]


def everything(engine: Engine) -> dict[str, list[dict[str, object]]]:
    """All rows that are made from journals."""
    apart = {schema.journal_position, schema.queue_log_file, *schema.KEPT}
    kept = [table for table in schema.metadata.sorted_tables if table not in apart]
    return {table.name: rows(engine, table) for table in kept}


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()

"""The tables that migrations make are those of the schema, from whatever version they begin."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from switchboard.store import database as module
from switchboard.store import schema
from switchboard.store.batch import TABLE_OF
from switchboard.store.database import StoreError, newest_version, require_records, upgrade, version
from switchboard.store.projector import Projector
from tests.support.journals import Day
from tests.unit.store.conftest import count

REVISIONS = [script.revision for script in ScriptDirectory.from_config(module._config()).walk_revisions()]


def test_the_migrations_and_the_schema_agree(database: Callable[[], Engine]) -> None:
    upgrade(database())
    with database().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, schema.metadata) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_every_older_version_is_upgraded_and_goes_on(
    tmp_path: Path, database: Callable[[], Engine], revision: str
) -> None:
    upgrade(database(), revision)
    assert version(database()) == revision
    Day(tmp_path).busy(20)
    projector = Projector(database, tmp_path)
    projector.catch_up()
    projector.close()
    assert version(database()) == newest_version()
    assert count(database(), schema.contacts) > 0


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(
    tmp_path: Path, database: Callable[[], Engine]
) -> None:
    upgrade(database())
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version of Switchboard \(9999\)"):
        upgrade(database())
    with pytest.raises(StoreError, match="version 9999"):
        require_records(database())


def test_a_migration_that_fails_changes_nothing(
    database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables are made in one transaction with the note of its version."""
    made = []
    create_table = Operations.create_table

    def create_some(self: Operations, name: str, *columns: object, **options: object) -> object:
        if len(made) == 3:
            raise RuntimeError("the power fails")
        made.append(name)
        return create_table(self, name, *columns, **options)

    monkeypatch.setattr(Operations, "create_table", create_some)
    with pytest.raises(RuntimeError):
        upgrade(database())
    monkeypatch.undo()
    assert version(database()) is None
    upgrade(database())
    assert version(database()) == newest_version()


@pytest.mark.parametrize("kind", TABLE_OF, ids=lambda kind: kind.__name__)
def test_rows_have_the_columns_of_their_tables(kind: type) -> None:
    assert set(kind.__struct_fields__) == set(TABLE_OF[kind].columns.keys())


def test_without_records_a_reader_is_told_so(database: Callable[[], Engine]) -> None:
    with pytest.raises(StoreError, match="no records here"):
        require_records(database())

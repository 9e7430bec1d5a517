"""Flows ask a database: read-only, with bound parameters, in time, and clearly told what is wrong."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ivr.flow.effects import Query
from ivr.flow.inputs import LookedUp, LookupFailed
from switchboard import database_lookup
from switchboard.centre.settings import DatabaseSettings
from switchboard.database_lookup import DatabaseLookup

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as c from n"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[DatabaseLookup]:
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute("create table customers (id integer, phone text, tier text, photo blob)")
        connection.execute("insert into customers values (1, '+15550100', 'gold ✓', null), (2, '2', 'x', x'ff')")
    lookup = DatabaseLookup({"crm": DatabaseSettings(url="sqlite:///crm.db")}, tmp_path)
    yield lookup
    lookup.close()


def rows(tmp_path: Path) -> list[Any]:
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        return connection.execute("select id, tier from customers order by id").fetchall()


async def test_the_first_row_is_the_answer(database: DatabaseLookup) -> None:
    asked = Query("crm", "select id, tier from customers where phone = :phone", {"phone": "+15550100"})
    assert await database.query(asked) == LookedUp(200, {"id": 1, "tier": "gold ✓"})


async def test_no_row_is_not_found(database: DatabaseLookup) -> None:
    asked = Query("crm", "select id from customers where phone = :phone", {"phone": "nobody"})
    assert await database.query(asked) == LookedUp(404)


async def test_a_parameter_is_never_a_part_of_the_statement(database: DatabaseLookup, tmp_path: Path) -> None:
    evil = "' or 1=1; drop table customers; --"
    asked = Query("crm", "select id from customers where phone = :phone", {"phone": evil})
    assert await database.query(asked) == LookedUp(404)
    assert len(rows(tmp_path)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "delete from customers returning id",
        "update customers set tier = 'gold' returning id",
        "insert into customers (id) values (3) returning id",
        "with x as (select 1) delete from customers returning id",
        "drop table customers",
        "pragma user_version = 7",
        "attach '{directory}/other.db' as other",
    ],
)
async def test_a_statement_that_writes_fails_and_changes_nothing(
    database: DatabaseLookup, tmp_path: Path, statement: str
) -> None:
    """The flow's loader refuses it; this is what holds should one come through."""
    before = rows(tmp_path)
    answer = await database.query(Query("crm", statement.replace("{directory}", str(tmp_path))))
    assert isinstance(answer, LookupFailed)
    assert answer.cause == "bad_response"
    assert rows(tmp_path) == before
    assert not (tmp_path / "other.db").exists()


async def test_an_endless_statement_is_ended_in_the_database_too(
    database: DatabaseLookup, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    answer = await database.query(Query("crm", ENDLESS, timeout_ms=200))
    assert isinstance(answer, LookupFailed)
    assert (answer.cause, time.monotonic() - began < 3) == ("timeout", True)
    assert "crm did not answer in 200 ms" in caplog.text
    # Its thread is free again, not only given up.
    quick = Query("crm", "select 1 as one")
    for _ in range(database_lookup.THREADS * 2):
        assert await database.query(quick) == LookedUp(200, {"one": 1})


@pytest.mark.parametrize(
    ("query", "cause", "said"),
    [
        (Query("crn", "select 1"), "refused", "no database 'crn' (did you mean 'crm'?)"),
        (Query("crm", "select nought from customers"), "bad_response", "no such column: nought"),
        (Query("crm", "select photo from customers where id = 2"), "bad_response", "convert it in the statement"),
        (Query("crm", "select hex(zeroblob(300000)) as much"), "bad_response", "a row of more than"),
    ],
)
async def test_what_is_wrong_is_told(database: DatabaseLookup, query: Query, cause: str, said: str) -> None:
    answer = await database.query(query)
    assert isinstance(answer, LookupFailed)
    assert (answer.cause, said in answer.detail) == (cause, True), answer


async def test_what_callers_entered_is_in_no_detail(database: DatabaseLookup, caplog: pytest.LogCaptureFixture) -> None:
    answer = await database.query(Query("crm", "select nope from customers where phone = :pin", {"pin": "73019284"}))
    assert isinstance(answer, LookupFailed)
    assert "73019284" not in answer.detail + caplog.text


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    settings = {
        "file": DatabaseSettings(url="sqlite:///nowhere.db"),
        "server": DatabaseSettings(url="postgresql://user@127.0.0.1:1/crm"),
        "other": DatabaseSettings(url="oracle://user@127.0.0.1/crm"),
        "none": DatabaseSettings(url="crm"),
    }
    lookup = DatabaseLookup(settings, tmp_path)
    causes = {}
    for name in settings:
        answer = await lookup.query(Query(name, "select 1"))
        assert isinstance(answer, LookupFailed)
        causes[name] = answer.cause
    lookup.close()
    assert causes == {"file": "unreachable", "server": "unreachable", "other": "refused", "none": "refused"}
    assert not (tmp_path / "nowhere.db").exists()

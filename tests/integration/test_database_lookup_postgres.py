"""Flows ask a real PostgreSQL: its types, its errors, and that nothing is written and nothing goes on for ever."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ivr.flow.effects import Query
from ivr.flow.inputs import LookedUp, LookupFailed
from switchboard.centre.settings import DatabaseSettings
from switchboard.database_lookup import THREADS, DatabaseLookup
from switchboard.store.database import open_store
from tests.support.postgres import PASSWORD, Postgres, running_postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as running:
        server = open_store(running.url())
        with server.begin() as connection:
            connection.execute(text("create table customers (id int, tier text)"))
            connection.execute(text("insert into customers values (1, 'gold')"))
        server.dispose()
        yield running


@pytest.fixture
def lookup(postgres: Postgres, tmp_path: Path) -> Iterator[DatabaseLookup]:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    url = f"postgresql://records@127.0.0.1:{postgres.port}/postgres"
    made = DatabaseLookup({"crm": settings(url, "password"), "wrong": settings(url, "nowhere")}, tmp_path)
    yield made
    made.close()


def settings(url: str, file: str) -> DatabaseSettings:
    return DatabaseSettings.model_validate({"url": url, "password": {"secret_file": file}})


async def failure(lookup: DatabaseLookup, statement: str, **more: Any) -> LookupFailed:
    answer = await lookup.query(Query("crm", statement, **more))
    assert isinstance(answer, LookupFailed), answer
    return answer


async def test_a_row_with_the_types_of_postgresql(lookup: DatabaseLookup) -> None:
    statement = """select id, tier, 12.50::numeric as amount, 7::numeric as whole, date '2026-01-05' as day,
        timestamptz '2026-01-05 10:00+00' at time zone 'UTC' as moment, null::text as nothing, true as yes,
        interval '90 s' as lasts, '{"a": [1]}'::json as more, '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid as name
        from customers where id = :id"""
    assert await lookup.query(Query("crm", statement, {"id": 1})) == LookedUp(
        200,
        {
            "id": 1,
            "tier": "gold",
            "amount": 12.5,
            "whole": 7,
            "day": "2026-01-05",
            "moment": "2026-01-05T10:00:00",
            "nothing": None,
            "yes": True,
            "lasts": 90.0,
            "more": {"a": [1]},
            "name": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        },
    )
    assert await lookup.query(Query("crm", statement, {"id": 2})) == LookedUp(404)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into customers values (2, 'x') returning id",
        "with x as (delete from customers returning id) select * from x",
        "select set_config('transaction_read_only', 'off', true), nextval('s') from (select 1) x",
        "create table made (id int)",
    ],
)
async def test_nothing_is_written(lookup: DatabaseLookup, postgres: Postgres, statement: str) -> None:
    assert (await failure(lookup, statement)).cause == "bad_response"
    server = open_store(postgres.url())
    with server.connect() as connection:
        assert connection.execute(text("select id from customers")).scalars().all() == [1]
        assert connection.execute(text("select to_regclass('made')")).scalar() is None
    server.dispose()


async def test_a_statement_that_takes_too_long_is_ended_and_leaves_nothing_behind(
    lookup: DatabaseLookup, postgres: Postgres
) -> None:
    for _ in range(THREADS + 2):
        began = time.monotonic()
        answer = await failure(lookup, "select pg_sleep(30)", timeout_ms=100)
        assert (answer.cause, time.monotonic() - began < 3) == ("timeout", True)
        await until_nothing_runs(postgres)
    assert await lookup.query(Query("crm", "select 1 as one")) == LookedUp(200, {"one": 1})


async def until_nothing_runs(postgres: Postgres) -> None:
    """Waits until the server has ended what it was told to end."""
    running = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(30)%'"
    server = open_store(postgres.url())
    with server.connect() as connection:
        async with asyncio.timeout(5):
            while connection.execute(text(f"{running} and pid <> pg_backend_pid()")).scalar():
                connection.rollback()  # or the view would stay as it was
                await asyncio.sleep(0.01)
    server.dispose()


async def test_errors_are_told_without_what_was_asked(lookup: DatabaseLookup) -> None:
    answer = await failure(lookup, "select missing from customers where tier = :pin", parameters={"pin": "730192"})
    assert (answer.cause, "missing" in answer.detail, "730192" in answer.detail) == ("bad_response", True, False)
    refused = await lookup.query(Query("wrong", "select 1"))
    assert isinstance(refused, LookupFailed)
    assert (refused.cause, "No such file" in refused.detail) == ("refused", True)

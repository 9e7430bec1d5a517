"""The traffic of the flows as the records have it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from documents import DocumentError
from switchboard.reports.flows import VersionTraffic, recorded_traffic, traffic_by_version
from switchboard.store import schema
from switchboard.store.database import FILE_NAME, open_store, upgrade
from tests.support.flows import flow
from tests.unit.flow_tools.test_flow_commands import HELPDESK, invoke, replace

FLOWS = {
    "main": flow("a: {type: play, say: [x], next: b}\nb: {type: enqueue, queue: q, otherwise: c}\nc: {type: hangup}")
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Connection]:
    from sqlalchemy import URL

    engine: Engine = open_store(URL.create("sqlite", database=str(tmp_path / FILE_NAME)))
    upgrade(engine)
    with engine.begin() as connection:
        yield connection


def call(store: Connection, number: int, began_ms: int, *nodes: tuple[str, int], **fields: Any) -> None:
    """A call with its visits: nodes, each with the ms since the start; by `next` but for the first."""
    values: dict[str, Any] = {
        "id": number * 100,
        "contact": f"c{number}",
        "caller": "",
        "dialled": "100",
        "flow": "main",
        "node": "",
        "language": "en",
        "intent": "",
        "started_ms": began_ms,
        "ended_ms": began_ms + 10_000,
        "outcome": "completed",
        "contained": False,
        "entered": len(nodes),
        "attributes": {},
    } | fields
    store.execute(schema.calls.insert().values(values))
    for position, (node, at_ms) in enumerate(nodes):
        via = "next" if position else "start"
        row = {"id": values["id"] + position + 1, "at_ms": began_ms + at_ms, "contact": values["contact"]}
        store.execute(schema.visits.insert().values(row | {"flow": "main", "node": node, "via": via}))


def test_calls_of_the_days_asked_for_are_counted(store: Connection) -> None:
    call(store, 1, 1_000, ("a", 0), ("b", 4_000), ("c", 9_000))
    call(store, 2, 2_000, ("a", 0), outcome="hungup", ended_ms=5_000)
    call(store, 3, 3_000, ("a", 0), outcome="failed: x", ended_ms=3_500)
    call(store, 4, 99_000, ("a", 0))
    call(store, 5, 4_000, ("a", 0), ended_ms=None, outcome="")
    counted, under_way = recorded_traffic(store, FLOWS, 1_000, 50_000)
    of = counted.of("main")
    assert (counted.callers, under_way, dict(counted.ends)) == (3, 1, {"completed": 1, "hungup": 1, "failed": 1})
    assert (of["a"].entered, of["a"].hung_up, of["a"].failed, of["a"].spent_ms) == (3, 1, 1, 4_000 + 3_000 + 500)
    assert dict(of["a"].exits) == {"next": 1}
    assert (of["b"].spent_ms, dict(of["b"].exits)) == (5_000, {"otherwise": 1})


def test_a_contact_that_came_again_has_the_visits_of_its_own_time(store: Connection) -> None:
    call(store, 1, 1_000, ("a", 0), ended_ms=2_000, outcome="hungup")
    call(store, 2, 5_000, ("a", 0), ("b", 1_000), ended_ms=9_000, contact="c1")
    counted, _ = recorded_traffic(store, FLOWS, 0, 10_000)
    assert (counted.of("main")["a"].entered, counted.of("main")["b"].entered) == (2, 1)
    assert counted.times_ms == [1_000, 4_000]


def test_the_command_reads_the_records_of_the_centre(tmp_path: Path) -> None:
    import shutil

    from switchboard.centre import load_centre
    from switchboard.store.database import open_centre_store

    desk = Path(shutil.copytree(HELPDESK, tmp_path / "desk"))
    replace(desk / "centre.yaml", "settings:", f"settings:\n  engine: {{directory: {tmp_path / 'var'}}}")
    (tmp_path / "var").mkdir()
    centre = load_centre(desk)
    engine = open_centre_store(centre)
    upgrade(engine)
    noon_ms = 1_767_614_400_000  # Monday, 5 January 2026
    with engine.begin() as connection:
        call(connection, 1, noon_ms, ("are-we-open", 0), contained=True)
        call(connection, 2, noon_ms, ("are-we-open", 0), outcome="hungup")
    code, output = invoke("traffic", desk, "--from", "2026-01-05", "-o", tmp_path / "drawn")
    assert code == 0, output
    assert "2 callers" in output
    assert "Served without an agent: 1 (" in output
    assert "2 came" in (tmp_path / "drawn/main.svg").read_text().replace('<tspan class="came">', "")
    told = json.loads(invoke("traffic", desk, "--from", "2026-01-04", "--to", "2026-01-06", "--json")[1])
    assert told["flows"]["main"]["are-we-open"] == {
        "entered": 2,
        "hung_up": 1,
        "failed": 0,
        "no_input": 0,
        "no_match": 0,
        "mean_s": 10.0,
        "exits": {},
    }
    assert json.loads(invoke("traffic", desk, "--from", "2026-01-06", "--json")[1])["callers"] == 0
    versions = invoke("traffic", desk, "--from", "2026-01-05", "--by-version")[1].splitlines()
    assert versions[-1].split() == ["none", "2", "50.0%", "50.0%", "0.0%", "0.0%", "0.0%"]
    with pytest.raises(DocumentError, match="there is no version 3"):
        invoke("traffic", desk, "--from", "2026-01-05", "--version", "3")
    assert invoke("traffic", desk, "--from", "2026-01-06", "--to", "2026-01-05")[0] == 2


def test_versions_are_counted_apart_with_what_was_pressed_in_vain(store: Connection) -> None:
    missed = {"main": {"a": [2, 1]}}
    call(store, 1, 1_000, ("a", 0), version=7, missed=missed, outcome="hungup")
    call(store, 2, 2_000, ("a", 0), ("b", 500), version=7, missed={"main": {"a": [1, 0], "gone": [5, 5]}})
    call(store, 3, 3_000, ("a", 0), version=8, contained=True)
    call(store, 4, 4_000, ("a", 0), version=8, outcome="failed: loop")
    call(store, 5, 5_000, ("a", 0), version=8, outcome="", ended_ms=None)
    of = recorded_traffic(store, FLOWS, 0, 50_000, 7)[0].of("main")["a"]
    assert (of.entered, of.hung_up, of.no_input, of.no_match) == (2, 1, 3, 1)
    assert recorded_traffic(store, FLOWS, 0, 50_000, 8)[0].callers == 2
    assert traffic_by_version(store, 0, 50_000) == [
        VersionTraffic(8, calls=2, contained=1, failed=1),
        VersionTraffic(7, calls=2, hung_up=1, no_input=8, no_match=6),
    ]


def test_a_caller_who_hangs_up_in_a_queue_is_no_abandon_of_the_ivr(store: Connection) -> None:
    call(store, 1, 1_000, ("a", 0), ("b", 500), version=7, outcome="hungup")
    stay = {column.name: 0 if column.type.python_type is int else "" for column in schema.contacts.columns}
    stay |= {"id": 9_000, "contact": "c1", "queued_ms": 1_500, "skills": [], "attributes": {}}
    store.execute(schema.contacts.insert().values(stay | {"callback": False, "consult": False}))
    assert traffic_by_version(store, 0, 50_000) == [VersionTraffic(7, calls=1)]

"""Our own records, journals and queue_log of the same days are the same contacts."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from simulations.history.merging import merged
from simulations.history.refusals import Refusals
from switchboard.history.own import read_journals, read_records
from switchboard.store import schema
from switchboard.store.database import StoreError, open_store
from switchboard.store.projector import Projector
from switchboard.store.queue_log import written
from tests.support.histories import HASHES, Logged, only
from tests.support.journals import Day


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("day")
    Day(made, seed=3).busy(700)
    return made


@pytest.fixture(scope="module")
def store(directory: Path) -> sa.Engine:
    store = open_store(sa.URL.create("sqlite", database=str(directory / "records.db")))
    projector = Projector(lambda: store, directory)
    projector.catch_up()
    projector.close()
    return store


def test_records_and_journals_say_the_same(directory: Path, store: sa.Engine) -> None:
    of_records, of_journals = (
        read_records(store, "own", HASHES, Refusals()),
        read_journals(directory, "own", HASHES, Refusals()),
    )
    assert len(of_records[0]) > 200
    assert [table.to_pylist() for table in of_records] == [table.to_pylist() for table in of_journals]


def test_every_stay_is_a_contact_and_consultations_are_listed(store: sa.Engine) -> None:
    refusals = Refusals()
    contacts, agent_times, choices = read_records(store, "own", HASHES, refusals)
    with store.connect() as connection:
        rows = connection.execute(sa.select(schema.contacts)).all()
        states = connection.execute(sa.select(schema.agent_states)).all()
        visits = connection.execute(sa.select(sa.func.count()).select_from(schema.visits)).scalar()
    assert len(contacts) + len(refusals) == len(rows)
    assert {reason for _, reason, _ in refusals.by_reason()} == {"passed over: an agent who asks another"}
    by_line = {row["line"]: row for row in contacts.to_pylist()}
    for row in (row for row in rows if not row.consult):
        found = by_line[row.id]
        assert found["outcome"] == ("answered" if row.answered_ms else found["outcome"])
        assert found["talk_ms"] == (row.talk_ms if row.answered_ms and row.ended_ms else None)
        assert found["channel"] == ("callback" if row.callback else "voice")
    known = {row.to_ms for row in states} | {row.from_ms for row in states}
    assert {row["from_ms"] for row in agent_times.to_pylist()} <= known
    spans = [row for row in agent_times.to_pylist() if row["state"] == "paused"]
    until_ms = max(row["to_ms"] for row in agent_times.to_pylist())  # what is not over has lasted until the end
    paused = sum((row.to_ms or until_ms) - row.from_ms for row in states if row.state == "paused")
    assert sum(row["to_ms"] - row["from_ms"] for row in spans) == paused > 0
    # Each call of a day comes through two nodes, so it has chosen once.
    assert visits
    assert {(row["flow"], row["node"], row["choice"]) for row in choices.to_pylist()} == {("main", "menu", "1")}


def test_keys_by_which_contacts_left_are_known(store: sa.Engine) -> None:
    contacts = read_records(store, "own", HASHES, Refusals())[0].to_pylist()
    left = [row for row in contacts if row["outcome"] == "left" and row["channel"] == "voice"]
    keys = [row["exit"] for row in left]
    assert keys.count("1") >= 5
    assert set(keys) <= {"1", "", "merged", "called_back"}
    assert not [row for row in contacts if row["exit"] == "1" and row["outcome"] != "left"]


def test_the_queue_log_that_we_write_is_read_as_what_it_was_written_from(store: sa.Engine) -> None:
    with store.connect() as connection:
        rows = connection.execute(sa.select(schema.queue_log).order_by(schema.queue_log.c.id)).all()
    log = Logged("".join(f"{written(r.at_ms, r.callid, r.queuename, r.agent, r.event, tuple(r[-5:]))}\n" for r in rows))
    assert {reason for _, reason in log.refused} <= {"a duplicate of another line"}
    contacts = merged([read_records(store, "own", HASHES, Refusals())[0]], Refusals()).to_pylist()
    logged = {only(row, ("contact", "queue")): row for row in log.contacts}
    compared = 0
    for own in contacts:
        alike = [row for row in contacts if only(row, ("contact", "queue")) == only(own, ("contact", "queue"))]
        if own["channel"] == "callback" or len(alike) > 1 or own["outcome"] == "open":
            continue  # callbacks wait at other times than on the line; a queue that a contact left and came back to
        found = logged.get(only(own, ("contact", "queue")))
        if found is None:
            assert own["wait_ms"] == 0, "a full queue sends it away before it has entered"
            continue
        compared += 1
        assert found["outcome"] == own["outcome"], (found, own)
        assert abs(found["arrived_ms"] - own["arrived_ms"]) < 1_000
        assert abs(found["wait_ms"] - own["wait_ms"]) <= 1_000
        if own["outcome"] == "left" and own["exit"] != "called_back":
            assert found["exit"] == own["exit"]
        if own["outcome"] == "answered":
            assert found["agent"] == own["agent"]
    assert compared > 100


def test_records_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"SQLite format 3\x00")
    store = open_store(sa.URL.create("sqlite", database=str(tmp_path / "y.db")), read_only=True)
    with pytest.raises(StoreError, match="no records here"):
        read_records(store, "own", HASHES, Refusals())

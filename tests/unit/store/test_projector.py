"""Every record is stored exactly once, whatever happens between two of them."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import time

import msgspec
import pytest
from sqlalchemy import Connection, Engine

from router.core import events as e
from router.core.router import Router
from router.live.journal import JournalError, newest
from switchboard.store import projector as module
from switchboard.store import schema
from switchboard.store.projector import Projector
from tests.support.journals import Day
from tests.unit.store.conftest import count, everything, rows


class Crash(Exception):
    """The engine is killed here."""


def at_one_go(directory: Path, database: Callable[[], Engine]) -> dict[str, list[dict[str, object]]]:
    projector = Projector(database, directory)
    projector.catch_up()
    projector.close()
    return everything(database())


@pytest.mark.parametrize("seed", range(2))
def test_crashes_in_the_midst_store_nothing_twice_and_leave_nothing_out(
    tmp_path: Path, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    Day(tmp_path, seed).busy(100)
    expected = at_one_go(tmp_path, database)
    (tmp_path / "records.db").unlink()
    dice = Random(seed)
    write_position = Projector._write_position

    def crash_sometimes(self: Projector, connection: Connection, *what: int) -> None:
        if dice.random() < 0.3:
            raise Crash
        write_position(self, connection, *what)
        if dice.random() < 0.1:
            raise Crash

    monkeypatch.setattr(Projector, "_write_position", crash_sometimes)
    crashes = 0
    while True:
        monkeypatch.setattr(module, "BATCH_BYTES", dice.choice((500, 1_000, 3_000)))
        projector = Projector(database, tmp_path)
        try:
            projector.catch_up()
            break
        except Crash:
            crashes += 1
        finally:
            projector.close()
    assert crashes > 10
    assert everything(database()) == expected


def test_the_next_journal_goes_on_where_the_last_one_ended(tmp_path: Path, projector: Projector) -> None:
    first = Day(tmp_path).busy(100)
    projector.catch_up()
    again = Router.restore(first.router.snapshot())
    second = Day(tmp_path, seed=1, now_ms=first.now_ms + 5_000, begin_with=again).busy(100)
    assert projector.catch_up() == len(second.log)
    assert projector._engine is not None
    assert [row["outcome"] for row in rows(projector._engine, schema.contacts)].count("lost") == 0
    assert projector.status.behind_bytes == 0


def test_a_line_cut_short_waits_for_its_end_and_is_passed_over_in_an_old_journal(
    tmp_path: Path, projector: Projector
) -> None:
    day = Day(tmp_path)
    day.fact("first")
    with day.journal.path.open("ab") as file:
        file.write(b'{"record":"note","at_ms":1,')
    assert projector.catch_up() == 2
    assert projector.status.behind_bytes == 27
    Day(tmp_path, now_ms=day.now_ms + 1, begin_with=Router.restore(day.router.snapshot()))
    assert projector.catch_up() == 1
    assert projector.status.behind_bytes == 0


def test_a_line_that_is_being_written_is_stored_when_it_is_whole(tmp_path: Path, projector: Projector) -> None:
    day = Day(tmp_path)
    line = msgspec.json.encode({"record": "note", "at_ms": 1, "text": "whole"}) + b"\n"
    with day.journal.path.open("ab", buffering=0) as file:
        file.write(line[:10])
        assert projector.catch_up() == 1
        file.write(line[10:])
        assert projector.catch_up() == 1


def test_contacts_whose_journals_are_missing_end_as_lost(tmp_path: Path, projector: Projector) -> None:
    first = Day(tmp_path)
    first.feed(e.AgentSignedIn("anna"))
    first.feed(e.ContactArrived("c1", "billing"))
    projector.catch_up()
    Day(tmp_path, now_ms=first.now_ms + 1_000)  # a new engine that knows nothing
    projector.catch_up()
    assert projector._engine is not None
    (contact,) = rows(projector._engine, schema.contacts)
    assert (contact["outcome"], contact["ended_ms"]) == ("lost", first.now_ms + 1_000)
    assert [state["to_ms"] is None for state in rows(projector._engine, schema.agent_states)] == [False, False]


def test_contacts_and_agents_that_a_journal_begins_with_are_taken_up(tmp_path: Path, projector: Projector) -> None:
    lost = Day(tmp_path)
    lost.feed(e.AgentSignedIn("anna"))
    lost.feed(e.ContactArrived("c1", "billing"))
    contact = lost.router.contact("c1")
    assert contact is not None
    assert contact.offer is not None
    lost.feed(e.OfferAccepted(contact.offer))
    lost.journal.path.unlink()
    day = Day(tmp_path, now_ms=lost.now_ms + 1_000, begin_with=Router.restore(lost.router.snapshot()))
    day.wait(1_000)
    day.feed(e.ContactEnded("c1"))
    projector.catch_up()
    assert projector._engine is not None
    (row,) = rows(projector._engine, schema.contacts)
    assert (row["outcome"], row["agent"], row["talk_ms"]) == ("answered", "anna", 2_000)
    assert [state["state"] for state in rows(projector._engine, schema.agent_states)] == ["busy", "wrap_up"]


def test_what_a_full_disk_kept_from_the_journal_is_made_up_for_by_the_next_one(
    tmp_path: Path, projector: Projector
) -> None:
    day = Day(tmp_path)
    day.feed(e.AgentSignedIn("anna"))
    for contact in ("taken", "gone", "sent", "stays"):
        day.feed(e.ContactArrived(contact, "billing"))
    projector.catch_up()
    written = day.journal.path.read_bytes()
    taken = day.router.contact("taken")
    assert taken is not None
    assert taken.offer is not None
    day.wait(2_000)
    for event in (e.OfferAccepted(taken.offer), e.ContactLeft("gone"), e.ContactMoved("sent", "tech")):
        day.feed(event)
    day.journal.path.write_bytes(written)  # what happened since was not taken by the disk
    again = Day(tmp_path, now_ms=day.now_ms + 500, begin_with=Router.restore(day.router.snapshot()))
    again.wait(1_000)
    again.feed(e.ContactEnded("taken"))
    projector.catch_up()
    assert projector._engine is not None
    stays = rows(projector._engine, schema.contacts)
    found = {(row["contact"], row["queue"]): (row["outcome"], row["agent"], row["wait_ms"]) for row in stays}
    assert found == {
        ("taken", "billing"): ("answered", "anna", 2_000),
        ("gone", "billing"): ("lost", "", 2_500),
        ("sent", "billing"): ("moved", "", 2_500),
        ("sent", "tech"): ("", "", 0),
        ("stays", "billing"): ("", "", 0),
    }
    still = [row["contact_id"] for row in rows(projector._engine, schema.waits) if row["to_ms"] is None]
    assert still == [row["id"] for row in stays if row["outcome"] == ""]


def test_a_line_that_is_no_record_stops_the_records_there_and_says_where(tmp_path: Path, projector: Projector) -> None:
    day = Day(tmp_path)
    with day.journal.path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(JournalError, match=r"byte \d+: not a journal record"):
        projector.catch_up()


def test_a_journal_of_another_format_is_refused_by_its_number(tmp_path: Path, projector: Projector) -> None:
    day = Day(tmp_path)
    text = day.journal.path.read_text()
    day.journal.path.write_text(text.replace('"format":1', '"format":99'))
    with pytest.raises(JournalError, match="journal format 99; this version reads"):
        projector.catch_up()


def test_old_journals_are_deleted_only_when_stored_and_not_needed(
    tmp_path: Path, database: Callable[[], Engine]
) -> None:
    days = [Day(tmp_path)]
    for _ in range(3):
        last = days[-1]
        days.append(Day(tmp_path, now_ms=last.now_ms + 1, begin_with=Router.restore(last.router.snapshot())))
    paths = [day.journal.path for day in days]
    long_ago = time() - 40 * 86_400
    for path in (paths[0], paths[1], paths[3]):
        os.utime(path, (long_ago, long_ago))
    projector = Projector(database, tmp_path, journal_days=30)
    projector._clean()
    assert all(path.exists() for path in paths)  # nothing is stored yet
    projector.catch_up()
    projector._cleaned = -1e9
    projector._clean()
    projector.close()
    assert [path.exists() for path in paths] == [False, False, True, True]
    assert newest(tmp_path) == paths[3]


def test_a_position_in_a_journal_that_is_gone_goes_on_with_the_next_one(tmp_path: Path, projector: Projector) -> None:
    first = Day(tmp_path)
    projector.catch_up()
    projector.close()
    first.journal.path.unlink()
    Day(tmp_path, now_ms=first.now_ms + 1)
    assert projector.catch_up() == 1


def test_the_thread_follows_what_is_written_and_ends_with_all_of_it(
    tmp_path: Path, database: Callable[[], Engine]
) -> None:
    projector = Projector(database, tmp_path)
    projector.start()
    day = Day(tmp_path).busy(50)
    projector.stop(timeout_s=30)
    assert count(database(), schema.facts) > 0
    assert projector.status.records == len(day.log)
    assert projector.status.behind_bytes == 0

"""The lines of queue_log, each as Asterisk's own app_queue writes it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from router.core import events as e
from switchboard.store.projector import Projector
from switchboard.store.queue_log import safe, written
from tests.support.journals import BEGIN_MS, Day, day_policy
from tests.support.queue_log import parse
from tests.support.routing import VOICEMAIL

START_S = BEGIN_MS // 1000


@pytest.fixture
def day(tmp_path: Path) -> Day:
    day = Day(tmp_path)
    day.feed(e.AgentSignedIn("anna"))
    return day


@pytest.fixture
def lines(tmp_path: Path, database: Callable[[], Engine]) -> Callable[[], list[str]]:
    """What is in the file now."""
    projector = Projector(database, tmp_path, queue_log=tmp_path / "queue_log")

    def read() -> list[str]:
        projector.catch_up()
        return (tmp_path / "queue_log").read_text().splitlines()

    return read


def accept(day: Day, contact: str) -> None:
    found = day.router.contact(contact)
    assert found is not None
    assert found.offer is not None
    day.feed(e.OfferAccepted(found.offer))


def test_a_call_from_its_arrival_to_the_callers_hang_up(day: Day, lines: Callable[[], list[str]]) -> None:
    day.feed(e.ContactArrived("1780000000.7", "billing", caller="+34600111222"))
    day.wait(5_000)
    accept(day, "1780000000.7")
    day.wait(61_000)
    day.feed(e.ContactEnded("1780000000.7", "caller"))
    assert lines()[2:] == [
        f"{START_S}|1780000000.7|billing|NONE|ENTERQUEUE||+34600111222|1",
        f"{START_S + 5}|1780000000.7|billing|anna|CONNECT|5|o1|5",
        f"{START_S + 66}|1780000000.7|billing|anna|COMPLETECALLER|5|61|1",
    ]


def test_agents_join_pause_and_leave_every_queue_of_theirs(day: Day, lines: Callable[[], list[str]]) -> None:
    day.feed(e.AgentPaused("anna", "lunch"))
    day.feed(e.AgentReady("anna"))
    day.feed(e.AgentSignedOut("anna"))
    found = [line.split("|", 2)[2] for line in lines()]
    assert found == [
        "billing|anna|ADDMEMBER|",
        "tech|anna|ADDMEMBER|",
        "NONE|anna|PAUSEALL|lunch",
        "billing|anna|PAUSE|lunch",
        "tech|anna|PAUSE|lunch",
        "NONE|anna|UNPAUSEALL|",
        "billing|anna|UNPAUSE|",
        "tech|anna|UNPAUSE|",
        "billing|anna|REMOVEMEMBER|",
        "tech|anna|REMOVEMEMBER|",
    ]


def test_those_who_leave_without_an_agent_say_how(day: Day, lines: Callable[[], list[str]]) -> None:
    day.feed(e.AgentPaused("anna", "lunch"))
    for contact in ("a", "b", "c", "d"):
        day.feed(e.ContactArrived(contact, "billing"))
    day.wait(10_000)
    day.feed(e.ContactLeft("b"))
    day.feed(e.ContactLeft("c", "left", "2"))
    day.feed(e.ContactMoved("d", "tech"))
    day.wait(50_000)
    ends = [line.split("|", 1)[1] for line in lines() if "EXIT" in line or "ABANDON" in line or "WITHDRAW" in line]
    assert ends == [
        "b|billing|NONE|ABANDON|2|2|10",
        "c|billing|NONE|EXITWITHKEY|2|2|3|10",
        "d|billing|NONE|WITHDRAW|2|4|10|moved",
        "a|billing|NONE|EXITWITHTIMEOUT|1|1|60",
    ]


def test_a_queue_that_nobody_serves_is_left_as_empty(day: Day, lines: Callable[[], list[str]]) -> None:
    policy = day_policy(2)
    queues = (msgspec.structs.replace(policy.queues[0], when_unstaffed=VOICEMAIL), policy.queues[1])
    day.feed(e.PolicyPublished(msgspec.structs.replace(policy, queues=queues)))
    day.feed(e.AgentPaused("anna", "lunch"))
    day.feed(e.ContactArrived("a", "billing"))
    day.wait(3_000)
    day.feed(e.AgentSignedOut("anna"))
    assert any(line.endswith("|a|billing|NONE|EXITEMPTY|1|1|3") for line in lines())


def test_a_phone_that_rings_out_and_one_whose_caller_goes(day: Day, lines: Callable[[], list[str]]) -> None:
    day.feed(e.ContactArrived("a", "billing"))
    day.wait(2_000)
    day.feed(e.ContactLeft("a"))
    day.feed(e.ContactArrived("b", "billing"))
    day.wait(15_000)
    assert [line.split("|", 4)[4] for line in lines() if "|RING" in line] == ["RINGCANCELED|2000", "RINGNOANSWER|15000"]


def test_transfers_name_their_target(day: Day, lines: Callable[[], list[str]]) -> None:
    day.feed(e.ContactArrived("a", "billing"))
    accept(day, "a")
    day.wait(30_000)
    day.feed(e.ContactTransferred("a", "tech"))
    assert any(line.endswith("|a|billing|anna|BLINDTRANSFER|tech|tech|0|30|1") for line in lines())


@pytest.mark.parametrize("seed", range(3))
def test_every_line_of_a_busy_day_is_of_the_documented_grammar(
    tmp_path: Path, lines: Callable[[], list[str]], seed: int
) -> None:
    Day(tmp_path, seed).busy(250)
    seen = {parse(line).event for line in lines()}
    assert len(seen) > 10


@pytest.mark.parametrize("text", ["a|b", "a\nb", "a\r\nb", "a\0b", "a\u2028b", "a\x1b[2Jb", "a\x85b"])
def test_what_callers_send_can_end_neither_a_field_nor_a_line(text: str) -> None:
    line = written(BEGIN_MS, text, "billing", "NONE", "ENTERQUEUE", ("", text, "1"))
    assert line.splitlines() == [line]
    assert line.count("|") == 7
    assert "\x1b" not in safe(text)


def test_a_crash_between_the_file_and_the_note_of_it_repeats_no_line(
    tmp_path: Path, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue_log"
    day = Day(tmp_path).busy(30)
    first = Projector(database, tmp_path, queue_log=path)
    first.catch_up()
    assert first._queue_log is not None
    monkeypatch.setattr(first._queue_log, "_note_file", _crash)
    day.busy(30)
    with pytest.raises(RuntimeError):
        first.catch_up()
    longer = path.read_text()
    second = Projector(database, tmp_path, queue_log=path)
    second.catch_up()
    assert path.read_text() == longer
    day.busy(30)
    second.catch_up()
    assert path.read_text().startswith(longer)


def test_a_file_that_was_rotated_away_begins_anew(day: Day, tmp_path: Path, lines: Callable[[], list[str]]) -> None:
    assert len(lines()) == 2
    (tmp_path / "queue_log").rename(tmp_path / "queue_log.1")
    day.feed(e.AgentPaused("anna", "lunch"))
    assert len(lines()) == 3
    assert len((tmp_path / "queue_log.1").read_text().splitlines()) == 2


def test_a_file_asked_for_later_begins_with_what_comes_then(
    tmp_path: Path, database: Callable[[], Engine], projector: Projector
) -> None:
    day = Day(tmp_path)
    day.feed(e.AgentSignedIn("anna"))
    projector.catch_up()
    later = Projector(database, tmp_path, queue_log=tmp_path / "queue_log")
    later.catch_up()
    assert (tmp_path / "queue_log").read_text() == ""
    day.feed(e.AgentPaused("anna", "lunch"))
    later.catch_up()
    assert len((tmp_path / "queue_log").read_text().splitlines()) == 3


def _crash(_: object) -> None:
    raise RuntimeError("killed here")

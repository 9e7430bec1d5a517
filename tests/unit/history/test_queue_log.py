"""Asterisk's queue_log: every event of its vocabulary, files cut anywhere, overlaps, and broken lines."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulations.history.queue_log import EVENTS, OF_CONTACTS
from tests.support.histories import BEGIN_S, HASHES, Logged, lines, only
from tests.support.queue_log import GRAMMAR

ENTERS = (10, "c1|sales|NONE|ENTERQUEUE||+34 600-111-222|2")
STAY = ("queue", "arrived_ms", "wait_ms", "outcome", "exit", "agent", "talk_ms", "ended_by")
ARRIVED_MS = (BEGIN_S + 10) * 1000


def test_a_contact_from_its_arrival_to_its_end() -> None:
    log = Logged(
        lines(
            ENTERS,
            (20, "c1|sales|ben|RINGNOANSWER|9000"),
            (21, "c1|sales|anna|RINGCANCELED|500"),
            (30, "c1|sales|anna|CONNECT|20|agent.1|4"),
            (95, "c1|sales|anna|COMPLETECALLER|20|65|2"),
        )
    )
    (contact,) = log.contacts
    assert only(contact, STAY) == ("sales", ARRIVED_MS, 20_000, "answered", "", "anna", 65_000, "caller")
    assert only(contact, ("ring_ms", "offers", "refused", "position")) == (4_000, 3, 1, 2)
    assert contact["caller"] == HASHES("+34600111222") != ""
    assert "600111222" not in str(contact)
    assert log.refused == []


CONNECTED = (30, "c1|sales|anna|CONNECT|20|agent.1|4")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(40, "c1|sales|NONE|ABANDON|1|2|30")], (30_000, "abandoned", "", "", None, "", "")),
        ([(40, "c1|sales|NONE|EXITWITHKEY|7|1|2|30")], (30_000, "left", "7", "", None, "", "")),
        ([(40, "c1|sales|NONE|EXITWITHTIMEOUT|1|2|30")], (30_000, "overflowed", "timeout", "", None, "", "")),
        ([(40, "c1|sales|NONE|EXITEMPTY|1|2|30")], (30_000, "overflowed", "empty", "", None, "", "")),
        ([(40, "c1|sales|NONE|WITHDRAW|1|2|30|because")], (30_000, "moved", "because", "", None, "", "")),
        ([(40, "c1|sales|NONE|WITHDRAW|1|2|30|left")], (30_000, "left", "left", "", None, "", "")),
        ([(40, "c1|sales|anna|SYSCOMPAT|")], (30_000, "failed", "incompatible", "", None, "", "")),
        (
            [(35, "c1|sales|anna|AGENTDUMP|"), (40, "c1|sales|NONE|ABANDON|1|2|30")],
            (30_000, "abandoned", "", "", None, "", ""),
        ),
        (
            [CONNECTED, (80, "c1|sales|anna|COMPLETEAGENT|20|50|2")],
            (20_000, "answered", "", "anna", 50_000, "agent", ""),
        ),
        (
            [CONNECTED, (80, "c1|sales|anna|TRANSFER|500|from-inside|20|50|2")],
            (20_000, "answered", "", "anna", 50_000, "transfer", "500"),
        ),
        (
            [CONNECTED, (80, "c1|sales|anna|BLINDTRANSFER|500|from-inside|20|50|2")],
            (20_000, "answered", "", "anna", 50_000, "transfer", "500"),
        ),
        (
            [CONNECTED, (80, "c1|sales|anna|ATTENDEDTRANSFER|BRIDGE|b-1|20|50|2")],
            (20_000, "answered", "", "anna", 50_000, "transfer", "b-1"),
        ),
        (
            [CONNECTED, (80, "c1|sales|anna|ATTENDEDTRANSFER|LINK|SIP/a|SIP/b|20|50|2")],
            (20_000, "answered", "", "anna", 50_000, "transfer", "SIP/a"),
        ),
        ([CONNECTED, (90, "NONE|NONE|NONE|QUEUESTART|")], (20_000, "answered", "", "anna", None, "", "")),
        ([(90, "NONE|NONE|NONE|QUEUESTART|")], (80_000, "open", "", "", None, "", "")),
        ([], (0, "open", "", "", None, "", "")),
    ],
)
def test_every_way_a_contact_ends(events: list[tuple[int, str]], expected: tuple) -> None:
    log = Logged(lines(ENTERS, *events))
    (contact,) = log.contacts
    assert only(contact, ("wait_ms", "outcome", "exit", "agent", "talk_ms", "ended_by", "transferred_to")) == expected
    assert log.refused == []


@pytest.mark.parametrize(
    ("last", "wait_ms", "talk_ms"),
    [
        ("c1|sales|anna|COMPLETEAGENT|20|50|2", 20_000, 50_000),
        ("c1|sales|anna|BLINDTRANSFER|500|x|20|50|2", 20_000, 50_000),
        ("c1|sales|NONE|ABANDON|1|2|70", 70_000, None),
        ("c1|sales|NONE|EXITWITHKEY|7|1|2|70", 70_000, None),
    ],
)
def test_a_file_that_begins_in_the_middle_knows_the_beginning(last: str, wait_ms: int, talk_ms: int | None) -> None:
    (contact,) = Logged(lines((80, last))).contacts
    assert only(contact, ("arrived_ms", "wait_ms", "talk_ms")) == (ARRIVED_MS, wait_ms, talk_ms)


def test_who_comes_twice_to_a_queue_is_two_contacts_and_queues_are_apart() -> None:
    log = Logged(
        lines(
            ENTERS,
            (15, "c1|sales|NONE|EXITWITHTIMEOUT|1|1|5"),
            (15, "c1|support|NONE|ENTERQUEUE||x|1"),
            (30, "c1|support|NONE|EXITWITHTIMEOUT|1|1|15"),
            (30, "c1|sales|NONE|ENTERQUEUE||x|1"),
            (40, "c1|sales|NONE|ABANDON|1|1|10"),
        )
    )
    assert [only(contact, ("queue", "wait_ms")) for contact in log.contacts] == [
        ("sales", 5_000),
        ("support", 15_000),
        ("sales", 10_000),
    ]


def test_agents_are_signed_in_and_paused() -> None:
    log = Logged(
        lines(
            (0, "MANAGER|sales|anna|ADDMEMBER|"),
            (0, "REALTIME|support|anna|ADDMEMBER|PAUSED"),
            (100, "NONE|sales|anna|PAUSE|lunch"),
            (200, "NONE|NONE|anna|UNPAUSEALL|"),
            (300, "MANAGER|sales|anna|REMOVEMEMBER|"),
            (50, "NONE|NONE|Agent/9|AGENTLOGIN|SIP/9"),
            (70, "NONE|NONE|Agent/9|AGENTLOGOFF|SIP/9|20"),
            (80, "NONE|NONE|Agent/8|AGENTCALLBACKLOGIN|8@agents"),
            (90, "NONE|NONE|Agent/8|AGENTCALLBACKLOGOFF|8@agents|10|Autologoff"),
            (400, "NONE|NONE|NONE|CONFIGRELOAD|"),
        )
    )
    found = sorted(
        (
            row["agent"],
            row["queue"],
            row["state"],
            row["reason"],
            row["from_ms"] // 1000 - BEGIN_S,
            row["to_ms"] // 1000 - BEGIN_S,
        )
        for row in log.agent_times.to_pylist()
    )
    assert found == [
        ("Agent/8", "", "available", "", 80, 90),
        ("Agent/9", "", "available", "", 50, 70),
        ("anna", "sales", "available", "", 0, 100),
        ("anna", "sales", "available", "", 200, 300),
        ("anna", "sales", "paused", "lunch", 100, 200),
        ("anna", "support", "available", "", 200, 400),
        ("anna", "support", "paused", "", 0, 200),
    ]


def test_the_vocabulary_is_that_of_asterisk() -> None:
    assert set(GRAMMAR) <= set(EVENTS)
    page = (Path(__file__).parents[3] / "docs/history.md").read_text()
    assert set(re.findall(r"`([A-Z]{4,})`", page)) >= set(EVENTS)


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_every_event_is_read_without_a_complaint(event: str) -> None:
    data = {
        "ENTERQUEUE": "||x|1",
        "CONNECT": "|3|a|1",
        "EXITWITHKEY": "|1|1|1|3",
        "ATTENDEDTRANSFER": "|BRIDGE|b|3|5|1",
        "TRANSFER": "|500|c|3|5|1",
        "BLINDTRANSFER": "|500|c|3|5|1",
        "WITHDRAW": "|1|1|3|x",
    }.get(event, "|3|5|1")
    log = Logged(lines(ENTERS, (20, f"c1|sales|anna|{event}{data}")))
    assert log.refused == []
    assert len(log.contacts) == (2 if event == "ENTERQUEUE" else 1), OF_CONTACTS.get(event)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0), (0, 1, 0)])
def test_overlapping_files_in_any_order_count_once(order: tuple[int, ...]) -> None:
    talk = [CONNECTED, (95, "c1|sales|anna|COMPLETECALLER|20|65|2")]
    other = [(96, "c2|sales|NONE|ENTERQUEUE||x|1"), (99, "c2|sales|NONE|ABANDON|1|1|3")]
    parts = (lines(ENTERS, *talk), lines(*talk, *other))
    log = Logged(*(parts[number] for number in order))
    expected = [(ARRIVED_MS, 20_000)] + ([(ARRIVED_MS + 86_000, 3_000)] if 1 in order else [])
    assert [only(contact, ("arrived_ms", "wait_ms")) for contact in log.contacts] == expected
    # What is in a file again is refused as a duplicate, and nothing else is.
    lines_in_all = sum(parts[number].count("\n") for number in order)
    distinct = len({line for number in order for line in parts[number].splitlines()})
    assert [reason for _, reason in log.refused] == ["a duplicate of another line"] * (lines_in_all - distinct)


def test_fractions_of_seconds_make_waits_exact() -> None:
    text = (
        "1772440010.250000|c1|sales|NONE|ENTERQUEUE||x|1\n"
        "1772440030.750000|c1|sales|anna|CONNECT|20|a|4\n"
        "1772440040.125000|c1|sales|anna|COMPLETEAGENT|20|9|1\n"
    )
    (contact,) = Logged(text).contacts
    assert only(contact, ("arrived_ms", "wait_ms", "talk_ms")) == (1_772_440_010_250, 20_500, 9_375)


@pytest.mark.parametrize("newest_first", [False, True])
def test_dates_of_a_table_are_those_of_the_zone_also_where_an_hour_comes_twice(newest_first: bool) -> None:
    clock = ["01:59", "02:10", "02:50", "02:05", "02:55", "03:00"]  # Madrid goes from 03:00 back to 02:00
    rows = [f"2026-10-25 {at}:00.000000|c{at}{place}|sales|NONE|ABANDON|1|1|0" for place, at in enumerate(clock)]
    log = Logged("\n".join(rows[::-1] if newest_first else rows))
    day = datetime(2026, 10, 25, tzinfo=UTC).timestamp()
    arrived = [day + minutes * 60 for minutes in (-1, 10, 50, 65, 115, 120)]
    assert [contact["arrived_ms"] / 1000 for contact in log.contacts] == arrived
    assert "log1: 4 rows are in an hour that came twice in Europe/Madrid" in log.notes[0]


def test_a_date_that_the_clock_left_out_is_refused() -> None:
    log = Logged("2026-03-29 02:30:00|c1|sales|NONE|ABANDON|1|1|0\n" + lines((40, "c2|sales|NONE|ABANDON|1|2|30")))
    assert log.refused == [(1, "this time does not exist in Europe/Madrid: the clock was put forward")]
    assert [contact["contact"] for contact in log.contacts] == ["c2"]


def test_rings_before_the_log_begins_count_and_are_refused_where_nothing_tells_of_the_call() -> None:
    ring = (10, "c1|sales|ben|RINGNOANSWER|9000")
    (contact,) = Logged(lines(ring, CONNECTED)).contacts
    assert only(contact, ("arrived_ms", "offers", "refused")) == (ARRIVED_MS, 2, 1)
    log = Logged(lines(ENTERS, (12, "c2|sales|ben|RINGNOANSWER|9000"), (40, "c1|sales|NONE|ABANDON|1|2|30")))
    assert log.refused == [(2, "the call is not there: its beginning is missing, or it is over")]


BROKEN = {
    "nonsense": "the time is neither Unix time nor a date",
    "17724400100000|c2|sales|NONE|ABANDON|1|1|3": "the time is neither Unix time nor a date",
    "1772440020|c2|sales": "a line has TIME|CALLID|QUEUE|AGENT|EVENT and data",
    "1772440020|c2|sales|NONE|ABANDON|1|1": "a duration in seconds is missing",
    "1772440020|c2|sales|NONE|ABANDON|1|1|soon": "a duration in seconds is missing",
    "1772440020|c2|sales|NONE|ABANDON|1|1|-3": "a duration below 0 s or above a week",
    "1772440020|c2|sales|a|COMPLETEAGENT|1|99999999|1": "a duration below 0 s or above a week",
    "1772440020|c2|sales|a|BLINDTRANSFER|1|2": "a transfer has its destination, wait, talk and position",
    "1772440020|c2|sales|a|SYSCOMPAT|": "the call is not there: its beginning is missing, or it is over",
    "1772440020|c2|sales|NONE|DID|911": "'DID' is no event of Asterisk's queue_log",
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_line_is_refused_with_its_number_and_reason_and_the_others_count(line: str) -> None:
    log = Logged(lines(ENTERS) + line + "\n" + lines((40, "c1|sales|NONE|ABANDON|1|2|30")))
    assert log.refused == [(2, BROKEN[line])]
    assert [contact["outcome"] for contact in log.contacts] == ["abandoned"]

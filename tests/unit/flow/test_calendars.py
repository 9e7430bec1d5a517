"""Opening hours with the holidays of a country and with calendars."""

import pickle
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from documents import DocumentError, read
from ivr.flow.hours import Hours, load_hours

DUBLIN, BERLIN = ZoneInfo("Europe/Dublin"), ZoneInfo("Europe/Berlin")
WEEK = 'weekly: {mon-fri: ["09:00-17:00"]}'


def calendar(*events: str) -> str:
    blocks = [f"BEGIN:VEVENT\nUID:{number}\nSUMMARY:Event\n{event}\nEND:VEVENT" for number, event in enumerate(events)]
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *blocks, "END:VCALENDAR", ""])


def hours(entry: str, zone: ZoneInfo = BERLIN, **calendars: str) -> Hours:
    files = {f"{name}.ics": text for name, text in calendars.items()}
    return load_hours(read(f"office: {{{entry}}}", "hours.yaml"), zone, (), files)["office"]


def problem(entry: str, **calendars: str) -> str:
    with pytest.raises(DocumentError) as caught:
        hours(entry, **calendars)
    return str(caught.value)


def state(office: Hours, wall: str) -> str:
    return office.state(int(datetime.fromisoformat(wall).replace(tzinfo=office.zone).timestamp() * 1000))


# Dates from the countries' own laws, not from the package: Saint Patrick's Day 2026 is a Tuesday; Unity Day 2026 a
# Saturday, 2025 a Friday; Epiphany is one in Bavaria and not in Berlin. When 1 January 2028, a Saturday, is
# New Year's Day in the USA, the federal holiday is observed on Friday, 31 December 2027 (5 U.S.C. 6103).
@pytest.mark.parametrize(
    ("holidays", "wall", "expected"),
    [
        ("{country: IE}", "2026-03-17T10:00", "holiday"),
        ("{country: IE}", "2026-03-18T10:00", "open"),
        ("{country: DE}", "2025-10-03T10:00", "holiday"),
        ("{country: DE, region: BY}", "2026-01-06T10:00", "holiday"),
        ("{country: DE, region: BE}", "2026-01-06T10:00", "open"),
        ("{country: US}", "2027-12-31T10:00", "holiday"),
        ("{country: IE, except: [2026-03-17]}", "2026-03-17T10:00", "open"),
        ("{country: IE}", "2026-03-16T18:00", "closed"),
    ],
)
def test_public_holidays_are_closed(holidays: str, wall: str, expected: str) -> None:
    assert state(hours(f"{WEEK}, holidays: {holidays}"), wall) == expected


def test_an_exception_beats_a_holiday_and_a_calendar() -> None:
    special = "exceptions: [{date: 2026-03-17, open: ['10:00-12:00']}]"
    closed = calendar("DTSTART;VALUE=DATE:20260317")
    office = hours(f"{WEEK}, holidays: {{country: IE}}, {special}, closed_by: [c.ics]", c=closed)
    assert [state(office, f"2026-03-17T{at}") for at in ("11:00", "13:00")] == ["open", "holiday"]


def test_hours_that_began_before_a_holiday_run_to_their_end() -> None:
    office = hours('weekly: {mon-sun: ["22:00-06:00"]}, holidays: {country: IE}')
    nights = ("2026-03-17T05:00", "2026-03-17T23:00", "2026-03-18T05:00")
    assert [state(office, at) for at in nights] == ["open", "holiday", "closed"]


CLOSURES = calendar(
    "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260107",  # Monday and Tuesday
    "DTSTART;TZID=Europe/Berlin:20260204T120000\nDTEND;TZID=Europe/Berlin:20260204T130000\nRRULE:FREQ=WEEKLY;COUNT=3",
    "DTSTART:20260302T090000Z\nDTEND:20260302T100000Z",  # 10:00 in Berlin
    "DTSTART:20260303T100000\nDTEND:20260303T110000",
    "DTSTART;VALUE=DATE:20260304\nSTATUS:CANCELLED",
    "DTSTART;VALUE=DATE:20260305\nTRANSP:TRANSPARENT",
    "DTSTART:20260306T220000\nDTEND:20260309T100000",  # Friday night to Monday morning
)


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("2026-01-05T10:00", "holiday"),
        ("2026-01-06T16:59", "holiday"),
        ("2026-01-07T09:00", "open"),
        ("2026-02-04T12:30", "holiday"),
        ("2026-02-11T11:59", "open"),
        ("2026-02-11T12:00", "holiday"),
        ("2026-02-11T13:00", "open"),
        ("2026-02-25T12:30", "open"),
        ("2026-03-02T09:59", "open"),
        ("2026-03-02T10:30", "holiday"),
        ("2026-03-03T10:30", "holiday"),
        ("2026-03-04T10:00", "open"),
        ("2026-03-05T10:00", "open"),
        ("2026-03-09T09:30", "holiday"),
        ("2026-03-09T10:00", "open"),
    ],
)
def test_events_close(wall: str, expected: str) -> None:
    assert state(hours(f"{WEEK}, closed_by: [c.ics]", c=CLOSURES), wall) == expected


def test_events_open_and_closing_ones_win() -> None:
    saturdays = calendar("DTSTART:20260110T100000\nDTEND:20260110T140000\nRRULE:FREQ=WEEKLY")
    stocktaking = calendar("DTSTART:20260117T120000\nDTEND:20260117T200000")
    office = hours(f"{WEEK}, open_by: [o.ics], closed_by: [c.ics]", o=saturdays, c=stocktaking)
    walls = ("2026-01-10T11:00", "2026-01-10T14:00", "2026-01-17T11:00", "2026-01-17T12:00")
    assert [state(office, at) for at in walls] == ["open", "closed", "open", "holiday"]


def test_an_event_follows_the_wall_clock_over_a_change_of_clocks() -> None:
    weekly = calendar(
        "DTSTART;TZID=Europe/Berlin:20260323T120000\nDTEND;TZID=Europe/Berlin:20260323T130000\nRRULE:FREQ=WEEKLY"
    )
    office = hours(f"{WEEK}, closed_by: [c.ics]", c=weekly)
    assert [state(office, f"2026-03-{day}T12:30") for day in (23, 30)] == ["holiday", "holiday"]


@pytest.mark.parametrize(
    ("entry", "calendars", "message"),
    [
        ("holidays: {country: XX}", {}, "no holidays are known of 'XX'"),
        ("holidays: {country: DE, region: XY}", {}, "DE has no region 'XY'"),
        ("holidays: {country: ireland}", {}, "pattern"),
        ("closed_by: [c.ics]", {}, "there is no calendar calendars/c.ics"),
        ("closed_by: [cc.ics]", {"c": CLOSURES}, "did you mean 'c.ics'"),
        ("closed_by: ['../c.ics']", {}, "pattern"),
        ("closed_by: [c.ics]", {"c": ""}, "calendars/c.ics: not an iCalendar"),
        ("closed_by: [c.ics]", {"c": "<html>Sign in</html>"}, "not an iCalendar"),
        ("closed_by: [c.ics]", {"c": "BEGIN:VEVENT\nEND:VEVENT"}, "it begins with VEVENT"),
        ("open_by: [c.ics]", {"c": calendar("SUMMARY:never")}, "has no beginning (DTSTART)"),
        ("open_by: [c.ics]", {"c": calendar("DTSTART:today")}, "DTSTART"),
        ("open_by: [c.ics]", {"c": calendar("DTSTART:20260101T000000\nRRULE:FREQ=SECONDLY")}, "recurs within a day"),
        ("open_by: [c.ics]", {"c": calendar(*["DTSTART:20260101"] * 5_001)}, "5001 events; at most 5000"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(entry: str, calendars: dict[str, str], message: str) -> None:
    found = problem(f"{WEEK}, {entry}", **calendars)
    assert message in found
    assert found.startswith("hours.yaml:1: office.")


def test_hours_go_to_other_processes() -> None:
    office = hours(f"{WEEK}, holidays: {{country: IE}}, closed_by: [c.ics]", c=CLOSURES)
    copy: Any = pickle.loads(pickle.dumps(office))
    for wall in ("2026-03-17T10:00", "2026-01-05T10:00", "2026-01-08T10:00"):
        assert state(copy, wall) == state(office, wall)

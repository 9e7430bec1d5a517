from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from documents import DocumentError, read
from ivr.flow.hours import Hours, load_hours

BERLIN = ZoneInfo("Europe/Berlin")

OFFICE = """
office:
  weekly:
    mon-thu: ["08:00-12:00", "13:00-17:00"]
    fri: ["08:00-14:00"]
  exceptions:
    - {date: 2026-12-24, name: Christmas Eve, open: ["08:00-12:00"]}
    - {date: 2026-12-25, name: Christmas}
"""
NIGHT = "office: {weekly: {fri-sun: ['22:00-06:00']}, exceptions: [{date: 2026-03-28}]}"
ALWAYS = "office: {weekly: {mon-sun: ['00:00-24:00']}}"


def office(text: str = OFFICE) -> Hours:
    return load_hours(read(text, "hours.yaml"), BERLIN)["office"]


def ms(wall: str, fold: int = 0) -> int:
    return round(datetime.fromisoformat(wall).replace(tzinfo=BERLIN, fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(
    ("wall", "state"),
    [
        ("2026-01-05 07:59:59.999", "closed"),
        ("2026-01-05 08:00", "open"),
        ("2026-01-05 11:59:59.999", "open"),
        ("2026-01-05 12:00", "closed"),
        ("2026-01-05 13:00", "open"),
        ("2026-01-09 13:30", "open"),
        ("2026-01-09 14:30", "closed"),
        ("2026-01-10 09:00", "closed"),
        ("2026-12-24 09:00", "open"),
        ("2026-12-24 14:00", "holiday"),
        ("2026-12-25 09:00", "holiday"),
        ("2026-12-26 09:00", "closed"),
    ],
)
def test_the_week_and_its_exceptions(wall: str, state: str) -> None:
    assert office().state(ms(wall)) == state
    assert office().is_open(ms(wall)) == (state == "open")


@pytest.mark.parametrize(
    ("wall", "is_open"),
    [
        ("2026-01-09 21:59", False),
        ("2026-01-09 22:00", True),
        ("2026-01-10 05:59", True),
        ("2026-01-10 06:00", False),
        ("2026-01-12 05:59", True),  # Monday: Sunday's range still runs
        ("2026-01-12 22:30", False),
        ("2026-03-28 05:00", True),  # a closed date; the range of the evening before still runs
        ("2026-03-28 22:30", False),
        ("2026-03-29 05:00", False),
    ],
)
def test_a_range_past_midnight_belongs_to_the_day_on_which_it_begins(wall: str, is_open: bool) -> None:
    assert office(NIGHT).is_open(ms(wall)) == is_open


def test_hours_that_the_clock_skips_do_not_happen_and_those_it_shows_twice_are_open_twice() -> None:
    early = office("office: {weekly: {sun: ['02:00-03:00']}}")
    skipped = range(ms("2026-03-29 00:00"), ms("2026-03-29 06:00"), 60_000)
    twice = range(ms("2026-10-25 00:00"), ms("2026-10-25 06:00"), 60_000)
    assert sum(early.is_open(now) for now in skipped) == 0
    assert sum(early.is_open(now) for now in twice) == 120
    assert early.is_open(ms("2026-10-25 02:30", fold=0))
    assert early.is_open(ms("2026-10-25 02:30", fold=1))


def test_always_is_always() -> None:
    assert all(office(ALWAYS).is_open(now) for now in range(ms("2026-03-28 00:00"), ms("2026-03-31 00:00"), 600_000))


def test_the_emergency_switch_goes_before_everything() -> None:
    assert office(OFFICE + "  emergency: true").state(ms("2026-01-05 09:00")) == "emergency"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{weekly: {mon: ['9-17']}}", "hours are written as 09:00-17:30"),
        ("{weekly: {Monday: ['09:00-17:00']}}", "or several such as mon-fri; the name is 'Monday'"),
        ("{weekly: {mon: ['09:00-24:30']}}", "at 24:00 at the latest"),
        ("{weekly: {mon: ['09:00-09:00']}}", "last more than no time"),
        ("{weekly: {mon: ['24:00-02:00']}}", "begin before 24:00"),
        ("{weekly: {mon: ['09:00-12:00', '11:00-13:00']}}", "09:00-12:00 and 11:00-13:00 overlap"),
        ("{weekly: {mon: ['22:00-06:00', '23:00-24:00']}}", "overlap"),
        ("{weekly: {mon-wed: [], tue: []}}", "tue is listed twice"),
        ("{weekly: {monday: []}}", "the name is 'monday'"),
        ("{weekly: {}, exceptions: [{date: 2026-02-30}]}", "exceptions[0].date"),
        ("{weekly: {}, exceptions: [{date: 2026-02-01}, {date: 2026-02-01}]}", "2026-02-01 is listed twice"),
        ("{weekly: {}, exceptions: [{date: 2026-02-01, open: ['08:00-12:00', '11:00-13:00']}]}", "overlap"),
        ("{weekly: {}, hollidays: []}", "'hollidays' is not known here"),
        ("{}", "'weekly' is missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(entry: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        office(f"office: {entry}")
    assert problem in str(caught.value)
    assert "hours.yaml:1: office" in str(caught.value)

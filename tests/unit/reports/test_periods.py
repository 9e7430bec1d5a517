import itertools
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from switchboard.reports.periods import Interval, Spans, periods

MADRID = ZoneInfo("Europe/Madrid")
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 7, 1), 24), (date(2026, 10, 25), 25)], ids=str
)
@pytest.mark.parametrize(("interval", "an_hour"), [("15", 4), ("30", 2), ("60", 1)])
def test_a_day_has_as_many_hours_as_the_clock_gives_it(day: date, hours: int, interval: Interval, an_hour: int) -> None:
    found = periods(day, day, MADRID, interval)
    assert len(found) == hours * an_hour
    assert sum(period.end_ms - period.start_ms for period in found) == hours * HOUR_MS
    assert all(one.end_ms == other.start_ms for one, other in itertools.pairwise(found))


def test_the_hour_that_comes_twice_is_there_twice_with_its_offset() -> None:
    found = [period.start.isoformat() for period in periods(date(2026, 10, 25), date(2026, 10, 25), MADRID, "60")]
    assert found[2:4] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]
    assert len(set(found)) == 25


def test_days_begin_at_the_centres_midnight_and_are_as_long_as_they_are() -> None:
    found = periods(date(2026, 10, 24), date(2026, 10, 26), MADRID, "day")
    assert [(period.end_ms - period.start_ms) // HOUR_MS for period in found] == [24, 25, 24]
    assert [period.start.hour for period in found] == [0, 0, 0]
    assert [period.end.hour for period in found] == [0, 0, 0]


def test_a_day_whose_midnight_is_skipped_begins_with_its_first_moment() -> None:
    havana = ZoneInfo("America/Havana")  # on 2026-03-08 clocks go from 0:00 to 1:00
    first, second = periods(date(2026, 3, 7), date(2026, 3, 8), havana, "day")
    assert (second.start.hour, second.end_ms - second.start_ms) == (1, 23 * HOUR_MS)
    assert first.end_ms == second.start_ms


def test_intervals_begin_anew_at_midnight_where_clocks_change_by_half_an_hour() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    found = periods(date(2026, 4, 5), date(2026, 4, 6), lord_howe, "60")
    assert sum(period.end_ms - period.start_ms for period in found) == round(48.5 * HOUR_MS)
    assert [period.start.hour for period in found if period.start.day == 6] == list(range(24))


def test_time_is_cut_at_the_borders_and_what_is_outside_is_left_out() -> None:
    found = periods(date(2026, 7, 1), date(2026, 7, 1), MADRID, "60")
    spans, begin_ms = Spans(found), found[0].start_ms
    assert spans.parts(begin_ms - 5_000, begin_ms + HOUR_MS + 7_000) == [(0, HOUR_MS), (1, 7_000)]
    assert spans.parts(found[-1].end_ms, found[-1].end_ms + 1) == []
    assert [spans.at(at_ms) for at_ms in (begin_ms - 1, begin_ms, found[-1].end_ms - 1, found[-1].end_ms)] == [
        None,
        0,
        23,
        None,
    ]

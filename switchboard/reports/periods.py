"""The intervals and days of a report, by the centre's own clock: a day may have 23 or 25 hours."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

Interval = Literal["15", "30", "60", "day"]
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Period:
    """From `start_ms` to before `end_ms`; `start` and `end` are the centre's own times with their offsets, which tell
    the two hours apart that a day of the change has twice."""

    start_ms: int
    end_ms: int
    start: datetime
    end: datetime


def periods(first: date, last: date, zone: ZoneInfo, interval: Interval) -> list[Period]:
    """All periods of the days `first` to `last`, both included. Intervals begin anew at each midnight."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 2)]
    found = []
    for begin_ms, end_ms in pairwise(_midnight_ms(day, zone) for day in days):
        step_ms = end_ms - begin_ms if interval == "day" else int(interval) * _MINUTE_MS
        for start_ms in range(begin_ms, end_ms, step_ms):
            until_ms = min(start_ms + step_ms, end_ms)
            start, end = (datetime.fromtimestamp(at_ms / 1000, zone) for at_ms in (start_ms, until_ms))
            found.append(Period(start_ms, until_ms, start, end))
    return found


def bounds_ms(first: date, last: date, zone: ZoneInfo) -> tuple[int, int]:
    """When the day `first` begins and the day `last` ends (Unix ms)."""
    return _midnight_ms(first, zone), _midnight_ms(last + timedelta(days=1), zone)


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    """When the day begins; where its midnight is skipped (clocks go from 0:00 to 1:00), the first moment it has."""
    return round(datetime.combine(day, time(), zone).timestamp() * 1000)


class Spans:
    """Finds periods by time."""

    def __init__(self, of: Sequence[Period]) -> None:
        self._periods = of
        self._starts = [period.start_ms for period in of]

    def at(self, at_ms: int) -> int | None:
        """The number of the period of this moment."""
        index = bisect_right(self._starts, at_ms) - 1
        return index if index >= 0 and at_ms < self._periods[index].end_ms else None

    def parts(self, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """The time between the two, cut at the borders: each period's number with its milliseconds of it."""
        index, found = max(0, bisect_right(self._starts, from_ms) - 1), []
        while index < len(self._periods) and self._periods[index].start_ms < to_ms:
            period = self._periods[index]
            part_ms = min(to_ms, period.end_ms) - max(from_ms, period.start_ms)
            if part_ms > 0:
                found.append((index, part_ms))
            index += 1
        return found

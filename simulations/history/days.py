"""The contacts of a history by day, interval and kind, on the planner's clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy
from numpy.typing import NDArray

from documents import DocumentError, Problem
from simulations.history.form import Floats, History, Ints
from simulations.history.zones import local_ms, zone_of

DAY_MS = 86_400_000
MINUTE_MS = 60_000
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALLBACK = "callback"
LEAST_OF_A_KIND = 50
"""Kinds with fewer contacts go with those of their queue of which no kind is known."""
_LATE_INTERVALS = 2


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which kind each contact of a history is of: by what it is about, in its queue. `of` is an index into `names`."""

    names: tuple[str, ...]
    queues: tuple[str, ...]
    of: Ints


@dataclass(frozen=True, slots=True)
class Days:
    """Arrivals on the planner's clock. `counts[kind, day, interval]`; `day_of` and `interval_of` of every contact, -1
    for one outside of the days or hours that count. `dropped` says which days do not count, and why."""

    dates: tuple[date, ...]
    first_minute: int
    interval_minutes: int
    counts: Ints
    day_of: Ints
    interval_of: Ints
    dropped: tuple[tuple[date, str], ...]

    @property
    def intervals(self) -> int:
        return int(self.counts.shape[2])

    @property
    def weekdays(self) -> Ints:
        return numpy.array([day.weekday() for day in self.dates], dtype=numpy.int64)

    def clock(self, interval: int) -> str:
        minutes = self.first_minute + interval * self.interval_minutes
        return f"{minutes // 60:02d}:{minutes % 60:02d}"


def zone_of_history(history: History, zone: str | None) -> ZoneInfo:
    """Raises DocumentError when nobody has said whose clock counts."""
    name = zone or history.about.get("time_zone")
    if not name:
        hint = "give --time-zone, such as Europe/Madrid"
        raise DocumentError([Problem("the history does not say by which clock its days are meant", hint=hint)])
    return zone_of(name)


def kinds_of(history: History, queues: Sequence[str] | None = None, by_queue: bool = False) -> Kinds:
    """The kinds of these queues (all by default), the largest first. A kind that is in several queues is named with
    its queue. Contacts of other queues are of kind -1. `by_queue`: all contacts of a queue are of one kind."""
    labels, in_queue = history.texts("kind"), history.texts("queue")
    if by_queue:
        labels = numpy.full(len(labels), "", dtype=object)
    wanted = set(queues) if queues is not None else None
    pairs = Counter(zip(in_queue.tolist(), labels.tolist(), strict=True))
    chosen: Counter[tuple[str, str]] = Counter()
    for (queue, label), count in pairs.items():
        if wanted is None or queue in wanted:
            chosen[queue, label if count >= LEAST_OF_A_KIND else ""] += count
    times = Counter(label for _, label in chosen if label)
    ordered = [pair for pair, _ in chosen.most_common()]
    taken: set[str] = set()
    names = []
    for queue, label in ordered:
        name = (
            (label if times[label] == 1 and label not in {q for q, _ in ordered} else f"{label} in {queue}")
            if label
            else queue
        )
        while name in taken:
            name += "'"
        taken.add(name)
        names.append(name or "contacts")
    index = {pair: place for place, pair in enumerate(ordered)}
    of = numpy.array(
        [
            index.get((queue, label), index.get((queue, ""), -1))
            for queue, label in zip(in_queue.tolist(), labels.tolist(), strict=True)
        ],
        dtype=numpy.int64,
    )
    return Kinds(tuple(names), tuple(queue for queue, _ in ordered), of)


def days_of(
    history: History,
    kinds: Kinds,
    zone: ZoneInfo,
    interval_minutes: int = 30,
    hours: tuple[int, int] | None = None,
    counted: NDArray[numpy.bool_] | None = None,
) -> Days:
    """The days on which anybody came, between the `hours` (minutes of the day; by default all in which anybody ever
    came). Of the contacts only those `counted` are arrivals (by default all).

    A first or last day on which the records begin late or end early is dropped: it would make its hours look quiet.
    """
    wall = local_ms(history.ints("arrived_ms"), zone)
    day, minute = wall // DAY_MS, wall % DAY_MS // MINUTE_MS
    used = kinds.of >= 0
    if not used.any():
        raise DocumentError([Problem("no contact is of these queues")])
    if hours is None:
        first = int(minute[used].min()) // interval_minutes * interval_minutes
        last = (int(minute[used].max()) // interval_minutes + 1) * interval_minutes
        hours = (first, min(1440, last))
    first, count = hours[0], max(1, -(-(hours[1] - hours[0]) // interval_minutes))
    inside = used & (minute >= first) & (minute < first + count * interval_minutes)
    present, places = numpy.unique(day[inside], return_inverse=True)
    if not len(present):
        raise DocumentError([Problem("no contact came within these hours")])
    interval = (minute - first) // interval_minutes
    kept, dropped = _whole_days(present, places, interval[inside], count)
    kept, changed = _without_changes_of_the_clock(kept, zone, first, first + count * interval_minutes)
    dropped += changed
    if not len(kept):
        raise DocumentError([Problem("on the only day the clock was changed within the hours that count")])
    index = {int(number): place for place, number in enumerate(kept)}
    day_of = numpy.array([index.get(int(number), -1) for number in day], dtype=numpy.int64)
    day_of[~inside] = -1
    interval_of = numpy.where(day_of >= 0, interval, -1)
    counts = numpy.zeros((len(kinds.names), len(kept), count), dtype=numpy.int64)
    arrivals = day_of >= 0 if counted is None else (day_of >= 0) & counted
    numpy.add.at(counts, (kinds.of[arrivals], day_of[arrivals], interval_of[arrivals]), 1)
    epoch = date(1970, 1, 1)
    dates = tuple(epoch + timedelta(days=int(number)) for number in kept)
    told = tuple((epoch + timedelta(days=number), why) for number, why in dropped)
    return Days(dates, first, interval_minutes, counts, day_of, interval_of, told)


def _whole_days(present: Ints, places: Ints, interval: Ints, count: int) -> tuple[Ints, list[tuple[int, str]]]:
    if len(present) < 3:
        return present, []
    begin = numpy.full(len(present), count)
    end = numpy.full(len(present), -1)
    numpy.minimum.at(begin, places, interval)
    numpy.maximum.at(end, places, interval)
    dropped = []
    if begin[0] > numpy.median(begin[1:]) + _LATE_INTERVALS:
        dropped.append((int(present[0]), "the records begin in the middle of it"))
    if end[-1] < numpy.median(end[:-1]) - _LATE_INTERVALS:
        dropped.append((int(present[-1]), "the records end in the middle of it"))
    gone = {number for number, _ in dropped}
    return present[[int(number) not in gone for number in present]], dropped


def _without_changes_of_the_clock(
    days: Ints, zone: ZoneInfo, first: int, last: int
) -> tuple[Ints, list[tuple[int, str]]]:
    """An interval that comes twice, or never, has no place among those of other days."""
    dropped = []
    for number in days.tolist():
        midnight = datetime(1970, 1, 1) + timedelta(days=number)
        at = [(midnight + timedelta(minutes=minute)).replace(tzinfo=zone).utcoffset() for minute in (first, last)]
        if at[0] != at[1]:
            dropped.append((number, "the clock was changed within the hours that count"))
    gone = {number for number, _ in dropped}
    return days[[number not in gone for number in days.tolist()]], dropped


def mean_and_error(counts: Ints) -> tuple[Floats, Floats]:
    """The mean over days of `counts[day, interval]`, and its standard error: from the days, and where there is only
    one, of a Poisson count."""
    days = counts.shape[0]
    mean = counts.mean(axis=0)
    if days > 1:
        return mean, counts.std(axis=0, ddof=1) / numpy.sqrt(days)
    return mean, numpy.sqrt(mean)

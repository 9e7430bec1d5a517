"""Opening hours in the centre's wall time: a weekly plan, holidays, calendars, dated exceptions, an emergency switch.

An instant counts by what the wall clock shows. When clocks go forward, hours that the clock skips do not happen; when
they go back, hours that it shows twice are both open (or both closed). A range that passes midnight (`22:00-06:00`)
belongs to the day on which it begins. An exception replaces the ranges that begin on its date; a range that began the
evening before still runs to its end; so does a public holiday. An event of a calendar counts at every instant that it
covers: one of `closed_by` closes, whatever began when, and else one of `open_by` opens. On the date of an exception
calendars do not count: what is written down for that very day holds.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice, pairwise
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator

from documents import DocumentError, Problem, Source, nearest, validate
from ivr.flow.calendars import CalendarError, CalendarName, Events, PublicHolidays
from ivr.flow.names import HoursName, Matching

State = Literal["open", "closed", "holiday", "emergency"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANGE = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")


def _minutes(text: str) -> tuple[int, int]:
    """`09:00-17:30` as minutes since midnight; the end of a range that passes midnight is over 24 hours."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError("hours are written as 09:00-17:30")
    begin, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if begin >= _DAY_MINUTES or end > _DAY_MINUTES or begin == end:
        raise ValueError("hours begin before 24:00, end at 24:00 at the latest, and last more than no time")
    return begin, end if end > begin else end + _DAY_MINUTES


def _range(text: str) -> str:
    _minutes(text)
    return text


def _days(text: str) -> list[int]:
    """`mon` or `mon-fri` as weekday numbers; `fri-mon` runs over the week's end."""
    first, _, last = text.partition("-")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [(begin + i) % 7 for i in range((end - begin) % 7 + 1)]


_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
Days = Annotated[
    str,
    Field(description="A day (`sat`) or several (`mon-fri`)."),
    Matching(f"^{_DAY}(-{_DAY})?$", "days are mon, tue, wed, thu, fri, sat and sun, or several such as mon-fri"),
]
Range = Annotated[str, Field(description="From and to, as 09:00-17:30; may pass midnight."), AfterValidator(_range)]
Ranges = Annotated[tuple[Range, ...], Field(max_length=10)]


class HoursException(BaseModel):
    """What holds on one date instead of the weekly plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: date
    name: str = Field("", max_length=80, description="Such as the holiday's name.")
    open: Ranges = Field((), description="The hours of that day; none: closed.")


class HoursEntry(BaseModel):
    """One set of opening hours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weekly: dict[Days, Ranges] = Field(description="Hours by day; a day that is not listed is closed.")
    exceptions: tuple[HoursException, ...] = ()
    holidays: PublicHolidays | None = Field(None, description="Closed on the public holidays of a country.")
    closed_by: tuple[CalendarName, ...] = Field((), max_length=10, description="Closed while an event of these is on.")
    open_by: tuple[CalendarName, ...] = Field((), max_length=10, description="Open while an event of these is on.")
    emergency: bool = Field(False, description="The emergency switch: while true, it is closed.")

    @model_validator(mode="after")
    def _each_day_once(self) -> Self:
        seen: set[int] = set()
        for key in self.weekly:
            for day in _days(key):
                if day in seen:
                    raise ValueError(f"{DAYS[day]} is listed twice")
                seen.add(day)
        dates = [exception.date for exception in self.exceptions]
        for day_date in dates:
            if dates.count(day_date) > 1:
                raise ValueError(f"{day_date} is listed twice")
        for ranges in (*self.weekly.values(), *(exception.open for exception in self.exceptions)):
            _refuse_overlap(ranges)
        return self


def _refuse_overlap(ranges: Iterable[str]) -> None:
    ordered = sorted((_minutes(text), text) for text in ranges)
    for ((_, end), first), ((begin, _), second) in pairwise(ordered):
        if begin < end:
            raise ValueError(f"{first} and {second} overlap")


class HoursDocument(RootModel[dict[HoursName, HoursEntry]]):
    """hours.yaml: the centre's opening hours by name."""


class Hours:
    """One set of opening hours in a time zone. `now_ms` is Unix ms throughout. `calendars` are those that it names."""

    def __init__(self, entry: HoursEntry, zone: tzinfo, calendars: Mapping[str, Events] = MappingProxyType({})) -> None:
        self._made_of = (entry, zone, {name: calendars[name] for name in (*entry.closed_by, *entry.open_by)})
        self.zone = zone
        self.emergency = entry.emergency
        self._weekly: list[list[tuple[int, int]]] = [[] for _ in DAYS]
        for key, ranges in entry.weekly.items():
            for day in _days(key):
                self._weekly[day] = [_minutes(text) for text in ranges]
        self._exceptions = {e.date: [_minutes(text) for text in e.open] for e in entry.exceptions}
        self._holidays = entry.holidays.names() if entry.holidays else {}
        self._working_days = frozenset(entry.holidays.except_ if entry.holidays else ())
        self._closed_by = [calendars[name] for name in entry.closed_by]
        self._open_by = [calendars[name] for name in entry.open_by]

    def __reduce__(self) -> tuple[type["Hours"], tuple[HoursEntry, tzinfo, Mapping[str, Events]]]:
        """Pickled as what it is made of, for simulations in several processes."""
        return Hours, self._made_of

    @property
    def entry(self) -> HoursEntry:
        """As they are written."""
        return self._made_of[0]

    def state(self, now_ms: int) -> State:
        """`holiday`: closed because of the date's exception, a public holiday or a calendar. `emergency`: closed by the
        switch, whatever the hours."""
        if self.emergency:
            return "emergency"
        wall = (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(self.zone)
        today, minute = wall.date(), wall.hour * 60 + wall.minute
        if today not in self._exceptions:
            if any(events.covers(wall) for events in self._closed_by):
                return "holiday"
            if any(events.covers(wall) for events in self._open_by):
                return "open"
        if self._within(today, minute) or self._within(today - timedelta(days=1), minute + _DAY_MINUTES):
            return "open"
        return "holiday" if today in self._exceptions or self._is_holiday(today) else "closed"

    def possible(self) -> frozenset[State]:
        """What it may ever be. The emergency switch may be thrown at any time; what depends on calendars and on the
        years of holidays counts as possible."""
        dated, calendars = bool(self._exceptions or self._holidays), bool(self._closed_by or self._open_by)
        found: set[State] = {"emergency"}
        if any(self._weekly) or any(self._exceptions.values()) or self._open_by:
            found.add("open")
        week = {(day, minute) for day, ranges in enumerate(self._weekly) for r in ranges for minute in range(*r)}
        open_minutes = {((day + minute // _DAY_MINUTES) % 7, minute % _DAY_MINUTES) for day, minute in week}
        if len(open_minutes) < 7 * _DAY_MINUTES or dated or calendars:
            found.add("closed")
        if dated or self._closed_by:
            found.add("holiday")
        return frozenset(found)

    def is_open(self, now_ms: int) -> bool:
        return self.state(now_ms) == "open"

    def open_times(self, after_ms: int, every_min: int, most: int) -> list[int]:
        """The next times (Unix ms) at which it is open: full multiples of `every_min` on the wall clock, of the coming
        two weeks."""
        wall = (_EPOCH + timedelta(milliseconds=after_ms)).astimezone(self.zone)
        past_min = (wall.hour * 60 + wall.minute) % every_min
        first_ms = after_ms - after_ms % 60_000 + (every_min - past_min) * 60_000
        step_ms = every_min * 60_000
        times = (first_ms + number * step_ms for number in range(14 * _DAY_MINUTES // every_min))
        return list(islice(filter(self.is_open, times), most))

    def _within(self, day: date, minute: int) -> bool:
        """Whether `minute`, counted from the midnight that began `day`, is in one of that day's ranges."""
        ranges = self._exceptions.get(day)
        if ranges is None:
            ranges = [] if self._is_holiday(day) else self._weekly[day.weekday()]
        return any(begin <= minute < end for begin, end in ranges)

    def _is_holiday(self, day: date) -> bool:
        return day in self._holidays and day not in self._working_days


def load_hours(
    source: Source,
    zone: tzinfo,
    at: tuple[str | int, ...] = (),
    calendars: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Hours]:
    """Every set of hours by name; `calendars` are the texts of the centre's calendars by the names of their files.

    Raises documents.DocumentError with every problem.
    """
    entries = validate(source, HoursDocument, at).root
    problems: list[Problem] = []
    events: dict[str, Events] = {}
    for name, entry in entries.items():
        for field in ("closed_by", "open_by"):
            for position, file in enumerate(getattr(entry, field)):
                path = (*at, str(name), field, position)
                if file not in calendars:
                    hint = nearest(file, calendars) if calendars else "put it there"
                    problems.append(source.problem(path, f"there is no calendar calendars/{file}", hint))
                elif file not in events:
                    try:
                        events[file] = Events(calendars[file], zone)
                    except CalendarError as error:
                        problems.append(source.problem(path, f"calendars/{file}: {error}"))
    if problems:
        raise DocumentError(problems)
    return {str(name): Hours(entry, zone, events) for name, entry in entries.items()}

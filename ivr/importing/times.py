"""Asterisk's times: `9:00-17:00,mon-fri,1-31,jan`, as opening hours or as a condition.

A time that ends with a full hour ends there (Asterisk counts that last minute too).
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from ivr.importing.draft import Draft

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONG = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
EVERY = ("*", "", "any")


class WrongTime(ValueError):
    """No time that Asterisk knows; the message says which part."""


class Span:
    """One such time, taken apart. Raises WrongTime."""

    def __init__(self, text: str) -> None:
        parts = [part.strip().lower() for part in re.split(r"[,|]", text)]
        times, days, dates, months, *_ = [*parts, "*", "*", "*", "*"]
        self.times = [_times(part) for part in times.split("&")] if times not in EVERY else []
        self.days = _several(days, lambda name: _name(name, _DAYS, "day"), 7)
        self.dates = [day + 1 for day in _several(dates, lambda text: _number(text, 31) - 1, 31)]
        self.months = [month + 1 for month in _several(months, _month, 12)]

    @property
    def weekly(self) -> bool:
        """Whether it is the same every week, and so opening hours can say it."""
        return not self.dates and not self.months

    def hours(self) -> dict[str, list[str]]:
        """As opening hours say it."""
        begin_end = [f"{begin}-{end}" for begin, end in self.times] or ["00:00-24:00"]
        return {_DAYS[day]: begin_end for day in sorted(self.days or range(7), key=lambda day: (day - 1) % 7)}

    def condition(self) -> str:
        """In CEL, over `now`."""
        parts = []
        if self.times:
            spans = [
                f"now.time >= '{begin}' && now.time < '{end}'"
                if begin < end
                else f"(now.time >= '{begin}' || now.time < '{end}')"
                for begin, end in self.times
            ]
            parts.append(" || ".join(f"({span})" for span in spans) if len(spans) > 1 else spans[0])
        if self.days:
            parts.append("now.weekday in [" + ", ".join(f"'{_LONG[day]}'" for day in self.days) + "]")
        for name, numbers in (("day", self.dates), ("month", self.months)):
            if len(numbers) == 1:
                parts.append(f"now.{name} == {numbers[0]}")
            elif numbers:
                parts.append(f"now.{name} in {numbers}")
        return " && ".join(f"({part})" if " || " in part and len(parts) > 1 else part for part in parts) or "true"


def together(spans: Sequence[Span]) -> dict[str, list[str]] | None:
    """The hours of several spans together; None where a week cannot say them."""
    week: dict[str, list[str]] = {}
    for span in spans:
        if not span.weekly:
            return None
        for day, ranges in span.hours().items():
            week[day] = [*week.get(day, []), *(r for r in ranges if r not in week.get(day, []))]
    return None if any(_overlap(ranges) for ranges in week.values()) else _by_days(week)


def add_hours(draft: Draft, name: str, spans: Sequence[Span]) -> str | None:
    """Puts these hours into the draft; None where a week cannot say them."""
    week = together(spans)
    return None if week is None else draft.opening_hours(name, week)


def _by_days(week: dict[str, list[str]]) -> dict[str, list[str]]:
    """Days that follow each other and are alike as `mon-fri`."""
    found: list[tuple[str, str, list[str]]] = []
    for day in (*_DAYS[1:], _DAYS[0]):
        if day not in week:
            continue
        before = found[-1] if found else None
        if before and before[2] == week[day] and (_DAYS.index(before[1]) + 1) % 7 == _DAYS.index(day):
            found[-1] = (before[0], day, before[2])
        else:
            found.append((day, day, week[day]))
    return {first if first == last else f"{first}-{last}": ranges for first, last, ranges in found}


def _overlap(ranges: list[str]) -> bool:
    cut = []
    for text in ranges:
        begin, end = text.split("-")
        cut.append((begin, end if end > begin else "48:00"))
    cut.sort()
    return any(begin < end for (_, end), (begin, _) in pairwise(cut))


def _times(text: str) -> tuple[str, str]:
    begin, _, end = text.partition("-")
    first, last = _clock(begin), _clock(end or begin)
    if last[1] % 30 or not end:  # such as 16:59, of which the whole minute counts
        last = (last[0], last[1] + 1)
    ends = last[0] * 60 + last[1]
    begins = first[0] * 60 + first[1]
    if begins == ends % 1440:
        return "00:00", "24:00"
    return f"{begins // 60:02}:{begins % 60:02}", f"{ends // 60:02}:{ends % 60:02}"


def _clock(text: str) -> tuple[int, int]:
    found = _CLOCK.fullmatch(text.strip())
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        raise WrongTime(f"{text.strip()!r} is no time such as 9:00")
    return int(found[1]), int(found[2])


def _several(text: str, read: Callable[[str], int], size: int) -> list[int]:
    """`mon-fri` or `1-5&9` as numbers from 0; a range may pass the end. Empty: all of them."""
    if text in EVERY:
        return []
    found: list[int] = []
    for part in text.split("&"):
        first, _, last = part.partition("-")
        begin = read(first.strip())
        end = read(last.strip()) if last else begin
        found += [(begin + i) % size for i in range((end - begin) % size + 1)]
    return sorted(set(found))


def _name(text: str, names: Sequence[str], what: str) -> int:
    if text[:3] not in names:
        raise WrongTime(f"{text!r} is no {what}")
    return list(names).index(text[:3])


def _month(text: str) -> int:
    return _number(text, 12) - 1 if text.isdecimal() else _name(text, _MONTHS, "month")


def _number(text: str, most: int) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise WrongTime(f"{text!r} is not 1 to {most}")
    return int(text)

"""The scenario's clock: wall times as people write them, and spans of the day as milliseconds since the start."""

import re
from collections.abc import Iterable
from datetime import datetime

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
A_MONDAY = "2026-01-05"

Span = tuple[int, int]
"""From when to when, in milliseconds since the scenario's start."""


def clock(text: str) -> datetime:
    """`2026-03-02 08:00` or `08:00`; ValueError for anything else."""
    try:
        return datetime.strptime(text if " " in text else f"{A_MONDAY} {text}", "%Y-%m-%d %H:%M")
    except ValueError:
        raise ValueError("a time such as '08:00' or '2026-03-02 08:00' is needed") from None


def shift_minutes(text: str) -> tuple[int, int]:
    """The minutes of the day between which a shift `08:00-16:30` lasts; the end is above 1440 after midnight."""
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)", text)
    if match is None:
        raise ValueError(f"{text!r} is no shift; one is written '08:00-16:30'")
    first, last = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
    return first, last if last > first else last + 1440


def spans_ms(shifts: Iterable[str], midnight_ms: int, end_ms: int) -> tuple[Span, ...]:
    """Shifts by the clock, every day anew, cut to the time from 0 to `end_ms`, in order; those that touch are one.
    `midnight_ms` is when the first day began."""
    spans = [[midnight_ms + minute * MINUTE_MS for minute in shift_minutes(shift)] for shift in shifts]
    # From the day before, because a shift may go over midnight.
    days = range(-DAY_MS, end_ms + DAY_MS, DAY_MS)
    found = [(max(0, first + day), min(end_ms, last + day)) for first, last in spans for day in days]
    merged: list[Span] = []
    for begin, finish in sorted(span for span in found if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(finish, merged[-1][1]))
        else:
            merged.append((begin, finish))
    return tuple(merged)

"""What is counted of callers, by kind: what the router never sees (who finds all lines busy, who calls again) and what
becomes of a caller in the end, after all calls. A call counts in the interval in which it was made, a caller in that of
the first call; whether a caller was ever served, in that of the last."""

from collections.abc import Callable
from typing import Any

import msgspec

from router.core.measures import Value


class CallerTally(msgspec.Struct):
    """The sums behind the figures of a kind, for some span of time."""

    callers: int = 0
    calls: int = 0
    blocked: int = 0
    left_at_once: int = 0
    asked_for_callback: int = 0
    pressed_keys: int = 0
    cut_off: int = 0
    never_served: int = 0

    def add(self, other: "CallerTally") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def _share(part: int, whole: int) -> Value:
    return part / whole if whole else None


class CallerMetric(msgspec.Struct, frozen=True):
    """The definition of a figure, as `router.core.measures.Metric` is that of one that exists live, too."""

    name: str
    title: str
    formula: str
    abandonment: str
    compute: Callable[[Any], Value]


CALLER_METRICS: tuple[CallerMetric, ...] = (
    CallerMetric("callers", "Callers: their first calls", "counted", "in it", lambda t: t.callers),
    CallerMetric("calls", "Calls, and other contacts, redials among them", "counted", "in it", lambda t: t.calls),
    CallerMetric("blocked", "Calls that found all lines busy", "counted", "not in it", lambda t: t.blocked),
    CallerMetric(
        "blocked_share",
        "Calls that found all lines busy",
        "blocked / calls",
        "in calls",
        lambda t: _share(t.blocked, t.calls),
    ),
    CallerMetric(
        "redial_share",
        "Calls that were not the caller's first",
        "(calls - callers) / calls",
        "those who call again are in it",
        lambda t: _share(t.calls - t.callers, t.calls),
    ),
    CallerMetric(
        "left_at_once",
        "Callers who left when they heard how long it would take",
        "counted",
        "in it; they are abandoned too",
        lambda t: t.left_at_once,
    ),
    CallerMetric(
        "asked_for_callback",
        "Waiting callers who asked for a callback",
        "counted",
        "not in it",
        lambda t: t.asked_for_callback,
    ),
    CallerMetric(
        "pressed_keys",
        "Keys that callers pressed while they waited",
        "counted",
        "not in it",
        lambda t: t.pressed_keys,
    ),
    CallerMetric("cut_off", "Talks that an outage ended", "counted", "not in it", lambda t: t.cut_off),
    CallerMetric(
        "never_served_share",
        "Callers whom nobody and nothing ever served, after all their calls",
        "callers who gave up for good / callers",
        "in it, unless a later call was served",
        lambda t: _share(t.never_served, t.callers),
    ),
)

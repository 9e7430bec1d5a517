"""Who worked when, from the agents' times or, where the records have none, from the contacts they took.

Without agents' times somebody is there from the first ring to the end of the last talk, but for gaps in which nothing
is heard for longer than IDLE_MINUTES (a break, or the end of the shift).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy

from simulations.history.days import MINUTE_MS
from simulations.history.form import History
from simulations.history.zones import local_ms

IDLE_MINUTES = 45
_JOINED_MS = 60_000
"""Gaps shorter than this are none."""

Span = tuple[int, int]
"""From and to, Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class Presence:
    """When each agent was there and not paused, and which queues the agent served in the whole history. `seen`: known
    from agents' times; otherwise guessed from the contacts."""

    spans: dict[str, tuple[Span, ...]]
    queues: dict[str, tuple[str, ...]]
    seen: bool

    def on(self, day: date, zone: ZoneInfo) -> dict[str, tuple[tuple[int, int], ...]]:
        """Minutes of this day between which each agent was there; at least one minute long."""
        begin = round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
        after = day + timedelta(days=1)
        end = round(datetime(after.year, after.month, after.day, tzinfo=zone).timestamp() * 1000)
        found = {}
        for agent, spans in self.spans.items():
            cut = [(max(begin, first), min(end, last)) for first, last in spans if first < end and last > begin]
            wall = [tuple(_minute(at, begin, end, zone) for at in span) for span in cut]
            kept = _merged_minutes((first, last) for first, last in wall if last > first)
            if kept:
                found[agent] = kept
        return found


def _minute(at_ms: int, begin: int, end: int, zone: ZoneInfo) -> int:
    if at_ms >= end:
        return 1440
    return (
        round((int(local_ms(numpy.array([at_ms]), zone)[0]) - int(local_ms(numpy.array([begin]), zone)[0])) / MINUTE_MS)
        % 1440
    )


def _merged_minutes(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def presence(history: History) -> Presence:
    """Of all agents of the history."""
    agents, in_queue = history.texts("agent"), history.texts("queue")
    served: dict[str, set[str]] = defaultdict(set)
    for agent, queue in zip(agents.tolist(), in_queue.tolist(), strict=True):
        if agent:
            served[agent].add(queue)
    rows = history.agent_times.to_pylist()
    spans: dict[str, list[Span]] = defaultdict(list)
    for row in rows:
        if row["state"] == "available":
            spans[row["agent"]].append((row["from_ms"], row["to_ms"]))
            if row["queue"]:
                served[row["agent"]].add(row["queue"])
    seen = set(spans) >= {agent for agent in served if agent} and bool(spans)
    if not seen:
        spans = _from_contacts(history, agents)
    queues = {agent: tuple(sorted(names)) for agent, names in sorted(served.items())}
    return Presence({agent: _joined(spans[agent], _JOINED_MS) for agent in sorted(spans)}, queues, seen)


def _from_contacts(history: History, agents: numpy.ndarray) -> dict[str, list[Span]]:
    arrived, wait = history.ints("arrived_ms"), history.ints("wait_ms")
    parts = sum(numpy.maximum(0, history.ints(name)) for name in ("talk_ms", "hold_ms", "wrap_up_ms"))
    ring = numpy.maximum(0, history.ints("ring_ms"))
    begin = arrived + numpy.maximum(0, wait)
    found: dict[str, list[Span]] = defaultdict(list)
    for agent, first, last in zip(agents.tolist(), (begin - ring).tolist(), (begin + parts).tolist(), strict=True):
        if agent:
            found[agent].append((first, last))
    return {agent: list(_joined(spans, IDLE_MINUTES * MINUTE_MS)) for agent, spans in found.items()}


def _joined(spans: list[Span], gap_ms: int) -> tuple[Span, ...]:
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + gap_ms:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def shift_text(span: tuple[int, int]) -> str:
    """Minutes of a day as a scenario writes a shift."""
    first, last = span
    return f"{first // 60:02d}:{first % 60:02d}-{last // 60:02d}:{last % 60:02d}"

"""Who worked when, from the agents' times or, where the records have none, from the contacts they took; and in which
queues.

Without agents' times somebody is there from the first ring to the end of the last talk, but for gaps in which nothing
is heard for longer than IDLE_MINUTES (a break, or the end of the shift).

An agent serves the queues to which the records say that the agent signed in, and those of at least LEAST_CONTACTS
contacts that are LEAST_SHARE or more of the agent's: who was handed a strange one now and then is not staffed for it.
Who would serve none serves those of the most contacts; a queue that nobody would serve is served by all who ever did.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy

from simulations.history.days import MINUTE_MS
from simulations.history.form import History
from simulations.history.zones import local_ms

IDLE_MINUTES = 45
LEAST_CONTACTS = 5
LEAST_SHARE = 0.01
_JOINED_MS = 60_000
"""Gaps shorter than this are none."""

Span = tuple[int, int]
"""From and to, Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class Presence:
    """When each agent was there and not paused, and which queues the agent serves, by the whole history. `seen`: known
    from agents' times; otherwise guessed from the contacts. `strays` are contacts of other queues that agents took."""

    spans: dict[str, tuple[Span, ...]]
    queues: dict[str, tuple[str, ...]]
    seen: bool
    strays: int = 0

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
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    for agent, queue in zip(agents.tolist(), in_queue.tolist(), strict=True):
        if agent:
            taken[agent][queue] += 1
    joined: dict[str, set[str]] = {agent: set() for agent in taken}
    rows = history.agent_times.to_pylist()
    spans: dict[str, list[Span]] = defaultdict(list)
    for row in rows:
        if row["state"] == "available":
            spans[row["agent"]].append((row["from_ms"], row["to_ms"]))
            if row["queue"]:
                joined.setdefault(row["agent"], set()).add(row["queue"])
    seen = set(spans) >= taken.keys() and bool(spans)
    if not seen:
        spans = _from_contacts(history, agents)
    queues = served(taken, joined)
    strays = sum(taken[agent][queue] for agent in taken for queue in taken[agent] if queue not in queues[agent])
    return Presence({agent: _joined(spans[agent], _JOINED_MS) for agent in sorted(spans)}, queues, seen, strays)


def served(taken: Mapping[str, Counter[str]], joined: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    """The queues of each agent: `taken` are contacts by queue, `joined` the queues signed in to."""
    found: dict[str, set[str]] = {}
    for agent, queues in joined.items():
        counts = taken.get(agent, Counter())
        least = max(LEAST_CONTACTS, LEAST_SHARE * counts.total())
        most = max(counts.values(), default=0)
        found[agent] = queues | {queue for queue, count in counts.items() if count >= least}
        if not found[agent]:
            found[agent] = {queue for queue, count in counts.items() if count == most}
    without = {queue for counts in taken.values() for queue in counts} - set().union(*found.values())
    for agent, counts in taken.items():
        found[agent] |= without & counts.keys()
    return {agent: tuple(sorted(queues)) for agent, queues in sorted(found.items())}


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

"""Queues that overflow into each other: a contact that waited too long in one goes on in another, so its second stay is
no arrival but follows from the first. It is seen where both stays have the same contact and the second begins when the
first ends."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy

from simulations.history.form import History
from simulations.history.zones import Bools

AT_ONCE_MS = 5_000
"""So long the phone system may take from one queue to the next."""
_MOSTLY = 0.5
_LEAST = 5


@dataclass(frozen=True, slots=True)
class Overflowing:
    """`second`: the stays that are no arrivals. `counts`: (from, to) queue and how many went that way."""

    second: Bools
    counts: dict[tuple[str, str], int]
    overflowed: dict[str, int]
    """Of each queue, how many overflowed anywhere."""

    def target(self, queue: str) -> str | None:
        """Where those who wait too long in this queue go: where most of them went, if at least half did."""
        ways = {to: count for (origin, to), count in self.counts.items() if origin == queue}
        if not ways:
            return None
        to = max(ways, key=lambda name: ways[name])
        return to if ways[to] >= max(_LEAST, _MOSTLY * self.overflowed[queue]) else None


def overflows_of(history: History) -> Overflowing:
    contact, queue, outcome = (history.texts(name).tolist() for name in ("contact", "queue", "outcome"))
    arrived, wait = history.ints("arrived_ms").tolist(), history.ints("wait_ms").tolist()
    second = numpy.zeros(len(contact), dtype=numpy.bool_)
    counts: Counter[tuple[str, str]] = Counter()
    overflowed: Counter[str] = Counter()
    leaving: defaultdict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(contact):  # in order of arrival
        for before in leaving[name] if name else ():
            if queue[before] != queue[row] and abs(arrived[row] - arrived[before] - wait[before]) <= AT_ONCE_MS:
                second[row] = True
                counts[queue[before], queue[row]] += 1
                leaving[name].remove(before)
                break
        if outcome[row] == "overflowed":
            overflowed[queue[row]] += 1
            if wait[row] >= 0:
                leaving[name].append(row)
    return Overflowing(second, dict(counts), dict(overflowed))

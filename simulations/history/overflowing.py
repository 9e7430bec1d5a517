"""Queues from which contacts go on into each other, after a time or by a key: the second stay is no arrival but follows
from the first. It is seen where both stays have the same contact and the second begins when the first ends."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy

from simulations.history.form import History
from simulations.history.keys import is_key
from simulations.history.zones import Bools

AT_ONCE_MS = 5_000
"""So long the phone system may take from one queue to the next."""
_MOSTLY = 0.5
_LEAST = 5

Exit = tuple[str, str]
"""A queue, and the key by which it was left (empty: by overflow)."""


@dataclass(frozen=True, slots=True)
class Overflowing:
    """`second`: the stays that are no arrivals. `counts`: by which exit to which queue, and how many went that way."""

    second: Bools
    counts: dict[tuple[Exit, str], int]
    left: dict[Exit, int]
    """By each exit, how many left to anywhere."""

    def target(self, queue: str, key: str = "") -> str | None:
        """Where those go who wait too long in this queue, or press the key: where most of them went, if at least half
        did."""
        exit = (queue, key)
        ways = {to: count for (origin, to), count in self.counts.items() if origin == exit}
        if not ways:
            return None
        to = max(ways, key=lambda name: ways[name])
        return to if ways[to] >= max(_LEAST, _MOSTLY * self.left[exit]) else None


def overflows_of(history: History) -> Overflowing:
    contact, queue, outcome, exits = (history.texts(name).tolist() for name in ("contact", "queue", "outcome", "exit"))
    arrived, wait = history.ints("arrived_ms").tolist(), history.ints("wait_ms").tolist()
    counts: Counter[tuple[Exit, str]] = Counter()
    left: Counter[Exit] = Counter()
    came: dict[int, tuple[Exit, str]] = {}
    leaving: defaultdict[str, list[int]] = defaultdict(list)

    def exit_of(row: int) -> Exit:
        return queue[row], exits[row] if outcome[row] == "left" else ""

    for row, name in enumerate(contact):  # in order of arrival
        for before in leaving[name] if name else ():
            if queue[before] != queue[row] and abs(arrived[row] - arrived[before] - wait[before]) <= AT_ONCE_MS:
                came[row] = (exit_of(before), queue[row])
                counts[came[row]] += 1
                leaving[name].remove(before)
                break
        if outcome[row] == "overflowed" or (outcome[row] == "left" and is_key(exits[row])):
            left[exit_of(row)] += 1
            if wait[row] >= 0:
                leaving[name].append(row)
    found = Overflowing(numpy.zeros(len(contact), dtype=numpy.bool_), dict(counts), dict(left))
    for row, (exit, to) in came.items():
        # Whom a key leads now here and now there comes as an arrival there: a scenario's key leads to one queue.
        found.second[row] = not exit[1] or found.target(*exit) == to
    return found

"""The timers of the router: one for each thing that waits for a time, and the earliest of them all.

At the same instant agents come first (wrap-up and retry delays end), then offers (deadlines), then contacts (steps),
then queues (what is too old to count for their goals), each in the order of their numbers; so the order does not depend
on when a timer was set.
"""

from enum import IntEnum
from heapq import heappop, heappush


class Kind(IntEnum):
    AGENT = 0
    OFFER = 1
    CONTACT = 2
    QUEUE = 3


Key = tuple[Kind, str]


class Timers:
    """A heap in which changed timers are only marked as stale, and swept when they are too many."""

    def __init__(self) -> None:
        self._due: dict[Key, int] = {}
        self._heap: list[tuple[int, Kind, int, str]] = []

    def set(self, kind: Kind, number: int, name: str, due_ms: int | None) -> None:
        """The timer of this thing is now due at `due_ms` (None: it has none)."""
        key = (kind, name)
        if due_ms is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due_ms:
            self._due[key] = due_ms
            heappush(self._heap, (due_ms, kind, number, name))
            if len(self._heap) > 1_000 + 4 * len(self._due):
                self._sweep()

    def clear(self) -> None:
        self._due.clear()
        self._heap.clear()

    def next_ms(self) -> int | None:
        """When the earliest timer is due."""
        while self._heap:
            due_ms, kind, _, name = self._heap[0]
            if self._due.get((kind, name)) == due_ms:
                return due_ms
            heappop(self._heap)
        return None

    def pop_due(self, now_ms: int) -> list[Key]:
        """Removes and names all that are due at `now_ms`, the earliest first."""
        due: list[Key] = []
        while (next_ms := self.next_ms()) is not None and next_ms <= now_ms:
            _, kind, _, name = heappop(self._heap)
            del self._due[kind, name]
            due.append((kind, name))
        return due

    def _sweep(self) -> None:
        live = {entry for entry in self._heap if self._due.get((entry[1], entry[3])) == entry[0]}
        self._heap = sorted(live)  # which is a heap

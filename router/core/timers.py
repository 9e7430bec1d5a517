"""The timers of the router: one for each thing that waits for a time, and the earliest of them all.

At the same instant agents come first (wrap-up and retry delays end), then offers (deadlines), then contacts (steps),
then queues (what is too old to count for their goals), each in the order of their numbers; so the order does not depend
on when a timer was set.
"""

from heapq import heappop, heappush
from typing import Final, Literal

Number = Literal[0, 1, 2, 3]


class Kind:
    """What a timer belongs to. Plain numbers: an enum's hash takes as long as all the rest of setting a timer."""

    AGENT: Final = 0
    OFFER: Final = 1
    CONTACT: Final = 2
    QUEUE: Final = 3


Key = tuple[Number, str]


class Timers:
    """A heap in which changed timers are only marked as stale, and swept when they are too many."""

    def __init__(self) -> None:
        self._due: tuple[dict[str, int], ...] = ({}, {}, {}, {})
        self._heap: list[tuple[int, Number, int, str]] = []

    def set(self, kind: Number, number: int, name: str, due_ms: int | None) -> None:
        """The timer of this thing is now due at `due_ms` (None: it has none)."""
        due = self._due[kind]
        if due_ms is None:
            self.stop(kind, name)
        elif due.get(name) != due_ms:
            due[name] = due_ms
            heappush(self._heap, (due_ms, kind, number, name))
            if len(self._heap) > 1_000 and len(self._heap) > 1_000 + 4 * sum(map(len, self._due)):
                self._sweep()

    def stop(self, kind: Number, name: str) -> None:
        """This thing has no timer now."""
        due = self._due[kind]
        if name in due:
            del due[name]

    def clear(self) -> None:
        for due in self._due:
            due.clear()
        self._heap.clear()

    def may_be_due(self, now_ms: int) -> bool:
        """False if nothing is due at `now_ms`, which is known without looking for what was changed since."""
        return bool(self._heap) and self._heap[0][0] <= now_ms

    def next_ms(self) -> int | None:
        """When the earliest timer is due."""
        heap, due = self._heap, self._due
        while heap:
            due_ms, kind, _, name = heap[0]
            if due[kind].get(name) == due_ms:
                return due_ms
            heappop(heap)
        return None

    def pop_due(self, now_ms: int) -> list[Key]:
        """Removes and names all that are due at `now_ms`, the earliest first."""
        due: list[Key] = []
        while (next_ms := self.next_ms()) is not None and next_ms <= now_ms:
            _, kind, _, name = heappop(self._heap)
            del self._due[kind][name]
            due.append((kind, name))
        return due

    def _sweep(self) -> None:
        live = {entry for entry in self._heap if self._due[entry[1]].get(entry[3]) == entry[0]}
        self._heap = sorted(live)  # which is a heap

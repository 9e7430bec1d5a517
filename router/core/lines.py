"""Lines: waiting contacts that differ in nothing but their age, so the oldest is the best of them for everybody."""

from bisect import bisect_left, insort

from router.core.compiled import CompiledQueue, CompiledStep
from router.core.eligibility import ContactView
from router.core.pools import Pool
from router.core.strategies import ContactFacts

Entry = tuple[int, int, str]
"""A contact's arrival time, arrival number, and name."""

LineKey = tuple[int, tuple[str, ...], str | None, bool]
"""Base priority, who refused, whom it is held for, and whether it was directed there."""


class Line:
    """Contacts of one class with the same base priority, refused by the same agents.

    `held_for`: only this agent takes them now, if the conditions allow it or, for those `directed`, whatever they say.
    """

    def __init__(self, number: int, of: "ContactClass", key: LineKey) -> None:
        self.number = number
        self.of = of
        self.key = key
        self.facts = ContactFacts(of.queue.spec, key[0])
        self.refused = key[1]
        self.held_for = key[2]
        self.directed = key[3]
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        if not self.entries or entry > self.entries[-1]:
            self.entries.append(entry)
        else:
            insort(self.entries, entry)

    def remove(self, entry: Entry) -> None:
        first = self.entries[0]
        if first[1] == entry[1] and first[0] == entry[0]:
            del self.entries[0]
        else:
            del self.entries[bisect_left(self.entries, entry)]


class ContactClass:
    """Contacts that conditions cannot tell apart: same policy version, queue and step, same values looked at.

    `fits` are the pools (by number) that may take them, each with its fit; `signed_in` counts their agents;
    `lines` are those where somebody waits, `held_lines` those that wait for one agent. `reserved` are the pools that
    may take them only by conditions that reserve (see `reservations`), each with the conditions that let it in;
    `let_in` the pools that each condition lets in. `plain` is the line of those whom nobody refused, who are held for
    nobody and have no priority of their own; it stays when it is empty.
    """

    def __init__(
        self, number: int, key: tuple[object, ...], queue: CompiledQueue, step: CompiledStep, view: ContactView
    ) -> None:
        self.number = number
        self.key = key
        self.queue = queue
        self.step = step
        self.view = view
        self.channel = queue.spec.channel
        self.signed_in = 0
        self.fits: dict[int, int] = {}
        self.lines: dict[LineKey, Line] = {}
        self.plain: Line | None = None
        self.held_lines: dict[LineKey, Line] = {}
        self.reserved: dict[int, tuple[bool, ...]] = {}
        self.let_in: tuple[tuple[Pool, ...], ...] = ()
        self.members: tuple[str, ...] | None = None
        self.outsiders: tuple[tuple[str, str], ...] | None = None

    def all_lines(self) -> list[Line]:
        """Wherever somebody of this class waits."""
        return [*self.lines.values(), *self.held_lines.values()]

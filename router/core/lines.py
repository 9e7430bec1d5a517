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

    __slots__ = ("directed", "entries", "facts", "held_for", "key", "of", "refused")

    def __init__(self, of: "ContactClass", key: LineKey, facts: ContactFacts) -> None:
        self.of = of
        self.key = key
        self.facts = facts
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
        del self.entries[bisect_left(self.entries, entry)]


class ContactClass:
    """Contacts that conditions cannot tell apart: same policy version, queue and step, same values looked at.

    `fits` are the pools (by number) that may take them, each with its fit; `signed_in` counts their agents;
    `lines` are those where somebody waits, `held_lines` those that wait for one agent. `reserved` are the pools that
    may take them only by conditions that reserve (see `reservations`), each with the conditions that let it in;
    `let_in` the pools that each condition lets in. `emptied` is the line that was the last to become empty: where
    agents are in surplus, the next contact needs the same.
    """

    __slots__ = (
        "channel",
        "emptied",
        "fits",
        "held_lines",
        "key",
        "let_in",
        "lines",
        "members",
        "number",
        "outsiders",
        "queue",
        "reserved",
        "signed_in",
        "step",
        "view",
    )

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
        self.emptied: Line | None = None
        self.held_lines: dict[LineKey, Line] = {}
        self.reserved: dict[int, tuple[bool, ...]] = {}
        self.let_in: tuple[tuple[Pool, ...], ...] = ()
        self.members: tuple[str, ...] | None = None
        self.outsiders: tuple[tuple[str, str], ...] | None = None

    def new_line(self, key: LineKey) -> Line:
        """An empty one."""
        emptied = self.emptied
        if emptied is not None and emptied.key == key:
            self.emptied = None
            return emptied
        return Line(self, key, ContactFacts(self.queue.spec, key[0]))

    def all_lines(self) -> list[Line]:
        """Wherever somebody of this class waits."""
        return [*self.lines.values(), *self.held_lines.values()]

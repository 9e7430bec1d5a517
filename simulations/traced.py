"""Recorded contacts as a simulation sees them: in order of time, from the beginning in every replication, and with what
all of them have in common. Where they are (in memory, or in a file) is the business of each kind of trace."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from simulations.distributions.base import NotNegative
from simulations.fields import Model, Value

Quantity = Literal["handle time", "patience", "wrap-up"]


class TracedContact(Model):
    """One contact that was measured: what is known of it replaces what would be drawn.

    `waited_s`: it was answered after so long, so its patience was longer; the drawn patience begins there.
    """

    at_s: NotNegative
    queue: str | None = None
    attributes: dict[str, Value] = {}
    priority: int | None = None
    preferred_agent: str | None = None
    handle_s: NotNegative | None = None
    wrap_up_s: NotNegative | None = None
    patience_s: NotNegative | None = None
    waited_s: NotNegative | None = None

    def measured_s(self, quantity: Quantity) -> float | None:
        return {"handle time": self.handle_s, "wrap-up": self.wrap_up_s, "patience": self.patience_s}[quantity]


def in_order(contacts: Iterable[TracedContact]) -> tuple[TracedContact, ...]:
    return tuple(sorted(contacts, key=lambda contact: contact.at_s))


@dataclass(slots=True)
class Summary:
    """Of all contacts of a trace: how many, when the last one comes, the queues they name with the first row (from 0)
    that does, how many say something in each field, and the most attributes of one."""

    contacts: int = 0
    last_s: float = 0.0
    queues: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    attributes: int = 0

    def add(self, contact: TracedContact) -> None:
        if contact.queue is not None:
            self.queues.setdefault(contact.queue, self.contacts)
        for name in contact.model_fields_set:
            if getattr(contact, name) not in (None, {}):
                self.known[name] = self.known.get(name, 0) + 1
        self.attributes = max(self.attributes, len(contact.attributes))
        self.contacts += 1
        self.last_s = max(self.last_s, contact.at_s)

    def has(self, *names: str) -> bool:
        """Whether any contact says something in one of these fields."""
        return any(self.known.get(name) for name in names)

    def all_have(self, name: str) -> bool:
        return self.known.get(name, 0) == self.contacts


class Trace(Protocol):
    """The recorded contacts of a kind, in order of time."""

    def __iter__(self) -> Iterator[TracedContact]: ...

    def __len__(self) -> int: ...

    @property
    def summary(self) -> Summary: ...

    def times_s(self) -> Iterator[float]:
        """When they come: `at_s` alone, which is faster."""
        ...


class HeldTrace:
    """Contacts in memory."""

    def __init__(self, contacts: tuple[TracedContact, ...]) -> None:
        self._contacts = contacts

    def __iter__(self) -> Iterator[TracedContact]:
        return iter(self._contacts)

    def __len__(self) -> int:
        return len(self._contacts)

    @cached_property
    def summary(self) -> Summary:
        found = Summary()
        for contact in self._contacts:
            found.add(contact)
        return found

    def times_s(self) -> Iterator[float]:
        return (contact.at_s for contact in self._contacts)

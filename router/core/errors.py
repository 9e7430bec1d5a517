"""What can go wrong with the router: whose fault it is decides the type."""

from typing import NoReturn, Protocol

import msgspec

from documents import DocumentError


class PolicyError(DocumentError):
    """The policy cannot be used; `problems` says why, each with its place. The mistake is its author's."""


class Happening(msgspec.Struct, frozen=True, gc=False):
    """One line of the story of a contact, an agent or an offer."""

    at_ms: int
    what: str

    def __str__(self) -> str:
        return f"{self.at_ms} ms: {self.what}"


class ImpossibleEvent(Exception):
    """An event that cannot happen in this state (the mistake of whoever sent it). The state is as it was.

    `history` is what last happened to the contact, agent or offer concerned, oldest first.
    """

    def __init__(self, message: str, history: tuple[Happening, ...] = ()) -> None:
        super().__init__("\n  ".join([message, *map(str, history)]))
        self.message = message
        self.history = history


class HasHistory(Protocol):
    history: list[Happening]


def impossible(message: str, concerned: HasHistory | None = None) -> NoReturn:
    """Raises ImpossibleEvent with the story of the thing concerned."""
    raise ImpossibleEvent(message, tuple(concerned.history) if concerned is not None else ())

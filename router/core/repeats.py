"""Who comes again: repeat contacts, and whether the first contact settled the matter.

A contact is a *repeat* if its caller comes within WITHIN_MS after the end of the caller's previous contact, whatever
the queue or the channel. An answered contact is *followed* if it has a repeat; what nobody followed counts as resolved,
and until WITHIN_MS are over it may still be followed. A contact that is transferred, moves on or comes back by its flow
is one contact. Callers without a name (`ContactArrived.caller`) are not in any of this.

Whether a matter was really settled only the caller knows: like every measure of first-contact resolution without a
survey this one takes silence for satisfaction.
"""

from typing import Generic, TypeVar

import msgspec

WITHIN_MS = 24 * 3_600_000
REMEMBERED = 50_000
"""The callers whose last contact is remembered: the latest so many."""

Counted = TypeVar("Counted")


class _Last(msgspec.Struct, Generic[Counted], frozen=True):
    contact: str
    ended_ms: int
    counted: Counted


class Repeats(Generic[Counted]):
    """Remembers each caller's last contact; `Counted` is whatever counts it."""

    def __init__(self) -> None:
        self._last: dict[str, _Last[Counted]] = {}

    def arrived(self, contact: str, caller: str, now_ms: int) -> Counted | None:
        """What was counted of the contact that this one follows, if it is a repeat."""
        last = self._last.get(caller)
        if last is None or last.contact == contact:
            return None
        del self._last[caller]  # it is followed once
        return last.counted if now_ms - last.ended_ms <= WITHIN_MS else None

    def ended(self, contact: str, caller: str, now_ms: int, counted: Counted) -> None:
        """The contact is over for good."""
        self._last.pop(caller, None)
        self._last[caller] = _Last(contact, now_ms, counted)
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]

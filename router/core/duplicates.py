"""One callback for a caller in a queue: which callbacks there are, by caller and by number.

Known are callbacks from the request until their customer is reached, so that a talk can end with the wish for another.
"""

from collections.abc import Iterator

from router.core.entities import Contact
from router.core.state import State

Key = tuple[str, str]
"""A queue and who is to be rung, by name or by number."""


class Duplicates:
    """Derived from the state alone."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._by_key: dict[Key, str] = {}
        for contact in state.contacts.values():
            if contact.callback is not None and contact.state != "connected":
                self.add(contact)

    def of_caller(self, queue: str, caller: str) -> Contact | None:
        """The callback that waits for this caller, if there is one."""
        name = self._by_key.get((queue, caller)) if caller else None
        return None if name is None else self._state.contacts[name]

    def others(self, contact: Contact) -> list[Contact]:
        """The callbacks in the contact's queue for the same caller or number (at most one for each)."""
        found = {self._by_key[key] for key in _keys(contact) if key in self._by_key} - {contact.id}
        return [self._state.contacts[name] for name in sorted(found)]

    def add(self, contact: Contact) -> None:
        self._by_key.update(dict.fromkeys(_keys(contact), contact.id))

    def remove(self, contact: Contact) -> None:
        """Also one that is not known any more."""
        for key in _keys(contact):
            if self._by_key.get(key) == contact.id:
                del self._by_key[key]


def _keys(contact: Contact) -> Iterator[Key]:
    if contact.caller:
        yield contact.queue, contact.caller
    if contact.callback is not None:
        yield contact.queue, contact.callback.number

"""Contacts that go away before anybody talks with them, whatever they are doing."""

from router.core.decisions import Outcome
from router.core.endings import Endings
from router.core.entities import Contact
from router.core.offers import Offers
from router.core.state import State
from router.core.waiting import Waiting


class Departures:
    """Ends what is under way for a contact, and the contact."""

    def __init__(self, state: State, endings: Endings, waiting: Waiting, offers: Offers) -> None:
        self._state = state
        self._endings = endings
        self._waiting = waiting
        self._offers = offers

    def leave(self, contact: Contact, outcome: Outcome, reason: str, told_agent: str) -> None:
        """One that waits, is parked, or whose customer is rung; `told_agent` is why its agent is no longer needed."""
        if contact.state == "reaching":
            self._offers.call_off(contact, told_agent)
        else:
            self.withdraw_offer(contact, told_agent)
            self._waiting.withdraw(contact)
        self._endings.finish(contact, outcome, reason)

    def withdraw_offer(self, contact: Contact, reason: str) -> None:
        """If it is being offered; then it is in no line."""
        if contact.offer is not None:
            self._offers.withdraw(self._state.offers[contact.offer], reason)

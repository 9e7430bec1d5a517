"""Callbacks: nobody is on the line, the customer is rung when an agent is there (see `policy.CallbackRules`).

A callback rests until its time (parked), then stands in its line with its age, and is offered like any contact. When an
agent has accepted it the customer is rung. One who is not reached is tried again, unless the tries are used up or the
callback would have expired by then: it ends as unreached.

A caller has one callback in a queue, by name or by number. Of two, the one whose customer is being rung stands, or
else the older one; the other ends as merged. A caller who comes in person takes over the age of the callback, which
ends as merged, too.
"""

from router.core.decisions import CustomerReached
from router.core.departures import Departures
from router.core.duplicates import Duplicates
from router.core.endings import Endings
from router.core.entities import Contact
from router.core.events import Callback, CallbackFailure
from router.core.index import Index
from router.core.offers import Offers
from router.core.parts import PendingCallback
from router.core.policy import CallbackRules
from router.core.state import State
from router.core.waiting import Waiting


class Callbacks:
    """Makes contacts callbacks, and sees them through."""

    def __init__(
        self,
        state: State,
        index: Index,
        duplicates: Duplicates,
        endings: Endings,
        waiting: Waiting,
        offers: Offers,
        departures: Departures,
    ) -> None:
        self._state = state
        self._index = index
        self._duplicates = duplicates
        self._endings = endings
        self._waiting = waiting
        self._offers = offers
        self._departures = departures

    def rules(self, contact: Contact) -> CallbackRules:
        rules = self._state.queue_of(contact).spec.callback
        assert rules is not None
        return rules

    def ask(self, contact: Contact, wish: Callback) -> None:
        """From now on the contact is this callback, not tried yet."""
        now_ms = self._state.clock_ms
        expires_ms = self.rules(contact).expires_ms
        at_ms = max(now_ms, wish.not_before_ms or 0)
        contact.callback = PendingCallback(
            wish.number,
            until_ms=at_ms if at_ms > now_ms else None,
            expires_ms=None if expires_ms is None else at_ms + expires_ms,
        )

    def request(self, contact: Contact, wish: Callback) -> None:
        """A contact that waits, is offered or is parked becomes a callback, or one for another number or time."""
        if contact.callback is not None:
            self._duplicates.remove(contact)
        self.ask(contact, wish)
        self._state.note(contact, f"wants to be rung at {wish.number}")
        assert contact.callback is not None
        until_ms = contact.callback.until_ms
        if contact.state == "parked":
            if until_ms is None:
                self._waiting.unpark(contact)
            else:
                self._waiting.park(contact, until_ms, "another time was chosen")
        elif until_ms is not None:
            self._departures.withdraw_offer(contact, "the customer wants to be rung later")
            self._waiting.withdraw(contact)
            self._index.leave(contact)
            self._waiting.park(contact, until_ms, "the time was chosen")
        else:
            contact.due = None  # a last action that waited for the end of the offer
            self._state.dirty_contacts[contact.id] = contact
            self._waiting.set_timer(contact)
        self.merge(contact)

    def forget(self, contact: Contact) -> None:
        """The callback leaves its queue."""
        self._duplicates.remove(contact)

    def merge(self, contact: Contact) -> None:
        """The callback is new in its queue: of those for the same caller one stands."""
        for other in self._duplicates.others(contact):
            older, younger = sorted((contact, other), key=_standing)
            self._departures.leave(younger, "merged", f"into {older.id}", "the customer has another callback")
            if younger is contact:
                return
        self._duplicates.add(contact)

    def came_in_person(self, queue: str, caller: str) -> int | None:
        """Ends the callback of a caller who is on the line; when it had arrived. One that rests until the time that the
        caller chose gives no place: otherwise a callback booked for tomorrow would be the way past everybody today."""
        contact = self._duplicates.of_caller(queue, caller)
        if contact is None:
            return None
        assert contact.callback is not None
        before_its_time = contact.callback.until_ms is not None and contact.callback.tries == 0
        self._departures.leave(contact, "merged", "the caller came in person", "the customer is on the line")
        return None if before_its_time else contact.arrived_ms

    def reached(self, contact: Contact) -> None:
        """Agent and customer talk."""
        state = self._state
        assert contact.offer is not None
        assert contact.agent is not None
        assert contact.callback is not None
        self._duplicates.remove(contact)
        self._offers.answered(contact)
        assert contact.waited_ms is not None
        state.note(contact, f"reached, connected with {contact.agent}")
        state.out.append(
            CustomerReached(contact.offer, contact.id, contact.agent, contact.callback.tries, contact.waited_ms)
        )

    def failed(self, contact: Contact, cause: CallbackFailure) -> None:
        """The customer was not reached: another try later, or none."""
        callback, rules = contact.callback, self.rules(contact)
        assert callback is not None
        why = cause.replace("_", " ")
        self._offers.call_off(contact, f"the customer was not reached: {why}")
        again_ms = self._state.clock_ms + rules.retry_ms
        if callback.tries >= rules.tries:
            self._endings.finish(contact, "unreached", f"{why}, try {callback.tries} was the last")
        elif callback.expires_ms is not None and again_ms >= callback.expires_ms:
            self._endings.finish(contact, "unreached", f"{why}, and it expires before the next try")
        else:
            self._waiting.park(contact, again_ms, why)


def _standing(contact: Contact) -> tuple[bool, int, int]:
    """Sorts first the callback that stands."""
    return contact.state != "reaching", contact.arrived_ms, contact.seq

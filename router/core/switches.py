"""Queues that open, close, and close in an emergency (see `policy.Queue`).

Closing sends away those on the line by `at_closing`; a running offer may still be accepted, and is waited for. In an
emergency offers are withdrawn and everybody on the line meets `when_closed`. Callbacks stay: they have their line until
they are served or expire. Opening forgets last actions that still wait for a running offer; those that are due for
another reason come due again.
"""

from router.core.decisions import QueueChanged
from router.core.departures import Departures
from router.core.entities import Contact
from router.core.events import QueueState
from router.core.index import Index
from router.core.parts import Switch
from router.core.state import State
from router.core.waiting import Waiting


class Switches:
    """Opens and closes queues."""

    def __init__(self, state: State, index: Index, waiting: Waiting, departures: Departures) -> None:
        self._state = state
        self._index = index
        self._waiting = waiting
        self._departures = departures

    def switch(self, queue: str, to: QueueState, reason: str) -> None:
        state = self._state
        before = state.switches.pop(queue, None)
        if to != "open":
            state.switches[queue] = Switch(to, reason)
        state.out.append(QueueChanged(queue, to, reason))
        if (before.state if before is not None else "open") == to:
            return
        inside = [state.contacts[name] for name in self._index.in_queue.get(queue, ())]
        for contact in sorted(inside, key=lambda contact: (contact.arrived_ms, contact.seq)):
            if contact.callback is None:
                self._meet(contact, to, reason or f"{queue}: {to}")

    def _meet(self, contact: Contact, to: QueueState, reason: str) -> None:
        """What a change of its queue is for a contact on the line."""
        spec = self._state.queue_of(contact).spec
        if to == "open":
            contact.due = None
            self._state.dirty_contacts[contact.id] = contact
            self._waiting.set_timer(contact)
        elif to == "emergency" and spec.when_closed is not None:
            self._departures.withdraw_offer(contact, reason)
            self._waiting.leave_by(contact, spec.when_closed, reason)
        elif to == "closed" and spec.at_closing is not None:
            self._waiting.leave_by(contact, spec.at_closing, reason)

    def forget_removed(self) -> None:
        """After a new policy: queues that it does not have are as if they had never been switched."""
        state = self._state
        state.switches = {name: switch for name, switch in state.switches.items() if name in state.current.queues}

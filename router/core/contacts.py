"""Contacts that come, and those that somebody moves."""

from router.core import reentry
from router.core.callbacks import Callbacks
from router.core.departures import Departures
from router.core.endings import Endings
from router.core.entities import Contact
from router.core.events import ContactArrived, ContactMoved
from router.core.index import Index
from router.core.state import State
from router.core.waiting import Waiting


class Contacts:
    """Brings contacts into queues."""

    def __init__(
        self,
        state: State,
        index: Index,
        endings: Endings,
        waiting: Waiting,
        departures: Departures,
        callbacks: Callbacks,
    ) -> None:
        self._state = state
        self._index = index
        self._endings = endings
        self._waiting = waiting
        self._departures = departures
        self._callbacks = callbacks

    def arrive(self, event: ContactArrived) -> None:
        """A caller who was cut off, or whose callback waits, goes on from there."""
        state = self._state
        now_ms = state.clock_ms
        arrived_ms = now_ms if event.arrived_ms is None else event.arrived_ms
        wait_from_ms, preferred = None, event.preferred_agent
        cut_off = reentry.recall(state, event) if event.caller else None
        if cut_off is not None:
            preferred = preferred or cut_off.agent
        old_ms = None if cut_off is None else cut_off.arrived_ms
        if event.callback is None and event.consult_of is None and event.caller:
            old_ms = _earlier(old_ms, self._callbacks.came_in_person(event.queue, event.caller))
        if old_ms is not None and old_ms < arrived_ms:
            arrived_ms, wait_from_ms = old_ms, arrived_ms
        state.arrivals += 1
        version = state.current.spec.version
        contact = Contact(
            id=event.contact,
            seq=state.arrivals,
            queue=event.queue,
            channel=event.channel,
            version=version,
            attributes=dict(event.attributes) if event.attributes else {},
            own_priority=event.priority,
            preferred=preferred,
            arrived_ms=arrived_ms,
            queued_ms=now_ms,
            step=0,
            step_ms=now_ms,
            caller=event.caller,
            wait_from_ms=wait_from_ms,
            consult_of=event.consult_of,
        )
        state.contacts[contact.id] = contact
        state.users[version] = state.users.get(version, 0) + 1
        if event.consult_of is not None:
            self._consults(contact, state.contacts[event.consult_of])
        if event.callback is not None:
            self._callbacks.ask(contact, event.callback)
        self._waiting.enter(contact, event.queue, sent=event.consult_of is not None, directed_to=event.directed_to)
        if event.callback is not None:
            self._callbacks.merge(contact)

    def _consults(self, contact: Contact, about: Contact) -> None:
        """The agent who asks is never asked."""
        about.consult = contact.id
        if about.agent is not None:
            contact.refused = (about.agent,)

    def move(self, contact: Contact, event: ContactMoved) -> None:
        """Moved by somebody: on the current policy, and even if the queue is full."""
        moved_from = contact.queue
        self._departures.withdraw_offer(contact, f"moved to {event.queue}")
        self._waiting.withdraw(contact)
        if contact.waits:
            self._index.leave(contact)
        if contact.callback is not None:
            self._callbacks.forget(contact)
        contact.state = "queued"
        if event.priority is not None:
            contact.own_priority = event.priority
        self._endings.set_version(contact, self._state.current.spec.version)
        self._waiting.enter(contact, event.queue, moved_from, "moved", sent=True, directed_to=event.directed_to)
        if contact.callback is not None:
            self._callbacks.merge(contact)


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((at for at in (one, other) if at is not None), default=None)

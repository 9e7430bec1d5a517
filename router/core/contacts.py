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
        name, queue, caller = event.contact, event.queue, event.caller
        attributes, callback, consult_of = event.attributes, event.callback, event.consult_of
        arrived_ms = event.arrived_ms
        if arrived_ms is None:
            arrived_ms = now_ms
        wait_from_ms, preferred = None, event.preferred_agent
        cut_off = reentry.recall(state, event) if caller else None
        if cut_off is not None:
            preferred = preferred or cut_off.agent
        old_ms = None if cut_off is None else cut_off.arrived_ms
        if callback is None and consult_of is None and caller:
            old_ms = _earlier(old_ms, self._callbacks.came_in_person(queue, caller))
        if old_ms is not None and old_ms < arrived_ms:
            arrived_ms, wait_from_ms = old_ms, arrived_ms
        state.arrivals += 1
        version = state.current.spec.version
        contact = Contact(
            id=name,
            seq=state.arrivals,
            queue=queue,
            channel=event.channel,
            version=version,
            attributes=dict(attributes) if attributes else {},
            own_priority=event.priority,
            preferred=preferred,
            arrived_ms=arrived_ms,
            queued_ms=now_ms,
            step=0,
            step_ms=now_ms,
            caller=caller,
            wait_from_ms=wait_from_ms,
            consult_of=consult_of,
        )
        state.contacts[name] = contact
        state.users[version] = state.users.get(version, 0) + 1
        if consult_of is not None:
            self._consults(contact, state.contacts[consult_of])
        if callback is not None:
            self._callbacks.ask(contact, callback)
        self._waiting.enter(contact, queue, sent=consult_of is not None, directed_to=event.directed_to)
        if callback is not None:
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

"""The judge of events about contacts and their offers."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from router.core import events
from router.core.callbacks import Callbacks
from router.core.contacts import Contacts
from router.core.departures import Departures
from router.core.entities import Contact, LiveOffer
from router.core.errors import impossible
from router.core.events import Attribute
from router.core.judging import CarryOut, Do, Judge
from router.core.offers import Failure, Offers
from router.core.state import State
from router.core.talks import Talks

# What follows from the events that every contact has: classes, which compiled code calls faster than functions.


class Arrive(CarryOut):
    def __init__(self, contacts: Contacts, event: events.ContactArrived) -> None:
        self._contacts, self._event = contacts, event

    def do(self) -> None:
        self._contacts.arrive(self._event)


class Accept(CarryOut):
    def __init__(self, offers: Offers, offer: LiveOffer) -> None:
        self._offers, self._offer = offers, offer

    def do(self) -> None:
        self._offers.accept(self._offer)


class End(CarryOut):
    def __init__(self, talks: Talks, contact: Contact) -> None:
        self._talks, self._contact = talks, contact

    def do(self) -> None:
        self._talks.end(self._contact)


class ContactEvents(Judge):
    def __init__(
        self,
        state: State,
        contacts: Contacts,
        departures: Departures,
        callbacks: Callbacks,
        offers: Offers,
        talks: Talks,
    ) -> None:
        super().__init__(state)
        self._contacts = contacts
        self._departures = departures
        self._callbacks = callbacks
        self._offers = offers
        self._talks = talks
        self.judges: dict[type[events.Event], Callable[[Any], CarryOut | None]] = {
            events.ContactArrived: self._contact_arrived,
            events.ContactLeft: self._contact_left,
            events.ContactMoved: self._contact_moved,
            events.CallbackRequested: self._callback_requested,
            events.CallbackReached: self._callback_reached,
            events.CallbackFailed: self._callback_failed,
            events.ContactTransferred: self._contact_transferred,
            events.TransferCompleted: self._transfer_completed,
            events.ContactHeld: self._contact_held,
            events.ContactResumed: self._contact_resumed,
            events.ContactEnded: self._contact_ended,
            events.OfferAccepted: self._offer_accepted,
            events.OfferDeclined: lambda event: self._refused(event.offer, "declined"),
            events.OfferNotAnswered: lambda event: self._refused(event.offer, "no_answer"),
            events.OfferFailed: self._offer_failed,
        }

    # Waiting

    def _contact_arrived(self, event: events.ContactArrived) -> CarryOut:
        state = self._state
        name, queue, arrived_ms = event.contact, event.queue, event.arrived_ms
        attributes, callback, consult_of = event.attributes, event.callback, event.consult_of
        contact = state.contacts.get(name)
        if contact is not None:
            impossible(f"the contact {name!r} is already {contact.state}", contact)
        self._check_queue(queue, event.channel)
        if arrived_ms is not None and arrived_ms > state.clock_ms:
            impossible(f"the contact {name!r} arrives at {arrived_ms} ms, in the future")
        if attributes:
            self._check_attributes(name, attributes)
        if callback is not None:
            self._check_callback(queue, callback)
        if consult_of is not None:
            self._check_consultation(event, consult_of)
        return Arrive(self._contacts, event)

    def _check_attributes(self, contact: str, attributes: Mapping[str, Attribute]) -> None:
        for name, value in attributes.items():
            if isinstance(value, float) and not isfinite(value):
                impossible(f"the attribute {name!r} of the contact {contact!r} is {value}")

    def _check_callback(self, queue: str, callback: events.Callback, version: int | None = None) -> None:
        """`version`: of the policy that the contact is on, if not the current one."""
        policy = self._state.current if version is None else self._state.versions[version]
        if policy.queues[queue].spec.callback is None:
            impossible(f"the queue {queue!r} has no callbacks")
        if not callback.number:
            impossible("a callback needs a number")

    def _check_consultation(self, event: events.ContactArrived, of: str) -> None:
        about = self._talking(of)
        if about.consult_of is not None:
            impossible(f"the contact {of!r} is itself a consultation", about)
        if about.consult is not None:
            impossible(f"the contact {of!r} has the consultation {about.consult!r} already", about)
        if event.callback is not None:
            impossible(f"the contact {event.contact!r} cannot be a consultation and a callback")
        if event.directed_to is not None and event.directed_to == about.agent:
            impossible(f"the agent {about.agent!r} cannot consult themself", about)

    def _contact_left(self, event: events.ContactLeft) -> CarryOut | None:
        contact = self._contact(event.contact)
        if contact is None:
            return None
        if contact.state == "connected":
            return End(self._talks, contact)
        return Do(lambda: self._departures.leave(contact, event.cause, "", "the caller is gone"))

    def _contact_moved(self, event: events.ContactMoved) -> CarryOut:
        contact = self._present(event.contact)
        if contact.has_agent:
            impossible(f"the contact {event.contact!r} is {contact.state}: it can no longer be moved", contact)
        self._check_queue(event.queue, contact.channel)
        if contact.callback is not None and self._state.current.queues[event.queue].spec.callback is None:
            impossible(f"the queue {event.queue!r} has no callbacks", contact)
        return Do(lambda: self._contacts.move(contact, event))

    # Callbacks

    def _callback_requested(self, event: events.CallbackRequested) -> CarryOut:
        contact = self._present(event.contact)
        if contact.has_agent:
            impossible(f"the contact {event.contact!r} is {contact.state}: it waits for no callback", contact)
        if contact.consult_of is not None:
            impossible(f"the contact {event.contact!r} is a consultation: it has nobody to ring back", contact)
        self._check_callback(contact.queue, event.callback, contact.version)
        return Do(lambda: self._callbacks.request(contact, event.callback))

    def _callback_reached(self, event: events.CallbackReached) -> CarryOut | None:
        contact = self._reaching(event.contact)
        return None if contact is None else Do(lambda: self._callbacks.reached(contact))

    def _callback_failed(self, event: events.CallbackFailed) -> CarryOut | None:
        contact = self._reaching(event.contact)
        return None if contact is None else Do(lambda: self._callbacks.failed(contact, event.cause))

    def _reaching(self, name: str) -> Contact | None:
        """The contact if its customer is being rung; what was meanwhile called off may still be told."""
        contact = self._contact(name)
        return contact if contact is not None and contact.state == "reaching" else None

    # Talks

    def _contact_transferred(self, event: events.ContactTransferred) -> CarryOut:
        contact = self._talking(event.contact)
        if contact.consult_of is not None:
            impossible(f"the contact {event.contact!r} is a consultation: it cannot be transferred", contact)
        self._check_queue(event.queue, contact.channel)
        self._check_attributes(event.contact, event.attributes)
        return Do(lambda: self._talks.transfer(contact, event))

    def _transfer_completed(self, event: events.TransferCompleted) -> CarryOut:
        contact, consult = self._talking(event.contact), self._talking(event.consult)
        if consult.consult_of != contact.id:
            impossible(f"the contact {consult.id!r} is no consultation about {contact.id!r}", consult)
        if consult.channel != contact.channel:
            message = f"a {contact.channel} contact cannot be handed over in a {consult.channel} consultation"
            impossible(message, contact)
        return Do(lambda: self._talks.hand_over(contact, consult))

    def _contact_held(self, event: events.ContactHeld) -> CarryOut | None:
        contact = self._talking(event.contact)
        return None if contact.held_since_ms is not None else Do(lambda: self._talks.hold(contact, event.reason))

    def _contact_resumed(self, event: events.ContactResumed) -> CarryOut | None:
        contact = self._talking(event.contact)
        return None if contact.held_since_ms is None else Do(lambda: self._talks.resume(contact))

    def _contact_ended(self, event: events.ContactEnded) -> CarryOut | None:
        contact = self._contact(event.contact)
        if contact is None:
            return None
        if contact.state != "connected":
            impossible(f"the contact {event.contact!r} is {contact.state}: it has no talk to end", contact)
        return End(self._talks, contact)

    # Offers

    def _offer_accepted(self, event: events.OfferAccepted) -> CarryOut | None:
        offer = self._state.offers.get(event.offer)
        if offer is None:
            return Do(lambda: self._offers.release_late(event.offer))
        return None if offer.state == "accepted" else Accept(self._offers, offer)

    def _refused(self, name: str, cause: Failure) -> CarryOut | None:
        offer = self._state.offers.get(name)
        if offer is None:
            return None
        if offer.state == "accepted":
            impossible(f"the offer {name!r} was accepted", self._state.contacts[offer.contact])
        return Do(lambda: self._offers.fail(offer, cause))

    def _offer_failed(self, event: events.OfferFailed) -> CarryOut | None:
        offer = self._state.offers.get(event.offer)
        if offer is None:
            return None
        if self._state.contacts[offer.contact].state == "connected":
            return Do(lambda: self._talks.break_off(offer, event.cause))
        return Do(lambda: self._offers.fail(offer, event.cause))

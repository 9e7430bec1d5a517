"""Callbacks: what is booked, booking, another time, and calling off."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from documents import nearest
from router.core.entities import Contact
from router.core.events import ContactLeft
from switchboard.callbacks import BookingRefused
from switchboard.operations.base import Answer, Ask, ContactId, Done, OperationRefused, QueueName, Request, operation

PhoneNumber = Annotated[str, Field(min_length=2, max_length=40, description="A telephone number, as people write it.")]
When = Annotated[
    datetime | None,
    Field(description="A time to come; without an offset by the centre's clock. None: when it is its turn."),
]


class ListCallbacks(Ask):
    """Which callbacks."""

    queue: QueueName | None = None
    """Those of this queue only."""


class BookCallback(Ask):
    """A callback."""

    queue: QueueName
    number: PhoneNumber
    at: When = None
    priority: int | None = Field(None, ge=-1_000_000, le=1_000_000)
    """Instead of the queue's priority."""


class RescheduleCallback(Ask):
    """Another time, or another number, for a callback."""

    contact: ContactId
    at: When = None
    number: PhoneNumber | None = None
    """Instead of the number that it has."""


class OneCallback(Ask):
    """One callback."""

    contact: ContactId


class CallbackNow(Answer):
    """A callback at this moment."""

    contact: str
    queue: str
    number: str
    state: str
    """`queued`, `offered` (an agent's phone rings), `reaching` (the customer is rung) or `parked` (for later)."""
    asked_ms: int
    """When the contact came, in Unix ms."""
    not_before_ms: int | None
    """Until when it rests."""
    tries: int
    """How often the customer has been rung."""
    expires_ms: int | None


class CallbackBooked(Answer):
    """A callback that was booked."""

    contact: str
    merged: bool
    """This caller had a callback already, and that one stands."""


@operation("GET", "/callbacks", roles=("agent", "supervisor", "planner", "auditor"))
async def list_callbacks(request: Request, ask: ListCallbacks) -> list[CallbackNow]:
    """The callbacks that wait or are under way, the oldest first."""
    contacts = request.engine.live.router.contacts()
    wanted = [
        contact
        for contact in contacts
        if contact.callback is not None and contact.state != "connected" and ask.queue in (None, contact.queue)
    ]
    return [_shown(contact) for contact in sorted(wanted, key=lambda contact: (contact.arrived_ms, contact.seq))]


@operation("POST", "/callbacks", roles=("agent", "supervisor"))
async def book_callback(request: Request, ask: BookCallback) -> CallbackBooked:
    """Book a callback: the customer is rung when an agent is there for it."""
    queues = request.engine.live.router.queues()
    if ask.queue not in queues:
        raise OperationRefused(f"no queue {ask.queue!r} ({nearest(ask.queue, queues)})", "unknown")
    try:
        booked = request.engine.callbacks.book(
            ask.queue, ask.number, at_ms=_unix_ms(request, ask.at), priority=ask.priority
        )
    except BookingRefused as refusal:
        raise OperationRefused(str(refusal), "invalid") from refusal
    request.changed({}, {"contact": booked.contact, "merged": booked.merged})
    return CallbackBooked(contact=booked.contact, merged=booked.merged)


@operation("POST", "/callbacks/{contact}/reschedule", roles=("agent", "supervisor"))
async def reschedule_callback(request: Request, ask: RescheduleCallback) -> Done:
    """Give a waiting callback another time or number."""
    before = _shown(_waiting(request, ask.contact))
    try:
        request.engine.callbacks.reschedule(ask.contact, _unix_ms(request, ask.at), ask.number)
    except BookingRefused as refusal:
        raise OperationRefused(str(refusal)) from refusal
    after = request.engine.live.router.contact(ask.contact)
    request.changed(before.model_dump(), _shown(after).model_dump() if after else {})
    when = "when it is its turn" if ask.at is None else f"at {ask.at.isoformat(timespec='minutes')}"
    return Done(message=f"The customer of {ask.contact} will be rung {when}.")


@operation("DELETE", "/callbacks/{contact}", roles=("agent", "supervisor"))
async def cancel_callback(request: Request, ask: OneCallback) -> Done:
    """Call a callback off, also while its customer is being rung."""
    before = _shown(_waiting(request, ask.contact))
    refusal = request.engine.live.feed(ContactLeft(ask.contact, "left"))
    if refusal is not None:
        raise OperationRefused(str(refusal))
    request.changed(before.model_dump(), {})
    return Done(message=f"The callback {ask.contact} is called off.")


def _waiting(request: Request, name: str) -> Contact:
    contact = request.engine.live.router.contact(name)
    if contact is None or contact.callback is None or contact.state == "connected":
        raise OperationRefused(f"there is no callback {name!r} that waits", "unknown")
    return contact


def _unix_ms(request: Request, at: datetime | None) -> int | None:
    if at is None:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=request.engine.centre.zone)
    return round(aware.astimezone(UTC).timestamp() * 1000)


def _shown(contact: Contact) -> CallbackNow:
    callback = contact.callback
    assert callback is not None
    return CallbackNow(
        contact=contact.id,
        queue=contact.queue,
        number=callback.number,
        state=contact.state,
        asked_ms=contact.arrived_ms,
        not_before_ms=callback.until_ms,
        tries=callback.tries,
        expires_ms=callback.expires_ms,
    )

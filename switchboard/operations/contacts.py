"""Other work than calls: chats, e-mails, social posts and tasks enter here, and agents take them up and end them here.

What is said in a chat or stands in an e-mail is no business of the router. A gateway creates the contact with a
reference of its own, agents (or the desktop that they use) hear of offers by the state stream, and whoever learns first
that the work is over says so.
"""

from typing import Annotated
from uuid import uuid4

from pydantic import Field

from documents import nearest
from router.core.entities import Contact, ContactState
from router.core.events import (
    Attribute,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    OfferDeclined,
)
from switchboard.operations.agents import feed, known_agent
from switchboard.operations.base import (
    AgentName,
    Answer,
    Ask,
    ContactId,
    Done,
    OperationRefused,
    QueueName,
    Request,
    operation,
)

Channel = Annotated[str, Field(min_length=1, max_length=64, description="One of the centre's channels.")]
OfferId = Annotated[str, Field(min_length=1, max_length=32, description="The offer, as the contact names it.")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@=+-]{0,95}$")]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
ShortText = Annotated[str, Field(max_length=2_000)]
WholeNumber = Annotated[int, Field(ge=-(2**53), le=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Attributes = Annotated[dict[AttributeName, bool | WholeNumber | Number | ShortText], Field(max_length=50)]


class NewContact(Ask):
    """A contact that is not a call."""

    queue: QueueName
    channel: Channel | None = None
    """By default that of the queue; if it is said, it must be the queue's."""
    reference: Reference | None = None
    """The asker's own name for it, such as a message's id. The same reference cannot be in work twice, so that a
    gateway may ask again after a failure."""
    caller: Annotated[str, Field(max_length=200)] = ""
    """Whose it is: an address or a customer's number."""
    attributes: Attributes = Field(default_factory=dict)
    """What conditions see as `contact.NAME`, and what the agent is shown."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None = None
    """In place of the queue's own priority."""
    preferred_agent: AgentName | None = None
    """The agent to try first."""


class Wanted(Ask):
    """Which contacts; without any field all."""

    channel: Channel | None = None
    queue: QueueName | None = None
    state: ContactState | None = None
    agent: AgentName | None = None
    """Those that the agent has or is offered."""


class OfContact(Ask):
    """Concerns one contact."""

    contact: ContactId
    agent: AgentName | None = None
    """The agent who has it or is offered it; an agent must say so."""


class OfOffer(Ask):
    """Concerns one offer to an agent."""

    agent: AgentName
    offer: OfferId


class OfWork(Ask):
    """Concerns one contact that an agent has."""

    agent: AgentName
    contact: ContactId


class Estimate(Answer):
    """The wait still to come: it is not exceeded with a probability of 50, 80 and 95 %."""

    p50_s: float
    p80_s: float
    p95_s: float


class ContactNow(Answer):
    """A contact as it is now."""

    contact: str
    queue: str
    channel: str
    state: ContactState
    caller: str
    attributes: dict[str, Attribute]
    arrived_ms: int
    """When it arrived, in milliseconds since 1970."""
    agent: str | None
    """Who has it or is offered it."""
    offer: str | None
    """The offer to accept or to decline, or by which the agent has it."""
    offer_until_ms: int | None
    """Until when the offer may be accepted."""
    rests: bool
    """The agent is interrupted by something more urgent."""
    position: int | None
    """Its place in the queue while it waits, 1 for the next."""
    estimate: Estimate | None
    """The wait still to come, while it waits and if enough is known."""


@operation("POST", "/contacts", roles=("supervisor",))
async def create_contact(request: Request, ask: NewContact) -> ContactNow:
    """Let a chat, an e-mail, a social post or a task wait in a queue. (Calls come by telephone.)"""
    router = request.engine.live.router
    queues = {queue.name: queue for queue in router.policy.queues}
    queue = queues.get(ask.queue)
    if queue is None:
        raise OperationRefused(f"no queue {ask.queue!r} ({nearest(ask.queue, queues)})", "unknown")
    if queue.channel == "voice":
        raise OperationRefused(f"{ask.queue} takes calls, and those come by telephone", "invalid")
    if ask.channel not in (None, queue.channel):
        raise OperationRefused(f"{ask.queue} takes {queue.channel} contacts, not {ask.channel}", "invalid")
    if ask.preferred_agent is not None:
        known_agent(request, ask.preferred_agent)
    name = f"{queue.channel}-{ask.reference or uuid4().hex}"
    if router.contact(name) is not None:
        raise OperationRefused(f"the contact {name} is in work already")
    arrived = ContactArrived(
        name,
        queue.name,
        queue.channel,
        attributes=dict(ask.attributes),
        priority=ask.priority,
        preferred_agent=ask.preferred_agent,
        caller=ask.caller,
    )
    feed(request, arrived)
    request.changed({}, {"contact": name})
    contact = router.contact(name)
    if contact is None:
        raise OperationRefused(f"{ask.queue} does not take it now: it is full or closed, or nobody is there for it")
    return _now(request, contact)


@operation("GET", "/contacts", roles=("supervisor", "auditor"), own=True)
async def list_contacts(request: Request, ask: Wanted) -> list[ContactNow]:
    """All contacts, calls too, that wait or are handled, the oldest first."""
    found = [
        contact
        for contact in request.engine.live.router.contacts()
        if ask.channel in (None, contact.channel)
        and ask.queue in (None, contact.queue)
        and ask.state in (None, contact.state)
        and ask.agent in (None, contact.agent)
    ]
    return [_now(request, contact) for contact in sorted(found, key=lambda contact: (contact.arrived_ms, contact.seq))]


@operation("GET", "/contacts/{contact}", roles=("supervisor", "auditor"), own=True)
async def show_contact(request: Request, ask: OfContact) -> ContactNow:
    """One contact as it is now, with its place in the queue and the wait still to come."""
    contact = request.engine.live.router.contact(ask.contact)
    if contact is None or ask.agent not in (None, contact.agent):
        of = f" of {ask.agent}" if ask.agent else ""
        raise OperationRefused(f"no contact {ask.contact!r}{of} waits or is handled now", "unknown")
    return _now(request, contact)


@operation("POST", "/agents/{agent}/offers/{offer}/accept", roles=("supervisor",), own=True)
async def accept_offer(request: Request, ask: OfOffer) -> Done:
    """Take up a contact that is offered to the agent. (A call is accepted at the telephone.)"""
    contact = _offered(request, ask)
    feed(request, OfferAccepted(ask.offer))
    taken = request.engine.live.router.offer(ask.offer)
    if taken is None or taken.state != "accepted":
        raise OperationRefused(f"too late: {contact} is no longer offered to {ask.agent}")
    request.changed({"state": "offered"}, {"state": "connected"})
    return Done(message=f"{ask.agent} has {contact}.")


@operation("POST", "/agents/{agent}/offers/{offer}/decline", roles=("supervisor",), own=True)
async def decline_offer(request: Request, ask: OfOffer) -> Done:
    """Refuse a contact that is offered to the agent; it keeps its place and goes to somebody else."""
    contact = _offered(request, ask)
    feed(request, OfferDeclined(ask.offer))
    request.changed({"state": "offered"}, {"state": "queued"})
    return Done(message=f"{ask.agent} has declined {contact}.")


@operation("POST", "/agents/{agent}/contacts/{contact}/end", roles=("supervisor",), own=True)
async def end_contact(request: Request, ask: OfWork) -> Done:
    """The agent is done with a contact; the wrap-up begins. (A call ends at the telephone, or by `hang_up`.)"""
    contact = _work(request, ask.contact)
    if contact.agent != ask.agent or contact.state != "connected":
        raise OperationRefused(f"{ask.agent} does not have {ask.contact} ({contact.state})")
    feed(request, ContactEnded(contact.id))
    request.changed({"state": "connected", "agent": ask.agent}, {"state": "ended"})
    return Done(message=f"{ask.agent} is done with {contact.id}.")


@operation("DELETE", "/contacts/{contact}", roles=("supervisor",))
async def cancel_contact(request: Request, ask: OfContact) -> Done:
    """The contact is void or its customer is gone, wherever it is: waiting, offered or with an agent."""
    contact = _work(request, ask.contact)
    before = contact.state
    feed(request, ContactEnded(contact.id) if before == "connected" else ContactLeft(contact.id))
    request.changed({"state": before}, {"state": "ended"})
    return Done(message=f"{contact.id} is over.")


def _work(request: Request, name: str) -> Contact:
    """A contact that is not a call."""
    contact = request.engine.live.router.contact(name)
    if contact is None:
        raise OperationRefused(f"no contact {name!r} waits or is handled now", "unknown")
    if contact.channel == "voice":
        raise OperationRefused(f"{name} is a call", "invalid")
    return contact


def _offered(request: Request, ask: OfOffer) -> str:
    """The contact of the agent's offer, which must still stand."""
    offer = request.engine.live.router.offer(ask.offer)
    if offer is None or offer.agent != ask.agent:
        raise OperationRefused(f"no offer {ask.offer!r} to {ask.agent} stands (any more)", "unknown")
    _work(request, offer.contact)
    if offer.state != "ringing":
        raise OperationRefused(f"{ask.agent} has {offer.contact} already")
    return offer.contact


def _now(request: Request, contact: Contact) -> ContactNow:
    router = request.engine.live.router
    offer = router.offer(contact.offer) if contact.offer else None
    wait = router.estimated_wait(contact.id, request.engine.clock.now_ms()) if contact.waits else None
    return ContactNow(
        contact=contact.id,
        queue=contact.queue,
        channel=contact.channel,
        state=contact.state,
        caller=contact.caller,
        attributes=contact.attributes,
        arrived_ms=contact.arrived_ms,
        agent=contact.agent,
        offer=contact.offer,
        offer_until_ms=offer.deadline_ms if offer and offer.state == "ringing" else None,
        rests=contact.rests_since_ms is not None,
        position=router.position(contact.id) if contact.waits else None,
        estimate=Estimate(p50_s=wait.p50_ms / 1000, p80_s=wait.p80_ms / 1000, p95_s=wait.p95_ms / 1000)
        if wait
        else None,
    )

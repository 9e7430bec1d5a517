"""What agents do with the caller they talk with: hold, consult, transfer, requeue, escalate, hang up."""

from typing import Annotated

from pydantic import Field, model_validator

from documents import nearest
from router.core.entities import Contact
from router.core.events import (
    Attribute,
    ContactArrived,
    ContactEnded,
    ContactHeld,
    ContactLeft,
    ContactResumed,
    ContactTransferred,
    OfferDeclined,
    TransferCompleted,
)
from router.live.outside import Purpose
from switchboard.destinations import DestinationRefused
from switchboard.facts import HOLD_REASON
from switchboard.operations.agents import OfAgent, feed, known_agent
from switchboard.operations.base import AgentName, Done, FreeText, OperationRefused, QueueName, Request, operation

Note = Annotated[FreeText, Field(max_length=2_000, description="What whoever takes the caller next should know.")]
Number = Annotated[str, Field(min_length=1, max_length=40, description="A telephone number outside.")]

NOTES = "notes"
"""The attribute in which agents' notes gather, one to a line."""


class Hold(OfAgent):
    """A hold and why."""

    reason: Annotated[FreeText, Field(max_length=200)] = ""
    """The caller is told, where the centre has a prompt for it (`hold-REASON` in prompts.yaml)."""


class Destination(OfAgent):
    """An agent, a queue or an outside number; exactly one of them."""

    to_agent: AgentName | None = None
    to_queue: QueueName | None = None
    to_number: Number | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _one(self) -> "Destination":
        if sum(to is not None for to in (self.to_agent, self.to_queue, self.to_number)) != 1:
            raise ValueError("say where to: one of 'to_agent', 'to_queue' and 'to_number'")
        return self


class SendOn(OfAgent):
    """The caller goes to a queue that is known."""

    note: Note = ""


class Requeue(SendOn):
    """Back to the queue."""

    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None = None
    """Instead of the priority that the caller had."""


@operation("POST", "/agents/{agent}/hold", roles=("supervisor",), own=True)
async def hold(request: Request, ask: Hold) -> Done:
    """Put the agent's caller on hold: the caller hears music, the reason and regular updates.

    With a reason also when the caller is on hold already: it is told from now on.
    """
    contact = _talk(request, ask)
    if contact.held_since_ms is not None:
        if not ask.reason:
            raise OperationRefused(f"{contact.id} is on hold already")
        request.engine.fact(
            HOLD_REASON, contact=contact.id, agent=ask.agent, actor=request.actor.name, data={"reason": ask.reason}
        )
        request.engine.calls.told_why(contact.id, ask.reason)
        request.changed({}, {"reason": ask.reason})
        return Done(message=f"{contact.id} is told why.")
    feed(request, ContactHeld(contact.id, ask.reason))
    request.changed({"held": False}, {"held": True})
    return Done(message=f"{contact.id} is on hold.")


@operation("POST", "/agents/{agent}/resume", roles=("supervisor",), own=True)
async def resume(request: Request, ask: OfAgent) -> Done:
    """Talk with the caller again; a consultation under way ends."""
    contact = _talk(request, ask)
    if contact.held_since_ms is None:
        raise OperationRefused(f"{contact.id} is not on hold")
    _end_consultation(request, contact)
    feed(request, ContactResumed(contact.id))
    request.changed({"held": True}, {"held": False})
    return Done(message=f"{ask.agent} talks with {contact.id} again.")


@operation("POST", "/agents/{agent}/consult", roles=("supervisor",), own=True)
async def consult(request: Request, ask: Destination) -> Done:
    """Ask an agent, a queue or an outside number about the caller, who is on hold meanwhile."""
    contact = _talk(request, ask)
    if _consulting(request, contact):
        raise OperationRefused(f"{ask.agent} is asking somebody about {contact.id} already")
    if ask.to_number is not None:
        _dial(request, contact, ask.to_number, "consult")
        return Done(message=f"{ask.to_number} is being rung.")
    if ask.to_agent is not None:
        _not_oneself(ask)
        asked = request.engine.live.router.agent(known_agent(request, ask.to_agent))
        if asked is None or asked.state != "ready":
            raise OperationRefused(f"{ask.to_agent} is not free ({asked.why_not_free() if asked else 'gone'})")
    queue = contact.queue if ask.to_queue is None else _queue(request, ask.to_queue)
    _hold(request, contact)
    name = f"{contact.id}-consult-{request.engine.clock.now_ms():x}"
    attributes = {**contact.attributes, "consulted_by": ask.agent, **_noted(contact, ask.agent, ask.note)}
    feed(
        request,
        ContactArrived(name, queue, attributes=attributes, directed_to=ask.to_agent, consult_of=contact.id),
    )
    asking = request.engine.live.router.contact(name)
    if ask.to_agent is not None and asking is not None and asking.state == "queued":
        feed(request, ContactLeft(name, "left"))
        raise OperationRefused(f"{ask.to_agent} cannot be asked now; {contact.id} is on hold")
    request.changed({}, {"consultation": name})
    return Done(message=f"{ask.to_agent or ask.to_queue} is being asked; {contact.id} is on hold.")


@operation("POST", "/agents/{agent}/cancel-consult", roles=("supervisor",), own=True)
async def cancel_consult(request: Request, ask: OfAgent) -> Done:
    """End the consultation; the caller stays on hold."""
    contact = _talk(request, ask)
    if not _end_consultation(request, contact):
        raise OperationRefused(f"{ask.agent} is asking nobody")
    return Done(message=f"The consultation is over; {contact.id} is on hold.")


@operation("POST", "/agents/{agent}/complete-transfer", roles=("supervisor",), own=True)
async def complete_transfer(request: Request, ask: OfAgent) -> Done:
    """Leave the caller to the one who has been consulted."""
    contact = _talk(request, ask)
    asked = request.engine.live.router.contact(contact.consult) if contact.consult else None
    if asked is not None and asked.state == "connected":
        feed(request, TransferCompleted(contact.id, asked.id))
        request.changed({"agent": ask.agent}, {"agent": asked.agent})
        return Done(message=f"{asked.agent} talks with {contact.id}.")
    if request.engine.outside.complete(contact.id):
        request.changed({"agent": ask.agent}, {"agent": None})
        return Done(message=f"{contact.id} talks with the outside party.")
    raise OperationRefused("nobody has been consulted yet")


@operation("POST", "/agents/{agent}/transfer", roles=("supervisor",), own=True)
async def transfer(request: Request, ask: Destination) -> Done:
    """Send the caller to an agent, a queue or an outside number, with all that is known of the caller.

    If the agent does not take the caller in time, others of the same queue may; if nobody answers outside, the caller
    goes back to the queue. Nobody is lost.
    """
    contact = _talk(request, ask)
    if ask.to_number is not None:
        _end_consultation(request, contact)
        _dial(request, contact, ask.to_number, "transfer")
        return Done(message=f"{contact.id} is being transferred to {ask.to_number}.")
    if ask.to_agent is not None:
        _not_oneself(ask)
        agent = request.engine.live.router.agent(known_agent(request, ask.to_agent))
        if agent is None or agent.presence == "offline":
            raise OperationRefused(f"{ask.to_agent} is not signed in")
        _send(request, contact, ask, contact.queue, "transferred_by", directed_to=ask.to_agent)
    elif ask.to_queue is not None:
        _send(request, contact, ask, _queue(request, ask.to_queue), "transferred_by")
    return Done(message=f"{contact.id} is transferred to {ask.to_agent or ask.to_queue}.")


@operation("POST", "/agents/{agent}/requeue", roles=("supervisor",), own=True)
async def requeue(request: Request, ask: Requeue) -> Done:
    """Send the caller back to the queue, to the old place, with a note for whoever is next."""
    contact = _talk(request, ask)
    _send(request, contact, ask, contact.queue, "requeued_by", priority=ask.priority)
    return Done(message=f"{contact.id} waits in {contact.queue} again.")


@operation("POST", "/agents/{agent}/escalate", roles=("supervisor",), own=True)
async def escalate(request: Request, ask: SendOn) -> Done:
    """Send the caller to the queue's second level, with everything the caller has already said."""
    contact = _talk(request, ask)
    target = request.engine.centre.escalations.get(contact.queue)
    if target is None:
        raise OperationRefused(f"{contact.queue} has no second level (queues.yaml: escalates_to)", "invalid")
    _send(request, contact, ask, target, "escalated_by", escalated_from=contact.queue)
    return Done(message=f"{contact.id} is escalated to {target}.")


@operation("POST", "/agents/{agent}/decline", roles=("supervisor",), own=True)
async def decline(request: Request, ask: OfAgent) -> Done:
    """Refuse what is offered to the agent; the caller keeps the place in the queue and goes to somebody else."""
    agent = request.engine.live.router.agent(known_agent(request, ask.agent))
    for offer in agent.offers if agent else ():
        request.engine.legs.drop(offer)
        feed(request, OfferDeclined(offer))
        return Done(message=f"{ask.agent} has declined.")
    raise OperationRefused(f"nothing is offered to {ask.agent}")


@operation("POST", "/agents/{agent}/hang-up", roles=("supervisor",), own=True)
async def hang_up(request: Request, ask: OfAgent) -> Done:
    """End the agent's talk; the caller's flow goes on behind its queue."""
    contact = _talk(request, ask, any_talk=True)
    feed(request, ContactEnded(contact.id, "agent"))
    return Done(message=f"The talk of {ask.agent} with {contact.id} is over.")


def _talk(request: Request, ask: OfAgent, *, any_talk: bool = False) -> Contact:
    """The caller whom the agent has; with `any_talk` also a colleague who consults the agent, or a voicemail."""
    router = request.engine.live.router
    agent = router.agent(known_agent(request, ask.agent))
    contacts = [router.contact(name) for name in agent.contacts] if agent else []
    for contact in contacts:
        if contact is not None and contact.channel == "voice" and contact.state == "connected":
            if any_talk or request.engine.lines.has_line(contact):
                return contact
            if contact.consult_of is not None:
                raise OperationRefused(f"{ask.agent} is being consulted; the caller is with a colleague")
            raise OperationRefused(f"{ask.agent} hears a voicemail; nobody is on the line")
    raise OperationRefused(f"{ask.agent} talks with no caller")


def _queue(request: Request, name: str) -> str:
    known = [queue.name for queue in request.engine.live.router.policy.queues]
    if name not in known:
        raise OperationRefused(f"no queue {name!r} ({nearest(name, known)})", "unknown")
    return name


def _not_oneself(ask: Destination) -> None:
    if ask.to_agent == ask.agent:
        raise OperationRefused("that is the same agent", "invalid")


def _consulting(request: Request, contact: Contact) -> bool:
    return contact.consult is not None or request.engine.outside.of_contact(contact.id) is not None


def _end_consultation(request: Request, contact: Contact) -> bool:
    """Whether there was one."""
    asking = request.engine.live.router.contact(contact.consult) if contact.consult else None
    if asking is None:
        return request.engine.outside.cancel(contact.id)
    connected = asking.state == "connected"
    feed(request, ContactEnded(asking.id, "agent") if connected else ContactLeft(asking.id, "left"))
    return True


def _hold(request: Request, contact: Contact) -> None:
    if contact.held_since_ms is None:
        feed(request, ContactHeld(contact.id))


def _dial(request: Request, contact: Contact, number: str, purpose: Purpose) -> None:
    """Rings an outside number, if the centre allows it."""
    engine = request.engine
    now_ms = engine.clock.now_ms()
    try:
        destination = engine.destinations.check(number, now_ms)
    except DestinationRefused as refusal:
        raise OperationRefused(str(refusal), "forbidden") from None
    _hold(request, contact)
    call = engine.outside.next_channel_id()
    engine.destinations.started(call, destination, now_ms, contact.id)
    caller_id = engine.centre.settings.outbound.caller_id or ""
    engine.outside.dial(contact.id, call, destination.dial_string, caller_id, purpose)
    request.changed({}, {"outside": destination.number})


def _send(
    request: Request,
    contact: Contact,
    ask: Destination | SendOn,
    queue: str,
    by: str,
    *,
    directed_to: str | None = None,
    priority: int | None = None,
    **more: Attribute,
) -> None:
    """The caller waits in `queue`, with all that is known and what the agent adds."""
    attributes: dict[str, Attribute] = {by: ask.agent, **_noted(contact, ask.agent, ask.note), **more}
    feed(request, ContactTransferred(contact.id, queue, attributes, directed_to, priority))
    request.changed({"queue": contact.queue, "agent": ask.agent}, {"queue": queue, "directed_to": directed_to})


def _noted(contact: Contact, agent: str, note: str) -> dict[str, Attribute]:
    if not note:
        return {}
    earlier = contact.attributes.get(NOTES)
    return {NOTES: "\n".join(filter(None, [str(earlier or ""), f"{agent}: {note}"]))}

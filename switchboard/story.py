"""The story of one contact out of a journal, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.core.decisions import (
    AnyDecision,
    CancelOffer,
    Connect,
    ContactFinished,
    ContactHeldBack,
    ContactParked,
    ContactQueued,
    ContactReleased,
    CustomerReached,
    EndTalk,
    HandOver,
    Hold,
    Offer,
    OfferEnded,
    ReleaseAgent,
    Resume,
    RingCustomer,
    StepEntered,
    WorkInterrupted,
    WorkResumed,
)
from router.core.events import (
    AnyEvent,
    Attribute,
    CallbackFailed,
    CallbackRequested,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    ContactMoved,
    ContactTransferred,
)
from router.live.journal import Handled


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One line of the story: when, what, the journal record it comes from, and the offer it explains."""

    at_ms: int
    text: str
    record: int
    offer: Offer | None = None


def contact_story(contact: str, records: Iterable[tuple[int, Handled]]) -> list[StoryEntry]:
    """What happened to `contact`, from the numbered records of a journal, in order."""
    story = []
    for number, record in records:
        if getattr(record.event, "contact", None) == contact and (text := event_text(record.event)):
            story.append(StoryEntry(record.at_ms, text, number))
        for decision in record.decisions:
            if getattr(decision, "contact", None) != contact:
                continue
            if text := decision_text(decision):
                offer = decision if isinstance(decision, Offer) else None
                story.append(StoryEntry(record.at_ms, text, number, offer))
    return story


def event_text(event: AnyEvent) -> str:
    """What the event means for its contact, in words; empty if nothing."""
    match event:
        case ContactArrived():
            return _arrival_text(event)
        case ContactLeft(cause=cause, key=key):
            return "hangs up" if cause == "abandoned" else "takes a way out" + (f" (key {key})" if key else "")
        case ContactMoved(queue=queue, directed_to=directed_to):
            return f"is moved to {queue}" + (f", for {directed_to}" if directed_to else "")
        case CallbackRequested(callback=callback):
            return f"wants to be rung at {callback.number}" + (", later" if callback.not_before_ms else "")
        case CallbackFailed(cause=cause):
            return f"the customer is not reached: {cause.replace('_', ' ')}"
        case ContactTransferred(queue=queue, directed_to=directed_to, attributes=attributes):
            to = f"is transferred to {queue}" + (f", for {directed_to}" if directed_to else "")
            return to + (f" ({_known(attributes)})" if attributes else "")
        case ContactEnded(by=by):
            return "the talk is over" + (f", ended by the {by}" if by else "")
        case _:
            return ""


def _arrival_text(event: ContactArrived) -> str:
    text = "arrives" + (f" ({_known(event.attributes)})" if event.attributes else "")
    if event.consult_of is not None:
        text += f"; a question about {event.consult_of}"
    if event.callback is not None:
        text += f"; wants to be rung at {event.callback.number}" + (", later" if event.callback.not_before_ms else "")
    if event.directed_to is not None:
        text += f"; for {event.directed_to}"
    return text + (f"; asked for {event.preferred_agent}" if event.preferred_agent else "")


def _known(attributes: Mapping[str, Attribute]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(attributes.items()))


def decision_text(decision: AnyDecision) -> str:
    """What the decision means for its contact, in words; empty if nothing."""
    match decision:
        case ContactQueued(queue=queue, moved_from=None):
            return f"waits in {queue}"
        case ContactQueued(queue=queue, moved_from=moved_from, reason=reason):
            return (
                f"waits in {queue} again: {reason}"
                if moved_from == queue
                else (f"goes from {moved_from} to {queue}: {reason}")
            )
        case ContactParked(reason=reason):
            return f"is parked: {reason}"
        case StepEntered(step=step, reason=reason):
            return f"step {step!r} begins" + (f": {reason}" if reason else "")
        case ContactHeldBack(agent=agent, reason=reason):
            return f"waits although {agent} is free: {reason}"
        case Offer(agent=agent, record=record):
            how = "directed there, " if record.directed else ""
            return f"is offered to {agent} ({how}{record.queue}, step {record.step!r}, policy {record.policy})"
        case OfferEnded(agent=agent, cause=cause):
            return f"the offer to {agent} ends: {cause.replace('_', ' ')}"
        case CancelOffer(agent=agent, reason=reason):
            return f"{agent} stops ringing: {reason}"
        case Connect(agent=agent):
            return f"is joined with {agent}"
        case RingCustomer(agent=agent, number=number, attempt=attempt):
            return f"{agent} is there, the customer is rung at {number} (try {attempt})"
        case CustomerReached(agent=agent):
            return f"the customer answers and talks with {agent}"
        case Hold(agent=agent, reason=reason):
            return f"{agent} puts it on hold" + (f": {reason}" if reason else "")
        case Resume(agent=agent):
            return f"{agent} takes it off hold"
        case EndTalk(agent=agent, reason=reason):
            return f"{agent} leaves: {reason}"
        case HandOver(from_agent=from_agent, to_agent=to_agent):
            return f"{from_agent} hands it over to {to_agent}"
        case WorkInterrupted(agent=agent, by=by):
            return f"rests while {agent} handles {by}"
        case WorkResumed(agent=agent):
            return f"{agent} goes on with it"
        case ReleaseAgent(reason=reason):
            return f"a late answer is released: {reason}"
        case ContactReleased(action=action, reason=reason):
            return f"leaves the queue by its exit {action.target!r}: {reason}"
        case ContactFinished(outcome=outcome, wait_ms=wait_ms, talk_ms=talk_ms, hold_ms=hold_ms, transferred_to=onward):
            talk = f", talked {talk_ms / 1000:.1f} s" if talk_ms else ""
            hold = f" ({hold_ms / 1000:.1f} s of it on hold)" if hold_ms else ""
            sent = f", sent on to {onward}" if onward else ""
            return f"finished: {outcome} after waiting {wait_ms / 1000:.1f} s{talk}{hold}{sent}"
        case _:
            return ""

"""The story of one contact out of a journal, in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from router.core.decisions import (
    AnyDecision,
    CancelOffer,
    Connect,
    ContactFinished,
    ContactQueued,
    ContactReleased,
    Offer,
    OfferEnded,
    ReleaseAgent,
    StepEntered,
)
from router.core.events import AnyEvent, ContactArrived, ContactEnded, ContactLeft, ContactMoved
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
        case ContactArrived(attributes=attributes, preferred_agent=preferred):
            known = ", ".join(f"{name}={value}" for name, value in sorted(attributes.items()))
            wish = f"; asked for {preferred}" if preferred else ""
            return f"arrives ({known}){wish}" if known or wish else "arrives"
        case ContactLeft(cause=cause):
            return "hangs up" if cause == "abandoned" else "takes a way out"
        case ContactMoved(queue=queue):
            return f"is moved to {queue}"
        case ContactEnded():
            return "the talk is over"
        case _:
            return ""


def decision_text(decision: AnyDecision) -> str:
    """What the decision means for its contact, in words; empty if nothing."""
    match decision:
        case ContactQueued(queue=queue, moved_from=None):
            return f"waits in {queue}"
        case ContactQueued(queue=queue, moved_from=moved_from, reason=reason):
            return f"goes from {moved_from} to {queue}: {reason}"
        case StepEntered(step=step, reason=reason):
            return f"step {step!r} begins" + (f": {reason}" if reason else "")
        case Offer(agent=agent, record=record):
            return f"is offered to {agent} ({record.queue}, step {record.step!r}, policy {record.policy})"
        case OfferEnded(agent=agent, cause=cause):
            return f"the offer to {agent} ends: {cause.replace('_', ' ')}"
        case CancelOffer(agent=agent, reason=reason):
            return f"{agent} stops ringing: {reason}"
        case Connect(agent=agent):
            return f"is joined with {agent}"
        case ReleaseAgent(reason=reason):
            return f"a late answer is released: {reason}"
        case ContactReleased(action=action, reason=reason):
            return f"leaves the queue by its exit {action.target!r}: {reason}"
        case ContactFinished(outcome=outcome, wait_ms=wait_ms, talk_ms=talk_ms):
            talk = f", talked {talk_ms / 1000:.1f} s" if talk_ms else ""
            return f"finished: {outcome} after waiting {wait_ms / 1000:.1f} s{talk}"
        case _:
            return ""

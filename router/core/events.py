"""What can happen to the router: every input of `Router.handle`.

Events are plain data, so that a journal of them replays to the same decisions. They come from a shell: the live one
(from Asterisk), the simulated one (from sampled callers) or a journal. Names are of the contact's or the agent's
life, never of Asterisk. Times are integer milliseconds.
"""

from typing import Literal

import msgspec

from router.core.policy import Policy

Attribute = str | int | float | bool
FailureCause = Literal["busy", "unreachable", "congestion", "error"]


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Base of all events."""


class ContactArrived(Event, frozen=True):
    """A contact enters a queue.

    `attributes` is what step conditions see as `contact.*`. `priority` replaces the queue's base priority.
    `arrived_ms` keeps the age of a contact that comes back (re-entry, callback); by default its age starts now.
    """

    contact: str
    queue: str
    channel: str = "voice"
    attributes: dict[str, Attribute] = {}
    priority: int | None = None
    preferred_agent: str | None = None
    arrived_ms: int | None = None


class ContactLeft(Event, frozen=True):
    """The contact is gone while waiting or being offered: hung up (`abandoned`), or took a way out (`left`)."""

    contact: str
    cause: Literal["abandoned", "left"] = "abandoned"


class ContactMoved(Event, frozen=True):
    """A waiting contact goes to another queue (by a supervisor, or by its own choice) and keeps its age."""

    contact: str
    queue: str


class ContactEnded(Event, frozen=True):
    """The talk is over, whoever ended it; the agent's wrap-up begins."""

    contact: str


class OfferAccepted(Event, frozen=True):
    """The agent took the offer (answered the phone)."""

    offer: str


class OfferDeclined(Event, frozen=True):
    """The agent refused the offer."""

    offer: str


class OfferNotAnswered(Event, frozen=True):
    """The agent's phone rang out before the router's own deadline (ring on no answer)."""

    offer: str


class OfferFailed(Event, frozen=True):
    """The offer could not be made, or the joining of the two failed after the answer while the contact still waits."""

    offer: str
    cause: FailureCause = "error"


class AgentSignedIn(Event, frozen=True):
    """The agent starts working, ready or (`pause_reason`) paused."""

    agent: str
    pause_reason: str | None = None


class AgentSignedOut(Event, frozen=True):
    """The agent stops working: at once when free, after the current contact and wrap-up otherwise."""

    agent: str


class AgentPaused(Event, frozen=True):
    """The agent takes no new contacts, for a reason: at once when free, after the current contact otherwise."""

    agent: str
    reason: str


class AgentReady(Event, frozen=True):
    """The agent ends a pause or a wrap-up and takes contacts."""

    agent: str


class WrapUpExtended(Event, frozen=True):
    """The agent needs `extra_ms` more for the wrap-up under way."""

    agent: str
    extra_ms: int


class PolicyPublished(Event, frozen=True):
    """A new policy takes effect: nothing is dropped or reordered; waiting contacts finish on their version
    unless `migrate` is set."""

    policy: Policy
    migrate: bool = False


class TimePassed(Event, frozen=True):
    """The deadline that `Router.next_deadline_ms` named has come."""


AnyEvent = (
    ContactArrived
    | ContactLeft
    | ContactMoved
    | ContactEnded
    | OfferAccepted
    | OfferDeclined
    | OfferNotAnswered
    | OfferFailed
    | AgentSignedIn
    | AgentSignedOut
    | AgentPaused
    | AgentReady
    | WrapUpExtended
    | PolicyPublished
    | TimePassed
)

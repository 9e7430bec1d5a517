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
CallbackFailure = Literal["busy", "no_answer", "declined", "unreachable", "error"]
QueueState = Literal["open", "closed", "emergency"]


class Callback(msgspec.Struct, frozen=True):
    """The customer is to be rung at `number` when it is the contact's turn, and not before `not_before_ms`."""

    number: str
    not_before_ms: int | None = None


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Base of all events."""


class ContactArrived(Event, frozen=True):
    """A contact enters a queue.

    `attributes` is what step conditions see as `contact.*`. `priority` replaces the queue's base priority.
    `arrived_ms` keeps the age of a contact that comes back; by default its age starts now. `caller` says who it is (a
    phone number, an address): the same caller gets what the queue's `reentry` promises, and has one callback at a time
    in a queue. `callback`: nobody waits on the line, the customer is rung. `directed_to`: for the queue's `directed_ms`
    only this agent takes it, whatever the conditions say. `consult_of`: an agent who talks with that contact asks
    another agent.
    """

    contact: str
    queue: str
    channel: str = "voice"
    attributes: dict[str, Attribute] = {}
    priority: int | None = None
    preferred_agent: str | None = None
    arrived_ms: int | None = None
    caller: str = ""
    callback: Callback | None = None
    directed_to: str | None = None
    consult_of: str | None = None


class ContactLeft(Event, frozen=True):
    """The contact is gone while waiting or being offered: hung up (`abandoned`), or took a way out (`left`), by this
    `key` if it pressed one."""

    contact: str
    cause: Literal["abandoned", "left"] = "abandoned"
    key: str = ""


class ContactMoved(Event, frozen=True):
    """A waiting contact goes to another queue or to an agent (by a supervisor, or by its own choice) and keeps its age.

    `directed_to`: as in `ContactArrived`; with the contact's own queue it is pulled to that agent. `priority` replaces
    the priority it had.
    """

    contact: str
    queue: str
    directed_to: str | None = None
    priority: int | None = None


class CallbackRequested(Event, frozen=True):
    """A waiting caller will be rung instead: the contact keeps its place and age, and the line may end."""

    contact: str
    callback: Callback


class CallbackReached(Event, frozen=True):
    """The customer answered the callback: agent and customer talk."""

    contact: str


class CallbackFailed(Event, frozen=True):
    """The customer could not be reached; the agent is free again, and the contact waits for its next try."""

    contact: str
    cause: CallbackFailure


class ContactTransferred(Event, frozen=True):
    """A contact in talk goes back to a queue (blind transfer, requeue, escalation) and takes along all that is known
    of it; `attributes` are added. The agent's wrap-up begins. `directed_to`: as in `ContactArrived`.

    `keeps_age`: it waits as one that came when it first arrived; otherwise its age starts now.
    """

    contact: str
    queue: str
    attributes: dict[str, Attribute] = {}
    directed_to: str | None = None
    priority: int | None = None
    keeps_age: bool = True


class TransferCompleted(Event, frozen=True):
    """The agent who consulted (contact `consult`) leaves, and the agent consulted goes on with `contact`."""

    contact: str
    consult: str


class ContactHeld(Event, frozen=True):
    """The agent puts the contact in talk on hold, for a reason that the caller may be told."""

    contact: str
    reason: str = ""


class ContactResumed(Event, frozen=True):
    """The hold is over: agent and contact talk again."""

    contact: str


class ContactEnded(Event, frozen=True):
    """The talk is over; the agent's wrap-up begins. `by`: who ended it, where that is known."""

    contact: str
    by: Literal["", "agent", "caller"] = ""


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


class AgentUnreachable(Event, frozen=True):
    """The agent's phone is gone while no offer rings: the agent gets what the policy says of one who is unreachable."""

    agent: str


class WrapUpExtended(Event, frozen=True):
    """The agent needs `extra_ms` more for the wrap-up under way."""

    agent: str
    extra_ms: int


class QueueSwitched(Event, frozen=True):
    """A queue opens, closes, or closes in an emergency, by its hours or by a person. See `policy.Queue` for what
    becomes of those who wait and of those who come."""

    queue: str
    state: QueueState
    reason: str = ""


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
    | CallbackRequested
    | CallbackReached
    | CallbackFailed
    | ContactTransferred
    | TransferCompleted
    | ContactHeld
    | ContactResumed
    | ContactEnded
    | OfferAccepted
    | OfferDeclined
    | OfferNotAnswered
    | OfferFailed
    | AgentSignedIn
    | AgentSignedOut
    | AgentPaused
    | AgentReady
    | AgentUnreachable
    | WrapUpExtended
    | QueueSwitched
    | PolicyPublished
    | TimePassed
)

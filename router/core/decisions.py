"""What the router decides: every output of `Router.handle`, in the order in which it must be carried out.

A command is something a shell must do; a notice only tells what has become true (for metrics, the wallboard and
the announcements).
"""

from typing import ClassVar, Literal

import msgspec

from router.core.events import QueueState
from router.core.policy import LastAction

AgentState = Literal["offline", "ready", "ringing", "busy", "wrap_up", "paused"]
Outcome = Literal["answered", "abandoned", "left", "overflowed", "unreached", "merged"]
"""`unreached`: a callback whose customer never answered. `merged`: the caller had a callback waiting already, or comes
back and takes over the place of one."""


class Decision(msgspec.Struct, frozen=True, tag_field="decision", tag=True):
    """Base of all decisions."""

    command: ClassVar[bool] = False


class Candidate(msgspec.Struct, frozen=True):
    """One who was compared, with the key values in the order of the ranking; the smallest tuple wins."""

    name: str
    keys: tuple[float, ...]


class Record(msgspec.Struct, frozen=True):
    """Why this agent and this contact: what was compared and who could not be, each list bounded. `directed`: the
    contact was sent to this agent by somebody, whatever the conditions say."""

    policy: int
    queue: str
    step: str
    agent_ranking: tuple[str, ...] = ()
    agents: tuple[Candidate, ...] = ()
    contact_ranking: tuple[str, ...] = ()
    contacts: tuple[Candidate, ...] = ()
    not_chosen: tuple[tuple[str, str], ...] = ()
    directed: bool = False


class Offer(Decision, frozen=True):
    """Command: ring this agent for this contact; the offer dies at `deadline_ms`."""

    command: ClassVar[bool] = True
    offer: str
    contact: str
    agent: str
    deadline_ms: int
    record: Record


class CancelOffer(Decision, frozen=True):
    """Command: stop ringing; the offer is dead."""

    command: ClassVar[bool] = True
    offer: str
    contact: str
    agent: str
    reason: str


class Connect(Decision, frozen=True):
    """Command: join the contact and the agent who accepted."""

    command: ClassVar[bool] = True
    offer: str
    contact: str
    agent: str


class RingCustomer(Decision, frozen=True):
    """Command: the agent is there for a callback; ring the customer and join the two. `attempt` counts from 1. The
    shell answers with `CallbackReached`, `CallbackFailed`, or `OfferFailed` when it is the agent who went away."""

    command: ClassVar[bool] = True
    offer: str
    contact: str
    agent: str
    number: str
    attempt: int


class CustomerReached(Decision, frozen=True):
    """Notice: the customer answered the callback; the talk begins, after `wait_ms` of waiting."""

    offer: str
    contact: str
    agent: str
    attempt: int
    wait_ms: int


class Hold(Decision, frozen=True):
    """Command: the contact hears music and updates; its agent is apart."""

    command: ClassVar[bool] = True
    contact: str
    agent: str
    reason: str


class Resume(Decision, frozen=True):
    """Command: join the contact and its agent again."""

    command: ClassVar[bool] = True
    contact: str
    agent: str


class EndTalk(Decision, frozen=True):
    """Command: the talk (or the ringing of the customer, or a consultation) is over for the agent, whose leg ends, as
    does that of a customer who rings. A contact that was transferred waits again."""

    command: ClassVar[bool] = True
    offer: str
    contact: str
    agent: str
    reason: str


class HandOver(Decision, frozen=True):
    """Command: join the contact with `to_agent`, who has been consulted; the leg of `from_agent` ends. From now on the
    contact's offer is `offer`, which was that of the consultation. `talk_ms` (holds included) and `hold_ms` are those
    of `from_agent`."""

    command: ClassVar[bool] = True
    offer: str
    contact: str
    consult: str
    from_agent: str
    to_agent: str
    talk_ms: int
    hold_ms: int


class ReleaseAgent(Decision, frozen=True):
    """Command: the agent answered an offer that no longer stands; end the agent's leg, with an explanation."""

    command: ClassVar[bool] = True
    offer: str
    reason: str


class ContactReleased(Decision, frozen=True):
    """Command: the contact leaves the router unanswered by `action` (always kind `exit`) and goes on in its flow."""

    command: ClassVar[bool] = True
    contact: str
    queue: str
    action: LastAction
    reason: str


class ContactQueued(Decision, frozen=True):
    """Notice: the contact waits in `queue` (first entry, or moved there from `moved_from`).

    `arrived_ms` is given when its age does not start now (it was moved, or came back). `wait_from_ms` is given when the
    wait that is counted begins at another time than the age: with a transfer, with the call of one who came again, at
    the time chosen for a callback. `consult`: no customer, but an agent who asks another."""

    contact: str
    queue: str
    moved_from: str | None = None
    reason: str = ""
    arrived_ms: int | None = None
    wait_from_ms: int | None = None
    callback: bool = False
    consult: bool = False


class StepEntered(Decision, frozen=True):
    """Notice: from now on `step` says who may take the contact."""

    contact: str
    queue: str
    step: str
    reason: str


class ContactHeldBack(Decision, frozen=True):
    """Notice: an agent is free for the contact, which goes first in its line, and does not get it: `reason` says which
    reservation keeps the agent for others."""

    contact: str
    queue: str
    step: str
    agent: str
    reason: str


class GoalChanged(Decision, frozen=True):
    """Notice: the queue is now `below` its goal, or keeps it again: of so many `contacts` of late, `share` were
    answered in time."""

    queue: str
    below: bool
    share: float | None
    contacts: int


class ContactParked(Decision, frozen=True):
    """Notice: a callback rests until `until_ms` (its time, or the next try) and then waits again, with its age."""

    contact: str
    queue: str
    until_ms: int
    reason: str


class OfferEnded(Decision, frozen=True):
    """Notice: the offer ended without a talk; the contact keeps its age and place."""

    offer: str
    contact: str
    agent: str
    cause: Literal["declined", "no_answer", "busy", "unreachable", "congestion", "error", "cancelled"]


class ContactFinished(Decision, frozen=True):
    """Notice: the contact is done in this queue, with what metrics need of it. `wait_ms` is from `arrived_ms`, when its
    wait began (see `ContactQueued.wait_from_ms`), to the (first) answer or the leaving; `talk_ms` (holds included) and
    `hold_ms` are those of `agent`, 0 unless answered. `transferred_to`: the agent sent it on to that queue, where it is
    queued anew under its old name. `consult`: no customer, but an agent who asked another."""

    contact: str
    queue: str
    outcome: Outcome
    arrived_ms: int
    wait_ms: int
    talk_ms: int = 0
    agent: str | None = None
    offers: int = 0
    hold_ms: int = 0
    transferred_to: str | None = None
    callback: bool = False
    consult: bool = False


class AgentSuspended(Decision, frozen=True):
    """Notice for supervisors: the agent was paused, because `failures` offers in a row failed for `cause`."""

    agent: str
    cause: str
    failures: int


class WorkInterrupted(Decision, frozen=True):
    """Notice: the agent's contact rests while a more urgent one (`by`) is handled."""

    contact: str
    agent: str
    by: str


class WorkResumed(Decision, frozen=True):
    """Notice: the agent goes on with a contact that was interrupted."""

    contact: str
    agent: str


class QueueChanged(Decision, frozen=True):
    """Notice: the queue is now in `state`."""

    queue: str
    state: QueueState
    reason: str = ""


class AgentChanged(Decision, frozen=True):
    """Notice: the agent is now in `state`."""

    agent: str
    state: AgentState
    reason: str = ""
    contact: str | None = None


AnyDecision = (
    Offer
    | CancelOffer
    | Connect
    | RingCustomer
    | CustomerReached
    | Hold
    | Resume
    | EndTalk
    | HandOver
    | ReleaseAgent
    | ContactReleased
    | ContactQueued
    | StepEntered
    | ContactHeldBack
    | GoalChanged
    | ContactParked
    | OfferEnded
    | ContactFinished
    | AgentSuspended
    | WorkInterrupted
    | WorkResumed
    | QueueChanged
    | AgentChanged
)

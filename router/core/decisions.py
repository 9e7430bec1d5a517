"""What the router decides: every output of `Router.handle`, in the order in which it must be carried out.

A command is something a shell must do; a notice only tells what has become true (for metrics, the wallboard and
the announcements).
"""

from typing import ClassVar, Literal

import msgspec

from router.core.policy import LastAction

AgentState = Literal["offline", "ready", "ringing", "busy", "wrap_up", "paused"]
Outcome = Literal["answered", "abandoned", "left", "overflowed"]


class Decision(msgspec.Struct, frozen=True, tag_field="decision", tag=True):
    """Base of all decisions."""

    command: ClassVar[bool] = False


class Candidate(msgspec.Struct, frozen=True):
    """One who was compared, with the key values in the order of the ranking; the smallest tuple wins."""

    name: str
    keys: tuple[float, ...]


class Record(msgspec.Struct, frozen=True):
    """Why this agent and this contact: what was compared and who could not be, each list bounded."""

    policy: int
    queue: str
    step: str
    agent_ranking: tuple[str, ...] = ()
    agents: tuple[Candidate, ...] = ()
    contact_ranking: tuple[str, ...] = ()
    contacts: tuple[Candidate, ...] = ()
    not_chosen: tuple[tuple[str, str], ...] = ()


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

    `arrived_ms` is given when its age does not start now (it was moved, or came back)."""

    contact: str
    queue: str
    moved_from: str | None = None
    reason: str = ""
    arrived_ms: int | None = None


class StepEntered(Decision, frozen=True):
    """Notice: from now on `step` says who may take the contact."""

    contact: str
    queue: str
    step: str
    reason: str


class OfferEnded(Decision, frozen=True):
    """Notice: the offer ended without a talk; the contact keeps its age and place."""

    offer: str
    contact: str
    agent: str
    cause: Literal["declined", "no_answer", "busy", "unreachable", "congestion", "error", "cancelled"]


class ContactFinished(Decision, frozen=True):
    """Notice: the contact is done, with what metrics need of it. `wait_ms` is from its (first) arrival to the
    answer or the leaving; `talk_ms` is 0 unless answered."""

    contact: str
    queue: str
    outcome: Outcome
    arrived_ms: int
    wait_ms: int
    talk_ms: int = 0
    agent: str | None = None
    offers: int = 0


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
    | ReleaseAgent
    | ContactReleased
    | ContactQueued
    | StepEntered
    | OfferEnded
    | ContactFinished
    | AgentChanged
)

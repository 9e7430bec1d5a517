"""The centre at this moment: queues, agents and calls, as the live view, the API and the state stream show them."""

from typing import TYPE_CHECKING, Any

from router.core.decisions import AgentState
from switchboard.operations.base import Answer

if TYPE_CHECKING:
    from switchboard.engine import Engine


class CallCounts(Answer):
    """How many calls are where."""

    ivr: int
    """In the IVR."""
    waiting: int
    """Waiting for an agent, ringing included."""
    talking: int
    """With an agent."""
    finished: int
    """Contacts that the queues are done with, since the engine's start."""


class QueueNow(Answer):
    """A queue at this moment; the figures are since the engine's start (see the reference of metrics)."""

    name: str
    waiting: int
    longest_wait_ms: int | None
    arrived: int
    answered: int
    left: int
    """Abandoned, left by a way out, or overflowed."""
    service_level_share: float | None
    goal_share: float
    goal_s: float
    below_goal: bool
    """Of late, where helpers come or go by it (`below_goal` and `lent_by` in queues.yaml); else false."""
    mean_wait_ms: float | None


class AgentNow(Answer):
    """An agent at this moment."""

    name: str
    state: AgentState
    reason: str
    suspended_after: int
    """So many offers in a row failed before the agent was paused for it; 0 for any other pause or state."""
    for_ms: int | None
    """How long in this state."""
    contact: str | None
    handled: int
    occupancy_share: float | None


class State(Answer):
    """The whole centre at this moment."""

    centre: str
    ready: bool
    """Calls can be taken and routed."""
    now_ms: int
    calls: CallCounts
    queues: list[QueueNow]
    agents: list[AgentNow]


def state_of(engine: "Engine") -> State:
    """The state of a running engine."""
    return state_from(engine.board.document(), engine.clock.now_ms())


def state_from(document: dict[str, Any], now_ms: int) -> State:
    """The state that the document of the state stream describes, at this moment."""
    return State(
        centre=document["centre"],
        ready=document["ready"],
        now_ms=now_ms,
        calls=CallCounts(**document["calls"]),
        queues=[_queue(name, queue, now_ms) for name, queue in document["queues"].items()],
        agents=[_agent(name, agent, now_ms) for name, agent in document["agents"].items()],
    )


def _queue(name: str, queue: dict[str, Any], now_ms: int) -> QueueNow:
    oldest_ms = queue.get("oldest_ms")
    return QueueNow(
        name=name,
        waiting=queue["waiting"],
        longest_wait_ms=now_ms - oldest_ms if oldest_ms is not None else None,
        arrived=queue["arrived"],
        answered=queue["answered"],
        left=queue["left"],
        service_level_share=queue.get("service_level_share"),
        goal_share=queue["goal_share"],
        goal_s=queue["goal_s"],
        below_goal=queue["below_goal"],
        mean_wait_ms=queue.get("mean_wait_ms"),
    )


def _agent(name: str, agent: dict[str, Any], now_ms: int) -> AgentNow:
    since_ms = agent.get("since_ms")
    return AgentNow(
        name=name,
        state=agent["state"],
        reason=agent.get("reason", ""),
        suspended_after=agent.get("suspended_after", 0),
        for_ms=now_ms - since_ms if since_ms is not None else None,
        contact=agent.get("contact"),
        handled=agent["handled"],
        occupancy_share=agent.get("occupancy_share"),
    )

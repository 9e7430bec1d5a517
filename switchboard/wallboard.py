"""The centre at this moment: queues, agents and calls, as the live view, the API and the state stream show them."""

from typing import TYPE_CHECKING

from router.core.decisions import AgentState
from router.core.metrics import Figures
from router.core.policy import Queue
from router.core.state import Agent
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
    mean_wait_ms: float | None


class AgentNow(Answer):
    """An agent at this moment."""

    name: str
    state: AgentState
    reason: str
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
    router, now_ms = engine.live.router, engine.clock.now_ms()
    figures = engine.metrics.report(now_ms).whole
    waiting = {queue.name: router.waiting(queue.name) for queue in router.policy.queues}
    agents = router.agents()
    talking = sum(agent.state == "busy" for agent in agents)
    total_waiting = sum(len(names) for names in waiting.values())
    return State(
        centre=engine.centre.name,
        ready=engine.ready,
        now_ms=now_ms,
        calls=CallCounts(
            ivr=max(0, len(engine.calls) - total_waiting - talking),
            waiting=total_waiting,
            talking=talking,
            finished=figures.all_queues.tally.ended,
        ),
        queues=[_queue(engine, queue, waiting[queue.name], figures, now_ms) for queue in router.policy.queues],
        agents=[_agent(agent, figures, now_ms) for agent in agents],
    )


def _queue(engine: "Engine", queue: Queue, waiting: list[str], figures: Figures, now_ms: int) -> QueueNow:
    tally, values = figures.queues[queue.name].tally, figures.queues[queue.name].values
    first = engine.live.router.contact(waiting[0]) if waiting else None
    return QueueNow(
        name=queue.name,
        waiting=len(waiting),
        longest_wait_ms=now_ms - first.arrived_ms if first else None,
        arrived=tally.arrived,
        answered=tally.answered,
        left=tally.abandoned + tally.left + tally.overflowed,
        service_level_share=values["service_level_share"],
        goal_share=queue.goal.share,
        goal_s=queue.goal.answered_within_ms / 1000,
        mean_wait_ms=values["mean_wait_ms"],
    )


def _agent(agent: Agent, figures: Figures, now_ms: int) -> AgentNow:
    done = figures.agents.get(agent.name)
    return AgentNow(
        name=agent.name,
        state=agent.state,
        reason=agent.shown_reason,
        for_ms=now_ms - agent.since_ms if agent.since_ms else None,
        contact=agent.contact,
        handled=done.tally.answered if done else 0,
        occupancy_share=done.values["occupancy_share"] if done else None,
    )

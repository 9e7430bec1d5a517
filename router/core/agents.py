"""What happens to agents: presence, wrap-up, the consequences of offers that failed. See the table in `state`."""

from router.core.decisions import AgentChanged
from router.core.events import FailureCause
from router.core.index import Index
from router.core.state import Agent, State
from router.core.timers import Kind, Timers

WORKING = ("ringing", "busy", "wrap_up")


class Agents:
    """Changes agents, and tells of every change once."""

    def __init__(self, state: State, index: Index, timers: Timers) -> None:
        self._state = state
        self._index = index
        self._timers = timers

    def sign_in(self, agent: Agent, pause_reason: str | None) -> None:
        agent.presence, agent.reason = ("ready", "") if pause_reason is None else ("paused", pause_reason)
        agent.handled_ms = agent.ready_ms = agent.answered = agent.last_offer = 0
        self._index.signed(agent.name, +1)
        self.changed(agent)

    def sign_out(self, agent: Agent, reason: str = "") -> None:
        agent.presence, agent.reason = "offline", reason
        agent.retry_ms = None
        self._index.signed(agent.name, -1)
        self.changed(agent)

    def pause(self, agent: Agent, reason: str) -> None:
        agent.presence, agent.reason = "paused", reason
        agent.retry_ms = None
        self.changed(agent)

    def ready(self, agent: Agent) -> None:
        agent.presence, agent.reason = "ready", ""
        agent.wrap_up_ms = agent.retry_ms = None
        self.changed(agent)

    def wrap_up(self, agent: Agent, for_ms: int) -> None:
        """Wrap-up begins; one that runs longer is not cut short."""
        if for_ms > 0:
            agent.wrap_up_ms = max(agent.wrap_up_ms or 0, self._state.clock_ms + for_ms)

    def extend_wrap_up(self, agent: Agent, extra_ms: int) -> None:
        assert agent.wrap_up_ms is not None
        agent.wrap_up_ms += extra_ms
        self.changed(agent)

    def offer_failed(self, agent: Agent, cause: FailureCause | str) -> None:
        """What the policy says of an agent after a failed offer: a pause with its reason, or ready again. After a
        busy phone or an error, ready means after `short_busy_retry_ms`."""
        policy = self._state.current.spec
        pause = {
            "no_answer": policy.after_failure.no_answer,
            "declined": policy.after_failure.declined,
            "unreachable": policy.after_failure.unreachable,
            "busy": policy.after_failure.busy,
        }.get(cause)
        if agent.presence == "ready":
            if pause is not None:
                agent.presence, agent.reason = "paused", pause
            elif cause not in ("no_answer", "declined"):
                agent.retry_ms = self._state.clock_ms + policy.short_busy_retry_ms
                agent.retry_reason = f"{cause}, retried soon"
        self.changed(agent)

    def timer_due(self, agent: Agent) -> None:
        now_ms = self._state.clock_ms
        if agent.wrap_up_ms is not None and agent.wrap_up_ms <= now_ms:
            agent.wrap_up_ms = None
        if agent.retry_ms is not None and agent.retry_ms <= now_ms:
            agent.retry_ms = None
        self.changed(agent)

    def changed(self, agent: Agent, *, keeps_place: bool = False) -> None:
        """To be called after every change: tells of it, keeps the times, and makes the agent free or not.

        `keeps_place`: the offer was withdrawn, so the agent has been idle all the time.
        """
        state = self._state
        if not agent.contacts and not agent.offers:
            agent.channel = None
        visible, reason, contact = agent.visible()
        if (visible, reason, contact) != (agent.state, agent.shown_reason, agent.contact):
            self._account(agent)
            if visible == "ready" and agent.state != "ready":
                agent.turn += 1
                total_ms = agent.handled_ms + agent.ready_ms
                agent.occupancy = agent.handled_ms / total_ms if total_ms else 0.0
                if not keeps_place:
                    agent.idle_since_ms = state.clock_ms
            agent.state, agent.shown_reason, agent.contact = visible, reason, contact
            state.note(agent, f"{visible} {reason or contact or ''}".rstrip())
            state.out.append(AgentChanged(agent.name, visible, reason, contact))
        self.set_timer(agent)
        if agent.removed and not agent.working:
            self._timers.set(Kind.AGENT, 0, agent.name, None)
            del state.agents[agent.name]
        elif self._index.refresh(agent):
            state.dirty_agents[agent.name] = agent

    def _account(self, agent: Agent) -> None:
        span_ms = self._state.clock_ms - agent.since_ms
        if agent.state in WORKING:
            agent.handled_ms += span_ms
        elif agent.state == "ready":
            agent.ready_ms += span_ms
        agent.since_ms = self._state.clock_ms

    def set_timer(self, agent: Agent) -> None:
        due = [at_ms for at_ms in (agent.wrap_up_ms, agent.retry_ms) if at_ms is not None]
        order = self._state.current.order.get(agent.name, len(self._state.current.order))
        self._timers.set(Kind.AGENT, order, agent.name, min(due, default=None))

"""What agents do and when, from the router's decisions."""

from router.core.decisions import AgentChanged
from router.core.snapshot import SavedAgent
from switchboard.store import queue_log
from switchboard.store.batch import Batch
from switchboard.store.policies import PolicyView
from switchboard.store.rows import AgentState, Stay

OFFLINE = "offline"


class AgentStates:
    """The agents who are signed in, each with its present state. A wrap-up counts for the stay handled last."""

    def __init__(self, batch: Batch, policy: PolicyView) -> None:
        self._batch = batch
        self._policy = policy
        self._now: dict[str, AgentState] = {}
        self._handled: dict[str, Stay] = {}

    def restore(self, states: list[AgentState], handled: dict[int, Stay]) -> None:
        """Goes on with what the database has as open."""
        self._now = {state.agent: state for state in states}
        self._handled = {
            state.agent: handled[state.handled_id]
            for state in states
            if state.handled_id is not None and state.handled_id in handled
        }

    def handled(self, agent: str, stay: Stay) -> None:
        """The agent has finished with the stay."""
        if state := self._now.get(agent):
            self._handled[agent] = stay
            state.handled_id = stay.id
            self._batch.change(state)

    def changed(self, decision: AgentChanged, now_ms: int) -> None:
        self._change(decision.agent, decision.state, decision.reason, decision.contact or "", now_ms)

    def reconcile(self, present: dict[str, SavedAgent], now_ms: int) -> None:
        """A journal begins with agents in these states."""
        for name in self._now.keys() | present.keys():
            agent, known = present.get(name), self._now.get(name)
            state = agent.state if agent else OFFLINE
            if state != (known.state if known else OFFLINE):
                self._change(name, state, agent.shown_reason if agent else "", (agent and agent.contact) or "", now_ms)

    def _change(self, agent: str, state: str, reason: str, contact: str, now_ms: int) -> None:
        before = self._now.pop(agent, None)
        if before is not None:
            before.to_ms = now_ms
            self._batch.change(before)
            handled = self._handled.get(agent)
            if before.state == "wrap_up" and handled is not None:
                handled.wrap_up_ms += now_ms - before.from_ms
                self._batch.change(handled)
        if state != OFFLINE:
            handled_id = self._handled[agent].id if agent in self._handled else None
            now = AgentState(self._batch.new_id(), agent, state, now_ms, reason, contact, handled_id)
            self._now[agent] = now
            self._batch.change(now)
        else:
            self._handled.pop(agent, None)
        self._log(agent, before.state if before else OFFLINE, state, reason, now_ms)

    def _log(self, agent: str, before: str, state: str, reason: str, now_ms: int) -> None:
        queues = self._policy.queues_of(agent)
        lines = []
        if before == OFFLINE and state != OFFLINE:
            lines += [queue_log.member(agent, queue, added=True) for queue in queues]
        if state == "paused":
            lines += [queue_log.paused(agent, queue, reason) for queue in (queue_log.NONE, *queues)]
        elif before == "paused":
            lines += [queue_log.unpaused(agent, queue) for queue in (queue_log.NONE, *queues)]
        if state == OFFLINE and before != OFFLINE:
            lines += [queue_log.member(agent, queue, added=False) for queue in queues]
        for line in lines:
            queue_log.add(self._batch, now_ms, line)

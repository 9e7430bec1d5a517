"""The judge of events about agents, and about the queues and the policy that they work by."""

from collections.abc import Callable
from typing import Any

from documents import nearest
from router.core import events
from router.core.agents import Agents
from router.core.errors import PolicyError, impossible
from router.core.judging import CarryOut, Do, Judge
from router.core.parts import Switch
from router.core.policy import Policy
from router.core.policy_check import check_policy
from router.core.publishing import Publishing
from router.core.state import State
from router.core.switches import Switches
from router.core.waiting import Waiting


class AgentEvents(Judge):
    def __init__(
        self, state: State, agents: Agents, waiting: Waiting, switches: Switches, publishing: Publishing
    ) -> None:
        super().__init__(state)
        self._agents = agents
        self._waiting = waiting
        self._switches = switches
        self._publishing = publishing
        self.judges: dict[type[events.Event], Callable[[Any], CarryOut | None]] = {
            events.AgentSignedIn: self._agent_signed_in,
            events.AgentSignedOut: self._agent_signed_out,
            events.AgentPaused: self._agent_paused,
            events.AgentReady: self._agent_ready,
            events.AgentUnreachable: self._agent_unreachable,
            events.WrapUpExtended: self._wrap_up_extended,
            events.QueueSwitched: self._queue_switched,
            events.PolicyPublished: self._policy_published,
        }

    def _agent_signed_in(self, event: events.AgentSignedIn) -> CarryOut:
        agent = self._agent(event.agent)
        if agent.presence != "offline":
            impossible(f"the agent {agent.name!r} is already signed in ({agent.state})", agent)
        if event.pause_reason is not None:
            self._check_reason(event.pause_reason)
        return Do(lambda: self._agents.sign_in(agent, event.pause_reason))

    def _agent_signed_out(self, event: events.AgentSignedOut) -> CarryOut:
        agent = self._signed_in(event.agent)

        def sign_out() -> None:
            self._agents.sign_out(agent)
            self._waiting.agent_signed_out(agent.name)

        return Do(sign_out)

    def _agent_paused(self, event: events.AgentPaused) -> CarryOut:
        agent = self._signed_in(event.agent)
        self._check_reason(event.reason)
        return Do(lambda: self._agents.pause(agent, event.reason))

    def _agent_ready(self, event: events.AgentReady) -> CarryOut:
        agent = self._signed_in(event.agent)
        return Do(lambda: self._agents.ready(agent))

    def _agent_unreachable(self, event: events.AgentUnreachable) -> CarryOut:
        agent = self._signed_in(event.agent)
        return Do(lambda: self._agents.offer_failed(agent, "unreachable"))

    def _wrap_up_extended(self, event: events.WrapUpExtended) -> CarryOut:
        agent = self._agent(event.agent)
        if agent.wrap_up_ms is None:
            impossible(f"the agent {agent.name!r} is {agent.state}, not in wrap-up", agent)
        if event.extra_ms <= 0:
            impossible(f"wrap-up can only be extended, not by {event.extra_ms} ms", agent)
        return Do(lambda: self._agents.extend_wrap_up(agent, event.extra_ms))

    def _queue_switched(self, event: events.QueueSwitched) -> CarryOut | None:
        self._check_queue(event.queue)
        switch = self._state.switches.get(event.queue)
        if event.state == "open" and switch is None:
            return None
        if switch == Switch(event.state, event.reason):
            return None
        return Do(lambda: self._switches.switch(event.queue, event.state, event.reason))

    def _policy_published(self, event: events.PolicyPublished) -> CarryOut:
        version = self._state.current.spec.version
        if event.policy.version <= version:
            impossible(f"policy version {event.policy.version} is not newer than {version}, the current one")
        refuse_bad(event.policy)
        return Do(lambda: self._publishing.publish(event.policy, event.migrate))

    def _check_reason(self, reason: str) -> None:
        reasons = self._state.current.spec.pause_reasons
        if reasons and reason not in reasons:
            impossible(f"there is no pause reason {reason!r} ({nearest(reason, reasons)})")


def refuse_bad(policy: Policy) -> None:
    """Raises PolicyError for a policy with an error."""
    errors = [problem for problem in check_policy(policy) if problem.severity == "error"]
    if errors:
        raise PolicyError(errors)

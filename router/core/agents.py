"""What happens to agents: presence, wrap-up, the consequences of offers that failed. See the table in `state`."""

from router.core.decisions import AgentChanged, AgentSuspended, WorkInterrupted, WorkResumed
from router.core.entities import Agent, Contact
from router.core.events import FailureCause
from router.core.index import Index
from router.core.policy import AfterFailure
from router.core.state import State
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
        agent.failures.clear()
        agent.suspended_after = 0
        self._index.signed(agent.name, +1)
        self.changed(agent)

    def sign_out(self, agent: Agent, reason: str = "") -> None:
        agent.presence, agent.reason = "offline", reason
        agent.retry_ms, agent.suspended_after = None, 0
        self._index.signed(agent.name, -1)
        self.changed(agent)

    def pause(self, agent: Agent, reason: str) -> None:
        agent.presence, agent.reason = "paused", reason
        agent.retry_ms, agent.suspended_after = None, 0
        self.changed(agent)

    def ready(self, agent: Agent) -> None:
        agent.presence, agent.reason = "ready", ""
        agent.wrap_up_ms = agent.retry_ms = None
        agent.suspended_after = 0
        self.changed(agent)

    def wrap_up(self, agent: Agent, for_ms: int) -> None:
        """Wrap-up begins; one that runs longer is not cut short."""
        if for_ms > 0:
            agent.wrap_up_ms = max(agent.wrap_up_ms or 0, self._state.clock_ms + for_ms)

    def extend_wrap_up(self, agent: Agent, extra_ms: int) -> None:
        assert agent.wrap_up_ms is not None
        agent.wrap_up_ms += extra_ms
        self.changed(agent)

    def take_up(self, agent: Agent, offer: str, contact: Contact) -> None:
        """The agent accepted the offer of this contact: what it interrupts rests from now on."""
        state = self._state
        interrupts = state.current.channels.interrupts
        del agent.offers[offer]
        for other in [state.contacts[name] for name in agent.active] if agent.contacts else ():
            if interrupts(contact.channel, other.channel):
                agent.resting.append(other.id)
                other.rests_since_ms = state.clock_ms
                state.note(other, f"rests for {contact.id}")
                state.out.append(WorkInterrupted(other.id, agent.name, contact.id))
        agent.contacts.append(contact.id)
        agent.answered += 1
        agent.failures.clear()

    def put_down(self, agent: Agent, contact: Contact) -> None:
        """The agent no longer has the contact, which may have been resting."""
        agent.contacts.remove(contact.id)
        if contact.id in agent.resting:
            self._end_rest(agent, contact)

    def change_over(self, agent: Agent, consult: Contact, contact: Contact) -> None:
        """The contact takes the place of the consultation about it."""
        for contacts in (agent.contacts, agent.resting):
            if consult.id in contacts:
                contacts[contacts.index(consult.id)] = contact.id
        contact.rests_since_ms = self._state.clock_ms if contact.id in agent.resting else None

    def _end_rest(self, agent: Agent, contact: Contact) -> None:
        """Talk and hold count as begun later by as much as the contact rested."""
        now_ms = self._state.clock_ms
        assert contact.rests_since_ms is not None
        rested_ms = now_ms - contact.rests_since_ms
        agent.resting.remove(contact.id)
        contact.rests_since_ms = None
        if contact.answered_ms is not None:
            contact.answered_ms = min(now_ms, contact.answered_ms + rested_ms)
        if contact.held_since_ms is not None:
            contact.held_since_ms = min(now_ms, contact.held_since_ms + rested_ms)

    def _resume(self, agent: Agent) -> None:
        """The agent goes on with what rests and no longer has to, the latest interrupted first."""
        state = self._state
        together = state.current.channels.together
        for contact in [state.contacts[name] for name in reversed(agent.resting)]:
            others = state.channels_of([*agent.offers.values(), *agent.active])
            if all(together(contact.channel, other) for other in others):
                self._end_rest(agent, contact)
                state.note(contact, f"{agent.name} goes on with it")
                state.out.append(WorkResumed(contact.id, agent.name))

    def offer_failed(self, agent: Agent, cause: FailureCause | str) -> None:
        """What the policy says of an agent after a failed offer: a pause with its reason (at once, or after so many
        failures in a row), or ready again. After a busy phone or an error, ready means after `short_busy_retry_ms`."""
        policy = self._state.current.spec
        pause, limit = _consequence(policy.after_failure, cause)
        failures = agent.failures[cause] = agent.failures.get(cause, 0) + 1
        if agent.presence == "ready":
            if pause is not None and failures >= limit:
                agent.presence, agent.reason, agent.suspended_after = "paused", pause, failures
                agent.failures.clear()
                self._state.out.append(AgentSuspended(agent.name, cause, failures))
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
        if agent.resting and agent.wrap_up_ms is None:
            self._resume(agent)
        visible, reason, contact = agent.visible()
        if visible != agent.state or contact != agent.contact or reason != agent.shown_reason:
            self._account(agent)
            if visible == "ready" and agent.state != "ready":
                agent.turn += 1
                total_ms = agent.handled_ms + agent.ready_ms
                agent.occupancy = agent.handled_ms / total_ms if total_ms else 0.0
                if not keeps_place:
                    agent.idle_since_ms = state.clock_ms
            agent.state, agent.shown_reason, agent.contact = visible, reason, contact
            if state.explains:
                state.note(agent, f"{visible} {reason or contact or ''}".rstrip())
            state.out.append(AgentChanged(agent.name, visible, reason, contact))
        self.set_timer(agent)
        if agent.removed and not agent.working:
            self._timers.stop(Kind.AGENT, agent.name)
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
        wrap_up_ms, retry_ms = agent.wrap_up_ms, agent.retry_ms
        if wrap_up_ms is None and retry_ms is None:
            self._timers.stop(Kind.AGENT, agent.name)
            return
        due = [at_ms for at_ms in (wrap_up_ms, retry_ms) if at_ms is not None]
        order = self._state.current.order.get(agent.name, len(self._state.current.order))
        self._timers.set(Kind.AGENT, order, agent.name, min(due))


def _consequence(after: AfterFailure, cause: str) -> tuple[str | None, int]:
    """The reason of the pause that follows failures of this cause, if one does, and how many it takes."""
    match cause:
        case "no_answer":
            return after.no_answer, after.no_answer_limit
        case "declined":
            return after.declined, after.declined_limit
        case "unreachable":
            return after.unreachable, after.unreachable_limit
        case "busy":
            return after.busy, after.busy_limit
        case _:
            return None, 1

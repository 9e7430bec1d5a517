"""A new policy takes effect. Nothing is dropped or reordered.

Waiting contacts finish on the version they began with; with `migrate` they go over to the new one, where the queue
still exists with the same channel (and, for a callback, still has callbacks): to the step of the same name with its
clock running on, else to the first step. A contact held for an agent stays so if that still makes sense; a parked one
stays parked until its old time; talks go on as they are.
Which goals are watched, and what they are, is said by the new policy alone. Agents are always those of the new policy;
one whom it no longer has finishes what is under way and goes offline.
"""

from router.core import reentry
from router.core.agents import Agents
from router.core.compiled import CompiledPolicy
from router.core.decisions import StepEntered
from router.core.endings import Endings
from router.core.entities import Agent, Contact
from router.core.goals import Goals
from router.core.index import Index
from router.core.policy import Policy
from router.core.state import State
from router.core.switches import Switches
from router.core.timers import Kind, Timers
from router.core.waiting import Waiting


class Publishing:
    """Puts a policy, already checked, into effect."""

    def __init__(
        self,
        state: State,
        index: Index,
        timers: Timers,
        agents: Agents,
        endings: Endings,
        waiting: Waiting,
        switches: Switches,
        goals: Goals,
    ) -> None:
        self._state = state
        self._index = index
        self._timers = timers
        self._agents = agents
        self._endings = endings
        self._waiting = waiting
        self._switches = switches
        self._goals = goals

    def publish(self, policy: Policy, migrate: bool) -> None:
        state = self._state
        before = state.current.spec.version
        state.current = state.versions[policy.version] = CompiledPolicy(policy)
        gone = self._agents_of(policy)
        if migrate:
            for contact in list(state.contacts.values()):
                if not contact.has_agent:
                    self._migrate(contact)
        if before not in state.users:
            state.versions.pop(before, None)
        self._switches.forget_removed()
        reentry.forget(state)
        self._index.rebuild()
        self._goals.published()
        self.reset_timers()
        for agent in gone:
            self._agents.changed(agent)
        state.dirty_agents.update({name: state.agents[name] for name, free in self._index.free.items() if free})
        for contact in list(state.contacts.values()):
            self._waiting.recheck_window(contact)
        self._waiting.look_for_staff()

    def _agents_of(self, policy: Policy) -> list[Agent]:
        """Makes the agents those of the policy; returns those who are no longer in it."""
        agents = self._state.agents
        ordered = {spec.name: agents.pop(spec.name, Agent(spec.name)) for spec in policy.agents}
        for agent in ordered.values():
            agent.removed = False
        gone = list(agents.values())
        for agent in gone:
            agent.removed, agent.presence, agent.reason, agent.retry_ms = True, "offline", "", None
        self._state.agents = ordered | agents
        return gone

    def _migrate(self, contact: Contact) -> None:
        state = self._state
        queue = state.current.queues.get(contact.queue)
        if queue is None or queue.spec.channel != contact.channel:
            return
        if contact.callback is not None and queue.spec.callback is None:
            return
        name = state.step_of(contact).spec.name
        step = queue.step_named(name)
        self._endings.set_version(contact, state.current.spec.version)
        if step is None:
            contact.step, contact.step_ms, contact.refusals = 0, state.clock_ms, 0
            reason = f"policy version {contact.version}"
            if contact.waits:
                state.out.append(StepEntered(contact.id, contact.queue, queue.spec.steps[0].name, reason))
        else:
            contact.step = step
        if contact.waits:
            state.dirty_contacts[contact.id] = contact

    def reset_timers(self) -> None:
        """All timers anew from the state."""
        self._timers.clear()
        for agent in self._state.agents.values():
            self._agents.set_timer(agent)
        for offer in self._state.offers.values():
            due_ms = offer.deadline_ms if offer.state == "ringing" else None
            self._timers.set(Kind.OFFER, offer.seq, offer.id, due_ms)
        for contact in self._state.contacts.values():
            self._waiting.set_timer(contact)
        for queue in self._state.services:
            self._goals.set_timer(queue)

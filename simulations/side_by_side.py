"""Agents who are slower the more contacts they have at once: `speed.side_by_side` of the scenario."""

from simulations.agents import Agent
from simulations.contact import Contact
from simulations.shell import Act, SimulatedRouter


class SideBySide:
    """Keeps the ends of the talks that such agents have side by side."""

    def __init__(self, shell: SimulatedRouter, talk_ends: Act) -> None:
        self._shell, self._talk_ends = shell, talk_ends

    def joins(self, contact: Contact, agent: Agent, work_ms: float) -> None:
        """A talk begins, or goes on, that would take so long if the agent had no other."""
        self._work_until_now(agent)
        contact.beside, contact.work_ms = agent, work_ms
        agent.talks.append(contact)
        self._plan_ends(agent)

    def leaves(self, contact: Contact) -> float:
        """The talk is over or broken off; what is left of it, if the agent had no other."""
        agent = contact.beside
        assert agent is not None
        self._work_until_now(agent)
        agent.talks.remove(contact)
        contact.beside = None
        self._plan_ends(agent)
        return contact.work_ms

    def _work_until_now(self, agent: Agent) -> None:
        now_ms = self._shell.now_ms
        for contact in agent.talks:
            contact.work_ms -= (now_ms - agent.paced_ms) / agent.slower()
        agent.paced_ms = now_ms

    def _plan_ends(self, agent: Agent) -> None:
        now_ms = self._shell.now_ms
        for contact in agent.talks:
            length_ms = max(0, round(contact.work_ms * agent.slower()))
            contact.ends_ms = now_ms + length_ms
            self._shell.wake(length_ms, self._talk_ends, contact)

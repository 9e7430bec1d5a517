"""Which phone an agent is rung at: the agent's own, or the one at which the agent has signed in (hot desking)."""

from collections.abc import Callable

from router.core.decisions import AnyDecision
from router.core.events import AgentSignedOut, AnyEvent
from router.live.journal import Fact
from switchboard.facts import AGENT_SEATED


class Desks:
    """Phones by the name of their SIP endpoint; an agent's own phone has the agent's name. `record` writes a fact about
    an agent, by which the next engine knows as well."""

    def __init__(self, record: Callable[[str, str, dict[str, object]], None]) -> None:
        self._record = record
        self._phones: dict[str, str] = {}

    def phone_of(self, agent: str) -> str:
        """Where the agent is rung."""
        return self._phones.get(agent, agent)

    def agent_at(self, phone: str) -> str:
        """Who is rung at this phone: who signed in there, or else whose it is (a hot desk: nobody)."""
        return next((agent for agent, desk in self._phones.items() if desk == phone), phone)

    def seat(self, agent: str, phone: str) -> None:
        """From now on the agent is rung at this phone."""
        if self.phone_of(agent) != phone:
            self._seat(agent, phone)
            self._record(AGENT_SEATED, agent, {"phone": phone})

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        """Who signs out leaves the desk."""
        if isinstance(event, AgentSignedOut):
            self.seat(event.agent, event.agent)

    # Over a restart

    def remember(self, fact: Fact) -> None:
        """Takes in what an earlier engine wrote."""
        if fact.kind == AGENT_SEATED:
            self._seat(fact.agent, str(fact.data["phone"]))

    def carry_over(self) -> None:
        """Writes into the journal that begins who sits where."""
        for agent, phone in self._phones.items():
            self._record(AGENT_SEATED, agent, {"phone": phone})

    def _seat(self, agent: str, phone: str) -> None:
        if phone == agent:
            self._phones.pop(agent, None)
        else:
            self._phones[agent] = phone

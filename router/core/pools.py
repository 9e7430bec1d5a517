"""Pools: agents whom no condition can tell apart, the ready ones sorted by their standing."""

from bisect import bisect_left, insort

from router.core.policy import Agent
from router.core.rankings import AgentRanking, Rank
from router.core.strategies import AgentFacts

Place = tuple[Rank, int, str]
"""A ready agent's standing, its order in the policy, its name."""


def profile(agent: Agent, with_name: bool) -> tuple[object, ...]:
    """Equal for agents whom no condition can tell apart; `with_name` if some condition looks at the name."""
    skills = tuple(sorted(agent.skills.items()))
    queues = None if agent.queues is None else tuple(sorted(set(agent.queues)))
    return (skills, agent.team, agent.site, queues, agent.name if with_name else "")


class Pool:
    """Agents with equal profile. `fits` are the classes of contacts (by number) it may take, each with its fit."""

    __slots__ = ("_facts", "_orders", "_rankings", "example", "fits", "number", "signed_in")

    def __init__(self, number: int, example: Agent) -> None:
        self.number = number
        self.example = example
        self.signed_in = 0
        self.fits: dict[int, int] = {}
        self._facts: dict[str, dict[str, AgentFacts]] = {}
        self._rankings: dict[str, AgentRanking] = {}
        self._orders: dict[tuple[str, str], list[Place]] = {}

    def add(self, name: str, channel: str, facts: AgentFacts) -> None:
        """The agent is ready for one more contact of this channel."""
        self._facts.setdefault(channel, {})[name] = facts
        for (order_channel, order_id), order in self._orders.items():
            if order_channel == channel:
                insort(order, (self._rankings[order_id].standing(facts), facts.order, name))

    def remove(self, name: str, channel: str) -> None:
        facts = self._facts[channel].pop(name)
        for (order_channel, order_id), order in self._orders.items():
            if order_channel == channel:
                del order[bisect_left(order, (self._rankings[order_id].standing(facts), facts.order, name))]

    def has_ready(self, channel: str) -> bool:
        return bool(self._facts.get(channel))

    def ready(self, channel: str) -> int:
        """How many agents are ready for the channel."""
        return len(self._facts.get(channel, ()))

    def some_ready(self, channel: str) -> list[str]:
        """Their names."""
        return list(self._facts.get(channel, ()))

    def order(self, channel: str, ranking: AgentRanking) -> list[Place]:
        """The ready agents, first the one whom the agent-only keys of this ranking put first."""
        key = (channel, ranking.order_id)
        order = self._orders.get(key)
        if order is None:
            self._rankings[ranking.order_id] = ranking
            facts = self._facts.get(channel, {})
            order = sorted((ranking.standing(fact), fact.order, name) for name, fact in facts.items())
            self._orders[key] = order
        return order

    def place(self, name: str, channel: str, ranking: AgentRanking) -> Place:
        """The place of an agent who is ready for the channel."""
        facts = self._facts[channel][name]
        return ranking.standing(facts), facts.order, name

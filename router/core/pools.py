"""Pools: agents whom no condition can tell apart, the ready ones sorted by their standing."""

from bisect import bisect_left, insort

from router.core.policy import Agent
from router.core.rankings import AgentRanking, Rank
from router.core.strategies import AgentFacts

Place = tuple[Rank, int, str]
"""A ready agent's standing, its order in the policy, its name."""


class _Order:
    """The ready agents of a pool in the order of a ranking, and where each of them is in it."""

    __slots__ = ("place_of", "places", "ranking")

    def __init__(self, ranking: AgentRanking, facts: dict[str, AgentFacts]) -> None:
        self.ranking = ranking
        self.place_of: dict[str, Place] = {
            name: (ranking.standing(fact), fact.order, name) for name, fact in facts.items()
        }
        self.places = sorted(self.place_of.values())

    def add(self, name: str, facts: AgentFacts) -> None:
        place = self.place_of[name] = (self.ranking.standing(facts), facts.order, name)
        if not self.places or place > self.places[-1]:
            self.places.append(place)
        else:
            insort(self.places, place)

    def remove(self, name: str) -> None:
        place = self.place_of[name]
        del self.place_of[name]
        if self.places[0] is place:
            del self.places[0]
        else:
            del self.places[bisect_left(self.places, place)]


def profile(agent: Agent, with_name: bool) -> tuple[object, ...]:
    """Equal for agents whom no condition can tell apart; `with_name` if some condition looks at the name."""
    skills = tuple(sorted(agent.skills.items()))
    queues = None if agent.queues is None else tuple(sorted(set(agent.queues)))
    return (skills, agent.team, agent.site, queues, agent.name if with_name else "")


class Pool:
    """Agents with equal profile. `fits` are the classes of contacts (by number) it may take, each with its fit."""

    __slots__ = ("_facts", "_orders", "example", "fits", "number", "signed_in")

    def __init__(self, number: int, example: Agent) -> None:
        self.number = number
        self.example = example
        self.signed_in = 0
        self.fits: dict[int, int] = {}
        self._facts: dict[str, dict[str, AgentFacts]] = {}
        self._orders: dict[str, dict[str, _Order]] = {}
        """By channel, then by the ranking's `order_id`."""

    def add(self, name: str, channel: str, facts: AgentFacts) -> bool:
        """The agent is ready for one more contact of this channel. Whether nobody else was."""
        ready = self._facts.get(channel)
        if ready is None:
            ready = self._facts[channel] = {}
        first = not ready
        ready[name] = facts
        for order in self._orders.get(channel, _NONE).values():
            order.add(name, facts)
        return first

    def remove(self, name: str, channel: str) -> bool:
        """The agent is no longer ready for the channel. Whether anybody else is."""
        facts = self._facts[channel]
        del facts[name]
        for order in self._orders.get(channel, _NONE).values():
            order.remove(name)
        return bool(facts)

    def ready(self, channel: str) -> int:
        """How many agents are ready for the channel."""
        return len(self._facts.get(channel, ()))

    def some_ready(self, channel: str) -> list[str]:
        """Their names."""
        return list(self._facts.get(channel, ()))

    def order(self, channel: str, ranking: AgentRanking) -> list[Place]:
        """The ready agents, first the one whom the agent-only keys of this ranking put first."""
        return self._order(channel, ranking).places

    def place(self, name: str, channel: str, ranking: AgentRanking) -> Place:
        """The place of an agent who is ready for the channel."""
        return self._order(channel, ranking).place_of[name]

    def _order(self, channel: str, ranking: AgentRanking) -> _Order:
        orders = self._orders.get(channel)
        if orders is None:
            orders = self._orders[channel] = {}
        order = orders.get(ranking.order_id)
        if order is None:
            order = orders[ranking.order_id] = _Order(ranking, self._facts.get(channel, {}))
        return order


class Post:
    """What the index knows of an agent of the policy: the pool, what never changes, for which channels the agent is
    free, and the facts when it last was."""

    def __init__(self, pool: Pool, order: int, levels: int, cost_per_hour: float) -> None:
        self.pool = pool
        self.order = order
        self.levels = levels
        self.cost_per_hour = cost_per_hour
        self.free: tuple[str, ...] = ()
        self.facts: AgentFacts | None = None


_NONE: dict[str, _Order] = {}

"""Rankings: lists of ranking keys, compiled so that the parts that stay equal need not be computed again."""

from collections.abc import Callable, Iterable
from math import inf
from typing import TYPE_CHECKING

from router.core.policy import KeySpec
from router.core.strategies import (
    AgentFacts,
    AgentKey,
    ContactFacts,
    ContactKey,
    FitKey,
    PreferredKey,
    registry,
)

if TYPE_CHECKING:
    from router.core.lines import Line

Rank = tuple[float, ...]


class AgentRanking:
    """Who first among agents.

    The values of its agent-only keys, in order, are an agent's *standing*. It stays the same while the agent is ready,
    so ready agents are kept sorted by it. `order_id` is equal for rankings with the same agent-only keys.
    """

    def __init__(self, specs: Iterable[KeySpec]) -> None:
        specs = tuple(specs)
        self.names = tuple(spec.key for spec in specs)
        self.keys = tuple(registry()[spec.key](spec.parameters) for spec in specs)
        self.agent_keys = tuple(key for key in self.keys if isinstance(key, AgentKey))
        self.looks_at_preferred = any(isinstance(key, PreferredKey) for key in self.keys)
        self.order_id = "; ".join(
            f"{spec.key} {sorted(spec.parameters.items())}"
            for spec, key in zip(specs, self.keys, strict=True)
            if isinstance(key, AgentKey)
        )
        self._only_agent_keys = len(self.agent_keys) == len(self.keys)
        self._values = tuple([key.value for key in self.agent_keys])
        self._other_keys = tuple([key for key in self.keys if not isinstance(key, AgentKey)])
        of_agent = [isinstance(key, AgentKey) for key in self.keys]
        self._others_first = of_agent == sorted(of_agent)
        self._of_agent = tuple(of_agent)
        self._others: dict[tuple[int, bool], Rank] = {}
        """The values of the other keys, for each fit (with the preferred agent or not) that there was."""

    def standing(self, agent: AgentFacts) -> Rank:
        return tuple([value(agent) for value in self._values])

    def rank(self, standing: Rank, fit: int, preferred: bool) -> Rank:
        """All values, in the order of the keys."""
        if self._only_agent_keys:
            return standing
        others = self._others.get((fit, preferred))
        if others is None:
            others = self._others[fit, preferred] = tuple(
                [key.value(fit if isinstance(key, FitKey) else preferred) for key in self._other_keys]  # type: ignore[attr-defined]
            )
        if self._others_first:
            return others + standing
        own, other = iter(standing), iter(others)
        return tuple([next(own) if of_agent else next(other) for of_agent in self._of_agent])


class ContactRanking:
    """Who first among contacts: all values depend on the contact's line, its age and, some, on the agent's fit."""

    def __init__(self, specs: Iterable[KeySpec]) -> None:
        specs = tuple(specs)
        self.names = tuple(spec.key for spec in specs)
        self.keys = tuple(registry()[spec.key](spec.parameters) for spec in specs)
        self._plain_keys = tuple(key for key in self.keys if isinstance(key, ContactKey))
        self._only_plain_keys = len(self._plain_keys) == len(self.keys)
        self._parts: tuple[tuple[bool, Callable[..., float]], ...] = tuple(
            [(isinstance(key, ContactKey), key.value) for key in self.keys if isinstance(key, (ContactKey, FitKey))]
        )
        """Of each key: whether it looks at the contact, and not at the fit, and its value."""

    def rank(self, contact: ContactFacts, arrived_ms: int, now_ms: int, fit: int) -> Rank:
        if self._only_plain_keys:
            return tuple([value(contact, arrived_ms, now_ms) for _, value in self._parts])
        return tuple([value(contact, arrived_ms, now_ms) if plain else value(fit) for plain, value in self._parts])

    def first(self, lines: list["Line"], fits: dict[int, int], now_ms: int) -> "Line":
        """The line whose first contact has the lowest rank for an agent with these fits; then age decides. Key after
        key, of which the first mostly suffices."""
        for plain, value in self._parts:
            best: float = inf
            left: list[Line] = []
            for line in lines:
                own = value(line.facts, line.entries[0][0], now_ms) if plain else value(fits.get(line.of.number, 0))
                if own < best:
                    best, left = own, [line]
                elif own == best:
                    left.append(line)
            if len(left) == 1:
                return left[0]
            lines = left
        return min(lines, key=lambda line: line.entries[0])

    def plain_rank(self, contact: ContactFacts, arrived_ms: int, now_ms: int) -> Rank:
        """Without the keys that depend on an agent: the contact's place in the queue."""
        return tuple([key.value(contact, arrived_ms, now_ms) for key in self._plain_keys])

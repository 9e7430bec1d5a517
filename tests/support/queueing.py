"""Exact answers to hold simulations to: Erlang C, GI/M/1, Erlang A, and systems with two kinds of
contacts as Markov chains.

Rates are per minute, times in minutes.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy
from numpy.typing import NDArray

State = TypeVar("State", bound=tuple[int, ...])


@dataclass(frozen=True, slots=True)
class ErlangC:
    """M/M/n: patient callers (A. K. Erlang, 1917)."""

    arrivals: float
    service: float
    agents: int

    @property
    def load(self) -> float:
        return self.arrivals / self.service

    @property
    def p_wait(self) -> float:
        terms = [1.0]
        for busy in range(1, self.agents + 1):
            terms.append(terms[-1] * self.load / busy)
        waiting = terms[-1] * self.agents / (self.agents - self.load)
        return waiting / (sum(terms[:-1]) + waiting)

    def p_answered_within(self, minutes: float) -> float:
        return 1 - self.p_wait * math.exp(-(self.agents * self.service - self.arrivals) * minutes)

    @property
    def mean_wait(self) -> float:
        return self.p_wait / (self.agents * self.service - self.arrivals)


@dataclass(frozen=True, slots=True)
class RenewalM1:
    """GI/M/1: one agent, patient callers, and gaps between arrivals whose Laplace transform is `transform` (Gross and
    Harris, Fundamentals of Queueing Theory, section 5.3)."""

    transform: Callable[[float], float]
    service: float

    @property
    def p_wait(self) -> float:
        """The root between 0 and 1 of x = transform(service (1 - x)); the iteration from 0 comes to it from below."""
        before, root = -1.0, 0.0
        while root - before > 1e-14:
            before, root = root, self.transform(self.service * (1 - root))
        return root

    def p_answered_within(self, minutes: float) -> float:
        return 1 - self.p_wait * math.exp(-self.service * (1 - self.p_wait) * minutes)

    @property
    def mean_wait(self) -> float:
        return self.p_wait / (self.service * (1 - self.p_wait))


@dataclass(frozen=True, slots=True)
class ErlangA:
    """M/M/n+M: exponential patience (C. Palm, 1957), from the birth-death chain of the number present."""

    arrivals: float
    service: float
    patience: float
    agents: int

    @property
    def mean_queue(self) -> float:
        weights, present = [1.0], 0
        while present < self.agents or weights[-1] > 1e-18 * max(weights):
            present += 1
            deaths = min(present, self.agents) * self.service + max(0, present - self.agents) * self.patience
            weights.append(weights[-1] * self.arrivals / deaths)
        return sum(max(0, n - self.agents) * weight for n, weight in enumerate(weights)) / sum(weights)

    @property
    def p_abandon(self) -> float:
        return self.patience * self.mean_queue / self.arrivals

    @property
    def mean_wait(self) -> float:
        return self.mean_queue / self.arrivals


@dataclass(frozen=True, slots=True)
class NModel:
    """Two kinds of contacts, exponential everything. Specialists take kind 0 only and are asked first; generalists
    take both, kind 1 first. Solved as a chain of (busy specialists, busy generalists, waiting 0, waiting 1)."""

    arrivals: tuple[float, float]
    service: float
    patience: float
    specialists: int
    generalists: int
    longest: int = 45

    def solve(self) -> "NModelAnswers":
        states = self._states()
        share = stationary(states, self._moves)
        s, g, q0, q1 = numpy.array(states).T
        all_busy = (s == self.specialists) & (g == self.generalists)
        queues = (float(share @ q0), float(share @ q1))
        return NModelAnswers(
            p_wait=(float(share[all_busy].sum()), float(share[g == self.generalists].sum())),
            p_abandon=(self.patience * queues[0] / self.arrivals[0], self.patience * queues[1] / self.arrivals[1]),
            mean_wait=(queues[0] / self.arrivals[0], queues[1] / self.arrivals[1]),
            occupancy=(float(share @ s) / self.specialists, float(share @ g) / self.generalists),
        )

    def _states(self) -> list[tuple[int, int, int, int]]:
        last, lengths = self.generalists, range(self.longest + 1)
        return [
            *((s, g, 0, 0) for s in range(self.specialists + 1) for g in range(last)),
            *((s, last, 0, q1) for s in range(self.specialists) for q1 in lengths),
            *((self.specialists, last, q0, q1) for q0 in lengths for q1 in lengths),
        ]

    def _moves(self, state: tuple[int, int, int, int]) -> list[tuple[tuple[int, int, int, int], float]]:
        s, g, q0, q1 = state
        moves = []
        if s < self.specialists:
            moves.append(((s + 1, g, q0, q1), self.arrivals[0]))
        elif g < self.generalists:
            moves.append(((s, g + 1, q0, q1), self.arrivals[0]))
        else:
            moves.append(((s, g, q0 + 1, q1), self.arrivals[0]))
        if g < self.generalists:
            moves.append(((s, g + 1, q0, q1), self.arrivals[1]))
        else:
            moves.append(((s, g, q0, q1 + 1), self.arrivals[1]))
        if s:
            moves.append(((s, g, q0 - 1, q1) if q0 else (s - 1, g, q0, q1), s * self.service))
        if g:
            after = (s, g, q0, q1 - 1) if q1 else (s, g, q0 - 1, q1) if q0 else (s, g - 1, q0, q1)
            moves.append((after, g * self.service))
        if q0:
            moves.append(((s, g, q0 - 1, q1), q0 * self.patience))
        if q1:
            moves.append(((s, g, q0, q1 - 1), q1 * self.patience))
        return moves


@dataclass(frozen=True, slots=True)
class NModelAnswers:
    """Pairs: of kinds 0 and 1, and for the occupancy of specialists and generalists."""

    p_wait: tuple[float, float]
    p_abandon: tuple[float, float]
    mean_wait: tuple[float, float]
    occupancy: tuple[float, float]


@dataclass(frozen=True, slots=True)
class CutoffPriority:
    """Two kinds of contacts and agents who take both, kind 0 first; kind 1 only while more than `kept_free` agents are
    free (C. Schaack and R. C. Larson, "An N-server cutoff priority queue", Operations Research 34, 1986; here with
    exponential patience). Solved as a chain of (busy agents, waiting 0, waiting 1)."""

    arrivals: tuple[float, float]
    service: float
    patience: float
    agents: int
    kept_free: int
    longest: int = 45

    def solve(self) -> "CutoffAnswers":
        cutoff, lengths = self.agents - self.kept_free, range(self.longest + 1)
        states = [
            *((busy, 0, 0) for busy in range(cutoff)),
            *((busy, 0, q1) for busy in range(cutoff, self.agents) for q1 in lengths),
            *((self.agents, q0, q1) for q0 in lengths for q1 in lengths),
        ]
        share = stationary(states, self._moves)
        busy, q0, q1 = numpy.array(states).T
        queues = (float(share @ q0), float(share @ q1))
        return CutoffAnswers(
            p_wait=(float(share[busy == self.agents].sum()), float(share[busy >= cutoff].sum())),
            mean_wait=(queues[0] / self.arrivals[0], queues[1] / self.arrivals[1]),
            occupancy=float(share @ busy) / self.agents,
        )

    def _moves(self, state: tuple[int, int, int]) -> list[tuple[tuple[int, int, int], float]]:
        busy, q0, q1 = state
        cutoff = self.agents - self.kept_free
        after = (busy, q0 - 1, q1) if q0 else (busy, q0, q1 - 1) if q1 and busy <= cutoff else (busy - 1, q0, q1)
        return [
            ((busy + 1, q0, q1) if busy < self.agents else (busy, q0 + 1, q1), self.arrivals[0]),
            ((busy + 1, q0, q1) if busy < cutoff else (busy, q0, q1 + 1), self.arrivals[1]),
            (after, busy * self.service),
            ((busy, q0 - 1, q1), q0 * self.patience),
            ((busy, q0, q1 - 1), q1 * self.patience),
        ]


@dataclass(frozen=True, slots=True)
class CutoffAnswers:
    """Pairs: of kinds 0 and 1."""

    p_wait: tuple[float, float]
    mean_wait: tuple[float, float]
    occupancy: float


def stationary(
    states: Sequence[State], moves: Callable[[State], Iterable[tuple[State, float]]]
) -> NDArray[numpy.float64]:
    """The share of time in each state; moves out of `states` are left out (they must be rare), and so is rate 0."""
    index = {state: position for position, state in enumerate(states)}
    rates: NDArray[numpy.float64] = numpy.zeros((len(states), len(states)))
    for state in states:
        for target, rate in moves(state):
            if rate and target in index:
                rates[index[state], index[target]] += rate
    rates -= numpy.diag(rates.sum(axis=1))
    balance = rates.T.copy()
    balance[-1] = 1.0
    right = numpy.zeros(len(states))
    right[-1] = 1.0
    share: NDArray[numpy.float64] = numpy.linalg.solve(balance, right)
    return share

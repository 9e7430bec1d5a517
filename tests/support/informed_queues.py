"""Exact answers for queues whose callers act on what they hear when they come: Markov chains, solved numerically.

Rates are per second, times in seconds.
"""

from dataclasses import dataclass
from itertools import product

import numpy
from scipy.linalg import expm
from scipy.optimize import brentq

from tests.support.queueing import stationary

Labels = tuple[int, ...]


def percentile_of_wait(ahead: int, coverage: float, agents_rate: float, patience_rate: float) -> float:
    """The wait that is not exceeded with probability `coverage` by who finds `ahead` waiting and is patient: until one
    more than these have been served or given up, so a sum of exponentials with the rates `agents_rate + k
    patience_rate`, k = 0..ahead (the virtual delay of O. Jouini, Z. Aksin and Y. Dallery, 2011)."""
    rates = [agents_rate + k * patience_rate for k in range(ahead, -1, -1)]
    generator = numpy.diag([-rate for rate in rates]) + numpy.diag(rates[:-1], 1)
    return float(brentq(lambda t: expm(generator * t)[0].sum() - 1 + coverage, 0, 100 * len(rates) / agents_rate))


@dataclass(frozen=True, slots=True)
class AnnouncedDelays:
    """M/M/s with `places` to wait. Who finds n waiting hears `told[n]`, and leaves at once if an exponential patience
    of the rate `patience` is shorter. Who stays gives up at an exponential time of the mean `times_told` times that.

    The chain has, of everybody who waits, what they have heard: (busy agents, then how many waited before each came, in
    the order of the queue).
    """

    arrivals: float
    service: float
    patience: float
    agents: int
    places: int
    told: tuple[float, ...]
    times_told: float

    def solve(self) -> "AnnouncedAnswers":
        states: list[Labels] = [(busy,) for busy in range(self.agents)]
        for waiting in range(self.places + 1):
            # Who is in the n-th place found at least n - 1 waiting.
            ways = [range(place, self.places) for place in range(waiting)]
            states += [(self.agents, *labels) for labels in product(*ways)]
        share = stationary(states, self._moves)
        busy = numpy.array([state[0] for state in states])
        waiting = numpy.array([len(state) - 1 for state in states])
        balk = numpy.array([self._balks(n) if n < self.places else 0.0 for n in range(self.places + 1)])
        gives_up = numpy.array([sum(self._rate(label) for label in state[1:]) for state in states])
        full = (busy == self.agents) & (waiting == self.places)
        told = (busy == self.agents) & ~full
        return AnnouncedAnswers(
            p_full=float(share[full].sum()),
            p_balk=float((share * told * balk[waiting]).sum()),
            p_renege=float(share @ gives_up) / self.arrivals,
            waiting=float(share @ waiting),
            occupancy=float(share @ busy) / self.agents,
        )

    def _balks(self, waiting: int) -> float:
        return 1 - float(numpy.exp(-self.patience * self.told[waiting]))

    def _rate(self, label: int) -> float:
        return 1 / (self.times_told * self.told[label])

    def _moves(self, state: Labels) -> list[tuple[Labels, float]]:
        busy, *labels = state
        if busy < self.agents:
            moves: list[tuple[Labels, float]] = [((busy + 1,), self.arrivals)]
        else:
            waiting = len(labels)
            stays = 1 - self._balks(waiting) if waiting < self.places else 0.0
            moves = [((busy, *labels, waiting), self.arrivals * stays)]
        moves.append(((busy, *labels[1:]) if labels else (busy - 1,), busy * self.service))
        for place, label in enumerate(labels):
            moves.append(((busy, *labels[:place], *labels[place + 1 :]), self._rate(label)))
        return moves


@dataclass(frozen=True, slots=True)
class AnnouncedAnswers:
    """Shares of all who come: who find all places taken, leave at once, give up later; the mean number waiting."""

    p_full: float
    p_balk: float
    p_renege: float
    waiting: float
    occupancy: float


@dataclass(frozen=True, slots=True)
class CallbackOption:
    """M/M/s+M. Who comes when all agents are busy and `offered_from` or more wait on the line is offered a callback,
    and takes it with the probability `takes`. Callbacks are patient; they are made while more than `kept_free` agents
    are free and nobody waits on the line (the model of B. Legros, O. Jouini and G. Koole, 2016, with one service rate).
    A chain of (busy agents, on the line, callbacks)."""

    arrivals: float
    service: float
    patience: float
    agents: int
    kept_free: int
    offered_from: int
    takes: float
    longest: tuple[int, int] = (40, 60)

    def solve(self) -> "CallbackAnswers":
        cutoff, (lines, calls) = self.agents - self.kept_free, self.longest
        states = [
            *((busy, 0, 0) for busy in range(cutoff)),
            *((busy, 0, later) for busy in range(cutoff, self.agents) for later in range(calls + 1)),
            *((self.agents, line, later) for line in range(lines + 1) for later in range(calls + 1)),
        ]
        share = stationary(states, self._moves)
        busy, line, later = numpy.array(states).T
        offered = (busy == self.agents) & (line >= self.offered_from)
        p_callback = self.takes * float(share[offered].sum())
        edge = float(share[(line == lines) | (later == calls)].sum())
        assert edge < 1e-6, f"the chain is cut where it is {edge:.2g} of the time"
        return CallbackAnswers(
            p_callback=p_callback,
            p_abandon=self.patience * float(share @ line) / self.arrivals,
            waiting=float(share @ line),
            callback_wait=float(share @ later) / (self.arrivals * p_callback),
            occupancy=float(share @ busy) / self.agents,
        )

    def _moves(self, state: tuple[int, int, int]) -> list[tuple[tuple[int, int, int], float]]:
        busy, line, later = state
        cutoff = self.agents - self.kept_free
        if busy < self.agents:
            moves = [((busy + 1, line, later), self.arrivals)]
        else:
            takes = self.takes if line >= self.offered_from else 0.0
            moves = [
                ((busy, line + 1, later), self.arrivals * (1 - takes)),
                ((busy, line, later + 1), self.arrivals * takes),
            ]
        made = later > 0 and busy <= cutoff
        after = (busy, line - 1, later) if line else (busy, line, later - 1) if made else (busy - 1, line, later)
        return [*moves, (after, busy * self.service), ((busy, line - 1, later), line * self.patience)]


@dataclass(frozen=True, slots=True)
class CallbackAnswers:
    """Shares of all who come, the mean number on the line, and the mean wait until a callback is made."""

    p_callback: float
    p_abandon: float
    waiting: float
    callback_wait: float
    occupancy: float

"""Erlang X: some of those who give up, or are turned away, call again."""

from typing import ClassVar

import numpy
from numpy.typing import ArrayLike

from simulations.erlang.abandonment import ErlangA
from simulations.erlang.base import Figures, Model, Traffic
from simulations.erlang.finite import FiniteLines
from simulations.erlang.numerics import Bools, Floats, floats


class ErlangX(Model):
    """M/M/c+M, or M/M/c/K+M with `lines`, whose calls include the redials that they cause: of all who abandon or are
    turned away the share `redial_share` tries again, later (G. Koole, "Call Center Optimization", 2013, chapter 4).

    The tries a second L solve L (1 - redial x lost(L)) = first tries. The left side grows with L, so there is one
    solution; when everybody redials for ever, only if the agents can serve all.
    """

    name: ClassVar[str] = "x"
    title: ClassVar[str] = "Erlang X: callers lose patience, and some of them call again"

    def __init__(self, patience_s: ArrayLike, redial_share: ArrayLike, lines: ArrayLike | None = None) -> None:
        """Raises ValueError for a share outside 0 to 1 and what the models beneath refuse."""
        self.once = ErlangA(patience_s) if lines is None else FiniteLines(lines, patience_s)
        self.redial_share = floats(redial_share)
        if not ((self.redial_share >= 0) & (self.redial_share <= 1)).all():
            raise ValueError("the share of those who call again must be between 0 and 1")

    def stable(self, traffic: Traffic, agents: ArrayLike) -> Bools:
        all_come_back = (self.redial_share == 1) & ~(traffic.load < floats(agents))
        stable: Bools = ~all_come_back & self.once.stable(traffic, agents)
        return stable

    def _figures(self, traffic: Traffic, agents: Floats, within_s: Floats) -> Figures:
        redial = numpy.broadcast_to(self.redial_share, agents.shape)
        endless = ~self.stable(traffic, agents)
        tries = numpy.exp(self._log_tries(traffic, agents, redial, ~endless))
        found = self.once._figures(traffic.times(tries), agents, within_s)
        lost = found.abandon_share + found.blocked_share
        never_served = numpy.where(endless, 1.0, lost * (1 - redial) / (1 - redial * lost + (redial * lost == 1)))
        infinite = numpy.where(endless, numpy.inf, 1.0)
        return Figures(
            agents=agents,
            load=found.load * infinite,
            service_level_share=numpy.where(endless, 0.0, found.service_level_share),
            wait_share=numpy.where(endless, 1.0, found.wait_share),
            asa_s=found.asa_s * infinite,
            mean_wait_s=found.mean_wait_s * infinite,
            abandon_share=numpy.where(endless, 1.0, found.abandon_share),
            blocked_share=found.blocked_share,
            occupancy_share=numpy.where(endless & (agents > 0), 1.0, found.occupancy_share),
            mean_queue=found.mean_queue * infinite,
            tries=tries * infinite,
            lost_share=never_served,
        )

    def _log_tries(self, traffic: Traffic, agents: Floats, redial: Floats, solve: Bools) -> Floats:
        """The root of log(tries (1 - redial lost)), which grows with log(tries), by the Illinois method; 0 where it is
        not to be solved."""

        def surplus(log_tries: Floats) -> Floats:
            tries = numpy.exp(log_tries)
            new = tries * (1 - redial * self.once._lost(traffic.times(tries), agents))
            return numpy.where(solve, numpy.log(numpy.maximum(new, 1e-300)), 0.0)

        low, high = numpy.zeros_like(agents), -numpy.log(numpy.maximum(1 - redial, 1e-3)) * solve
        below, above = surplus(low), surplus(high)
        while (short := (above < 0) & (high < _MOST_LOG_TRIES)).any():
            high = numpy.where(short, 2 * high, high)
            above = surplus(high)
        for _ in range(100):
            gap = above - below
            middle = numpy.where(gap != 0, high - above * (high - low) / numpy.where(gap != 0, gap, 1.0), high)
            value = surplus(middle)
            if (numpy.abs(value) < 1e-14).all() or (numpy.abs(high - low) < 1e-15).all():
                break
            crossed = value * above <= 0
            low, below = numpy.where(crossed, high, low), numpy.where(crossed, above, below / 2)
            high, above = middle, value
        return middle


_MOST_LOG_TRIES = 60.0

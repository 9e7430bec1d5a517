"""A day of one queue whose arrivals change from interval to interval."""

from dataclasses import dataclass

import numpy
from numpy.typing import ArrayLike

from simulations.erlang import ErlangA, ErlangC, Model, Traffic
from simulations.erlang.numerics import Floats, floats


@dataclass(frozen=True, slots=True)
class Day:
    """Poisson arrivals with one rate in each interval, exponential handle times and patience (infinite: none). It
    begins empty, and nobody arrives before. Times in seconds."""

    arrivals_per_s: Floats
    interval_s: float
    aht_s: float
    patience_s: float = numpy.inf

    @classmethod
    def of(cls, calls: ArrayLike, interval_s: float, aht_s: float, patience_s: float = numpy.inf) -> "Day":
        """`calls` expected in each interval. Raises ValueError for negative numbers and lengths of 0."""
        traffic = Traffic.of(numpy.atleast_1d(floats(calls)), aht_s, interval_s)
        if not patience_s > 0:
            raise ValueError("the mean patience must be above 0")
        return cls(traffic.arrivals_per_s, interval_s, aht_s, patience_s)

    @property
    def traffic(self) -> Traffic:
        return Traffic.of(self.arrivals_per_s, self.aht_s)

    @property
    def model(self) -> Model:
        """The queue of an interval in its steady state."""
        return ErlangC() if numpy.isinf(self.patience_s) else ErlangA(self.patience_s)

    def delayed(self, seconds: float) -> Floats:
        """The mean rates of the intervals when everybody comes so much later."""
        whole, part = divmod(seconds / self.interval_s, 1.0)
        late = numpy.concatenate([numpy.zeros(int(whole) + 1), self.arrivals_per_s])
        return (1 - part) * late[1 : 1 + len(self.arrivals_per_s)] + part * late[: len(self.arrivals_per_s)]

    def offered_load(self) -> Floats:
        """The mean number of busy agents in each interval if there were always enough of them: what M_t/M/infinity
        carries (S. G. Eick, W. A. Massey, W. Whitt, "The physics of the M_t/G/infinity queue", 1993)."""
        decay = numpy.exp(-self.interval_s / self.aht_s)
        loads, busy = [], 0.0
        for rate in self.arrivals_per_s:
            level = rate * self.aht_s
            loads.append(level + (busy - level) * (1 - decay) * self.aht_s / self.interval_s)
            busy = level + (busy - level) * decay
        return numpy.array(loads)

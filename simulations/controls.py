"""Control variates: what chance did to the arrivals is known, so it can be taken out of the figures.

The number of arrivals C in a replication has a known mean m. A figure Y that goes up and down with it is replaced by
Y - b (C - m), with b from the regression of Y on C over the replications: the same mean, and a variance that is smaller
by the square of the correlation. S. S. Lavenberg and P. D. Welch, "A perspective on the use of control variables to
increase the efficiency of Monte Carlo simulations", Management Science 27 (1981), whose interval this is: Student's t
with n - 2 degrees of freedom. As b is estimated, it pays from about ten replications on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from scipy.special import stdtrit

LEAST = 4
"""With fewer replications there is no regression worth the name."""


@dataclass(frozen=True, slots=True)
class Control:
    """What was observed in each replication, and its true mean."""

    observed: tuple[float, ...]
    mean: float

    @property
    def usable(self) -> bool:
        return len(self.observed) >= LEAST and len(set(self.observed)) > 1

    def regress(self, values: Sequence[float], confidence: float) -> tuple[float, float]:
        """What is to be added to the mean of `values`, and the half-width of the interval of the sum."""
        count, y, c = len(values), numpy.asarray(values, dtype=float), numpy.asarray(self.observed)
        deviations = c - c.mean()
        squares = float(deviations @ deviations)
        slope = float(deviations @ (y - y.mean())) / squares
        off = float(c.mean()) - self.mean
        rest = y - y.mean() - slope * deviations
        variance = float(rest @ rest) / (count - 2) * (1 / count + off * off / squares)
        return -slope * off, float(stdtrit(count - 2, 0.5 + confidence / 2)) * variance**0.5

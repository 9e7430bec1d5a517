"""Busy and quiet days: a random factor on the arrivals of a day."""

from typing import Literal

import numpy
from scipy.special import ndtr
from scipy.stats import gamma, lognorm

from simulations.distributions.base import Positive
from simulations.features.base import Feature
from simulations.fields import Model, Share
from simulations.streams import Streams


class Busyness(Model):
    """Every replication is a day with a factor of its own on all rates: mean 1, squared coefficient of variation `scv`.

    With `correlation` 1 all kinds share the factor; with less, each kind has one, and their normal scores have this
    correlation. `scv_by_kind` says it for single kinds.
    """

    distribution: Literal["gamma", "lognormal"] = "gamma"
    scv: Positive
    correlation: Share = 1.0
    scv_by_kind: dict[str, Positive] = {}

    def factor(self, kind: str, streams: Streams) -> float:
        """The factor of this kind in this replication."""
        shared = float(streams.generator("busyness").standard_normal())
        own = float(streams.generator(f"{kind}/busyness").standard_normal())
        score = numpy.sqrt(self.correlation) * shared + numpy.sqrt(1 - self.correlation) * own
        scv = self.scv_by_kind.get(kind, self.scv)
        if self.distribution == "lognormal":
            variance = numpy.log1p(scv)
            return float(lognorm.ppf(ndtr(score), numpy.sqrt(variance), scale=numpy.exp(-variance / 2)))
        return float(gamma.ppf(ndtr(score), 1 / scv, scale=scv))


FEATURE = Feature(
    name="busyness",
    place=("busyness",),
    text="""\
Real days differ by more than the Poisson process allows: on a busy Monday every half hour is busy. `busyness` draws a
factor for each day (each replication): gamma, so that counts are negative binomial, or log-normal, with mean 1 and the
squared coefficient of variation `scv` (0.01 means that a day is typically 10 % off). All kinds share it, unless their
`correlation` is below 1. A trace is played as it was.

After A. N. Avramidis, A. Deslauriers and P. L'Ecuyer, "Modeling daily arrivals to a telephone call center", Management
Science 50 (2004); kinds are joined by a normal copula, as in N. Channouf and P. L'Ecuyer, "A normal copula model for
the arrival process in a call center", International Transactions in Operational Research 19 (2012).""",
    example="""\
busyness: {distribution: gamma, scv: 0.03}
""",
)

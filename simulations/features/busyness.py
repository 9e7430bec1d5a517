"""Busy and quiet days, and busy and quiet times of a day: random factors on the arrivals."""

from typing import Any, Literal, Self

import numpy
from pydantic import model_validator
from scipy.special import ndtr
from scipy.stats import gamma, lognorm

from simulations.distributions.base import Floats, Positive
from simulations.features.base import Feature
from simulations.fields import Model, Share
from simulations.streams import Streams


class WithinDay(Model):
    """Every interval has a further factor: mean 1, squared coefficient of variation `scv`. The normal scores of an
    interval and the next have this `correlation`."""

    scv: Positive
    correlation: Share = 0.0


class Busyness(Model):
    """Every replication is a day with a factor of its own on all rates: mean 1, squared coefficient of variation `scv`.

    With `correlation` 1 all kinds share the factor; with less, each kind has one, and their normal scores have this
    correlation. `scv_by_kind` says it for single kinds. `within_day`: the same for the intervals of a day.
    """

    distribution: Literal["gamma", "lognormal"] = "gamma"
    scv: Positive | None = None
    correlation: Share = 1.0
    scv_by_kind: dict[str, Positive] = {}
    within_day: WithinDay | None = None

    @model_validator(mode="after")
    def _something_varies(self) -> Self:
        if self.scv is None and not self.scv_by_kind and self.within_day is None:
            raise ValueError("nothing varies; give 'scv', how much days differ, or 'within_day'")
        return self

    def factors(self, kind: str, intervals: int, streams: Streams) -> Floats:
        """The factor of this kind in each interval of this replication."""
        factors = numpy.ones(intervals)
        scv = self.scv_by_kind.get(kind, self.scv)
        if scv is not None:
            factors *= self._of(self._scores("busyness", kind, 1, streams), scv)
        if self.within_day is not None:
            scores = self._scores("busyness within the day", kind, intervals, streams)
            along = self.within_day.correlation
            for at in range(1, intervals):  # an autoregression of order 1, each score standard normal again
                scores[at] = along * scores[at - 1] + numpy.sqrt(1 - along**2) * scores[at]
            factors *= self._of(scores, self.within_day.scv)
        return factors

    def _scores(self, stream: str, kind: str, count: int, streams: Streams) -> Floats:
        shared = streams.generator(stream).standard_normal(count)
        own = streams.generator(f"{kind}/{stream}").standard_normal(count)
        scores: Floats = numpy.sqrt(self.correlation) * shared + numpy.sqrt(1 - self.correlation) * own
        return scores

    def _of(self, scores: Floats, scv: float) -> Any:
        """Factors with these normal scores."""
        if self.distribution == "lognormal":
            variance = numpy.log1p(scv)
            return lognorm.ppf(ndtr(scores), numpy.sqrt(variance), scale=numpy.exp(-variance / 2))
        return gamma.ppf(ndtr(scores), 1 / scv, scale=scv)


FEATURE = Feature(
    name="busyness",
    place=("busyness",),
    text="""\
Real days differ by more than the Poisson process allows: on a busy Monday every half hour is busy. `busyness` draws a
factor for each day (each replication): gamma, so that counts are negative binomial, or log-normal, with mean 1 and the
squared coefficient of variation `scv` (0.01 means that a day is typically 10 % off). All kinds share it, unless their
`correlation` is below 1. A trace is played as it was.

Within a day it goes up and down as well: `within_day: {scv: 0.02, correlation: 0.7}` gives every interval a further
factor, which resembles that of the interval before as far as its `correlation` says (0: not at all). Either may be said
without the other.

After A. N. Avramidis, A. Deslauriers and P. L'Ecuyer, "Modeling daily arrivals to a telephone call center", Management
Science 50 (2004); kinds and intervals are joined by a normal copula, as in N. Channouf and P. L'Ecuyer, "A normal
copula model for the arrival process in a call center", International Transactions in Operational Research 19
(2012).""",
    example="""\
busyness: {distribution: gamma, scv: 0.03, within_day: {scv: 0.02, correlation: 0.7}}
""",
)

"""How long will I wait? The estimated wait (EWT) as quantiles, from how fast the queue has lately drained.

Somebody with n contacts ahead is answered after n + 1 departures. While i of those ahead are left, the next departure
comes at rate s + i x a: agents start contacts at rate s, and each of those waiting gives up at rate a. So the wait
has mean  sum 1/(s + i a)  and variance  sum 1/(s + i a)^2  for i = 0..n: the estimator QL_m of R. Ibrahim and
W. Whitt, "Real-Time Delay Estimation in Overloaded Multiserver Queues with Abandonments", Management Science 55
(2009), exact for M/M/c+M. Here

* s is learnt: starts per time in which somebody waited. Before a departure that is the time since the departure
  before, but no longer than the one who departs has waited. The gap that is open now counts as well, so the estimate
  grows when nobody is answered any more.
* a is learnt: contacts that left, per time waited.
* Evidence halves in weight every HALF_LIFE_MS.
* s is known only from m (weighted) starts, which adds mean^2 / m to the variance.
* Quantiles are those of the gamma distribution with this mean and variance (without abandonment the wait is exactly
  gamma), by E. B. Wilson and M. M. Hilferty, "The Distribution of Chi-Square", PNAS 17 (1931).
"""

import math

import msgspec

HALF_LIFE_MS = 30 * 60_000
LEAST_STARTS = 1.0
"""Below this weight of starts there is no estimate."""

_EXACT_TERMS = 32
Z50, Z80, Z95 = 0.0, 0.8416212335729143, 1.6448536269514722


class WaitEstimate(msgspec.Struct, frozen=True):
    """The wait still to come: with probability 0.5, 0.8 and 0.95 it is at most this."""

    p50_ms: int
    p80_ms: int
    p95_ms: int


class EstimateError(msgspec.Struct):
    """What answered contacts were told on entry, held against what they waited.

    Those who gave up are not in it: how long they would have waited is unknown.
    """

    checked: int = 0
    within_p50: int = 0
    within_p80: int = 0
    within_p95: int = 0
    absolute_error_ms: int = 0

    def check(self, told: WaitEstimate, actual_ms: int) -> None:
        """Counts one contact; its error is the distance of its wait from the told median."""
        self.checked += 1
        self.within_p50 += actual_ms <= told.p50_ms
        self.within_p80 += actual_ms <= told.p80_ms
        self.within_p95 += actual_ms <= told.p95_ms
        self.absolute_error_ms += abs(actual_ms - told.p50_ms)

    def add(self, other: "EstimateError") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def until_reached(ahead: int, start_rate: float, leave_rate: float) -> tuple[float, float]:
    """Mean and variance of the time until the contact behind `ahead` others is started.

    The first terms of the sums are added up, the rest is their integral by the midpoint rule (relative error below
    1e-4, as the terms change slowly from there on), so that a long queue costs no more than a short one.
    """
    mean = variance = 0.0
    for others in range(min(ahead, _EXACT_TERMS) + 1):
        rate = start_rate + others * leave_rate
        mean += 1.0 / rate
        variance += 1.0 / (rate * rate)
    rest = ahead - _EXACT_TERMS
    if rest > 0:
        first = start_rate + (_EXACT_TERMS + 0.5) * leave_rate
        last = first + rest * leave_rate
        # log1p(x)/x, so that it also holds for a leave rate of (nearly) nothing
        growth = rest * leave_rate / first
        mean += rest / first * (math.log1p(growth) / growth if growth > 1e-9 else 1.0)
        variance += rest / (first * last)
    return mean, variance


def gamma_quantile(mean: float, variance: float, z: float) -> int:
    """The quantile at standard normal `z` of the gamma distribution with this mean and variance."""
    ninth = variance / (9.0 * mean * mean)
    return round(mean * max(0.0, 1.0 - ninth + z * math.sqrt(ninth)) ** 3)

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
from typing import Any

import msgspec

HALF_LIFE_MS = 30 * 60_000
LEAST_STARTS = 1.0
"""Below this weight of starts there is no estimate."""

_EXACT_TERMS = 32
_Z50, _Z80, _Z95 = 0.0, 0.8416212335729143, 1.6448536269514722


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


class _Drain(msgspec.Struct):
    """What is known of one queue: sums in which older evidence weighs less."""

    at_ms: int
    departed_ms: int
    starts: float = 0.0
    leaves: float = 0.0
    busy_ms: float = 0.0
    waited_ms: float = 0.0
    error: EstimateError = msgspec.field(default_factory=EstimateError)

    def fade(self, now_ms: int) -> None:
        if now_ms > self.at_ms:
            weight = 0.5 ** ((now_ms - self.at_ms) / HALF_LIFE_MS)
            self.starts *= weight
            self.leaves *= weight
            self.busy_ms *= weight
            self.waited_ms *= weight
            self.at_ms = now_ms


class WaitEstimator:
    """Learns from every departure and answers for any place in a queue; constant time and memory per queue."""

    def __init__(self) -> None:
        self._drains: dict[str, _Drain] = {}

    def contact_started(self, queue: str, wait_ms: int, now_ms: int, ring_ms: int = 0) -> None:
        """A contact that waited `wait_ms` is connected; `ring_ms` of it an agent's phone rang.

        A contact for whom an agent was free at once says nothing about how the queue drains, and is passed over.
        """
        if wait_ms > ring_ms:
            self._departed(queue, wait_ms, now_ms).starts += 1.0

    def contact_left(self, queue: str, wait_ms: int, now_ms: int) -> None:
        """A contact went away after waiting `wait_ms`: it gave up, took a way out or was moved elsewhere."""
        self._departed(queue, wait_ms, now_ms).leaves += 1.0

    def _departed(self, queue: str, wait_ms: int, now_ms: int) -> _Drain:
        drain = self._drains.get(queue)
        if drain is None:
            drain = self._drains[queue] = _Drain(at_ms=now_ms, departed_ms=now_ms - wait_ms)
        drain.fade(now_ms)
        drain.busy_ms += max(0, min(now_ms - drain.departed_ms, wait_ms))
        drain.waited_ms += wait_ms
        drain.departed_ms = max(now_ms, drain.departed_ms)
        return drain

    def estimate(self, queue: str, ahead: int, waited_ms: int, now_ms: int) -> WaitEstimate | None:
        """The wait still to come for a contact with `ahead` others before it that has waited `waited_ms` already.

        None while too little has lately been seen of the queue.
        """
        drain = self._drains.get(queue)
        if drain is None:
            return None
        weight = 0.5 ** (max(0, now_ms - drain.at_ms) / HALF_LIFE_MS)
        starts = drain.starts * weight
        if starts < LEAST_STARTS:
            return None
        open_gap_ms = max(0, min(now_ms - drain.departed_ms, waited_ms))
        start_rate = starts / max(1.0, drain.busy_ms * weight + open_gap_ms)
        leave_rate = drain.leaves / max(1.0, drain.waited_ms)
        mean, variance = _until_reached(ahead, start_rate, leave_rate)
        variance += mean * mean / starts
        return WaitEstimate(*(_gamma_quantile(mean, variance, z) for z in (_Z50, _Z80, _Z95)))

    def record_error(self, queue: str, told: WaitEstimate | None, actual_ms: int) -> None:
        """An answered contact waited `actual_ms` since it was told `told` (None: nothing, and nothing is counted)."""
        drain = self._drains.get(queue)
        if told is not None and drain is not None:
            drain.error.check(told, actual_ms)

    def errors(self) -> dict[str, EstimateError]:
        """The error of what was told so far, per queue."""
        return {queue: drain.error for queue, drain in self._drains.items()}

    def snapshot(self) -> dict[str, Any]:
        """All that was learnt, as plain data."""
        return {queue: msgspec.to_builtins(drain) for queue, drain in self._drains.items()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Replaces what was learnt by an earlier `snapshot()`."""
        self._drains = msgspec.convert(snapshot, dict[str, _Drain])


def _until_reached(ahead: int, start_rate: float, leave_rate: float) -> tuple[float, float]:
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


def _gamma_quantile(mean: float, variance: float, z: float) -> int:
    """The quantile at standard normal `z` of the gamma distribution with this mean and variance."""
    ninth = variance / (9.0 * mean * mean)
    return round(mean * max(0.0, 1.0 - ninth + z * math.sqrt(ninth)) ** 3)

"""Callers who hear how long they will wait, and act upon it."""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy
from pydantic import Field

from router.core.ewt import WaitEstimate
from simulations.distributions import AnyDistribution, Distribution
from simulations.distributions.base import NotNegative, Positive
from simulations.features.base import Feature
from simulations.fields import Model, Share


class Announcement(Model):
    """What callers hear on entering the queue, and what they make of it. Times are in seconds.

    `tells`: the router's estimate with this probability of not being exceeded, or how long the `last` caller waited
    whom an agent has taken from the queue; if it is at least `from_s`. `by_ahead_s`: instead, what is told to who finds
    0, 1, 2, ... waiting ahead; the last number to all with more.
    """

    tells: Literal[50, 80, 95, "last"] = 80
    by_ahead_s: Annotated[tuple[NotNegative, ...], Field(min_length=1)] | None = None
    from_s: NotNegative = 0
    leave_at_once: Share = 0.0
    leaving_by_wait: dict[Annotated[float, Field(ge=0)], Share] = {}
    patience_factor: Positive = 1.0
    patience_s: AnyDistribution | None = None
    patience_times_told: AnyDistribution | None = None

    @property
    def by(self) -> Literal["estimate", "ahead", "last"]:
        """What is looked at for what is told."""
        if self.by_ahead_s is not None:
            return "ahead"
        return "last" if self.tells == "last" else "estimate"

    def told_ms(self, estimate: WaitEstimate | None, ahead: int = 0, last_ms: int | None = None) -> int | None:
        """What is told to who finds so many waiting `ahead`, after one who waited `last_ms`; None for nothing."""
        told_ms: int | None = None
        if self.by_ahead_s is not None:
            told_ms = round(self.by_ahead_s[min(ahead, len(self.by_ahead_s) - 1)] * 1000)
        elif self.tells == "last":
            told_ms = last_ms
        elif estimate is not None:
            told_ms = {50: estimate.p50_ms, 80: estimate.p80_ms, 95: estimate.p95_ms}[self.tells]
        return None if told_ms is None or told_ms < self.from_s * 1000 else told_ms

    def leaves(self, told_ms: int, patience_ms: int | None, uniform: float) -> bool:
        """Whether a caller with this patience leaves at once."""
        share = self.leave_at_once if patience_ms is not None and patience_ms < told_ms else 0.0
        if self.leaving_by_wait:
            waits, shares = zip(*sorted(self.leaving_by_wait.items()), strict=True)
            share = max(share, float(numpy.interp(told_ms / 1000, waits, shares)))
        return uniform < share

    def patience_ms(
        self, told_ms: int, patience_ms: int | None, draw: Callable[[str, Distribution], float]
    ) -> int | None:
        """How long the caller stays who has stayed so far, from now on. `draw` draws from a stream with this ending."""
        times, more = self.patience_times_told, self.patience_s
        if times is None and more is None:
            return None if patience_ms is None else round(patience_ms * self.patience_factor)
        anew_ms = 0.0 if times is None else told_ms * draw("times told", times)
        return round(anew_ms + (0.0 if more is None else 1000 * draw("patience", more)))


FEATURE = Feature(
    name="announcement",
    place=("kinds", "*", "announcement"),
    text="""\
A caller who has to wait is told the router's own estimate: the wait that is not exceeded with a probability of `tells`
(50, 80 or 95) %. Of those whose patience would not have lasted so long, the share `leave_at_once` leaves in that
moment; `leaving_by_wait` gives shares of all callers by what they are told (seconds: share, in between interpolated).
Who stays has a patience `patience_factor` times as long, or another one that begins anew: `patience_s`, or what was
told `patience_times_told`, or both, added (`{patience_times_told: 1, patience_s: D}` waits what was told, and D beyond
it). As long as the router knows too little for an estimate nothing is told; `by_ahead_s` tells the same wait to all who
find the same number of contacts ahead of them, from the beginning, and `tells: last` what the caller waited whom an
agent has last taken from the queue.

Callers who leave at once when the wait would be too long are the model of W. Whitt, "Improving service by informing
customers about anticipated delays", Management Science 45 (1999); a percentile of the wait in each state, and leaving
at once and patience that both depend on what was told, are in O. Jouini, Z. Aksin and Y. Dallery, "Call centers with
delay information: models and insights", M&SOM 13 (2011): `examples/published/announced-delays.yaml`. The wait of the
last to enter service is announced in M. Armony, N. Shimkin and W. Whitt, "The impact of delay announcements in
many-server queues with abandonment", Operations Research 57 (2009): `examples/published/last-wait-announced.yaml`.""",
    example="""\
kinds:
  calls:
    announcement: {tells: 80, leave_at_once: 0.7, patience_factor: 1.5}
""",
)

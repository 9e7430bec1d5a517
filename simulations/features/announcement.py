"""Callers who hear how long they will wait, and act upon it."""

from typing import Annotated, Literal

import numpy
from pydantic import Field

from router.core.ewt import WaitEstimate
from simulations.distributions import AnyDistribution
from simulations.distributions.base import NotNegative, Positive
from simulations.features.base import Feature
from simulations.fields import Model, Share


class Announcement(Model):
    """What callers hear on entering the queue, and what they make of it. Times are in seconds.

    `tells`: the router's estimate with this probability of not being exceeded, if it is at least `from_s`.
    """

    tells: Literal[50, 80, 95] = 80
    from_s: NotNegative = 0
    leave_at_once: Share = 0.0
    leaving_by_wait: dict[Annotated[float, Field(ge=0)], Share] = {}
    patience_factor: Positive = 1.0
    patience_s: AnyDistribution | None = None

    def told_ms(self, estimate: WaitEstimate | None) -> int | None:
        """What is told, None for nothing."""
        if estimate is None:
            return None
        told_ms = {50: estimate.p50_ms, 80: estimate.p80_ms, 95: estimate.p95_ms}[self.tells]
        return told_ms if told_ms >= self.from_s * 1000 else None

    def leaves(self, told_ms: int, patience_ms: int | None, uniform: float) -> bool:
        """Whether a caller with this patience leaves at once."""
        share = self.leave_at_once if patience_ms is not None and patience_ms < told_ms else 0.0
        if self.leaving_by_wait:
            waits, shares = zip(*sorted(self.leaving_by_wait.items()), strict=True)
            share = max(share, float(numpy.interp(told_ms / 1000, waits, shares)))
        return uniform < share


FEATURE = Feature(
    name="announcement",
    place=("kinds", "*", "announcement"),
    text="""\
A caller who has to wait is told the router's own estimate: the wait that is not exceeded with a probability of `tells`
(50, 80 or 95) %. Of those whose patience would not have lasted so long, the share `leave_at_once` leaves in that
moment; `leaving_by_wait` gives shares of all callers by what they are told (seconds: share, in between interpolated).
Who stays has a patience `patience_factor` times as long, or another one, `patience_s`, that begins anew. As long as the
router knows too little for an estimate nothing is told.

Callers who leave at once when the wait would be too long are the model of W. Whitt, "Improving service by informing
customers about anticipated delays", Management Science 45 (1999); patience that changes is in O. Jouini, Z. Aksin and
Y. Dallery, "Call centers with delay information: models and insights", M&SOM 13 (2011).""",
    example="""\
kinds:
  calls:
    announcement: {tells: 80, leave_at_once: 0.7, patience_factor: 1.5}
""",
)

"""When a study has enough replications: a fixed number, or as many as a wanted half-width needs.

The sequential rule of Y. S. Chow and H. Robbins, "On the asymptotic theory of fixed-width sequential confidence
intervals for the mean", Annals of Mathematical Statistics 36 (1965), in the form of A. M. Law, Simulation Modeling and
Analysis (5th edition, 2015), section 9.4.1: from `minimum` replications on, stop as soon as the half-width is small
enough. Since it stops where the half-width happens to be small, the interval covers a little less than it says; with a
`minimum` of 10 or more that is a matter of a point or two.

It is looked at after 5 % more replications each, always of the first n: so the outcome depends on the seed alone and
not on which process was faster.
"""

from typing import Annotated, Self

import msgspec
from pydantic import Field, model_validator

from documents import nearest
from simulations.distributions.base import Positive
from simulations.fields import Model
from simulations.statistics import CONTACT_FIGURES


class UntilHalfWidth(Model):
    """Replicate until the confidence interval of `metric` (of `queue`, or of all queues) is at most ± `value`.

    `value` is in the metric's unit: 0.01 of a share is one point, 1000 of a metric in `_ms` one second. At least
    `minimum` and at most `maximum` replications; the scenario's `replications` do not count then.
    """

    metric: str
    queue: str | None = None
    value: Positive
    minimum: Annotated[int, Field(ge=2, le=100_000)] = 10
    maximum: Annotated[int, Field(ge=2, le=100_000)] = 1_000

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = [metric.name for metric in CONTACT_FIGURES]
        if self.metric not in names:
            raise ValueError(f"there is no metric {self.metric!r} ({nearest(self.metric, names)})")
        if self.minimum > self.maximum:
            raise ValueError(f"'minimum' {self.minimum} is above 'maximum' {self.maximum}")
        return self

    def looks_after(self) -> list[int]:
        """After how many replications the half-width is looked at, in order."""
        found = [self.minimum]
        while found[-1] < self.maximum:
            found.append(min(self.maximum, found[-1] + max(1, found[-1] // 20)))
        return found


class Stopped(msgspec.Struct, frozen=True):
    """How a study with a wanted half-width ended: `half_width` is None where none could be computed."""

    metric: str
    queue: str | None
    wanted: float
    half_width: float | None

    @property
    def reached(self) -> bool:
        return self.half_width is not None and self.half_width <= self.wanted

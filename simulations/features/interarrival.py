"""Arrivals that are more regular, or burstier, than a Poisson stream."""

from typing import Annotated

from pydantic import AfterValidator

from simulations.distributions import AnyDistribution
from simulations.features.base import Feature


def _passing_time(gaps: AnyDistribution) -> AnyDistribution:
    if gaps.average <= 0:
        raise ValueError("the mean gap between arrivals must be above 0 s")
    return gaps


Gaps = Annotated[AnyDistribution, AfterValidator(_passing_time)]

FEATURE = Feature(
    name="interarrival",
    place=("kinds", "*", "arrivals", "interarrival"),
    text="""\
Between the arrivals of a Poisson stream are exponential gaps: right for many callers who know nothing of each other.
Calls that another system lets through at a steady pace are more regular, calls that come in bunches are burstier.
`interarrival` is the distribution of the gaps in place of the exponential. Only its form counts: it is scaled to the
rate that `per_hour` or `per_interval` says, and follows its changes. The first gap begins with the day, so a warm-up is
wanted where the gaps are long. The numbers of such arrivals cannot be control variates, since their mean is not exactly
the rate.

A renewal process that is carried over to the cumulative rate, as in W. Whitt, "Heavy-traffic limits for queues with
periodic arrival processes", Operations Research Letters 42 (2014).""",
    example="""\
kinds:
  calls:
    arrivals: {per_hour: 100, interarrival: {distribution: hyperexponential, mean: 36, scv: 6}}
""",
)

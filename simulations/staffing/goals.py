"""Goals of staffing, as margins that add up over intervals and replications.

A share of at least s is the same as answered in time - s x offered >= 0. The left side is a sum, so its mean over
replications is unbiased where a mean of ratios is not, and has an ordinary confidence interval (M. T. Cezik and
P. L'Ecuyer, "Staffing multiskill call centers via linear programming and simulation", Management Science 54, 2008).
"""

from typing import Literal

import msgspec

from router.core.tallies import ContactTally
from simulations.replications import Span

Metric = Literal["service_level", "asa", "abandon", "occupancy"]


class Goal(msgspec.Struct, frozen=True):
    """`queue` is empty for all queues together, and for the occupancy of all agents. `bound` is a share, or seconds."""

    queue: str
    metric: Metric
    bound: float

    @property
    def at_least(self) -> bool:
        return self.metric == "service_level"

    @property
    def scale(self) -> float:
        """What divides a margin, so that those of all goals count contacts (or hours of agents)."""
        return self.bound if self.metric == "asa" else 1.0

    @property
    def words(self) -> str:
        of = {"service_level": "service level", "asa": "ASA", "abandon": "abandoned", "occupancy": "occupancy"}
        limit = f"{self.bound:g} s" if self.metric == "asa" else f"{self.bound * 100:g} %"
        who = "all agents" if self.metric == "occupancy" else self.queue or "all queues"
        return f"{who}: {of[self.metric]} at {'least' if self.at_least else 'most'} {limit}"

    @property
    def variance(self) -> float:
        """Of one contact's part in the margin, at least, where the goal just holds: that of yes or no, or of a wait no
        more even than exponential ones. Agents' hours have none of their own."""
        return {"asa": 1.0, "occupancy": 0.0}.get(self.metric, self.bound * (1 - self.bound))

    @property
    def near(self) -> float:
        """So far off its bound a goal of an interval is as good as on it: one point of a share, or one second."""
        return 1.0 if self.metric == "asa" else 0.01

    def shown(self, value: float | None) -> str:
        if value is None:
            return "–"
        return f"{value:.1f} s" if self.metric == "asa" else f"{value * 100:.1f} %"

    def span(self, low: float, high: float) -> str:
        """`77.3 to 79.4 %`."""
        return f"{self.shown(low).split()[0]} to {self.shown(high)}"

    def between(self, value: float, half: float) -> tuple[float, float]:
        """The interval around a value, as far as there can be such values."""
        return max(0.0, value - half), value + half if self.metric == "asa" else min(1.0, value + half)

    def parts(self, span: Span) -> tuple[float, float]:
        """Numerator and denominator of the metric; contacts, or hours of agents."""
        if self.metric == "occupancy":
            agents = span.all_agents
            return agents.handling_ms / 3.6e6, (agents.handling_ms + agents.available_ms) / 3.6e6
        tally = span.queues.get(self.queue, ContactTally()) if self.queue else span.all_queues
        offered = tally.offered - tally.short_abandons
        if self.metric == "service_level":
            return tally.answered_within, offered
        if self.metric == "abandon":
            return tally.abandoned - tally.short_abandons, offered
        return tally.wait_answered_ms / 1000, tally.answered

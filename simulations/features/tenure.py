"""Agents who learn, leave and are replaced."""

import math
from typing import Annotated, Self

import numpy
from pydantic import Field, model_validator

from simulations.clock import DAY_MS, Span
from simulations.distributions import AnyDistribution
from simulations.distributions.base import NotNegative, Positive
from simulations.features.base import Feature
from simulations.fields import Model
from simulations.streams import Streams


class Tenure(Model):
    """How long agents have been here, how that shows in their handle times, and how they come and go.

    `days` in the job at the roster's date (drawn for each agent); the scenario plays `days_ahead` of it. `learning`:
    factors on the handle time by days in the job, in between interpolated. `leave_per_year`: which share leaves within
    a year; a place is filled again after `replaced_after_days` by somebody without experience, or (None) never.
    """

    days: AnyDistribution
    days_ahead: NotNegative = 0
    learning: Annotated[dict[Annotated[float, Field(ge=0)], Positive], Field(min_length=1)] = {0: 1.0}
    leave_per_year: Annotated[float, Field(ge=0, lt=1)] = 0.0
    replaced_after_days: NotNegative | None = None

    @model_validator(mode="after")
    def _replaced_who_left(self) -> Self:
        if self.replaced_after_days is not None and not self.leave_per_year:
            raise ValueError("'replaced_after_days' needs 'leave_per_year' above 0: nobody leaves")
        return self

    def factor(self, days: float) -> float:
        """On the handle time of somebody who has been here for so many days."""
        known, factors = zip(*sorted(self.learning.items()), strict=True)
        return float(numpy.interp(days, known, factors))


class Seat:
    """Who has sat on an agent's place, and since when, in one replication."""

    def __init__(self, tenure: Tenure, agent: str, midnight_ms: int, end_ms: int, streams: Streams) -> None:
        self._tenure, self._midnight_ms = tenure, midnight_ms
        days_before = streams.draws(f"agent/{agent}/tenure", tenure.days)[0]
        last_day = tenure.days_ahead + (end_ms - midnight_ms) / DAY_MS
        self._people = _people(tenure, days_before, last_day, streams.generator(f"agent/{agent}/leaving"))

    def days(self, now_ms: int) -> float | None:
        """How long the one who sits here now has been here, None for an empty place."""
        day = self._day(now_ms)
        for since, until in self._people:
            if since <= day < until:
                return day - since
        return None

    def factor(self, now_ms: int) -> float:
        """On the handle time, of the one who sits here (or did until just now)."""
        day = self._day(now_ms)
        since = max((since for since, _ in self._people if since <= day), default=day)
        return self._tenure.factor(day - since)

    def taken(self, shifts_ms: list[Span]) -> list[Span]:
        """The shifts at whose beginning somebody sits here."""
        return [span for span in shifts_ms if self.days(span[0]) is not None]

    def _day(self, now_ms: int) -> float:
        return self._tenure.days_ahead + (now_ms - self._midnight_ms) // DAY_MS


def _people(
    tenure: Tenure, days_before: float, last_day: float, generator: numpy.random.Generator
) -> list[tuple[float, float]]:
    """From which day to which (0 is the roster's date) each one has been here."""
    since, here = -days_before, 0.0
    if not tenure.leave_per_year:
        return [(since, math.inf)]
    mean_days = -365 / math.log1p(-tenure.leave_per_year)
    found = []
    while True:
        until = float(math.ceil(here + generator.exponential(mean_days)))
        found.append((since, until))
        if tenure.replaced_after_days is None or until > last_day:
            return found
        since = here = until + math.ceil(tenure.replaced_after_days)


FEATURE = Feature(
    name="tenure",
    place=("staff", "*", "tenure"),
    text="""\
New agents take longer. `days` is how long each has been in the job, `learning` how much longer somebody takes after so
many days (`{0: 1.6, 30: 1.2, 90: 1}`). With `leave_per_year` agents leave, at the end of a day and at a constant rate;
after `replaced_after_days` a beginner sits in the same place. `days_ahead: 90` plays today's roster as it will be
in three months. A scenario of several weeks plays leaving and learning as they happen.

After N. Gans, N. Liu, A. Mandelbaum, H. Shen and H. Ye, "Service times in call centers: agent heterogeneity and
learning with some operational consequences", IMS Collections 6 (2010).""",
    example="""\
staff:
  - group: agents
    count: 7
    shifts: ["08:00-12:00"]
    tenure:
      days: {distribution: exponential, mean: 200}
      learning: {0: 1.6, 30: 1.2, 90: 1}
      leave_per_year: 0.4
      replaced_after_days: 20
      days_ahead: 90
""",
)

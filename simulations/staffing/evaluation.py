"""What a staff really brings: the margins of all goals in every interval, simulated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy
from scipy.special import stdtrit

from simulations.erlang.numerics import Floats
from simulations.places import Place
from simulations.replications import Outcome, replicate
from simulations.setting import Setting
from simulations.staffing.demand import Workplace
from simulations.staffing.goals import Goal
from simulations.staffing.requirements import Counts

Simulate = Callable[[Setting, int], Outcome]
"""One replication of a setting: the router's own, or any that makes the same decisions faster."""
Progress = Callable[[str, int], None]
"""Told what is being done, and how many days were simulated so far."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Numerators and denominators of every goal: replications x goals x intervals."""

    goals: tuple[Goal, ...]
    numerators: Floats
    denominators: Floats

    @property
    def margins(self) -> Floats:
        """Replications x goals x intervals; a goal holds where their mean is at least 0."""
        found = numpy.empty_like(self.numerators)
        for k, goal in enumerate(self.goals):
            difference = self.numerators[:, k] - goal.bound * self.denominators[:, k]
            scale = goal.bound if goal.metric == "asa" else 1.0
            found[:, k] = difference / scale if goal.at_least else -difference / scale
        return found

    def values(self) -> Floats:
        """Each goal's metric in each interval, of all replications together; nan where nothing divides."""
        return _ratio(self.numerators.sum(axis=0), self.denominators.sum(axis=0))

    def day_values(self) -> Floats:
        return _ratio(self.numerators.sum(axis=(0, 2)), self.denominators.sum(axis=(0, 2)))

    def levels(self, confidence: float, each_interval: bool) -> tuple[float, float]:
        """The confidence of a single goal over the whole time, and of one in a single interval, with which *all*
        verdicts hold together at `confidence`. Where the goals are of each interval, half of the doubt goes to the
        whole time and half to the intervals; within either it is shared equally (Z. Sidak's inequality, Journal of the
        American Statistical Association 62, 1967)."""
        together = 1 - (1 - confidence) / 2 if each_interval else confidence
        of_intervals = int((self.denominators.sum(axis=0) > 0).sum())
        return together ** (1 / len(self.goals)), together ** (1 / max(1, of_intervals))

    def intervals(self, confidence: float) -> tuple[Floats, Floats]:
        """Mean margins and the half-widths of their confidence intervals, goals x intervals."""
        return _mean_and_half_width(self.margins, confidence)

    def day(self, confidence: float) -> tuple[Floats, Floats]:
        """The same for the whole time, by goal."""
        return _mean_and_half_width(self.margins.sum(axis=2), confidence)


def _ratio(above: Floats, below: Floats) -> Floats:
    return numpy.where(below > 0, above / numpy.where(below > 0, below, 1.0), numpy.nan)


def _mean_and_half_width(values: Floats, confidence: float) -> tuple[Floats, Floats]:
    count = len(values)
    mean: Floats = values.mean(axis=0)
    if count < 2:
        return mean, numpy.full_like(mean, numpy.inf)
    error = values.std(axis=0, ddof=1) / count**0.5
    return mean, float(stdtrit(count - 1, 0.5 + confidence / 2)) * error


@dataclass(slots=True)
class Evaluator:
    """Simulates staffs at a `where`, each with the same replications: common random numbers, so that what differs
    between two staffs is the staff."""

    place: Workplace
    goals: tuple[Goal, ...]
    where: Place
    progress: Progress
    simulate: Simulate = replicate
    days: int = 0
    known: dict[tuple[bytes, range], Measured] = field(default_factory=dict)

    def measure(self, staffs: Sequence[Counts], numbers: range, what: str) -> list[Measured]:
        """What each of the `staffs` brings in these replications."""
        new = {staff.tobytes(): staff for staff in staffs if (staff.tobytes(), numbers) not in self.known}
        settings = [self.place.staffed(staff) for staff in new.values()]
        tasks = [(position, number) for position in range(len(settings)) for number in numbers]
        rows: list[list[tuple[Floats, Floats]]] = [[] for _ in settings]
        for (position, _), outcome in zip(tasks, self.where.results(self.simulate, settings, tasks), strict=True):
            rows[position].append(self._parts(outcome))
            self.days += 1
            self.progress(what, self.days)
        for key, found in zip(new, rows, strict=True):
            above, below = (numpy.array([each[side] for each in found]) for side in (0, 1))
            self.known[key, numbers] = Measured(self.goals, above, below)
        return [self.known[staff.tobytes(), numbers] for staff in staffs]

    def _parts(self, outcome: Outcome) -> tuple[Floats, Floats]:
        parts = numpy.array([[goal.parts(span) for span in outcome.intervals] for goal in self.goals], dtype=float)
        return parts[..., 0], parts[..., 1]

"""What a staff really brings: the margins of all goals in every interval, simulated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy
from scipy.special import stdtrit

from simulations.erlang.numerics import Bools, Floats
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
            difference = (self.numerators[:, k] - goal.bound * self.denominators[:, k]) / goal.scale
            found[:, k] = difference if goal.at_least else -difference
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

    def intervals(self, confidence: float) -> "Known":
        """What is known of each goal in each interval, each by itself at this confidence."""
        return self._known(self.values(), self.margins, self.denominators, confidence)

    def day(self, confidence: float) -> "Known":
        """The same for the whole time, by goal."""
        return self._known(self.day_values(), self.margins.sum(axis=2), self.denominators.sum(axis=2), confidence)

    def and_then(self, more: "Measured") -> "Measured":
        """These replications and more of the same staff."""
        above, below = (self.numerators, more.numerators), (self.denominators, more.denominators)
        return Measured(self.goals, numpy.concatenate(above), numpy.concatenate(below))

    def _known(self, values: Floats, margins: Floats, contacts: Floats, confidence: float) -> "Known":
        """By Student's t of the margin, which is (metric - bound) x contacts. Few contacts may all happen to be alike,
        which says little of others: so the variance of a day is taken to be at least that of as many independent
        contacts where the goal just holds (as in E. B. Wilson's score interval, Journal of the American Statistical
        Association 22, 1927)."""
        count, per_day = len(margins), contacts.mean(axis=0)
        bound, scale, least, sign = (
            numpy.array(each).reshape(-1, *[1] * (values.ndim - 1))
            for each in zip(*((g.bound, g.scale, g.variance, 1 if g.at_least else -1) for g in self.goals), strict=True)
        )
        better = numpy.round((values - bound) * sign, 12)  # what is exactly on its bound stays there
        if count < 2:
            return Known(values, numpy.full_like(values, numpy.inf), better)
        variance = numpy.maximum(margins.var(axis=0, ddof=1), least * per_day)
        error = (variance / count) ** 0.5 * scale / numpy.where(per_day > 0, per_day, numpy.nan)
        return Known(values, float(stdtrit(count - 1, 0.5 + confidence / 2)) * error, better)


@dataclass(frozen=True, slots=True)
class Known:
    """Metrics of goals with the half-widths of their confidence intervals, and how far they are on the good side of
    their bounds; nan where nothing was offered, which harms no goal."""

    values: Floats
    half: Floats
    better: Floats

    def column(self, interval: int) -> "Known":
        """Of one interval."""
        return Known(self.values[:, interval], self.half[:, interval], self.better[:, interval])

    @property
    def missed(self) -> Bools:
        """Surely."""
        found: Bools = self.better + self.half < 0
        return found

    @property
    def open(self) -> Bools:
        """Neither surely met nor surely missed."""
        found: Bools = (self.better - self.half < 0) & (self.better + self.half >= 0)
        return found

    def beyond(self, near: Floats) -> Bools:
        """Open, and perhaps farther from the bound than that."""
        found: Bools = self.open & (numpy.abs(self.better) + self.half > near)
        return found


def _ratio(above: Floats, below: Floats) -> Floats:
    return numpy.where(below > 0, above / numpy.where(below > 0, below, 1.0), numpy.nan)


Parts = tuple[Floats, Floats]
"""Numerators and denominators of a day: goals x intervals."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting to be simulated, and of what goals."""

    setting: Setting
    goals: tuple[Goal, ...]
    simulate: Simulate


def day_of(trial: Trial, number: int) -> Parts:
    """A replication, of which only the goals' parts are sent home: the rest would take longer than simulating it."""
    spans = trial.simulate(trial.setting, number).intervals
    parts = numpy.array([[goal.parts(span) for span in spans] for goal in trial.goals], dtype=float)
    return parts[..., 0], parts[..., 1]


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
        trials = [Trial(self.place.staffed(staff), self.goals, self.simulate) for staff in new.values()]
        tasks = [(position, number) for position in range(len(trials)) for number in numbers]
        rows: list[list[Parts]] = [[] for _ in trials]
        for (position, _), parts in zip(tasks, self.where.results(day_of, trials, tasks), strict=True):
            rows[position].append(parts)
            self.days += 1
            self.progress(what, self.days)
        for key, found in zip(new, rows, strict=True):
            above, below = (numpy.array([each[side] for each in found]) for side in (0, 1))
            self.known[key, numbers] = Measured(self.goals, above, below)
        return [self.known[staff.tobytes(), numbers] for staff in staffs]

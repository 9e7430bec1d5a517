"""What days that the search has not seen say of its staff: looks at more and more of them, until they can tell.

The first look has as many days as the scenario has replications, each further one twice as many, the last one `most`.
The looks end as soon as every goal is surely met, or so near that it makes no difference: by no more than `Goal.near`
in an interval, and a tenth of that, which no figure shows, over the whole time.

Where a goal is surely missed, agents are added, and the new staff is put to the proof by days that are new again, since
those seen before chose it. So it is where after the last look one is still short by more than `SHORT` standard errors.
Once agents are added, they are for all goals that are short by one, or each new staff would bring the next to light.

Who looks often takes chance for a finding. So all doubt is shared out beforehand (Bonferroni's spending in a group
sequential test: C. Jennison and B. W. Turnbull, "Group Sequential Methods with Applications to Clinical Trials", 2000):
of 1 - confidence the n-th staff may spend 1/2^n, each of its looks an equal part of that, and the verdicts of a look
share it by Sidak's rule (`Measured.levels`). Each part holds whatever came before, and together they are no more than
the whole: all that is called sure, at whichever look, is right together with the confidence.
"""

from dataclasses import dataclass

import numpy

from simulations.erlang import Unreachable
from simulations.erlang.numerics import Bools
from simulations.staffing.evaluation import Known, Measured
from simulations.staffing.requirements import Counts
from simulations.staffing.search import Search

MOST_DAYS = 1_000
MOST_STAFFS = 8
SHORT = 3.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was `measured` of a `staff` in these days, and the confidence at which all that is read from it holds."""

    staff: Counts
    days: range
    measured: Measured
    confidence: float
    each_interval: bool

    @property
    def day(self) -> Known:
        return self.measured.day(self.measured.levels(self.confidence, self.each_interval)[0])

    @property
    def intervals(self) -> Known:
        return self.measured.intervals(self.measured.levels(self.confidence, self.each_interval)[1])

    @property
    def can_tell(self) -> bool:
        """Whether each goal is surely met or missed, or as good as on its bound."""
        near = numpy.array([goal.near for goal in self.measured.goals])
        beyond = self.day.beyond(near / 10).any()
        return not (beyond or (self.each_interval and self.intervals.beyond(near[:, None]).any()))

    @property
    def missed(self) -> Bools:
        """Goals x intervals that are surely missed; a goal over the whole time at its worst interval."""
        found = self.intervals.missed & self.each_interval
        worst = self.measured.margins.mean(axis=0).argmin(axis=1)
        for k in numpy.flatnonzero(self.day.missed):
            found[k, worst[k]] = True
        return found


def look_days(first: int, most: int) -> list[int]:
    """After how many days is looked."""
    found = [first]
    while found[-1] < most:
        found.append(min(most, 2 * found[-1]))
    return found


@dataclass(slots=True)
class Proof:
    """One proof. `looks`: after how many days of a staff it is looked at them; `unseen`: the first day that nothing was
    chosen by. `last` is the last look, also for who must end early."""

    search: Search
    confidence: float
    looks: list[int]
    unseen: int
    last: Look | None = None
    staffs: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has looked at as many staffs as it may."""
        return self.staffs == MOST_STAFFS

    def run(self, staff: Counts) -> Look:
        """The last look at the staff that is left. Raises Unreachable when a goal is surely missed and nobody is left
        who could help."""
        while True:
            look = self._look(staff)
            short = look.missed.any() or (not look.can_tell and self.search.missed(look.measured, SHORT).any())
            if self.is_over or not short:
                return look
            wrong = look.missed | self.search.missed(look.measured)
            try:
                staff = self.search.with_help(staff, look.measured, wrong)
            except Unreachable:
                if look.missed.any():
                    raise
                return look

    def _look(self, staff: Counts) -> Look:
        """At the staff until it can tell."""
        self.staffs += 1
        doubt = (1 - self.confidence) / 2**self.staffs / len(self.looks)
        first, measured = self.unseen, None
        for days in self.looks:
            numbers = range(self.unseen, first + days)
            more = self.search.evaluator.measure([staff], numbers, "proof")[0]
            measured = more if measured is None else measured.and_then(more)
            self.unseen = numbers.stop
            look = Look(staff, range(first, numbers.stop), measured, 1 - doubt, self.search.each_interval)
            self.last = look
            if look.can_tell or look.missed.any():
                break
        return look

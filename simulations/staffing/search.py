"""The cheapest staff that meets all goals, by cutting planes over simulation.

After M. T. Cezik and P. L'Ecuyer, "Staffing multiskill call centers via linear programming and simulation", Management
Science 54 (2008), and J. Atlason, M. A. Epelman and S. G. Henderson, "Optimizing call center staffing using simulation
and analytic center cutting-plane methods", Management Science 54 (2008):

1. An integer program with what the closed forms ask of every set of queues gives the first staff; these rows stay.
2. It is simulated, and so are staffs with one agent of a group less: the differences, under common random numbers, are
   the subgradients of every goal's margin. Intervals two apart hardly touch each other, so one simulated staff tells
   the differences of every other interval; a group costs two. What staff in one interval does to the next is told, too.
3. Each goal and interval becomes a cut: margin + subgradient x (change of staff) >= 0. The program is solved again near
   the last staff, its answer simulated and cut, until it gives a staff that is known. Where goals are of each interval,
   cuts leave out what staff does to the next one (the next simulation has it): so intervals share no row, and the
   program is solved at once.
4. From the best staff agents are taken away, group by group, wherever all goals still hold.
5. One or two agents are exchanged for one or two others who cost less, where the subgradients say that the goals may
   still hold, each interval by its own most saving exchange; what holds in the simulation stays.
"""

from dataclasses import dataclass, field
from itertools import combinations_with_replacement

import numpy
from numpy.typing import NDArray

from simulations.erlang import Unreachable
from simulations.erlang.numerics import Bools, Floats
from simulations.staffing.demand import Workplace
from simulations.staffing.evaluation import Evaluator, Measured
from simulations.staffing.goals import Goal
from simulations.staffing.requirements import Counts, Program

MOST_ROUNDS = 4
MOST_REPAIRS = 25
MOST_EXCHANGES = 4
DOUBT = 0.25
"""By which share of it a subgradient may be wrong."""
STEP = 2
"""How far counts may move between two simulations: differences tell little of what is far."""


@dataclass(slots=True)
class Search:
    """One search. `numbers` are the replications it looks at; those that prove the answer must be others."""

    evaluator: Evaluator
    program: Program
    each_interval: bool
    numbers: range
    judged: int | None = None
    """How many of the goals must hold, by default all; the others are only measured."""
    best: Counts | None = None
    """The cheapest staff so far that meets the goals in the replications looked at; for who must end early."""
    own: Floats = field(default_factory=lambda: numpy.zeros(0))
    later: Floats = field(default_factory=lambda: numpy.zeros(0))
    """Subgradients: goals x groups x intervals, of the staff in the interval itself and in the one before."""

    @property
    def place(self) -> Workplace:
        return self.evaluator.place

    @property
    def goals(self) -> tuple[Goal, ...]:
        return self.evaluator.goals[: self.judged]

    def _margins(self, measured: Measured) -> Floats:
        return measured.margins[:, : self.judged]

    def run(self) -> Counts:
        """The best staff found. Raises Unreachable when none meets the goals within the limits."""
        staff = self.program.solve()
        if staff is None:
            raise Unreachable("the groups' limits leave no staff that meets the goals")
        measured = self.measure(staff, "first staff")
        self.differentiate(staff, measured)
        best: Counts | None = None
        for _ in range(MOST_ROUNDS):
            if self.holds(measured) and (best is None or self.cost(staff) < self.cost(best)):
                best = staff
            self._cut(staff, measured)
            wanted = self.program.solve(staff - STEP, staff + STEP)
            if wanted is None:  # not within so few agents of this staff
                wanted = self.with_help(staff, measured, self.missed(measured))
            if (wanted == staff).all() or self._known(wanted):
                break
            staff = wanted
            measured = self.measure(staff, "cutting planes")
        if self.holds(measured) and (best is None or self.cost(staff) < self.cost(best)):
            best = staff
        trimmed = self._trim(self.repaired(staff) if best is None else best)
        self.best = exchanged = self._exchanged(trimmed)
        if (exchanged != trimmed).any():
            self.best = self._trim(exchanged)
        return self.best

    def corrected(self) -> Counts:
        """The staff of the closed forms with agents added until no goal is missed: quicker than `run`, and seldom much
        dearer. Raises Unreachable."""
        staff = self.program.solve()
        if staff is None:
            raise Unreachable("the groups' limits leave no staff that meets the goals")
        self._suppose(staff)
        return self.repaired(staff)

    def _suppose(self, staff: Counts) -> None:
        """Subgradients by rule, without simulation: an agent takes on what one does on average, and whoever serves the
        fewest queues is the one to add for any of them."""
        self.own = numpy.zeros((len(self.goals), *staff.shape))
        self.later = numpy.zeros_like(self.own)
        for k, goal in enumerate(self.goals):
            for g, group in enumerate(self.place.groups):
                if not goal.queue or goal.queue in group.queues:
                    self.own[k, g] = 1.0 if goal.queue else 1.0 + 1e-3 * len(group.queues)

    @property
    def on_the_day(self) -> Floats:
        """Subgradients of the margins of the whole time."""
        return self.own + numpy.roll(self.later, -1, axis=2)

    def cost(self, staff: Counts) -> float:
        return float((self.program.costs * staff).sum())

    def measure(self, staff: Counts, what: str) -> Measured:
        measured = self.evaluator.measure([staff], self.numbers, what)[0]
        if self.holds(measured) and (self.best is None or self.cost(staff) < self.cost(self.best)):
            self.best = staff
        return measured

    def holds(self, measured: Measured) -> bool:
        return not self.missed(measured).any()

    def missed(self, measured: Measured, errors: float = 1.0) -> Bools:
        """Goals x intervals. In a search of few replications an interval is missed when its margin lies more than a
        standard error (or so many `errors`) below 0; where a goal is missed over the whole time, its worst interval
        is."""
        mean = self._margins(measured).mean(axis=0)
        found = numpy.zeros(mean.shape, dtype=numpy.bool_)
        if self.each_interval:
            found = self._allowing(measured, errors) < -1e-9
        for k in numpy.flatnonzero(mean.sum(axis=1) < -1e-9):
            found[k, numpy.argmin(mean[k])] = True
        return found

    def _allowing(self, measured: Measured, errors: float = 1.0) -> Floats:
        margins = self._margins(measured)
        allowed: Floats = margins.mean(axis=0) + errors * margins.std(axis=0, ddof=1) / len(margins) ** 0.5
        return allowed

    def _known(self, staff: Counts) -> bool:
        return (staff.tobytes(), self.numbers) in self.evaluator.known

    def differentiate(self, staff: Counts, measured: Measured) -> None:
        """Sets the subgradients at this staff."""
        groups, intervals = staff.shape
        probes, changes = [], []
        for g in range(groups):
            for parity in (0, 1):
                change = numpy.zeros_like(staff)
                change[g, parity::2] = numpy.where(staff[g, parity::2] > self.program.lower[g, parity::2], -1, 1)
                change = numpy.where(staff + change > self.program.upper, 0, change)
                changes.append(change)
                probes.append(staff + change)
        base = self._margins(measured).mean(axis=0)
        self.own = numpy.zeros((len(self.goals), groups, intervals))
        self.later = numpy.zeros_like(self.own)
        found = self.evaluator.measure(probes, self.numbers, "differences")
        for position, (change, probe) in enumerate(zip(changes, found, strict=True)):
            g = position // 2
            difference = self._margins(probe).mean(axis=0) - base
            here = change[g]
            before = numpy.concatenate([[0], here[:-1]])
            self.own[:, g] += numpy.where(here != 0, difference / numpy.where(here != 0, here, 1), 0)
            only_before = (before != 0) & (here == 0)
            self.later[:, g] += numpy.where(only_before, difference / numpy.where(before != 0, before, 1), 0)
        # One more agent never does harm but by chance.
        self.own, self.later = numpy.maximum(self.own, 0), numpy.maximum(self.later, 0)
        self._fill()

    def _fill(self) -> None:
        """Where the differences happen to tell of nobody who helps, those who can serve the queue are taken to."""
        for k, goal in enumerate(self.goals):
            able = [g for g, group in enumerate(self.place.groups) if not goal.queue or goal.queue in group.queues]
            nobody = self.own[k].max(axis=0) <= 0
            for g in able:
                self.own[k, g] = numpy.where(nobody, 0.05, self.own[k, g])

    def _cut(self, staff: Counts, measured: Measured) -> None:
        if not self.each_interval:
            margins = self._margins(measured).mean(axis=0).sum(axis=1)
            for k, row in enumerate(self.on_the_day):
                self.program.require(row, float((row * staff).sum() - margins[k]))
            return
        margins = self._allowing(measured)
        for k, i in zip(*numpy.nonzero(self.own.any(axis=1)), strict=True):
            row = numpy.zeros(staff.shape)
            row[:, i] = self.own[k, :, i]
            self.program.require(row, float((row * staff).sum() - margins[k, i]))

    def repaired(self, staff: Counts) -> Counts:
        """The staff with agents added until no goal is missed. Raises Unreachable when nobody is left to help."""
        for _ in range(MOST_REPAIRS):
            measured = self.evaluator.measure([staff], self.numbers, "adding agents")[0]
            missed = self.missed(measured)
            if not missed.any():
                return staff
            staff = self.with_help(staff, measured, missed)
        raise Unreachable(f"after {MOST_REPAIRS} times of adding agents goals are still missed")

    def with_help(self, staff: Counts, measured: Measured, missed: Bools) -> Counts:
        """More agents for each interval in which a goal is missed: who do most for it for the money, as many as the
        margin asks for by their subgradient, but at most `STEP`."""
        staff, margins = staff.copy(), self._margins(measured).mean(axis=0)
        value = self.own / self.program.costs[None]
        for k, i in zip(*numpy.nonzero(missed), strict=True):
            room = staff[:, i] < self.program.upper[:, i]
            helps = numpy.where(room, value[k, :, i], 0.0)
            g = int(numpy.argmax(helps))
            if helps[g] <= 0:
                words = self.goals[k].words
                who = "no group that could help may have more agents"
                raise Unreachable(f"{words} is missed at {self.place.starts[i]}, and {who}")
            more = int(numpy.clip(-margins[k, i] / self.own[k, g, i], 1, STEP))
            staff[g, i] = min(staff[g, i] + more, self.program.upper[g, i])
        return staff

    def _trim(self, staff: Counts) -> Counts:
        """Takes away whom no goal needs, the dearest groups first."""
        dearest = numpy.argsort(-self.program.costs[:, 0], kind="stable")
        for g in map(int, dearest):
            for parity in (0, 1):
                less = numpy.zeros_like(staff)
                less[g, parity::2] = staff[g, parity::2] > self.program.lower[g, parity::2]
                if not less.any():
                    continue
                tried = self.measure(staff - less, "who is not needed")
                if self.each_interval:
                    staff = staff - less * self._unharmed(tried)
                elif self.holds(tried):
                    staff = staff - less
                else:
                    staff = self._one_by_one(less, g, staff)
        return self.repaired(staff)

    def _exchanged(self, staff: Counts) -> Counts:
        """The staff after exchanges that save money."""
        tried: set[tuple[int, bytes]] = set()
        for _ in range(MOST_EXCHANGES):
            known = len(tried)
            for parity in (0, 1):
                moves = self._moves(staff, tried, parity)
                if not moves.any():
                    continue
                measured = self.measure(staff + moves, "exchanges")
                if self.each_interval:
                    staff = staff + moves * self._unharmed(measured)
                elif self.holds(measured):
                    staff = staff + moves
            if len(tried) == known:
                break
        return self.repaired(staff)

    def _unharmed(self, measured: Measured) -> Bools:
        """Intervals of which neither the goals of their own nor those of the next one are missed."""
        bad = (self._margins(measured).mean(axis=0) < -1e-9).any(axis=0)
        found: Bools = ~(bad | numpy.concatenate([bad[1:], [False]]))
        return found

    def _moves(self, staff: Counts, tried: set[tuple[int, bytes]], parity: int) -> Counts:
        """Of every second interval the exchange that saves most of those not tried there, whose loss by the
        subgradients is no more than what is left of the margin and a little doubt."""
        margins = self._margins(self.measure(staff, "exchanges")).mean(axis=0)
        moves = numpy.zeros_like(staff)
        for i in range(parity, staff.shape[1], 2):
            best, most = None, 1e-9
            for change in self._kinds_of_exchange(len(staff)):
                saved = -float(self.program.costs[:, i] @ change)
                there = staff[:, i] + change
                if saved <= most or (i, change.tobytes()) in tried:
                    continue
                if (there < self.program.lower[:, i]).any() or (there > self.program.upper[:, i]).any():
                    continue
                gained = self.own[:, :, i] @ change
                doubt = DOUBT * (self.own[:, :, i] @ numpy.abs(change))
                if (margins[:, i] + gained + doubt >= 0).all():
                    best, most = change, saved
            if best is not None:
                moves[:, i] = best
                tried.add((i, best.tobytes()))
        return moves

    def _kinds_of_exchange(self, groups: int) -> list[NDArray[numpy.int64]]:
        """One or two agents out, one or two others in."""
        sides = [tuple(side) for size in (1, 2) for side in combinations_with_replacement(range(groups), size)]
        found = []
        for out in sides:
            for into in sides:
                if not set(out) & set(into):
                    change = numpy.zeros(groups, dtype=numpy.int64)
                    numpy.subtract.at(change, list(out), 1)
                    numpy.add.at(change, list(into), 1)
                    found.append(change)
        return found

    def _one_by_one(self, less: Counts, g: int, staff: Counts) -> Counts:
        """Where the whole day counts: takes away the agent whom by the subgradients the goals miss least, again and
        again, until one must stay."""
        loss = self.own[:, g].max(axis=0) + numpy.where(less[g] > 0, 0, numpy.inf)
        for i in numpy.argsort(loss, kind="stable")[: int(less[g].sum())]:
            fewer = staff.copy()
            fewer[g, i] -= 1
            alone = self.measure(fewer, "who is not needed")
            if not self.holds(alone):
                return staff
            staff = fewer
        return staff

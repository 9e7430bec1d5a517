"""The start of the search: what the closed forms ask of every set of queues, and the cheapest staff that meets it.

The agents who can serve any queue of a set, the quick counting for more, must at least be as many as the set would need
if it were one queue served by them alone. For queues that share no agents this is the answer; for shared agents it is
where the simulation begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from simulations.erlang import Goals as ErlangGoals
from simulations.erlang import Unreachable
from simulations.erlang.numerics import Floats
from simulations.staffing.demand import Group, Work, Workplace, pooled
from simulations.staffing.goals import Goal
from simulations.time_varying import METHODS, Day

Counts = NDArray[numpy.int64]
"""Agents of each group (rows) in each interval (columns)."""

ALL_SETS_UP_TO = 6
"""With more queues only single ones, pairs and all of them are looked at."""
RARE = 0.001
"""So much dearer somebody who can never be there is taken to be."""
NEAR_ENOUGH, MOST_NODES = 0.005, 300
"""When the solver may stop: so near to the cheapest, as a share of its cost, or after so many branches. Not after some
time: the same day would be staffed otherwise on a busy machine."""


@dataclass(slots=True)
class Program:
    """A linear program over the counts, with rows `coefficients . counts >= least`."""

    costs: Floats
    lower: Counts
    upper: Counts
    rows: list[Floats] = field(default_factory=list)
    least: list[float] = field(default_factory=list)

    def require(self, coefficients: Floats, least: float) -> None:
        self.rows.append(coefficients.ravel())
        self.least.append(least)

    def solve(self, lower: Counts | None = None, upper: Counts | None = None) -> Counts | None:
        """The cheapest counts, by HiGHS; None when nothing meets all rows."""
        low = self.lower if lower is None else numpy.maximum(lower, self.lower)
        high = self.upper if upper is None else numpy.minimum(upper, self.upper)
        constraints = []
        if self.rows:
            constraints.append(LinearConstraint(csr_array(numpy.array(self.rows)), numpy.array(self.least), numpy.inf))
        # Of groups that cost the same, those who can be there longest: so fewer come and go.
        rare = 1 + RARE * (1 - (self.upper > 0).mean(axis=1, keepdims=True))
        found = milp(
            (self.costs * rare).ravel(),
            integrality=numpy.ones(self.costs.size),
            bounds=Bounds(low.ravel(), high.ravel()),
            constraints=constraints,
            options={"mip_rel_gap": NEAR_ENOUGH, "node_limit": MOST_NODES},
        )
        return None if found.x is None else numpy.rint(found.x).astype(numpy.int64).reshape(self.costs.shape)


def single_skilled(place: Workplace) -> bool:
    """Whether no two groups share a queue and no group has two."""
    served = [queue for group in place.groups for queue in group.queues]
    return len(served) == len(set(served)) == len(place.groups)


def required(
    place: Workplace, works: dict[str, Work], goals: Sequence[Goal], method: str
) -> list[tuple[frozenset[str], Floats]]:
    """For sets of queues the agents whom each interval needs of those who can serve any of them."""
    within = {queue.name: queue.goal.answered_within_ms / 1000 for queue in place.setting.policy.queues}
    names = list(works)
    sizes = range(1, len(names) + 1) if len(names) <= ALL_SETS_UP_TO else (1, 2, len(names))
    found = []
    for chosen in dict.fromkeys(some for size in sizes for some in combinations(names, size)):
        wanted = _goals_of_set(chosen, names, goals, within)
        if wanted.bounds:
            work = pooled([works[name] for name in chosen])
            day = Day.of(work.contacts, place.interval_s, work.aht_s, work.patience_s)
            found.append((frozenset(chosen), METHODS[method](day, wanted)))
    return found


def _goals_of_set(
    chosen: Sequence[str], names: Sequence[str], goals: Sequence[Goal], within: dict[str, float]
) -> ErlangGoals:
    """The mildest of the goals of the queues, where all of them have one; all queues together have their own too."""
    bounds: dict[str, list[float]] = {}
    for metric in ("service_level", "asa", "abandon"):
        of_each = [[goal.bound for goal in goals if goal.queue == name and goal.metric == metric] for name in chosen]
        if all(of_each):
            mildest = min if metric == "service_level" else max
            bounds[metric] = [mildest(bound for each in of_each for bound in each)]
    if set(chosen) == set(names):
        for goal in goals:
            if not goal.queue:
                bounds.setdefault(goal.metric, []).append(goal.bound)
    return ErlangGoals(
        service_level=max(bounds["service_level"]) if "service_level" in bounds else None,
        within_s=max(within[name] for name in chosen),
        asa_s=min(bounds["asa"]) if "asa" in bounds else None,
        abandon=min(bounds["abandon"]) if "abandon" in bounds else None,
        occupancy=min(bounds["occupancy"]) if "occupancy" in bounds else None,
    )


def first_program(
    place: Workplace,
    works: dict[str, Work],
    goals: Sequence[Goal],
    method: str,
    hourly: Sequence[float],
    limits: Sequence[tuple[int, int | None]],
) -> Program:
    """The program with the rows of the closed forms. Raises Unreachable, in words, when the groups cannot do it."""
    needs = required(place, works, goals, method)
    shape = (len(place.groups), place.intervals)
    most = max((need.max() for _, need in needs), default=0)
    lower, upper = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
    for g, (group, (least, highest)) in enumerate(zip(place.groups, limits, strict=True)):
        there = numpy.array(group.available)
        lower[g] = numpy.where(there, least, 0)
        ample = int(2 * most * max(1, group.worker.handle_time_factor)) + 10
        upper[g] = numpy.where(there, ample if highest is None else highest, 0)
    costs = numpy.repeat(numpy.array(hourly)[:, None] * place.interval_s / 3600, place.intervals, axis=1)
    program = Program(costs, lower, upper)
    for queues, need in needs:
        worth = numpy.array([_worth(group, queues) for group in place.groups])
        _check_reach(place, queues, need, worth, upper)
        for i in numpy.flatnonzero(need):
            row = numpy.zeros(shape)
            row[:, i] = worth
            program.require(row, float(need[i]))
    return program


def _worth(group: Group, queues: frozenset[str]) -> float:
    """For how many agents of middling pace one of the group stands who serves the best of the queues for it."""
    return max((1 / group.worker.factor("", queue) for queue in group.queues & queues), default=0.0)


def _off(place: Workplace, able: NDArray[numpy.bool_], interval: int) -> str:
    """Who could serve them and is off then."""
    groups = [group for group, can in zip(place.groups, able, strict=True) if can]
    off = ", ".join(group.name for group in groups if not group.available[interval])
    return f"; by their shifts {off} are not there then" if off else ""


def _check_reach(place: Workplace, queues: frozenset[str], need: Floats, worth: Floats, upper: Counts) -> None:
    able = worth > 0
    short = numpy.flatnonzero(need > worth @ upper)
    if len(short):
        i = int(short[0])
        words = ", ".join(sorted(queues))
        who = ", ".join(group.name for group, can in zip(place.groups, able, strict=True) if can) or "no group"
        raise Unreachable(
            f"{words} need {need[i]:.0f} agents at {place.starts[i]}, but of those who can serve them ({who}) there "
            f"are at most {upper[able, i].sum()}{_off(place, able, i)}"
        )

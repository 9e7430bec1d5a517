"""The staff that is advised, and what is known of it: the one source of the table, the report and the JSON."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import msgspec
import numpy

from simulations.erlang.numerics import Floats
from simulations.money import wage_of
from simulations.places import Place, PlaceLost
from simulations.replications import replicate
from simulations.scenario import Scenario
from simulations.staffing.demand import Group, Workplace, demand
from simulations.staffing.evaluation import Evaluator, Measured, Progress, Simulate
from simulations.staffing.goals import Goal
from simulations.staffing.plan import Limits, StaffPlan
from simulations.staffing.requirements import Counts, first_program, single_skilled
from simulations.staffing.search import MOST_EXCHANGES, MOST_ROUNDS, Removal, Search

Verdict = Literal["met", "open", "missed"]
"""`met` and `missed` are sure: all of an answer's verdicts hold together at the stated confidence (see
`Measured.levels`). `open` is what the replications cannot tell."""
LEAST_SEARCH_DAYS, MOST_SEARCH_DAYS = 5, 40
MOST_PROOFS = 3


def search_days(scenario: Scenario) -> int:
    """The days that the search looks at: half as many as prove the answer. With too few it finds the staff that is
    right for their luck, and other days miss the goals (docs/design-notes.md has the figures)."""
    return min(MOST_SEARCH_DAYS, max(LEAST_SEARCH_DAYS, scenario.replications // 2))


class Checked(msgspec.Struct, frozen=True):
    """A goal over some time. `value` is None where nothing was offered; `low` and `high` bound the margin, in contacts
    (or hours of agents), which is at least 0 where the goal holds. The bounds of all goals hold together."""

    goal: str
    value: float | None
    low: float
    high: float
    verdict: Verdict


class Cheaper(msgspec.Struct, frozen=True):
    """A cheaper staff that was simulated: one agent of `group` less at `start`, and what it then misses."""

    group: str
    start: str
    saves: float
    goal: str
    missed_at: str
    value: float
    shown: str


class StaffAnswer(msgspec.Struct, frozen=True):
    """`counts[group]` are the agents there in each interval; `checks[i]` the goals in interval i."""

    scenario: str
    method: str
    seed: int
    starts: tuple[str, ...]
    interval_minutes: float
    counts: dict[str, tuple[int, ...]]
    agent_hours: dict[str, float]
    paid_hours: dict[str, float]
    currency: str
    cost: float
    first_cost: float
    each: str
    confidence: float
    replications: int
    simulated_days: int
    day: tuple[Checked, ...]
    checks: tuple[tuple[Checked, ...], ...]
    cheaper: tuple[Cheaper, ...]
    ended: str = ""
    """Why it ended early (`interrupted`, or which place was lost): this is then the cheapest staff that met the goals
    in the replications that the search had looked at, and nothing is proved."""

    @property
    def verdict(self) -> Verdict:
        """Of all goals that were set."""
        if self.ended:
            return "open"
        of_day = [check.verdict for check in self.day]
        found = [check.verdict for row in self.checks for check in row] if self.each == "interval" else of_day
        if "missed" in found or "missed" in of_day:
            return "missed"
        return "met" if all(verdict == "met" for verdict in of_day) else "open"


def find_staff(
    place: Workplace,
    plan: StaffPlan,
    where: Place,
    progress: Progress,
    method: str | None = None,
    simulate: Simulate = replicate,
) -> StaffAnswer:
    """The least cost of agents that meets the plan's goals. The search looks at replications of its own; the answer is
    proved with as many others as the scenario says, and if these say that a goal is missed beyond doubt, agents are
    added and others again are asked.

    Raises Unreachable when no staff within the limits meets the goals. Ctrl-C, or a place that is lost, ends it with
    the best staff so far (see `StaffAnswer.ended`), or goes on as it is where there is none yet.
    """
    scenario = place.setting.scenario
    goals = goals_of(place, plan)
    method = method or ("isa" if single_skilled(place) else "lagged")
    program = first_program(place, demand(place), goals, method, *prices_and_limits(place, plan))
    first = program.solve()
    evaluator = Evaluator(place, goals, where, progress, simulate)
    search = Search(evaluator, program, plan.goals.each == "interval", range(search_days(scenario)))
    try:
        staff, measured, ended = *_proved(search, scenario), ""
    except (KeyboardInterrupt, PlaceLost) as error:
        if search.best is None:
            raise
        ended = str(error) or "interrupted"
        staff, measured = search.best, evaluator.known[search.best.tobytes(), search.numbers]
    assert first is not None
    return _answer(place, plan, method, staff, search, first, measured, ended)


def _proved(search: Search, scenario: Scenario) -> tuple[Counts, Measured]:
    """The staff that the search finds, and what other days say of it."""
    staff = search.run()
    for proof in range(MOST_PROOFS):
        begin = search_days(scenario) + proof * scenario.replications
        numbers = range(begin, begin + scenario.replications)
        measured = search.evaluator.measure([staff], numbers, "proof")[0]
        if proof == MOST_PROOFS - 1 or not search.surely_missed(measured, scenario.confidence).any():
            break
        staff = search.repaired(staff, numbers, scenario.confidence)
    return staff, measured


def simulated_days(place: Workplace) -> int:
    """About how many days `find_staff` simulates: the first staff and one for each round, four a group for the
    differences and for who is not needed, two a round of exchanges, and the proof."""
    staffs = 1 + MOST_ROUNDS + 4 * len(place.groups) + 2 * MOST_EXCHANGES
    return search_days(place.setting.scenario) * staffs + place.setting.scenario.replications


def goals_of(place: Workplace, plan: StaffPlan) -> tuple[Goal, ...]:
    return plan.goals_of({q.name: q.goal.share for q in place.setting.policy.queues if q.channel == "voice"})


def prices_and_limits(place: Workplace, plan: StaffPlan) -> tuple[list[float], list[tuple[int, int | None]]]:
    """What an hour of each group costs, and the fewest and most of its agents."""
    limits = [plan.groups.get(group.name, Limits()) for group in place.groups]
    wages = [hourly_wage(place, group) for group in place.groups]
    return [wage / (1 - plan.shrinkage) for wage in wages], [(each.least, each.most) for each in limits]


def hourly_wage(place: Workplace, group: Group) -> float:
    """By the scenario's `money`; where that says nothing every hour costs 1."""
    money = place.setting.scenario.money
    if money is None:
        return 1.0
    return wage_of(money, place.setting.policy, group.worker.name, group.name) or 1.0


def _answer(
    place: Workplace,
    plan: StaffPlan,
    method: str,
    staff: Counts,
    search: Search,
    first: Counts,
    measured: Measured,
    ended: str,
) -> StaffAnswer:
    scenario = place.setting.scenario
    hours = {g.name: float(row.sum()) * place.interval_s / 3600 for g, row in zip(place.groups, staff, strict=True)}
    level_of_day, level = measured.levels(scenario.confidence, plan.goals.each == "interval")
    of_day = _checked(measured.goals, measured.day_values(), *measured.day(level_of_day))
    mean, half = measured.intervals(level)
    values = measured.values()
    starts = interval_starts(scenario)
    return StaffAnswer(
        scenario=scenario.name,
        method=method,
        seed=scenario.seed,
        starts=starts,
        interval_minutes=scenario.interval_minutes,
        counts={g.name: tuple(map(int, row)) for g, row in zip(place.groups, staff, strict=True)},
        agent_hours=hours,
        paid_hours={name: there / (1 - plan.shrinkage) for name, there in hours.items()},
        currency="" if scenario.money is None else scenario.money.currency,
        cost=search.cost(staff),
        first_cost=search.cost(first),
        each=plan.goals.each,
        confidence=scenario.confidence,
        replications=len(measured.numerators),
        simulated_days=search.evaluator.days,
        day=of_day,
        checks=tuple(_checked(measured.goals, values[:, i], mean[:, i], half[:, i]) for i in range(place.intervals)),
        cheaper=() if ended else _cheaper(place, search, staff, starts),
        ended=ended,
    )


def interval_starts(scenario: Scenario) -> tuple[str, ...]:
    """The wall clock at the beginning of each interval."""
    step = timedelta(minutes=scenario.interval_minutes)
    return tuple(f"{scenario.started + i * step:%H:%M}" for i in range(scenario.intervals))


def _checked(goals: Sequence[Goal], values: Floats, mean: Floats, half: Floats) -> tuple[Checked, ...]:
    found = []
    for goal, value, middle, error in zip(goals, values, mean, half, strict=True):
        known = not numpy.isnan(value)
        verdict: Verdict = "met" if middle - error >= 0 or not known else "missed" if middle + error < 0 else "open"
        shown = float(value) if known else None
        found.append(Checked(goal.words, shown, float(middle - error), float(middle + error), verdict))
    return tuple(found)


def _cheaper(place: Workplace, search: Search, staff: Counts, starts: tuple[str, ...]) -> tuple[Cheaper, ...]:
    """Those whom the goals miss least, of each group the one that comes nearest."""
    nearest: dict[int, Removal] = {}
    for removal in search.removals:
        if staff[removal.group, removal.interval]:
            other = nearest.get(removal.group)
            if other is None or _short_by(search, removal) < _short_by(search, other):
                nearest[removal.group] = removal
    return tuple(
        Cheaper(
            group=place.groups[removal.group].name,
            start=starts[removal.interval],
            saves=float(search.program.costs[removal.group, removal.interval]),
            goal=search.goals[removal.goal].words,
            missed_at="" if removal.at is None else starts[removal.at],
            value=removal.value,
            shown=search.goals[removal.goal].shown(removal.value),
        )
        for removal in sorted(nearest.values(), key=lambda each: search.program.costs[each.group, each.interval])
    )


def _short_by(search: Search, removal: Removal) -> float:
    """How far the metric is from its bound, as a share of it."""
    goal = search.goals[removal.goal]
    return abs(removal.value - goal.bound) / goal.bound

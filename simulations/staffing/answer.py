"""The staff that is advised, and what is known of it: the one source of the table, the report and the JSON."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy

from simulations.money import wage_of
from simulations.places import Place, PlaceLost
from simulations.replications import replicate
from simulations.scenario import Scenario
from simulations.staffing.cheaper import Removal, thrifty
from simulations.staffing.demand import Group, Workplace, demand
from simulations.staffing.evaluation import Evaluator, Known, Progress, Simulate
from simulations.staffing.goals import Goal
from simulations.staffing.plan import Limits, StaffPlan
from simulations.staffing.proof import MOST_DAYS, Look, Proof, look_days
from simulations.staffing.requirements import first_program, single_skilled
from simulations.staffing.search import MOST_EXCHANGES, MOST_ROUNDS, Search

Verdict = Literal["met", "open", "missed"]
"""`met` and `missed` are sure: all of an answer's verdicts hold together at the stated confidence (see
`simulations.staffing.proof`). `open` is what the days cannot tell."""
LEAST_SEARCH_DAYS, MOST_SEARCH_DAYS = 10, 80


def search_days(scenario: Scenario) -> int:
    """The days that the search looks at: twice as many as the first look of the proof. With too few it finds the staff
    that is right for their luck, and other days miss the goals (docs/design-notes.md has the figures)."""
    return min(MOST_SEARCH_DAYS, max(LEAST_SEARCH_DAYS, 2 * scenario.replications))


class Checked(msgspec.Struct, frozen=True):
    """A goal over some time: the metric's `value` (None where nothing was offered), and between which bounds it lies.
    The verdict is told by them, and those of all goals hold together."""

    goal: str
    bound: float
    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    shown: str
    """The value for people."""
    at_worst: str = ""
    """How bad it may be, for people: `at least 78.9 %`."""
    between: str = ""
    """`low` and `high` for people: `78.9 to 82.1 %`."""

    @property
    def risk(self) -> float:
        """How far it may miss the goal, as a share of the bound; not above 0 where it is surely met."""
        if self.low is None or self.high is None:
            return 0.0
        return (self.bound - self.low if self.at_worst.startswith("at least") else self.high - self.bound) / self.bound


class Cheaper(msgspec.Struct, frozen=True):
    """A cheaper staff that was simulated: one agent of `group` less at `start`, and the goal that it then keeps least,
    by the metric's `value` and its interval, each by itself at the answer's confidence. `verdict` is `missed`, or
    `open` where the days cannot tell, or `met` where only the last of them told that nothing is missed."""

    group: str
    start: str
    saves: float
    goal: str
    missed_at: str
    value: float
    low: float
    high: float
    verdict: Verdict
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
    """The days by which the goals were judged."""
    most_days: int
    """And those after which it would have ended, whatever they could tell."""
    proved: bool
    """Whether the search had not seen these days."""
    simulated_days: int
    day: tuple[Checked, ...]
    checks: tuple[tuple[Checked, ...], ...]
    cheaper: tuple[Cheaper, ...]
    ended: str = ""
    """Why it ended early (`interrupted`, or which place was lost). Before the proof this is then the cheapest staff
    that met the goals in the days that the search had looked at, and nothing is proved."""

    @property
    def verdicts(self) -> list[Verdict]:
        """Of all goals that were set, over the whole time first."""
        judged = [self.day, *(self.checks if self.each == "interval" else ())]
        return [check.verdict for row in judged for check in row]

    @property
    def verdict(self) -> Verdict:
        """Of all of them together."""
        found = set(self.verdicts)
        return "missed" if "missed" in found else "open" if "open" in found else "met"


def find_staff(
    place: Workplace,
    plan: StaffPlan,
    where: Place,
    progress: Progress,
    method: str | None = None,
    simulate: Simulate = replicate,
    most_days: int = MOST_DAYS,
) -> StaffAnswer:
    """The least cost of agents that meets the plan's goals. The search looks at days of its own; the answer is proved
    by others, by as many as it takes to tell but no more than `most_days` (`simulations.staffing.proof`).

    Raises Unreachable when no staff within the limits meets the goals. Ctrl-C, or a place that is lost, ends it with
    the best staff so far (see `StaffAnswer.ended`), or goes on as it is where there is none yet.
    """
    scenario = place.setting.scenario
    goals = goals_of(place, plan)
    method = method or ("isa" if single_skilled(place) else "lagged")
    program = first_program(place, demand(place), goals, method, *prices_and_limits(place, plan))
    first = program.solve()
    evaluator = Evaluator(place, goals, where, progress, simulate)
    numbers = range(search_days(scenario))
    search = Search(evaluator, program, plan.goals.each == "interval", numbers)
    proof = Proof(search, scenario.confidence, look_days(scenario.replications, most_days), numbers.stop)
    removals: list[Removal] = []
    ended = ""
    try:
        look, removals = thrifty(search, proof, search.run())
    except (KeyboardInterrupt, PlaceLost) as error:
        if search.best is None:
            raise
        ended = str(error) or "interrupted"
        seen = evaluator.known[search.best.tobytes(), numbers]
        look = proof.last or Look(search.best, numbers, seen, scenario.confidence, search.each_interval)
    assert first is not None
    return _answer(place, plan, method, proof, look, removals, search.cost(first), ended)


def simulated_days(place: Workplace, most_days: int = MOST_DAYS) -> int:
    """About how many days `find_staff` simulates: the first staff and one for each round, four a group for the
    differences and for who is not needed, two a round of exchanges, and the proof."""
    staffs = 1 + MOST_ROUNDS + 4 * len(place.groups) + 2 * MOST_EXCHANGES
    return search_days(place.setting.scenario) * staffs + most_days


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
    proof: Proof,
    look: Look,
    removals: Sequence[Removal],
    first_cost: float,
    ended: str,
) -> StaffAnswer:
    scenario, search = place.setting.scenario, proof.search
    goals, staff, proved = search.goals, look.staff, look is proof.last
    hours = {g.name: float(row.sum()) * place.interval_s / 3600 for g, row in zip(place.groups, staff, strict=True)}
    starts = place.starts
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
        first_cost=first_cost,
        each=plan.goals.each,
        confidence=scenario.confidence,
        replications=len(look.days),
        most_days=proof.looks[-1],
        proved=proved,
        simulated_days=search.evaluator.days,
        day=_checked(goals, look.day, proved),
        checks=tuple(_checked(goals, look.intervals.column(i), proved) for i in range(place.intervals)),
        cheaper=tuple(_cheaper(place, search, removal, starts) for removal in removals),
        ended=ended,
    )


def _checked(goals: Sequence[Goal], known: Known, proved: bool) -> tuple[Checked, ...]:
    found = []
    for k, goal in enumerate(goals):
        value, half = float(known.values[k]), float(known.half[k])
        shown = goal.shown(None if numpy.isnan(value) else value)
        if numpy.isnan(value):
            found.append(Checked(goal.words, goal.bound, None, None, None, "met" if proved else "open", shown))
            continue
        low, high = goal.between(value, half)
        verdict: Verdict = "missed" if known.missed[k] else "open" if known.open[k] else "met"
        worst = f"at least {goal.shown(low)}" if goal.at_least else f"at most {goal.shown(high)}"
        verdict = verdict if proved else "open"
        between = goal.span(low, high)
        found.append(Checked(goal.words, goal.bound, value, low, high, verdict, shown, worst, between))
    return tuple(found)


def _cheaper(place: Workplace, search: Search, removal: Removal, starts: tuple[str, ...]) -> Cheaper:
    goal = search.goals[removal.goal]
    low, high = goal.between(removal.value, removal.half)
    return Cheaper(
        group=place.groups[removal.group].name,
        start=starts[removal.interval],
        saves=float(search.program.costs[removal.group, removal.interval]),
        goal=goal.words,
        missed_at="" if removal.at is None else starts[removal.at],
        value=removal.value,
        low=low,
        high=high,
        verdict="missed" if removal.missed else "met" if removal.spared else "open",
        shown=f"{goal.shown(removal.value)} ({goal.span(low, high)})",
    )

"""What a promise costs: the frontier of cost against the hold-time target.

For every service level and every number of seconds the staff is found anew, from the closed forms and corrected by
simulation with the same replications for all points, so neighbouring points differ by what is promised and not by luck.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy

from simulations.erlang import Unreachable
from simulations.erlang.numerics import Floats
from simulations.places import Place, PlaceLost
from simulations.replications import replicate
from simulations.staffing.answer import goals_of, prices_and_limits
from simulations.staffing.demand import Workplace, demand
from simulations.staffing.evaluation import Evaluator, Measured, Progress, Simulate
from simulations.staffing.goals import Goal
from simulations.staffing.plan import StaffPlan
from simulations.staffing.requirements import Counts, first_program, single_skilled
from simulations.staffing.search import Search


class Point(msgspec.Struct, frozen=True):
    """One promise: `share` answered within `within_s`. What it takes (cost, hours of agents by group, the agents of
    each interval) and what callers then meet; None: no staff within the limits keeps it, for the reason."""

    share: float
    within_s: float
    cost: float | None
    agent_hours: dict[str, float]
    agents: tuple[int, ...]
    service_level: float | None
    asa_s: float | None
    abandon: float | None
    occupancy: float | None
    knee: bool = False
    reason: str = ""


class Frontier(msgspec.Struct, frozen=True):
    """Points by share and then by seconds. The knee of a share is the promise after which a second less costs most."""

    scenario: str
    currency: str
    each: str
    """Whether promises hold in every `interval`, or over the whole `day`."""
    replications: int
    seed: int
    starts: tuple[str, ...]
    points: tuple[Point, ...]
    ended: str = ""
    """Why it ended early (`interrupted`, or which place was lost), without the points of `missing` (share, seconds)."""
    missing: tuple[tuple[float, float], ...] = ()


_SHOWN = (
    Goal("", "service_level", 0.8),
    Goal("", "asa", 20.0),
    Goal("", "abandon", 0.05),
    Goal("", "occupancy", 0.9),
)


def find_frontier(
    place: Workplace,
    plan: StaffPlan,
    shares: Sequence[float],
    seconds: Sequence[float],
    where: Place,
    progress: Progress,
    simulate: Simulate = replicate,
) -> Frontier:
    """A point for each of the `shares` (of every queue that has such a goal, or of all queues together) within each of
    the `seconds`. The other goals of the plan hold, too. Ctrl-C, or a place that is lost, ends it with the points that
    are there, or goes on as it is where there is none yet."""
    scenario = place.setting.scenario
    wanted = [(share, within) for share in shares for within in sorted(seconds)]
    found: list[Point] = []
    staff: Counts | None = None
    ended = ""
    try:
        for share, within in wanted:
            shorter = staff if found and found[-1].share == share else None
            point, staff = _point(place, plan, share, within, shorter, where, progress, simulate)
            found.append(point)
    except (KeyboardInterrupt, PlaceLost) as error:
        if not found:
            raise
        ended = str(error) or "interrupted"
    points: list[Point] = []
    for share in shares:
        row = [point for point in found if point.share == share]
        points += _with_knee(row) if len(row) == len(seconds) else row
    return Frontier(
        scenario=scenario.name,
        currency="" if scenario.money is None else scenario.money.currency,
        each=plan.goals.each,
        replications=scenario.replications,
        seed=scenario.seed,
        starts=place.starts,
        points=tuple(points),
        ended=ended,
        missing=tuple(wanted[len(found) :]),
    )


def _point(
    place: Workplace,
    plan: StaffPlan,
    share: float,
    within_s: float,
    shorter: Counts | None,
    where: Place,
    progress: Progress,
    simulate: Simulate,
) -> tuple[Point, Counts | None]:
    """The point and its staff; `shorter` is the staff of a shorter promise, which keeps this one, too."""
    promised = _promising(place, within_s)
    goals = tuple(
        msgspec.structs.replace(goal, bound=share) if goal.metric == "service_level" else goal
        for goal in goals_of(promised, plan)
    )
    if not any(goal.metric == "service_level" for goal in goals):
        goals = (*goals, Goal("", "service_level", share))
    method = "isa" if single_skilled(place) else "lagged"
    numbers = range(place.setting.scenario.replications)
    evaluator = Evaluator(promised, (*goals, *_SHOWN), where, progress, simulate)
    try:
        program = first_program(promised, demand(promised), goals, method, *prices_and_limits(place, plan))
        search = Search(evaluator, program, plan.goals.each == "interval", numbers, judged=len(goals))
        staff = search.corrected()
    except Unreachable as error:
        return Point(share, within_s, None, {}, (), None, None, None, None, reason=str(error)), None
    if shorter is not None and search.cost(shorter) < search.cost(staff):
        staff = shorter
    measured = evaluator.measure([staff], numbers, "frontier")[0]
    hours = {g.name: float(row.sum()) * place.interval_s / 3600 for g, row in zip(place.groups, staff, strict=True)}
    level, asa, abandon, occupancy = _last(measured, len(_SHOWN))
    agents = tuple(map(int, staff.sum(axis=0)))
    return Point(share, within_s, search.cost(staff), hours, agents, level, asa, abandon, occupancy), staff


def _last(measured: Measured, count: int) -> list[float | None]:
    return [None if numpy.isnan(value) else float(value) for value in measured.day_values()[-count:]]


def _promising(place: Workplace, within_s: float) -> Workplace:
    """The workplace whose queues promise an answer within so many seconds."""
    policy = place.setting.policy
    queues = tuple(
        msgspec.structs.replace(
            queue, goal=msgspec.structs.replace(queue.goal, answered_within_ms=round(within_s * 1000))
        )
        for queue in policy.queues
    )
    policy = msgspec.structs.replace(policy, queues=queues)
    return replace(place, setting=replace(place.setting, centre=replace(place.setting.centre, policy=policy)))


def _with_knee(row: Sequence[Point]) -> list[Point]:
    """The row with its knee marked."""
    known = [position for position, point in enumerate(row) if point.cost is not None]
    marked = list(row)
    costs = [row[position].cost or 0.0 for position in known]
    found = knee(numpy.array([row[position].within_s for position in known]), numpy.array(costs))
    if found is not None:
        marked[known[found]] = msgspec.structs.replace(row[known[found]], knee=True)
    return marked


def knee(seconds: Floats, costs: Floats) -> int | None:
    """Where a falling curve bends most: the point farthest below the line from its first to its last point, both axes
    scaled to 1 (V. Satopaa et al., "Finding a 'Kneedle' in a haystack", 2011). None for fewer than three points, or
    where the curve nowhere lies below that line."""
    if len(seconds) < 3 or costs[0] <= costs[-1]:
        return None
    across = (seconds - seconds[0]) / (seconds[-1] - seconds[0])
    down = (costs[0] - costs) / (costs[0] - costs[-1])
    below = down - across
    best = int(numpy.argmax(below))
    return best if below[best] > 1e-9 else None

"""What a planner asks of the staff: goals and limits, as a typed document beside the scenario.

The scenario says who calls, which groups of agents there are and what they cost; the plan says what must hold.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from documents import DocumentError, Problem, Source, nearest, read, validate, why
from simulations.distributions.base import Positive
from simulations.fields import Model
from simulations.staffing.goals import Goal, Metric

Inner = Annotated[float, Field(gt=0, lt=1)]
"""A share that is neither nothing nor all: no staff can promise either."""


class QueueGoals(Model):
    """`service_level`: the least share answered within the queue's `answered_within_s`; `asa_s`: the longest mean wait
    of those answered; `abandon`: the largest share abandoned, short abandons apart."""

    service_level: Inner | None = None
    asa_s: Positive | None = None
    abandon: Inner | None = None


class Goals(Model):
    """Goals by queue and of all queues together (`overall`), and the highest `occupancy` of all agents.

    `each`: whether they hold in every interval, or only over the whole time. Without any goal, each queue's own
    `share` within its `answered_within_s`.
    """

    each: Literal["interval", "day"] = "interval"
    overall: QueueGoals = QueueGoals()
    queues: dict[str, QueueGoals] = Field(default_factory=dict)
    occupancy: Inner | None = None


class Limits(Model):
    """The fewest and most agents of a group in any interval."""

    least: Annotated[int, Field(ge=0)] = 0
    most: Annotated[int, Field(ge=0)] | None = None


class StaffPlan(Model):
    """Goals, limits by group, and the `shrinkage`: the share of paid time in which an agent is not there. What an hour
    costs is the scenario's `money`; without it every hour counts the same."""

    goals: Goals = Goals()
    shrinkage: Annotated[float, Field(ge=0, lt=1)] = 0.0
    groups: dict[str, Limits] = Field(default_factory=dict)

    def goals_of(self, own: dict[str, float]) -> tuple[Goal, ...]:
        """All goals; `own` are the queues with the shares of their own goals, for a plan without any."""
        found = [goal for queue, goals in self.goals.queues.items() for goal in _of_queue(queue, goals)]
        found += _of_queue("", self.goals.overall)
        if self.goals.occupancy is not None:
            found.append(Goal("", "occupancy", self.goals.occupancy))
        if not found:
            found = [Goal(queue, "service_level", share) for queue, share in own.items()]
        return tuple(found)


def _of_queue(queue: str, goals: QueueGoals) -> list[Goal]:
    given: tuple[tuple[Metric, float | None], ...] = (
        ("service_level", goals.service_level),
        ("asa", goals.asa_s),
        ("abandon", goals.abandon),
    )
    return [Goal(queue, metric, value) for metric, value in given if value is not None]


def read_plan(path: Path) -> tuple[Source, StaffPlan]:
    """The plan in the file `path`. Raises DocumentError with every problem and its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError([Problem(f"the plan cannot be read: {why(error)}", str(path))]) from None
    source = read(text, str(path))
    return source, validate(source, StaffPlan)


def check_plan(source: Source, plan: StaffPlan, queues: dict[str, float], groups: list[str]) -> None:
    """Raises DocumentError for queues and groups that the scenario does not have."""
    problems = [
        source.problem(("goals", "queues", name), f"there is no queue {name!r}", nearest(name, queues))
        for name in plan.goals.queues
        if name not in queues
    ]
    problems += [
        source.problem(("groups", name), f"the scenario's staff has no group {name!r}", nearest(name, groups))
        for name in plan.groups
        if name not in groups
    ]
    problems += [
        source.problem(("groups", name), f"'least' ({limits.least}) is above 'most' ({limits.most})")
        for name, limits in plan.groups.items()
        if limits.most is not None and limits.least > limits.most
    ]
    if problems:
        raise DocumentError(problems)

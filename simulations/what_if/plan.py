"""The what-if file: which scenario, what to change, and what to decide by."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from documents import DocumentError, Problem, Source, nearest, read, validate, why
from simulations.fields import Level, Model
from simulations.what_if.changes import AnyChange
from simulations.what_if.figures import FIGURES, MONEY

MOST_VARIANTS = 200


def _some(steps: tuple[AnyChange, ...]) -> tuple[AnyChange, ...]:
    if not steps:
        raise ValueError("the change is empty; give it at least one step")
    return steps


Changes = Annotated[tuple[AnyChange, ...], AfterValidator(_some)]


class DecideBy(Model):
    """The figure by which changes are judged: of all queues, or of one `queue`."""

    figure: str = "service_level_share"
    queue: str | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        good = [name for name, figure in FIGURES.items() if figure.better]
        if self.figure not in good:
            raise ValueError(f"nothing is decided by {self.figure!r} ({nearest(self.figure, good)})")
        if self.queue is not None and self.figure in MONEY:
            raise ValueError("money is not reckoned by queue")
        return self


class CrossTraining(Model):
    """Tries every pair of somebody and a skill: one agent of each of the `groups` (of the scenario's staff) and each of
    the `agents` (of the centre), all who work when neither is given, with each of the `skills`, learnt up to `level`.
    Who has a skill at that level or above does not learn it."""

    groups: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    level: Level = 5


class Plan(Model):
    """Named changes to a scenario, each made of one step or several, and beside them who should learn which skill.

    `scenario` is a file, seen from this one. `replications`, `seed` and `confidence` stand above those of the scenario.
    """

    name: str
    scenario: str | None = None
    replications: Annotated[int, Field(ge=2, le=100_000)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    confidence: Annotated[float, Field(gt=0, lt=1)] | None = None
    decide_by: DecideBy = DecideBy()
    changes: dict[str, Changes] = {}
    cross_training: CrossTraining | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes and self.cross_training is None:
            raise ValueError("there is nothing to compare: give 'changes', 'cross_training' or both")
        if len(self.changes) > MOST_VARIANTS:
            raise ValueError(f"there are {len(self.changes)} changes; at most {MOST_VARIANTS} are compared at once")
        return self


def read_plan(path: Path) -> tuple[Source, Plan]:
    """The what-if file. Raises DocumentError with every problem and its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError([Problem(f"the what-if file cannot be read: {why(error)}", str(path))]) from None
    source = read(text, str(path))
    return source, validate(source, Plan)

"""Another step of a queue: who may take its contacts from some moment on."""

from typing import ClassVar, Self

from pydantic import model_validator

from documents import nearest
from simulations.distributions.base import Positive
from simulations.fields import Level
from simulations.what_if.changes.base import Change
from simulations.what_if.documents import ChangeError, Documents


class Step(Change):
    """The queue's step, by its name or its place from 0: when it ends (`after_s`), and whom it asks for (`skills`,
    `where`). What is left out stays. In a scenario that stands alone `after_s` is the age from which it holds."""

    name: ClassVar[str] = "step"
    example: ClassVar[str] = "{step: {queue: software, step: those who know it well, after_s: 15}}"

    queue: str
    step: str | int
    after_s: Positive | None = None
    skills: dict[str, Level] | None = None
    where: str | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.after_s is None and self.skills is None and self.where is None:
            raise ValueError("give 'after_s', 'skills' or 'where'")
        return self

    def apply(self, documents: Documents) -> None:
        steps = documents.queue(self.queue).get("steps") or []
        names = [str(step.get("name", "")) for step in steps]
        if self.step in names:
            place = names.index(str(self.step))
        elif isinstance(self.step, int) and 0 <= self.step < len(steps):
            place = self.step
        else:
            few = (
                f"it has {len(steps)} without names, from 0"
                if steps
                else "it has none: its 'skills' are all it asks for"
            )
            hint = nearest(self.step, filter(None, names)) if any(names) else few
            raise ChangeError(f"the queue {self.queue!r} has no step {self.step!r}", hint, "step")
        step = steps[place]
        if self.after_s is not None:
            timed = step.setdefault("until", {}) if documents.staff_file else step
            timed["after_s"] = self.after_s
        for field in ("skills", "where"):
            if (value := getattr(self, field)) is not None:
                step[field] = value

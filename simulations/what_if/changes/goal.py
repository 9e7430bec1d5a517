"""Another promise to callers."""

from typing import ClassVar, Self

from pydantic import model_validator

from simulations.distributions.base import NotNegative
from simulations.fields import Share
from simulations.what_if.changes.base import Change
from simulations.what_if.documents import Documents


class Goal(Change):
    """The queue's service goal: the `share` to be answered within `answered_within_s`. What is left out stays."""

    name: ClassVar[str] = "goal"
    example: ClassVar[str] = "{goal: {queue: sales, answered_within_s: 30}}"

    queue: str
    answered_within_s: NotNegative | None = None
    share: Share | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.answered_within_s is None and self.share is None:
            raise ValueError("give 'answered_within_s', 'share' or both")
        return self

    def apply(self, documents: Documents) -> None:
        queue = documents.queue(self.queue)
        place = queue if not documents.staff_file else queue.setdefault("goal", {})
        for field in ("answered_within_s", "share"):
            if (value := getattr(self, field)) is not None:
                place[field] = value

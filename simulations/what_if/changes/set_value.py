"""Any value of any document."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from simulations.what_if.changes.base import Change
from simulations.what_if.documents import ChangeError, Documents, parts_of


class SetValue(Change):
    """The value `at` a path becomes `to`; null takes it away. `in` says where the path begins: `scenario`; `queues` or
    `agents`, at their names; `routing`, at the top of queues.yaml or of the scenario's policy. Entries of a list have
    a number (`steps[0]`) or a name (`steps[those who know it well]`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: ClassVar[str] = "set"
    example: ClassVar[str] = "{set: {in: queues, at: software.ring_s, to: 25}}"

    where: Annotated[Literal["scenario", "queues", "agents", "routing"], Field(alias="in")]
    at: Annotated[str, Field(min_length=1)]
    to: Any

    def apply(self, documents: Documents) -> None:
        path = parts_of(self.at)
        if not path:
            raise ChangeError(f"{self.at!r} is no path", "write it like software.steps[0].until.after_s", "at")
        container, last = documents.place(self.where, path)
        if self.to is None and isinstance(container, dict):
            if last not in container:
                raise ChangeError(f"there is no {self.at!r} to take away", field="at")
            del container[last]
        else:
            container[last] = self.to

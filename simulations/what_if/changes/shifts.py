"""Other working times."""

from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from simulations.scenario import Staff
from simulations.what_if.changes.base import OfStaff
from simulations.what_if.documents import Documents


class Shifts(OfStaff):
    """A `group` of the scenario's staff, or `agents` of the centre, work at these times."""

    name: ClassVar[str] = "shifts"
    example: ClassVar[str] = '{shifts: {group: sellers, shifts: ["00:00-00:30"]}}'

    shifts: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("shifts")
    @classmethod
    def _readable(cls, shifts: tuple[str, ...]) -> tuple[str, ...]:
        Staff(group="any", count=1, shifts=shifts)  # which reads them
        return shifts

    def apply(self, documents: Documents) -> None:
        entries = [documents.alone(name) for name in self.agents or ()]
        if self.group is not None:
            entries.append(documents.group(self.group))
        for entry in entries:
            entry["shifts"] = list(self.shifts)

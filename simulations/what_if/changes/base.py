"""What every kind of change is: a document that people write, and what it does to the documents of a centre."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from simulations.fields import Model
from simulations.what_if.documents import Documents

Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Change(Model):
    """A kind of change. Each has one file, with its schema, behaviour and example.

    `example` is YAML for the documentation; a test applies it.
    """

    name: ClassVar[str]
    example: ClassVar[str]

    def apply(self, documents: Documents) -> None:
        """Makes the change. Raises ChangeError for a name that does not exist, and for what cannot be changed so."""
        raise NotImplementedError


class OfStaff(Change):
    """A change for a `group` of the scenario's staff, or for `agents` of the centre by name."""

    group: str | None = None
    agents: Names | None = None

    @model_validator(mode="after")
    def _whom(self) -> Self:
        if (self.group is None) == (self.agents is None):
            raise ValueError("it is for a 'group' of the scenario's staff or for 'agents' of the centre")
        return self

"""What the documents of a scenario are made of: the base of every model, and the fields that several of them have."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[int, Field(ge=1, le=10)]
Value = str | int | float | bool


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def all_of_one(shares: dict[str, float]) -> dict[str, float]:
    """The shares, if they add up to 1."""
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"the shares add up to {sum(shares.values()):.6g}; they must add up to 1")
    return shares


Shares = Annotated[dict[str, Share], AfterValidator(all_of_one)]


def _form(value: Any) -> str:
    return "many" if isinstance(value, (dict, list, tuple)) else "one"


# Told apart by their form, so that what is wrong is said of the form that was written.
BY_FORM = Discriminator(_form)
ValueOrShares = Annotated[Annotated[Value, Tag("one")] | Annotated[Shares, Tag("many")], BY_FORM]

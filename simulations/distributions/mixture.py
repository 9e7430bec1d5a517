"""A mixture of distributions, such as a mass at zero: those who leave at once, and the patience of the others."""

from typing import Annotated, Any, ClassVar, Literal, Self

import numpy
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

from simulations.distributions.base import Distribution, Floats


def _distribution(value: Any) -> Any:
    """Any distribution of this package. It is looked up when a mixture is read, because by then all have been found."""
    if isinstance(value, Distribution):
        return value
    from pydantic import TypeAdapter

    from simulations.distributions import AnyDistribution

    return TypeAdapter(AnyDistribution).validate_python(value)


class Part(BaseModel):
    """`share` of the draws are `of` this distribution (a number is a constant)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Annotated[float, Field(ge=0, le=1)]
    of: Annotated[SerializeAsAny[Distribution], BeforeValidator(_distribution, json_schema_input_type=Any)]


class Mixture(Distribution):
    """Each draw is of one of the `parts`, with its `share`; the shares add up to 1.

    A patience with a mass at zero is that of callers of whom some leave as soon as they hear that they have to wait
    (as in Brown et al., JASA 100, 2005, section 6).
    """

    name: ClassVar[str] = "mixture"
    example: ClassVar[str] = (
        "{distribution: mixture, "
        "parts: [{share: 0.1, of: 0}, {share: 0.9, of: {distribution: exponential, mean: 200}}]}"
    )
    expected_mean: ClassVar[float] = 180.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.05: 0.0, 0.5: 117.5573, 0.9: 439.4449}

    distribution: Literal["mixture"] = "mixture"
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _all_of_one(self) -> Self:
        total = sum(part.share for part in self.parts)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares add up to {total:.6g}; they must add up to 1")
        return self

    @property
    def average(self) -> float:
        return sum(part.share * part.of.average for part in self.parts)

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        cumulative = numpy.cumsum([part.share for part in self.parts])
        chosen = numpy.searchsorted(cumulative, generator.random(size) * cumulative[-1], side="right")
        # All parts are drawn for every position, so that a change of one part's share moves as few draws as possible.
        drawn = numpy.stack([part.of.sample(generator, size) for part in self.parts])
        picked: Floats = drawn[numpy.minimum(chosen, len(self.parts) - 1), numpy.arange(size)]
        return picked

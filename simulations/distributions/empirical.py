"""The empirical distribution: values that were measured."""

from typing import Annotated, ClassVar, Literal, Self

import numpy
from pydantic import Field, model_validator

from simulations.distributions.base import Distribution, Floats, NotNegative


class Empirical(Distribution):
    """One of these measured `values`, each as likely as any other, or in proportion to its `weights`."""

    name: ClassVar[str] = "empirical"
    example: ClassVar[str] = "{distribution: empirical, values: [30, 90, 240], weights: [5, 3, 2]}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 90.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.4: 30.0, 0.7: 90.0, 0.9: 240.0}

    distribution: Literal["empirical"] = "empirical"
    values: Annotated[tuple[NotNegative, ...], Field(min_length=1)]
    weights: tuple[NotNegative, ...] | None = None

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if self.weights is not None and len(self.weights) != len(self.values):
            raise ValueError(f"there are {len(self.values)} values but {len(self.weights)} weights")
        if self.weights is not None and sum(self.weights) == 0:
            raise ValueError("at least one weight must be above 0")
        return self

    @property
    def average(self) -> float:
        return float(numpy.average(self.values, weights=self.weights))

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        values: Floats = numpy.asarray(self.values, dtype=float)
        if self.weights is None:
            return values[generator.integers(0, len(values), size)]
        cumulative = numpy.cumsum(self.weights)
        drawn: Floats = values[numpy.searchsorted(cumulative, generator.random(size) * cumulative[-1], side="right")]
        return drawn

"""The uniform distribution: all between two values alike."""

from typing import ClassVar, Literal, Self

import numpy
from pydantic import model_validator

from simulations.distributions.base import Distribution, Floats, NotNegative


class Uniform(Distribution):
    """Anything between `low` and `high`, equally likely; as a patience, that of A. Mandelbaum and S. Zeltyn, "Call
    centers with impatient customers: many-server asymptotics of the M/M/n+G queue", Queueing Systems 51 (2005)."""

    name: ClassVar[str] = "uniform"
    example: ClassVar[str] = "{distribution: uniform, low: 30, high: 90}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 60.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.1: 36.0, 0.5: 60.0, 0.9: 84.0}

    distribution: Literal["uniform"] = "uniform"
    low: NotNegative = 0.0
    high: NotNegative

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"'low' ({self.low:g}) is above 'high' ({self.high:g})")
        return self

    @property
    def average(self) -> float:
        return (self.low + self.high) / 2

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        return generator.uniform(self.low, self.high, size)

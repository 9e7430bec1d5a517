"""Always the same value."""

from typing import ClassVar, Literal

import numpy

from simulations.distributions.base import Distribution, Floats, NotNegative


class Constant(Distribution):
    """Always `value`."""

    name: ClassVar[str] = "constant"
    example: ClassVar[str] = "{distribution: constant, value: 20}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 20.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.1: 20.0, 0.9: 20.0}

    distribution: Literal["constant"] = "constant"
    value: NotNegative

    @property
    def average(self) -> float:
        return self.value

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        return numpy.full(size, self.value)

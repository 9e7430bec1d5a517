"""The exponential distribution: no memory, squared coefficient of variation 1."""

from typing import ClassVar, Literal

import numpy

from simulations.distributions.base import Floats, WithMean


class Exponential(WithMean):
    """Exponential with this `mean`; the patience and handle time of the Erlang formulas."""

    name: ClassVar[str] = "exponential"
    example: ClassVar[str] = "{distribution: exponential, mean: 180}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 180.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.5: 124.7665, 0.9: 414.4653}

    distribution: Literal["exponential"] = "exponential"

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        drawn = generator.standard_exponential(size)  # the draws of `generator.exponential`, in less time
        drawn *= self.mean
        return drawn

"""The Weibull distribution: patience whose hazard falls (shape below 1) or rises (above 1) while one waits."""

import math
from typing import ClassVar, Literal

import numpy

from simulations.distributions.base import Floats, Positive, WithMean


class Weibull(WithMean):
    """Weibull with this `mean` and `shape`; shape 1 is exponential, below 1 those who stay grow more patient."""

    name: ClassVar[str] = "weibull"
    example: ClassVar[str] = "{distribution: weibull, mean: 150, shape: 0.8}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 150.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.5: 83.7321, 0.9: 375.5171}

    distribution: Literal["weibull"] = "weibull"
    shape: Positive

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        return generator.weibull(self.shape, size) * (self.mean / math.gamma(1 + 1 / self.shape))

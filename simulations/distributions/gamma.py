"""The gamma distribution."""

from typing import ClassVar, Literal

import numpy

from simulations.distributions.base import Floats, Positive, WithMean


class Gamma(WithMean):
    """Gamma with this `mean` and squared coefficient of variation `scv` (variance over mean squared)."""

    name: ClassVar[str] = "gamma"
    example: ClassVar[str] = "{distribution: gamma, mean: 200, scv: 0.5}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 200.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.5: 167.8347, 0.9: 388.9720}

    distribution: Literal["gamma"] = "gamma"
    scv: Positive

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        return generator.gamma(1 / self.scv, self.mean * self.scv, size)

"""The log-normal distribution: what handle times usually look like (Brown et al., JASA 100, 2005)."""

import math
from typing import ClassVar, Literal, Self

import numpy
from pydantic import model_validator

from simulations.distributions.base import Floats, Positive, WithMean


class Lognormal(WithMean):
    """Log-normal with this `mean`, and either `sd` (in the mean's unit) or `scv` (variance over mean squared)."""

    name: ClassVar[str] = "lognormal"
    example: ClassVar[str] = "{distribution: lognormal, mean: 240, scv: 1}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 240.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.5: 169.7056, 0.9: 493.2554}

    distribution: Literal["lognormal"] = "lognormal"
    scv: Positive | None = None
    sd: Positive | None = None

    @model_validator(mode="after")
    def _one_measure_of_spread(self) -> Self:
        if (self.scv is None) == (self.sd is None):
            raise ValueError("a lognormal needs either 'scv' or 'sd'")
        return self

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        scv = self.scv if self.sd is None else (self.sd / self.mean) ** 2
        assert scv is not None
        variance = math.log1p(scv)
        return generator.lognormal(math.log(self.mean) - variance / 2, math.sqrt(variance), size)

"""The Pareto distribution of the second kind (Lomax): a few that are very long."""

from typing import Annotated, ClassVar, Literal

import numpy
from pydantic import Field

from simulations.distributions.base import Floats, WithMean


class Pareto(WithMean):
    """Pareto II (Lomax) with this `mean` and tail index `shape` (above 1; up to 2 the variance is infinite): the share
    above t is (1 + t / ((shape - 1) mean)) ** -shape. As a patience its hazard falls: who has waited waits on."""

    name: ClassVar[str] = "pareto"
    example: ClassVar[str] = "{distribution: pareto, mean: 120, shape: 3}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 120.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.5: 62.3811, 0.9: 277.0643}

    distribution: Literal["pareto"] = "pareto"
    shape: Annotated[float, Field(gt=1, allow_inf_nan=False)]

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        return generator.pareto(self.shape, size) * (self.mean * (self.shape - 1))

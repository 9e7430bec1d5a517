"""The Erlang distribution: the sum of equal exponential phases."""

from typing import Annotated, ClassVar, Literal

import numpy
from pydantic import Field

from simulations.distributions.base import Floats, WithMean


class Erlang(WithMean):
    """The sum of `phases` exponential phases, together with this `mean`; less variable the more phases it has."""

    name: ClassVar[str] = "erlang"
    example: ClassVar[str] = "{distribution: erlang, mean: 120, phases: 3}"
    sequential: ClassVar[bool] = True
    expected_mean: ClassVar[float] = 120.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.5: 106.9624, 0.9: 212.8928}

    distribution: Literal["erlang"] = "erlang"
    phases: Annotated[int, Field(ge=1)]

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        return generator.gamma(self.phases, self.mean / self.phases, size)

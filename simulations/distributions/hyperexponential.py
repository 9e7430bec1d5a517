"""The hyperexponential distribution: a mixture of two exponentials, for times more variable than exponential."""

from typing import Annotated, ClassVar, Literal

import numpy
from pydantic import Field

from simulations.distributions.base import Floats, WithMean


class Hyperexponential(WithMean):
    """Two exponentials mixed to this `mean` and squared coefficient of variation `scv` (above 1), balanced means.

    With probability p = (1 + sqrt((scv - 1) / (scv + 1))) / 2 the mean is mean / 2p, otherwise mean / 2(1 - p): both
    kinds bring the same share of the work (Tijms, A First Course in Stochastic Models, appendix B).
    """

    name: ClassVar[str] = "hyperexponential"
    example: ClassVar[str] = "{distribution: hyperexponential, mean: 180, scv: 4}"
    expected_mean: ClassVar[float] = 180.0
    expected_quantiles: ClassVar[dict[float, float]] = {0.5: 81.2688, 0.9: 352.3530}

    distribution: Literal["hyperexponential"] = "hyperexponential"
    scv: Annotated[float, Field(gt=1, allow_inf_nan=False)]

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        p = (1 + ((self.scv - 1) / (self.scv + 1)) ** 0.5) / 2
        # Both are drawn for every position, so that position i of a stream uses the same randomness for every mean.
        uniform, unit = generator.random(size), generator.exponential(1.0, size)
        scaled: Floats = unit * numpy.where(uniform < p, self.mean / (2 * p), self.mean / (2 * (1 - p)))
        return scaled

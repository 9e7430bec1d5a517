"""What every distribution is: a document that people write, and a sampler of blocks."""

from typing import Annotated, ClassVar

import numpy
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Floats = NDArray[numpy.float64]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Distribution(BaseModel):
    """A distribution of non-negative numbers. Each has one file, with its schema, behaviour, example and fixture.

    `example` is YAML for the documentation; `expected_mean` and `expected_quantiles` (probability -> value) are the
    example's known values, to which a test holds the sampler. `sequential`: many draws at once are the same as the
    same number of draws in several calls.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)

    name: ClassVar[str]
    example: ClassVar[str]
    sequential: ClassVar[bool] = False
    expected_mean: ClassVar[float]
    expected_quantiles: ClassVar[dict[float, float]]

    distribution: str

    @property
    def average(self) -> float:
        """The expected value."""
        raise NotImplementedError

    def sample(self, generator: numpy.random.Generator, size: int) -> Floats:
        """`size` independent draws."""
        raise NotImplementedError


class WithMean(Distribution):
    """One that is written down by its `mean`."""

    mean: Positive

    @property
    def average(self) -> float:
        return self.mean

"""Every registered distribution keeps what its file promises: the example reads, the fixture's numbers come out."""

import math

import numpy
import pytest
from pydantic import BaseModel, ConfigDict

from documents import DocumentError, read, validate
from simulations.distributions import DISTRIBUTIONS, AnyDistribution, Distribution

SIZE = 200_000


class Holder(BaseModel):
    model_config = ConfigDict(extra="forbid")
    time_s: AnyDistribution


def written(text: str) -> Distribution:
    return validate(read(f"time_s: {text}", "x.yaml"), Holder).time_s


@pytest.fixture(params=DISTRIBUTIONS.values(), ids=DISTRIBUTIONS.keys())
def kind(request: pytest.FixtureRequest) -> type[Distribution]:
    return request.param


def test_the_usual_ones_are_found() -> None:
    assert {"constant", "empirical", "exponential", "gamma", "lognormal", "weibull"} <= set(DISTRIBUTIONS)


def test_has_documentation_and_an_example_that_reads(kind: type[Distribution]) -> None:
    assert kind.__doc__
    assert type(written(kind.example)) is kind
    assert f"distribution: {kind.name}" in kind.example


def test_draws_have_the_promised_mean_and_quantiles(kind: type[Distribution]) -> None:
    draws = written(kind.example).sample(numpy.random.default_rng(5), SIZE)
    assert draws.shape == (SIZE,)
    assert draws.min() >= 0
    assert abs(draws.mean() - kind.expected_mean) <= 4 * draws.std() / math.sqrt(SIZE) + 1e-9
    for probability, value in kind.expected_quantiles.items():
        # The share of draws at or below the quantile, within four standard errors, jumps of discrete ones included.
        error = 4 * math.sqrt(probability * (1 - probability) / SIZE)
        assert (draws < value).mean() - error <= probability <= (draws <= value).mean() + error


def test_the_average_is_the_promised_mean(kind: type[Distribution]) -> None:
    assert written(kind.example).average == pytest.approx(kind.expected_mean)


def test_the_same_seed_gives_the_same_draws(kind: type[Distribution]) -> None:
    distribution = written(kind.example)
    first, second = (distribution.sample(numpy.random.default_rng(9), 100) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_a_bare_number_is_a_constant() -> None:
    assert written("90").sample(numpy.random.default_rng(1), 3).tolist() == [90.0, 90.0, 90.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-5", "greater than or equal to 0"),
        ("{distribution: exponential, mean: -3}", "greater than 0; it is -3"),
        ("{distribution: exponential}", "'mean' is missing"),
        ("{distribution: exponential, mean: .inf}", "a number belongs here, not '.inf'"),
        ("{distribution: lognorm, mean: 3}", "did you mean 'lognormal'"),
        ("{mean: 3}", "'distribution' is missing"),
        ("{distribution: lognormal, mean: 3}", "either 'scv' or 'sd'"),
        ("{distribution: exponential, mean: 3, sd: 2}", "'sd' is not known here"),
        ("{distribution: hyperexponential, mean: 3, scv: 0.5}", "greater than 1"),
        ("{distribution: uniform, low: 9, high: 3}", "'low' (9) is above 'high' (3)"),
        ("{distribution: pareto, mean: 9, shape: 1}", "greater than 1"),
        ("{distribution: empirical, values: []}", "at least 1"),
        ("{distribution: empirical, values: [1, 2], weights: [1]}", "2 values but 1 weights"),
        ("long", "a number or"),
    ],
)
def test_a_wrong_distribution_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        written(text)
    assert message in str(caught.value)
    assert "x.yaml:1: time_s" in str(caught.value)

"""Arrivals: as many as the rate says, in the interval in which it says so, and the same for what-ifs."""

import numpy
import pytest
from pydantic import ValidationError

from simulations.arrivals import arrival_times_ms, rates_per_hour
from simulations.scenario import Arrivals, Scenario


def scenario(**arrivals: object) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "x",
            "duration_minutes": 180,
            "interval_minutes": 60,
            "kinds": {"k": {"queue": "q", "arrivals": arrivals}},
        }
    )


def times(seed: int, **arrivals: object) -> list[int]:
    whole = scenario(**arrivals)
    return arrival_times_ms(whole.kinds["k"].arrivals, whole, numpy.random.default_rng(seed))


def test_counts_per_interval_are_poisson() -> None:
    counts = numpy.array(
        [
            numpy.histogram(times(seed, per_interval=[50, 0, 200]), bins=[0, 3.6e6, 7.2e6, 10.8e6])[0]
            for seed in range(400)
        ]
    )
    for column, mean in ((0, 50), (2, 200)):
        assert abs(counts[:, column].mean() - mean) < 4 * (mean / 400) ** 0.5
        assert abs(counts[:, column].var(ddof=1) / mean - 1) < 4 * (2 / 400) ** 0.5
    assert counts[:, 1].sum() == 0


def test_within_an_interval_times_are_uniform() -> None:
    found = numpy.array([at for seed in range(100) for at in times(seed, per_interval=[0, 100, 0])])
    assert found.min() >= 3.6e6
    assert found.max() <= 7.2e6
    assert abs(found.mean() - 5.4e6) < 4 * 3.6e6 / 12**0.5 / len(found) ** 0.5


def test_the_three_ways_to_say_a_rate_agree() -> None:
    assert times(7, per_hour=90) == times(7, per_hour=[90, 90, 90]) == times(7, per_interval=[90, 90, 90])
    assert rates_per_hour(Arrivals(per_hour=90), scenario(per_hour=90)) == [90, 90, 90]


def test_a_change_of_one_rate_leaves_what_came_before_it_as_it_was() -> None:
    before, after = times(7, per_hour=[60, 60, 60]), times(7, per_hour=[60, 60, 120])
    assert [at for at in before if at < 7.2e6] == [at for at in after if at < 7.2e6]
    assert len(after) > len(before)


def test_other_gaps_have_the_wanted_rate_and_less_or_more_chance() -> None:
    for gaps, scv in (
        ({"distribution": "erlang", "mean": 7, "phases": 4}, 0.25),
        ({"distribution": "hyperexponential", "mean": 7, "scv": 4}, 4.0),
        ({"distribution": "constant", "value": 7}, 0.0),
    ):
        counts = numpy.array([len(times(seed, per_interval=[400, 0, 800], interarrival=gaps)) for seed in range(100)])
        # A renewal process: by time t with mean count m, mean m + (scv - 1) / 2 and variance near m scv.
        assert abs(counts.mean() - (1_200 + (scv - 1) / 2)) <= 4 * (1_200 * scv / 100) ** 0.5 + 0.5
        assert counts.var(ddof=1) == pytest.approx(1_200 * scv, rel=4 * (2 / 100) ** 0.5, abs=1)


def test_other_gaps_with_the_same_rates_move_with_them() -> None:
    gaps = {"distribution": "hyperexponential", "mean": 1, "scv": 3}
    before = times(7, per_hour=[60, 60, 60], interarrival=gaps)
    after = times(7, per_hour=[60, 60, 120], interarrival=gaps)
    assert [at for at in before if at < 7.2e6] == [at for at in after if at < 7.2e6]


@pytest.mark.parametrize(
    ("arrivals", "message"),
    [
        ({"trace": [{"at_s": 1}], "interarrival": {"distribution": "erlang", "mean": 1, "phases": 2}}, "own times"),
        ({"per_hour": 10, "interarrival": 0}, "above 0 s"),
    ],
)
def test_gaps_that_make_no_sense_are_refused(arrivals: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        scenario(**arrivals)


def test_a_trace_comes_as_recorded_and_in_order() -> None:
    assert times(1, trace=[{"at_s": 90.5}, {"at_s": 3.25}, {"at_s": 7_300}]) == [3_250, 90_500, 7_300_000]
    traced = scenario(trace=[{"at_s": 90.5}, {"at_s": 3.25}, {"at_s": 7_300}])
    assert rates_per_hour(traced.kinds["k"].arrivals, traced) == [2, 0, 1]


@pytest.mark.parametrize("rate", [0, [0, 0, 0]])
def test_no_rate_no_arrivals(rate: object) -> None:
    assert times(1, per_hour=rate) == []

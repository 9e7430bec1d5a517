"""Estimates: textbook numbers, and intervals that cover as often as they say."""

import numpy
import pytest

from router.core.measures import CONTACT_METRICS
from router.core.tallies import AgentTally, ContactTally
from simulations.statistics import Estimate, added, estimates, is_ratio, mean_estimate, range_of, ratio_estimate


def test_mean_with_students_interval() -> None:
    # A. M. Law, Simulation Modeling and Analysis, example 4.26: ten observations, 90 % interval 1.34 +- 0.24.
    found = mean_estimate([1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09], 0.9)
    assert found.value == pytest.approx(1.343)
    assert found.half_width == pytest.approx(0.24, abs=0.005)


def test_one_replication_has_no_interval_and_none_no_value() -> None:
    assert mean_estimate([3.0], 0.95) == Estimate(3.0)
    assert mean_estimate([None, 3.0, None], 0.95) == Estimate(3.0)
    assert mean_estimate([None], 0.95) == Estimate(None)
    assert Estimate(None, None).low is None


def test_the_jackknife_of_a_mean_is_the_mean() -> None:
    values = [1.0, 4.0, 2.0, 8.0]
    without = [(sum(values) - value) / 3 for value in values]
    jackknifed, mean = ratio_estimate(sum(values) / 4, without, 0.95), mean_estimate(values, 0.95)
    assert (jackknifed.value, jackknifed.half_width) == pytest.approx((mean.value, mean.half_width))


def test_a_busy_replication_weighs_more_than_a_quiet_one() -> None:
    quiet, busy = ContactTally(answered=10, answered_within=10), ContactTally(answered=990, answered_within=495)
    level = estimates([quiet, busy, quiet, busy], 0.95)["service_level_share"]
    assert level.value == pytest.approx(0.505)  # and not 0.75
    assert estimates([quiet, busy], 0.95)["answered"].value == 500


def test_ratio_intervals_cover_the_truth_as_often_as_they_say() -> None:
    generator = numpy.random.default_rng(4)
    covered, studies = 0, 600
    for _ in range(studies):
        counts = generator.poisson(60, 15)
        within = [int(generator.binomial(count, 0.8)) for count in counts]
        tallies = [ContactTally(answered=int(n), answered_within=k) for n, k in zip(counts, within, strict=True)]
        level = estimates(tallies, 0.9)["service_level_share"]
        assert level.low is not None
        assert level.high is not None
        covered += level.low <= 0.8 <= level.high
    assert abs(covered / studies - 0.9) < 4 * (0.9 * 0.1 / studies) ** 0.5


def test_every_metric_is_estimated_and_none_is_pooled_that_may_not_be() -> None:
    found = estimates([ContactTally(), ContactTally()], 0.95)
    assert {metric.name for metric in CONTACT_METRICS if not metric.name.startswith("ewt_")} < set(found)
    double = ContactTally(span_ms=60_000, arrived=6, answered=4, abandoned=2, finished=4, talk_ms=9_000, waiting_ms=7)
    double.add(ContactTally(arrived=6, answered=4, abandoned=2, finished=4, talk_ms=9_000, waiting_ms=7))
    double.span_ms = 120_000
    single = ContactTally(span_ms=60_000, arrived=6, answered=4, abandoned=2, finished=4, talk_ms=9_000, waiting_ms=7)
    for metric in CONTACT_METRICS:
        if is_ratio(metric.name):
            assert metric.compute(double) == metric.compute(single), metric.name


def test_no_contact_at_all_has_counts_but_no_shares() -> None:
    found = estimates([ContactTally(span_ms=1000), ContactTally(span_ms=1000)], 0.95)
    assert found["arrived"] == Estimate(0, 0)
    assert found["service_level_share"] == Estimate(None)


def test_agents_tallies_are_estimated_too() -> None:
    half = estimates([AgentTally(busy_ms=30, ready_ms=30), AgentTally(busy_ms=10, ready_ms=10)], 0.95)
    assert half["occupancy_share"].value == pytest.approx(0.5)


def test_spans_of_one_replication_add_up() -> None:
    whole = added([ContactTally(span_ms=10, waiting_ms=5), ContactTally(span_ms=30, waiting_ms=15)])
    assert (whole.span_ms, whole.waiting_ms) == (40, 20)


def test_the_range_of_single_days() -> None:
    assert range_of([float(n) for n in range(101)], 0.9) == pytest.approx((5.0, 95.0))
    assert range_of([None], 0.9) is None

"""Control variates: the same mean, a smaller interval that holds as often as it says, and a report that tells of it."""

from typing import Any

import numpy
import pytest

from simulations.controls import Control
from simulations.replications import Study, arrivals_control, run_study
from simulations.report import report_of
from simulations.reports import html
from simulations.results import summarise
from simulations.statistics import mean_estimate
from tests.support.scenarios import setting

CONFIDENCE = 0.9


def test_the_interval_covers_and_is_narrower_by_the_correlation() -> None:
    """Y = 3 C + noise, of equal variance: the correlation is 0.707, so the variance falls to a half."""
    generator = numpy.random.default_rng(8)
    hits, ratios, rounds = 0, [], 2_000
    for _ in range(rounds):
        c = generator.normal(50, 4, 20)
        y = 3 * c + generator.normal(0, 12, 20)
        plain = mean_estimate(y.tolist(), CONFIDENCE)
        known = mean_estimate(y.tolist(), CONFIDENCE, Control(tuple(c), 50.0))
        assert known.low is not None
        assert known.high is not None
        assert plain.half_width
        assert known.half_width is not None
        hits += known.low <= 150 <= known.high
        ratios.append((known.half_width / plain.half_width) ** 2)
    assert abs(hits / rounds - CONFIDENCE) < 4 * (0.09 / rounds) ** 0.5
    assert 0.45 < float(numpy.mean(ratios)) < 0.65


def study(**changes: Any) -> Study:
    return run_study(setting({"replications": 12, "control_variates": True} | changes))


def test_arrivals_are_the_control_and_the_report_says_so() -> None:
    found = study()
    control = arrivals_control(found)
    assert control is not None
    assert control.mean == 50
    assert control.observed == tuple(
        sum(kind.callers for kind in outcome.whole.kinds.values()) for outcome in found.outcomes
    )
    results = summarise(found)
    assert results.control is not None
    assert results.whole.all_queues["arrived"].value == pytest.approx(50)
    assert results.whole.all_queues["arrived"].half_width == pytest.approx(0, abs=1e-6)
    assert "Arrivals served as a control variate: 50.0 callers were expected" in html(report_of(results))


def test_the_warm_up_does_not_count() -> None:
    control = arrivals_control(study(warm_up_minutes=30))
    assert control is not None
    assert control.mean == 25


def test_no_control_without_a_wish_without_chance_or_with_few_replications() -> None:
    assert arrivals_control(study(control_variates=False)) is None
    assert arrivals_control(study(replications=3)) is None
    traces = {f"kinds.{kind}.arrivals": {"trace": [{"at_s": 5}]} for kind in ("buyers", "users")}
    assert arrivals_control(study(**traces)) is None

"""Calibration finds the keys that waiting callers press, where most of the waits end before by an answer.

Set beforehand: an estimate lies within ALLOWED_Z of its standard errors of the truth (by chance one in 2,000 does not).
Seeds are fixed.
"""

from datetime import date
from typing import Any

import numpy
import pytest
from scipy.stats import expon

from documents import Source
from simulations.history.calibration import calibrate
from simulations.history.keys import KeyFit, fit_keys, incidence
from simulations.history.patience import kaplan_meier
from simulations.history.scenarios import scenario_of_weekday
from simulations.scenario import Scenario
from simulations.setting import settle
from tests.support.histories import days_from, history_of_days

ALLOWED_Z = 3.5
SHARES = {"1": 0.3, "2": 0.2}
NAMED_AFTER_S, DECIDED_AFTER_S = 20, 60
LINE: dict[str, Any] = {
    "name": "keys",
    "start": "08:00",
    "duration_minutes": 480,
    "interval_minutes": 30,
    "replications": 1,
    "seed": 8,
    "policy": {"queues": {"sales": {"skills": {"sales": 1}}}},
    "kinds": {
        "calls": {
            "queue": "sales",
            "arrivals": {"per_hour": 130},
            "handle_time_s": {"distribution": "lognormal", "mean": 240, "scv": 1},
            "patience_s": {"distribution": "exponential", "mean": 200},
            "waiting_keys": {
                "1": {"share": SHARES["1"], "after_s": NAMED_AFTER_S},
                "2": {"share": SHARES["2"], "after_s": {"distribution": "exponential", "mean": DECIDED_AFTER_S}},
            },
        }
    },
    "staff": [{"group": "sellers", "count": 8, "skills": {"sales": 1}}],
}


def test_keys_are_recovered_from_a_simulated_history() -> None:
    found = calibrate(history_of_days(LINE, days_from(date(2026, 3, 2), 12)))
    (fit,) = found.fits
    keys = {each.key: each for each in fit.keys}
    assert keys.keys() == SHARES.keys()
    pressed = sum(each.presses for each in fit.keys)
    assert pressed < fit.answered / 3, "most waits end otherwise"
    for key, share in SHARES.items():
        assert keys[key].error < 0.05 * 2 * share
        assert abs(keys[key].share - share) <= ALLOWED_Z * keys[key].error
        assert keys[key].to_queue is None
    assert keys["1"].after == {"distribution": "constant", "value": NAMED_AFTER_S}
    later = keys["2"]
    assert later.family in ("exponential", "weibull")
    assert later.after["mean"] == pytest.approx(DECIDED_AFTER_S, rel=ALLOWED_Z * 1.5 / later.presses**0.5)
    # And the scenario plays: a key of the queue in which it was pressed.
    document = scenario_of_weekday(found, 0, "x")
    assert document["kinds"]["sales"]["waiting_keys"]["1"]["queue"] == "sales"
    settle(Source("x", document, {}), Scenario.model_validate(document), None)
    # Those who left by a key have not given up: the patience is that of all.
    assert fit.patience is not None
    mean = fit.patience.parameters["mean"]
    assert abs(mean - 200) <= ALLOWED_Z * fit.patience.errors["mean"]


def drawn(seed: int, count: int = 3_000) -> tuple[numpy.ndarray, list[str]]:
    """Waits in whole seconds, and the keys by which they ended."""
    dice = numpy.random.default_rng(seed)
    chosen = dice.choice(["1", "2", ""], count, p=[SHARES["1"], SHARES["2"], 1 - sum(SHARES.values())])
    times = {"1": NAMED_AFTER_S, "2": dice.exponential(DECIDED_AFTER_S, count), "": numpy.inf}
    press = numpy.choose([list(times).index(key) for key in chosen], list(times.values()))
    ended = dice.exponential(90, count)
    keys = numpy.where(press < ended, chosen, "")
    return numpy.rint(numpy.minimum(press, ended)), keys.tolist()


def test_the_standard_errors_are_those_of_many_histories() -> None:
    z = []
    for seed in range(40):
        fits, few = fit_keys(*drawn(seed), {})
        assert not few
        z.append([(fit.share - SHARES[fit.key]) / fit.error for fit in sorted(fits, key=lambda each: each.key)])
    scores = numpy.array(z)
    # 40 scores of variance 1: their root mean square lies in 0.7..1.4 but once in 1,000.
    assert (numpy.abs(scores.mean(axis=0)) < ALLOWED_Z / 40**0.5).all()
    spread = (scores**2).mean(axis=0) ** 0.5
    assert ((spread > 0.65) & (spread < 1.4)).all()


def test_censoring_is_what_makes_the_difference() -> None:
    wait, keys = drawn(1)
    (one,) = [fit for fit in fit_keys(wait, keys, {})[0] if fit.key == "2"]
    naive = keys.count("2") / len(keys)
    assert naive < 0.75 * SHARES["2"]
    assert abs(one.share - SHARES["2"]) <= ALLOWED_Z * one.error


def test_incidence_is_kaplan_and_meiers_where_there_is_one_key() -> None:
    wait, keys = drawn(2)
    pressed = numpy.array([key == "1" for key in keys])
    at_risk = (wait > 0) | pressed
    curve, survival = incidence(wait[at_risk], pressed[at_risk], pressed[at_risk]), kaplan_meier(wait, pressed)
    assert numpy.allclose(curve.share, 1 - survival.patient)
    assert numpy.allclose(curve.error, survival.error, rtol=0.01)


def test_a_few_presses_are_no_key_but_end_the_wait() -> None:
    wait, keys = drawn(3)
    few = [key if key != "2" or place < 100 else "" for place, key in enumerate(keys)]
    fits, left_out = fit_keys(wait, few, {})
    assert [fit.key for fit in fits] == ["1"]
    assert left_out == {"2": few.count("2")}
    assert 0 < few.count("2") < 20


def test_what_no_law_fits_or_lies_behind_the_horizon_is_as_measured() -> None:
    """Pressed at 20 or at 80 s; and pressed by an exponential time of which but a third was seen."""
    dice = numpy.random.default_rng(4)
    twice = numpy.where(dice.random(2_000) < 0.5, 20.0, 80.0)
    slow = dice.exponential(600, 2_000)
    fits: list[KeyFit] = []
    for press in (twice, slow):
        ended = numpy.minimum(dice.exponential(200, 2_000), 240)
        keys = numpy.where((press < ended) & (numpy.arange(2_000) % 2 == 0), "1", "").tolist()
        press_or_never = numpy.where(numpy.arange(2_000) % 2 == 0, press, numpy.inf)
        fits += fit_keys(numpy.minimum(press_or_never, ended), keys, {})[0]
    assert [fit.after["distribution"] for fit in fits] == ["empirical", "empirical"]
    values = fits[0].after["values"]
    assert (min(values), max(values)) == (20, 80)
    assert sum(20 < value < 80 for value in values) <= 1, "the mean of the part that has both"
    assert abs(fits[0].share - 0.5) <= ALLOWED_Z * fits[0].error
    known = 0.5 * float(expon.cdf(fits[1].horizon_s, scale=600))
    assert abs(fits[1].share - known) <= ALLOWED_Z * fits[1].error
    assert max(fits[1].after["values"]) <= fits[1].horizon_s

"""Calibration recovers what a history was made with: histories of the simulator itself, and drawn ones.

Set beforehand: an estimate must lie within ALLOWED_Z of its own standard errors of the truth, which by chance fails for
one in 2,000; and the standard error must be at most a given share of the value, so that the test has power. Seeds are
fixed, so the verdict is always the same.
"""

import math
from datetime import date

import numpy
import pytest
from scipy.stats import chi2, gamma, norm

from simulations.history.backtest import BackTest, back_test, split
from simulations.history.busyness import correlation, dispersion, within_days
from simulations.history.calibration import Calibration, calibrate
from simulations.history.days import mean_and_error
from simulations.history.durations import fit_durations
from simulations.history.form import History
from simulations.history.patience import fit_patience, kaplan_meier
from simulations.places import local
from tests.support.histories import days_from, history_of_days

pytestmark = pytest.mark.xdist_group("history")  # one history for all
ALLOWED_Z = 3.5
DAYS = 20
SALES_PER_HOUR = 60.0
SUPPORT = [10, 12, 14, 16, 18, 18, 16, 14, 12, 10, 10, 12, 14, 12, 10, 8]
AT_ONCE = 0.08
CENTRE = {
    "name": "known",
    "start": "08:00",
    "duration_minutes": 480,
    "interval_minutes": 30,
    "replications": 1,
    "seed": 3,
    "run_off_minutes": 60,
    "policy": {"queues": {"sales": {"skills": {"sales": 1}}, "support": {"skills": {"support": 1}}}},
    "answering": {"delay_s": {"distribution": "gamma", "mean": 4, "scv": 0.3}},
    "kinds": {
        "sales": {
            "queue": "sales",
            "arrivals": {"per_hour": SALES_PER_HOUR},
            "handle_time_s": {"distribution": "lognormal", "mean": 240, "scv": 0.8},
            "patience_s": {
                "distribution": "mixture",
                "parts": [
                    {"share": AT_ONCE, "of": 0},
                    {"share": 1 - AT_ONCE, "of": {"distribution": "weibull", "mean": 180, "shape": 0.8}},
                ],
            },
        },
        "support": {
            "queue": "support",
            "arrivals": {"per_interval": SUPPORT},
            "handle_time_s": {"distribution": "gamma", "mean": 300, "scv": 0.5},
            "patience_s": {"distribution": "exponential", "mean": 150},
        },
    },
    "staff": [
        {"group": "sellers", "count": 4, "skills": {"sales": 1}},
        {"group": "helpers", "count": 2, "skills": {"support": 1}},
        {"group": "slow", "count": 1, "skills": {"support": 1}, "handle_time_factor": 1.3},
    ],
}


@pytest.fixture(scope="module")
def history() -> History:
    return history_of_days(CENTRE, days_from(date(2026, 3, 2), DAYS))


@pytest.fixture(scope="module")
def found(history: History) -> Calibration:
    return calibrate(history)


def assert_recovered(estimate: float, truth: float, error: float, greatest_error: float) -> None:
    """`greatest_error`: the largest allowed standard error over the truth."""
    assert 0 < error / truth <= greatest_error, f"the standard error is {error / truth:.1%} of the value: no power"
    z = (estimate - truth) / error
    assert abs(z) <= ALLOWED_Z, f"{estimate:.5g} for {truth:.5g}: {z:+.2f} standard errors of {error:.3g}"


def of(found: Calibration, name: str) -> int:
    return [fit.name for fit in found.fits].index(name)


@pytest.mark.parametrize(("kind", "truth"), [("sales", [SALES_PER_HOUR / 2] * 16), ("support", SUPPORT)])
def test_arrival_rates_of_every_interval(found: Calibration, kind: str, truth: list[float]) -> None:
    counts = found.days.counts[found.kinds.names.index(kind)]
    mean, _ = mean_and_error(counts)
    assert counts.shape == (DAYS, 16)
    z = (mean - truth) / numpy.sqrt(numpy.array(truth) / DAYS)
    assert numpy.abs(z).max() <= ALLOWED_Z
    assert chi2.ppf(0.001, 16) < (z**2).sum() < chi2.ppf(0.999, 16)


def test_days_of_a_poisson_process_are_not_called_different(found: Calibration) -> None:
    assert found.together.p_value is not None
    assert found.together.p_value > 0.001
    assert (found.together.scv or 0) < ALLOWED_Z * (found.together.scv_error or 0)


def test_handle_times_and_their_family(found: Calibration) -> None:
    handle = found.fits[of(found, "sales")].handle
    assert handle is not None
    assert handle.chosen == "lognormal"
    assert_recovered(handle.document["mean"], 240, handle.mean_error_s, 0.02)
    # The variance of logs is log(1 + scv); its standard error with n values is sqrt(2 / n) of it.
    spread = numpy.log1p(0.8)
    assert_recovered(numpy.log1p(handle.document["scv"]), spread, spread * (2 / handle.count) ** 0.5, 0.03)
    assert handle.candidates[0].distance < 1.63 / handle.count**0.5 + 0.002, "Kolmogorov and Smirnov's test at 1 %"


def test_the_pace_of_agents_is_taken_apart_from_the_work(found: Calibration) -> None:
    support = found.fits[of(found, "support")].handle
    assert support is not None
    assert support.chosen == "gamma"
    slow, others = found.speeds["slow-1"], [found.speeds[f"helpers-{number}"] for number in (1, 2)]
    usual = float(numpy.mean([speed.raw for speed in others]))
    error = (
        slow.raw
        / usual
        * ((slow.error / slow.raw) ** 2 + sum((speed.error / usual) ** 2 for speed in others) / 4) ** 0.5
    )
    assert_recovered(slow.raw / usual, 1.3, error, 0.05)
    # The work at the usual pace.
    assert_recovered(support.mean_s * usual, 300, support.mean_error_s * usual, 0.03)
    assert all(abs(found.speeds[f"sellers-{number}"].factor - 1) < 0.06 for number in (1, 2, 3, 4))


def test_patience_of_who_mostly_was_answered_first(found: Calibration) -> None:
    support = found.fits[of(found, "support")].patience
    assert support is not None
    assert support.abandoned < support.contacts / 3
    if support.family == "exponential":
        assert_recovered(support.parameters["mean"], 150, support.errors["mean"], 0.05)
    else:
        assert_recovered(support.parameters["shape"], 1, support.errors["shape"], 0.1)
    assert support.at_once <= ALLOWED_Z * support.at_once_error
    assert support.distance is not None
    assert support.distance < 0.05


def test_patience_with_a_mass_at_zero(found: Calibration) -> None:
    sales = found.fits[of(found, "sales")].patience
    assert sales is not None
    assert sales.family == "weibull"
    assert_recovered(sales.at_once, AT_ONCE, sales.at_once_error, 0.1)
    assert_recovered(sales.parameters["shape"], 0.8, sales.errors["shape"], 0.05)
    assert_recovered(sales.parameters["mean"], 180, sales.errors["mean"], 0.1)


def test_ringing_is_recovered(found: Calibration) -> None:
    assert found.ring is not None
    assert_recovered(found.ring.mean_s, 4, found.ring.mean_error_s, 0.02)
    assert found.refused_share < 0.001  # one ring in 10,000 lasts longer than the router lets it


@pytest.mark.parametrize("scv", [0.0, 0.01, 0.05])
def test_busy_days(scv: float) -> None:
    dice = numpy.random.default_rng(11)
    weekdays = numpy.arange(100) % 5
    means = numpy.array([900, 700, 650, 600, 500.0])[weekdays]
    factors = dice.gamma(1 / scv, scv, 100) if scv else numpy.ones(100)
    spread = dispersion(dice.poisson(means * factors), weekdays)
    assert spread.found or scv == 0
    assert spread.scv is not None
    assert spread.scv_error is not None
    assert abs(spread.scv - scv) <= ALLOWED_Z * spread.scv_error
    assert spread.scv_error <= max(0.001, scv * 0.25)


def test_the_level_of_the_dispersion_test() -> None:
    dice = numpy.random.default_rng(5)
    weekdays = numpy.arange(40) % 5
    found = [dispersion(dice.poisson(200, 40), weekdays).p_value or 0.0 for _ in range(1_000)]
    assert abs(numpy.mean(numpy.array(found) < 0.05) - 0.05) <= ALLOWED_Z * (0.05 * 0.95 / 1_000) ** 0.5


@pytest.mark.parametrize("rho", [0.0, 0.6, 1.0])
def test_kinds_that_are_busy_together(rho: float) -> None:
    dice = numpy.random.default_rng(7)
    weekdays = numpy.arange(200) % 5
    shared, own = dice.normal(size=200), dice.normal(size=(2, 200))
    scores = rho**0.5 * shared + (1 - rho) ** 0.5 * own
    totals = dice.poisson(400 * numpy.exp(0.2 * scores - 0.02))
    scv = [dispersion(total, weekdays).scv or 0.0 for total in totals]
    estimate = correlation(list(totals), weekdays, scv)
    assert estimate is not None
    # The standard error of a correlation of 200 days is at most 1 / sqrt(195), the Poisson noise adds a tenth.
    assert abs(estimate - rho) <= ALLOWED_Z * 1.1 / 195**0.5


def day_by_day(days: int, day: float, within: float, rho: float, seed: int) -> numpy.ndarray:
    """Contacts of 24 intervals, 40 on average, more in the middle; the weekdays are those of `% 5`."""
    dice = numpy.random.default_rng(seed)
    scores = dice.normal(size=(days, 24))
    for at in range(1, 24):
        scores[:, at] = rho * scores[:, at - 1] + (1 - rho**2) ** 0.5 * scores[:, at]
    factors = gamma(1 / within, scale=within).ppf(norm.cdf(scores)) if within else numpy.ones((days, 24))
    if day:
        factors *= dice.gamma(1 / day, day, (days, 1))
    counts: numpy.ndarray = dice.poisson(factors * numpy.interp(range(24), (0, 12, 23), (20, 60, 40)))
    return counts


@pytest.mark.parametrize(("scv", "rho"), [(0.04, 0.0), (0.04, 0.6), (0.02, 0.8)])
def test_the_intervals_of_a_day_are_told_from_the_day(scv: float, rho: float) -> None:
    counts, weekdays = day_by_day(120, 0.03, scv, rho, seed=11), numpy.arange(120) % 5
    found, whole = within_days(counts, weekdays), dispersion(counts.sum(axis=1), weekdays)
    assert found is not None
    assert found.found
    assert found.scv_error is not None
    assert whole.scv is not None
    assert whole.scv_error is not None
    assert_recovered(found.scv, scv, found.scv_error, 0.25)
    assert_recovered(whole.scv - found.of_days, 0.03, whole.scv_error, 0.25)


@pytest.mark.parametrize("lunch", [slice(0, 0), slice(10, 13)])
@pytest.mark.parametrize(("scv", "rho"), [(0.04, 0.0), (0.04, 0.6), (0.02, 0.8)])
def test_how_much_an_interval_resembles_the_one_before(scv: float, rho: float, lunch: slice) -> None:
    """Over 40 histories, up to the bias that `_factors_within` states; also where the centre is closed for lunch."""
    weekdays, found = numpy.arange(120) % 5, []
    for seed in range(40):
        counts = day_by_day(120, 0.03, scv, rho, seed)
        counts[:, lunch] = 0
        within = within_days(counts, weekdays)
        assert within is not None
        found.append(within.correlation)
    error = float(numpy.std(found, ddof=1)) / 40**0.5
    assert abs(numpy.mean(found) - rho) <= ALLOWED_Z * error + 0.04


def test_the_level_of_the_test_within_days() -> None:
    weekdays = numpy.arange(40) % 5
    tests = [within_days(day_by_day(40, 0.05, 0.0, 0.0, seed), weekdays) for seed in range(500)]
    share = numpy.mean([test is not None and test.p_value < 0.05 for test in tests])
    assert abs(share - 0.05) <= ALLOWED_Z * (0.05 * 0.95 / 500) ** 0.5


@pytest.mark.parametrize("family", ["lognormal", "gamma", "exponential"])
def test_families_of_durations_are_told_apart(family: str) -> None:
    dice = numpy.random.default_rng(3)
    drawn = {
        "lognormal": dice.lognormal(5, 0.7, 4_000),
        "gamma": dice.gamma(2.5, 100, 4_000),
        "exponential": dice.exponential(200, 4_000),
    }
    fit = fit_durations(numpy.rint(drawn[family]))
    assert fit is not None
    close = {each.family for each in fit.candidates if each.aic < fit.candidates[0].aic + 4}
    assert family in close  # an exponential is a gamma, too
    assert fit.candidates[0].distance < 0.03


def test_what_no_family_fits_is_taken_as_measured() -> None:
    dice = numpy.random.default_rng(3)
    values = numpy.where(dice.random(3_000) < 0.5, dice.normal(60, 5, 3_000), dice.normal(600, 30, 3_000))
    fit = fit_durations(values)
    assert fit is not None
    assert fit.chosen == "empirical"
    assert numpy.average(fit.document["values"], weights=fit.document.get("weights")) == pytest.approx(
        fit.mean_s, rel=0.001
    )


def test_kaplan_and_meier_of_the_leukaemia_data() -> None:
    """Remission under 6-MP (E. J. Freireich et al., Blood 21, 1963), the textbooks' example: 21 patients."""
    times = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    happened = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    curve = kaplan_meier(numpy.array(times, float), numpy.array(happened, bool))
    assert curve.times_s.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.patient.round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.error.round(4).tolist() == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]


def test_censoring_is_what_makes_the_difference() -> None:
    """With most answered first, the mean wait of those who gave up is far below their patience; the fit is not."""
    fits = []
    for seed in range(10):
        dice = numpy.random.default_rng(seed)
        patience, answered_after = dice.exponential(300, 6_000), dice.exponential(60, 6_000)
        wait, gave_up = numpy.minimum(patience, answered_after), patience < answered_after
        assert wait[gave_up].mean() < 60
        fit = fit_patience(wait, gave_up)
        assert_recovered(fit.parameters["mean"], 300, fit.errors["mean"], 0.1)
        if fit.family == "exponential":
            assert fit.errors["mean"] == pytest.approx(300 / int(gave_up.sum()) ** 0.5, rel=0.15)
            fits.append(fit)
    # One parameter too many has the smaller AIC with probability 0.157, so fewer than five are right once in 1,600.
    assert len(fits) >= 5


@pytest.mark.parametrize("seed", range(3))
def test_where_phones_ring_before_anybody_waits_the_first_seconds_are_not_made_up(seed: int) -> None:
    """Nineteen of twenty are answered after two seconds, so all but nothing is known of what comes later; and what is
    known of the first two must not be overruled by it. Records have whole seconds."""
    dice = numpy.random.default_rng(seed)
    patience, waits = dice.exponential(90, 1_600), dice.random(1_600) < 0.05
    answered_after = numpy.where(waits, 2 + dice.exponential(20, 1_600), 2.0)
    wait, gave_up = numpy.floor(numpy.minimum(patience, answered_after)), patience < answered_after
    fit = fit_patience(wait, gave_up)
    by_then, error = fit.survival.at(1), fit.survival.error_at(1)
    assert by_then == pytest.approx(math.exp(-2 / 90), abs=ALLOWED_Z * error)
    assert float(fit.patient(numpy.array([2.0]))[0]) == pytest.approx(by_then, abs=2 * error)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(60))
def test_whatever_little_is_known_gives_a_patience_or_none(seed: int) -> None:
    """Few contacts, of whom hardly any or nearly all give up, in whole seconds, also all in the same one."""
    dice = numpy.random.default_rng(seed)
    count = int(dice.integers(8, 80))
    wait = numpy.floor(dice.exponential(dice.choice([1, 5, 50]), count))
    if seed % 4 == 0:
        wait[:] = dice.choice([0, 1, 2, 3, 30])
    fit = fit_patience(wait, dice.random(count) < dice.choice([0.1, 0.5, 0.95]))
    if fit.document is not None:
        assert all(0 < value < math.inf for value in fit.parameters.values())
        assert 0 <= fit.at_once < 1
        still = fit.patient(numpy.array([0.0, 1.0, 10.0]))
        assert 1 >= still[0] >= still[1] >= still[2] >= 0


@pytest.fixture(scope="module")
def back_tested(history: History, found: Calibration) -> BackTest:
    learn, test = split(found, None)
    return back_test(history, calibrate(history, dates=learn), found, test, local(1), replications=20)


@pytest.mark.parametrize(
    ("metric", "from_the_fit"), [("service_level_share", 0.015), ("asa_ms", 1_500), ("abandon_share", 0.01)]
)
def test_a_back_test_of_what_the_days_were_made_by_finds_no_fault(
    back_tested: BackTest, metric: str, from_the_fit: float
) -> None:
    """`from_the_fit`: what the errors of 14 days' fits (about 1 % of the handle time) make of the figure."""
    (verdict,) = [each for each in back_tested.verdicts if each.metric == metric and not each.queue]
    assert verdict.bias is not None
    assert verdict.bias_error is not None
    # With 6 days a half-width is 2.57 standard errors, and 6.87 are exceeded once in 1,000.
    assert abs(verdict.bias) <= verdict.bias_error * 6.87 / 2.57 + from_the_fit
    # 192 intervals; neighbours go together, so their number counts as a third: 0.9 has a standard error of 0.0375.
    assert verdict.judged > 180
    assert verdict.coverage is not None
    assert abs(verdict.coverage - 0.9) <= ALLOWED_Z * (0.9 * 0.1 / (verdict.judged / 3)) ** 0.5

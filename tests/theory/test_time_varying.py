"""M_t/M/s_t+M over time, against what is known exactly: when callers are as patient as they are long, the number
present is that of M_t/M/infinity and so Poisson, whatever the staffing (Feldman, Mandelbaum, Massey, Whitt 2008)."""

import numpy
import pytest
from numpy.typing import NDArray
from scipy.stats import poisson

from documents import Source
from simulations.erlang import ErlangA, ErlangC, Goals, Traffic
from simulations.replications import replicate
from simulations.scenario import Scenario
from simulations.setting import settle
from simulations.statistics import estimates
from simulations.time_varying import Day, evolve, isa, lagged, performance, sipp

STEP = 2 * numpy.pi / 1600
MIDDLES = -numpy.pi / 2 + STEP * (numpy.arange(800) + 0.5)  # up to pi / 2


def sine_day(middles: NDArray[numpy.float64], step: float) -> Day:
    return Day(100 + 20 * numpy.sin(middles), step, aht_s=1.0, patience_s=1.0)


def mean_present(at: NDArray[numpy.float64] | float) -> NDArray[numpy.float64]:
    return numpy.asarray(100 + 10 * (numpy.sin(at) - numpy.cos(at)))


def test_the_number_present_is_poisson_whatever_the_staffing() -> None:
    """The rate is constant in steps of 0.004 handle times, which costs about 1e-6 of the probabilities."""
    staff = numpy.random.default_rng(1).integers(80, 130, len(MIDDLES)).astype(float)
    begin = poisson.pmf(numpy.arange(260), mean_present(-numpy.pi / 2))
    found = evolve(sine_day(MIDDLES, STEP), staff, begin)
    at_zero, at_half_pi = found.ends[len(MIDDLES) // 2 - 1], found.ends[-1]
    assert at_zero[95:].sum() == pytest.approx(0.312805, abs=2e-6)
    assert at_half_pi[116:].sum() == pytest.approx(0.296014, abs=2e-6)
    count = numpy.arange(len(at_half_pi))
    assert numpy.abs(at_half_pi - poisson.pmf(count, 110)).max() < 1e-6
    print(f"P(delay) at 0: {at_zero[95:].sum():.6f}, at pi/2: {at_half_pi[116:].sum():.6f}")


def test_isa_gives_every_moment_the_same_delay() -> None:
    """The staff that ISA finds for P(delay) <= 0.3 is the quantile of that Poisson number, within the agent by which an
    interval of 0.1 handle times differs from its middle."""
    step = 0.1
    middles = -1.5 * numpy.pi + step * (numpy.arange(110) + 0.5)
    staff = isa(sine_day(middles, step), Goals(wait=0.3))
    settled = middles > middles[0] + 6  # it began empty: exp(-6) of 90 is left of that
    quantile = poisson.isf(0.3, mean_present(middles)) + 1  # the least k with P(N >= k) <= 0.3
    assert numpy.abs(staff - quantile)[settled].max() <= 1
    assert numpy.abs((staff - quantile)[settled]).mean() < 0.5
    assert staff[settled].max() - staff[settled].min() > 20


@pytest.mark.parametrize("patience", [60.0, 240.0, 1200.0, numpy.inf])
def test_a_steady_day_ends_in_the_steady_state(patience: float) -> None:
    day = Day.of([100] * 40, 1800, 240, patience)
    met = performance(day, numpy.full(40, 15.0), within_s=20)
    model = ErlangC() if numpy.isinf(patience) else ErlangA(patience)
    steady = model.figures(Traffic.of(100, 240, 1800), 15, within_s=20)
    for name in ("service_level_share", "wait_share", "asa_s", "mean_wait_s", "abandon_share", "mean_queue"):
        assert getattr(met, name)[-1] == pytest.approx(getattr(steady, name), rel=1e-6, abs=1e-12), name


def test_what_m_t_m_infinity_carries() -> None:
    day = Day.of([10, 80, 200, 40, 0], 1800, 300)
    numbers = evolve(day, numpy.full(5, numpy.inf)).averages
    assert day.offered_load() == pytest.approx(numbers @ numpy.arange(numbers.shape[1]), rel=1e-5)


CALLS = [20, 60, 150, 250, 330, 360, 350, 320, 300, 310, 330, 320, 280, 240, 200, 150, 100, 50]


@pytest.mark.parametrize("patience", [180.0, numpy.inf])
def test_isa_meets_the_goal_in_every_interval_with_no_agent_too_many(patience: float) -> None:
    """Where rates change fast SIPP is too high in the morning and too low in the evening; the lag mends most of it."""
    day, goals = Day.of(CALLS, 1800, 600, patience), Goals(service_level=0.8, within_s=20)
    misses = {}
    for method in (sipp, lagged, isa):
        reached = performance(day, method(day, goals)).service_level_share
        misses[method] = numpy.maximum(0.8 - reached, 0).sum()
        print(method.__name__, numpy.round(reached, 3))
    assert misses[isa] == 0
    assert misses[lagged] < misses[sipp] / 2
    staff = isa(day, goals)
    for interval in range(0, len(CALLS), 3):
        fewer = staff.copy()
        fewer[interval] -= 1
        assert performance(day, fewer).service_level_share[interval] < 0.8


def test_lagged_arrivals_come_later() -> None:
    day = Day.of([10, 20, 30], 1800, 900)
    assert day.delayed(450) * 1800 == pytest.approx([7.5, 17.5, 27.5])
    assert day.delayed(1800) * 1800 == pytest.approx([0, 10, 20])


def test_the_router_meets_what_the_equations_say() -> None:
    """A changing day simulated through the real router, 40 times: in every interval service level and mean wait within
    3.5 of their own standard errors (which by chance fails for one of these eight figures in 100 such tests)."""
    calls, replications = [60, 100, 140, 80], 40
    document = {
        "name": "A changing day",
        "seed": 5,
        "replications": replications,
        "duration_minutes": 120,
        "policy": {"queues": {"line": {"answered_within_s": 20}}},
        "staff": [{"group": "agents", "count": 12}],
        "kinds": {
            "calls": {
                "queue": "line",
                "arrivals": {"per_interval": calls},
                "handle_time_s": {"distribution": "exponential", "mean": 180},
                "patience_s": {"distribution": "exponential", "mean": 240},
            }
        },
    }
    setting = settle(Source("theory", document, {}), Scenario.model_validate(document), None)
    outcomes = [replicate(setting, number) for number in range(replications)]
    exact = performance(Day.of(calls, 1800, 180, 240), numpy.full(4, 12.0), within_s=20)
    t_95 = 2.022691  # Student's, of 39 degrees of freedom: half-width / standard error
    for i in range(4):
        found = estimates([outcome.intervals[i].queues["line"] for outcome in outcomes], 0.95)
        pairs = (
            ("service_level_share", exact.service_level_share[i], 1.0),
            ("mean_wait_ms", exact.mean_wait_s[i], 0.001),
        )
        for name, value, scale in pairs:
            estimate = found[name]
            assert estimate.value is not None
            assert estimate.half_width is not None
            error = estimate.half_width * scale / t_95
            z = (estimate.value * scale - value) / error
            print(f"interval {i} {name}: {estimate.value * scale:.4f} for {value:.4f}, {z:+.2f} standard errors")
            assert abs(z) <= 3.5

"""The simulation against what is published, from the scenario files of `examples/published`, through the real router.

Set beforehand, as in `test_simulation`: each figure is the estimate of a few independent replications and must lie
within as many of its own standard errors of the published value as chance exceeds once in 300 times (Student's t); the
standard error must be at most a given share of the value, so that the test has power. The seeds are those of the files,
so the verdict is always the same. `python -m benchmarks.published` does the same with many more replications.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from scipy.optimize import brentq
from scipy.special import stdtrit

from simulations.replications import Study, replicate
from simulations.results import Estimates, Results, summarise
from simulations.setting import read_scenario, settle
from tests.support.queueing import ErlangA, ErlangC

PUBLISHED = Path(__file__).parents[2] / "examples/published"
BY_CHANCE = 1 / 300


@cache
def played(name: str, replications: int) -> Results:
    source, scenario = read_scenario(PUBLISHED / f"{name}.yaml")
    setting = settle(source, scenario, None)
    return summarise(Study(setting, replications, [replicate(setting, number) for number in range(replications)]))


@dataclass(frozen=True)
class Published:
    """A figure of a paper. `scale` turns ours into the paper's unit; `complement`: the paper has 1 minus ours."""

    metric: str
    value: float
    greatest_error: float
    scale: float = 1.0
    complement: bool = False

    def check(self, figures: Estimates, results: Results) -> None:
        estimate = figures[self.metric]
        assert estimate.value is not None
        assert estimate.half_width is not None
        degrees = results.replications - (1 if results.control is None else 2)
        found = self.scale * (1 - estimate.value if self.complement else estimate.value)
        error = self.scale * estimate.half_width / float(stdtrit(degrees, 0.5 + results.confidence / 2))
        told = f"{self.metric}: {found:.5g} ± {error:.2g} (one standard error), published {self.value:.5g}"
        print(told)
        assert 0 < error / self.value <= self.greatest_error, f"no power: {told}"
        assert abs(found - self.value) <= float(stdtrit(degrees, 1 - BY_CHANCE / 2)) * error, told


# Times in the papers' units: the mean service time of 100 s in Whitt's, minutes in Wallace and Whitt's.
UNIT, MINUTE = 1 / 100_000, 1 / 60_000


def whitt(
    no_wait: float, abandon: float, queue: float, served: float, abandoned: float, soon: float
) -> list[Published]:
    return [
        Published("had_to_wait_share", no_wait, 0.12, complement=True),
        Published("abandon_share", abandon, 0.13),
        Published("mean_queue_length", queue, 0.08),
        Published("asa_ms", served, 0.09, UNIT),
        Published("mean_time_to_abandon_ms", abandoned, 0.07, UNIT),
        Published("service_level_answered_share", soon, 0.09),
    ]


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("whitt-e2", whitt(0.211, 0.0348, 11.40, 0.1097, 0.1696, 0.502)),
        ("whitt-m", whitt(0.242, 0.0376, 11.42, 0.1094, 0.1788, 0.518)),
    ],
)
def test_whitt(name: str, figures: list[Published]) -> None:
    results = played(name, 10)
    for figure in figures:
        figure.check(results.whole.all_queues, results)


@pytest.mark.parametrize(
    ("skills", "blocked", "waits", "mean_wait", "soon"),
    [(1, 0.041659, 0.573563, 3.05432, 0.473426), (2, 0.0043, 0.4246, 0.5932, 0.7164)],
)
def test_wallace_and_whitt(skills: int, blocked: float, waits: float, mean_wait: float, soon: float) -> None:
    results = played(f"wallace-whitt-{skills}", 5 if skills == 1 else 8)
    Published("blocked_share", blocked, 0.7).check(results.whole.all_callers, results)
    for figure in (
        Published("had_to_wait_share", waits, 0.12),
        Published("mean_wait_ms", mean_wait, 0.25, MINUTE),
        Published("service_level_share", soon, 0.1),
    ):
        figure.check(results.whole.all_queues, results)


def test_wallace_and_whitt_with_all_skills_is_one_queue_with_a_finite_room() -> None:
    load, agents, lines = 84.0, 90, 120
    weights = [1.0]
    for present in range(1, lines + 1):
        weights.append(weights[-1] * load / min(present, agents))
    whole = sum(weights)
    blocked = weights[lines] / whole
    admitted = 1 - blocked
    waits = sum(weights[agents:lines]) / whole / admitted
    mean_wait = sum((n - agents) * weights[n] for n in range(agents, lines + 1)) / whole / (8.4 * admitted)
    assert (blocked, waits, mean_wait) == pytest.approx((0.003643, 0.379706, 0.450023), rel=3e-5)
    results = played("wallace-whitt-6", 8)
    Published("blocked_share", blocked, 0.7).check(results.whole.all_callers, results)
    Published("had_to_wait_share", waits, 0.12).check(results.whole.all_queues, results)
    Published("mean_wait_ms", mean_wait, 0.25, MINUTE).check(results.whole.all_queues, results)


def test_v_model_with_two_priorities() -> None:
    """With C the probability to wait, c servers and s1 the load of the first kind over c, the mean waits are
    C / (c mu (1 - s1)) and C / (c mu (1 - s1) (1 - rho))."""
    exact = ErlangC(arrivals=160 / 60, service=1 / 3, agents=10)
    first = exact.p_wait / (10 / 3 * (1 - 0.3))
    results = played("v-model", 12)
    Published("mean_wait_ms", first, 0.1, MINUTE).check(results.whole.queues["first"], results)
    Published("mean_wait_ms", first / (1 - 0.8), 0.15, MINUTE).check(results.whole.queues["second"], results)
    for queue in ("first", "second"):
        Published("had_to_wait_share", exact.p_wait, 0.07).check(results.whole.queues[queue], results)


def test_erlang_x_is_the_fixed_point_of_the_redials() -> None:
    def abandons(arrivals: float) -> float:
        return ErlangA(arrivals=arrivals, service=0.5, patience=1 / 1.5, agents=19).p_abandon

    calls = float(brentq(lambda arrivals: 10 + 0.5 * arrivals * abandons(arrivals) - arrivals, 10, 20))
    results = played("erlang-x", 12)
    whole = results.whole
    Published("redial_share", 1 - 10 / calls, 0.06).check(whole.all_callers, results)
    Published("abandon_share", abandons(calls), 0.06).check(whole.all_queues, results)
    Published("calls", calls * 240, 0.02).check(whole.all_callers, results)

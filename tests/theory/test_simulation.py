"""The simulation against exact answers, through the real router core.

Set beforehand: each figure is the estimate of REPLICATIONS independent runs. It must lie within ALLOWED_Z of its own
standard errors of the exact value, which by chance fails for one figure in 500; and the standard error must be at most
a given share of the value, so that the test has power: what is off by 3.5 + 2 times that share is nearly always found.
The seeds are fixed, so the verdict is always the same.
"""

from collections.abc import Callable

import pytest

from documents import Source
from router.core.tallies import AgentTally, ContactTally
from simulations.replications import replicate
from simulations.scenario import Scenario
from simulations.setting import settle
from simulations.statistics import Estimate, estimates, mean_estimate
from tests.support.queueing import CutoffPriority, ErlangA, ErlangC, NModel, RenewalM1

REPLICATIONS = 24
ALLOWED_Z = 3.5  # Student's t with 23 degrees of freedom leaves 0.002 outside
CONFIDENCE = 0.95
T_95 = 2.068658  # of 23 degrees of freedom: half-width / standard error


def run(document: dict[str, object]) -> tuple[list[dict[str, ContactTally]], list[dict[str, AgentTally]]]:
    scenario = Scenario.model_validate({"replications": REPLICATIONS, "run_off_minutes": 30} | document)
    setting = settle(Source("theory", document, {}), scenario, None)
    outcomes = [replicate(setting, number) for number in range(REPLICATIONS)]
    return [outcome.whole.queues for outcome in outcomes], [outcome.whole.groups for outcome in outcomes]


def of(tallies: list[dict[str, ContactTally]] | list[dict[str, AgentTally]], name: str) -> dict[str, Estimate]:
    return estimates([tally[name] for tally in tallies], CONFIDENCE)


def assert_agrees(estimate: Estimate, exact: float, greatest_error: float, scale: float = 1.0) -> None:
    """`greatest_error`: the largest allowed standard error over the exact value."""
    assert estimate.value is not None
    assert estimate.half_width is not None
    value, error = estimate.value * scale, estimate.half_width * scale / T_95
    assert 0 < error / exact <= greatest_error, f"the standard error is {error / exact:.2%} of the value: no power"
    z = (value - exact) / error
    assert abs(z) <= ALLOWED_Z, f"{value:.6g} for {exact:.6g}: {z:+.2f} standard errors of {error:.3g}"


def exponential(mean_s: float) -> dict[str, object]:
    return {"distribution": "exponential", "mean": mean_s}


def test_the_half_width_is_students() -> None:
    assert mean_estimate([float(number) for number in range(24)], CONFIDENCE).half_width == pytest.approx(
        T_95 * (50 / 24) ** 0.5
    )


def test_erlang_c() -> None:
    queues, agents = run(
        {
            "name": "Erlang C",
            "seed": 1,
            "duration_minutes": 1_560,
            "interval_minutes": 60,
            "warm_up_minutes": 60,
            "policy": {"queues": {"line": {"answered_within_s": 20}}},
            "staff": [{"group": "agents", "count": 14}],
            "kinds": {"calls": {"queue": "line", "arrivals": {"per_hour": 200}, "handle_time_s": exponential(180)}},
        }
    )
    exact = ErlangC(arrivals=200 / 60, service=60 / 180, agents=14)
    assert (exact.p_wait, exact.p_answered_within(1 / 3), exact.mean_wait * 60) == pytest.approx(
        (0.1741319, 0.8883500, 7.83594), rel=1e-6
    )
    line = of(queues, "line")
    assert_agrees(line["had_to_wait_share"], exact.p_wait, 0.045)
    assert_agrees(line["service_level_share"], exact.p_answered_within(1 / 3), 0.008)
    assert_agrees(line["asa_ms"], exact.mean_wait * 60, 0.08, scale=0.001)
    assert_agrees(of(agents, "agents")["occupancy_share"], 10 / 14, 0.005)


def test_erlang_a() -> None:
    queues, _ = run(
        {
            "name": "Erlang A",
            "seed": 2,
            "duration_minutes": 140,
            "interval_minutes": 20,
            "warm_up_minutes": 20,
            "policy": {"queues": {"line": {}}},
            "staff": [{"group": "agents", "count": 50}],
            "kinds": {
                "calls": {
                    "queue": "line",
                    "arrivals": {"per_hour": 2_880},
                    "handle_time_s": exponential(60),
                    "patience_s": exponential(120),
                }
            },
        }
    )
    exact = ErlangA(arrivals=48, service=1, patience=0.5, agents=50)
    assert (exact.p_abandon, exact.mean_wait * 60, exact.mean_queue) == pytest.approx(
        (0.03091, 3.7095, 2.968), rel=2e-4
    )
    line = of(queues, "line")
    assert_agrees(line["abandon_share"], exact.p_abandon, 0.07)
    assert_agrees(line["mean_wait_ms"], exact.mean_wait * 60, 0.07, scale=0.001)
    assert_agrees(line["mean_queue_length"], exact.mean_queue, 0.07)


def _regular(s: float) -> float:
    return (2.8 / (2.8 + s)) ** 4


def _bursty(s: float) -> float:
    p = (1 + 0.6**0.5) / 2  # two exponentials of balanced means, squared coefficient of variation 4
    return sum(share * (1.4 * share) / (1.4 * share + s) for share in (p, 1 - p))


@pytest.mark.parametrize(
    ("gaps", "transform", "expected"),
    [
        ({"distribution": "erlang", "mean": 5, "phases": 4}, _regular, (0.5529115, 1.2366936)),
        ({"distribution": "hyperexponential", "mean": 5, "scv": 4}, _bursty, (0.8478637, 5.5730516)),
    ],
    ids=["regular", "bursty"],
)
def test_other_gaps_between_arrivals(
    gaps: dict[str, object], transform: Callable[[float], float], expected: tuple[float, float]
) -> None:
    """GI/M/1 with 0.7 calls a minute; the mean of the written gaps is another, for only their form counts. `expected`:
    P(wait) and its x / (1 - x), where x is the root of a polynomial that numpy.roots finds."""
    queues, _ = run(
        {
            "name": "GI/M/1",
            "seed": 4,
            "duration_minutes": 1_600,
            "interval_minutes": 100,
            "warm_up_minutes": 100,
            "run_off_minutes": 120,
            "policy": {"queues": {"line": {"answered_within_s": 60}}},
            "staff": [{"group": "agents", "count": 1}],
            "kinds": {
                "calls": {
                    "queue": "line",
                    "arrivals": {"per_hour": 42, "interarrival": gaps},
                    "handle_time_s": exponential(60),
                }
            },
        }
    )
    exact = RenewalM1(transform, service=1.0)
    assert (exact.p_wait, exact.mean_wait) == pytest.approx(expected, rel=1e-6)
    line = of(queues, "line")
    assert_agrees(line["had_to_wait_share"], exact.p_wait, 0.02)
    assert_agrees(line["service_level_share"], exact.p_answered_within(1), 0.05)
    assert_agrees(line["asa_ms"], exact.mean_wait, 0.12, scale=1 / 60_000)


def test_two_skill_n_model() -> None:
    """Kind 0 asks the specialists first (the least skilled who can); generalists take kind 1 first (its priority)."""
    times = {"handle_time_s": exponential(300), "patience_s": exponential(240)}
    queues, agents = run(
        {
            "name": "N model",
            "seed": 3,
            "duration_minutes": 1_300,
            "interval_minutes": 100,
            "warm_up_minutes": 100,
            "policy": {
                "queues": {
                    "zero": {"skills": {"zero": 1}, "agent_ranking": ["least_skilled", "longest_idle"]},
                    "one": {"skills": {"one": 1}, "priority": 1},
                }
            },
            "staff": [
                {"group": "specialists", "count": 5, "skills": {"zero": 5}},
                {"group": "generalists", "count": 6, "skills": {"zero": 5, "one": 5}},
            ],
            "kinds": {
                "zero": {"queue": "zero", "arrivals": {"per_hour": 72}} | times,
                "one": {"queue": "one", "arrivals": {"per_hour": 48}} | times,
            },
        }
    )
    exact = NModel(arrivals=(1.2, 0.8), service=0.2, patience=0.25, specialists=5, generalists=6).solve()
    assert exact.p_wait == pytest.approx((0.3332391, 0.5157226), abs=1e-7)
    assert exact.p_abandon == pytest.approx((0.0815591, 0.1339558), abs=1e-7)
    assert exact.mean_wait == pytest.approx((0.3262364, 0.5358232), abs=1e-7)
    assert exact.occupancy == pytest.approx((0.8128315, 0.8184441), abs=1e-7)
    for position, name in enumerate(("zero", "one")):
        line = of(queues, name)
        assert_agrees(line["had_to_wait_share"], exact.p_wait[position], 0.03)
        assert_agrees(line["abandon_share"], exact.p_abandon[position], 0.05)
        assert_agrees(line["mean_wait_ms"], exact.mean_wait[position], 0.05, scale=1 / 60_000)
    assert_agrees(of(agents, "specialists")["occupancy_share"], exact.occupancy[0], 0.008)
    assert_agrees(of(agents, "generalists")["occupancy_share"], exact.occupancy[1], 0.008)


def test_agents_kept_free_for_others() -> None:
    """Kind 1 is served only while more than two of eight agents are free."""
    times = {"handle_time_s": exponential(300), "patience_s": exponential(240)}
    queues, agents = run(
        {
            "name": "Cutoff priority",
            "seed": 6,
            "duration_minutes": 1_300,
            "interval_minutes": 100,
            "warm_up_minutes": 100,
            "policy": {"queues": {"zero": {"priority": 1}, "one": {"keep_free": 2}}},
            "staff": [{"group": "agents", "count": 8}],
            "kinds": {
                "zero": {"queue": "zero", "arrivals": {"per_hour": 48}} | times,
                "one": {"queue": "one", "arrivals": {"per_hour": 42}} | times,
            },
        }
    )
    exact = CutoffPriority(arrivals=(0.8, 0.7), service=0.2, patience=0.25, agents=8, kept_free=2).solve()
    for position, name in enumerate(("zero", "one")):
        line = of(queues, name)
        assert_agrees(line["had_to_wait_share"], exact.p_wait[position], 0.06)
        assert_agrees(line["mean_wait_ms"], exact.mean_wait[position], 0.08, scale=1 / 60_000)
    assert_agrees(of(agents, "agents")["occupancy_share"], exact.occupancy, 0.01)


def test_without_patience_or_cutoff_the_cutoff_chain_is_erlang_c() -> None:
    """The chain itself: two kinds alike, in one line."""
    exact = CutoffPriority((0.8, 0.7), service=0.25, patience=0.0, agents=8, kept_free=0).solve()
    assert exact.p_wait == pytest.approx([ErlangC(1.5, 0.25, 8).p_wait] * 2, rel=1e-6)

"""Callers who act on what they hear when they come, against exact answers: the files of `examples/published` that are
held to the Markov chains of `tests.support.informed_queues`.

Set beforehand, as in `test_simulation`: each figure of 24 independent runs lies within ALLOWED_Z of its own standard
errors of the exact value, and the standard error is at most a given share of it.
"""

from collections.abc import Callable, Sequence
from math import exp
from pathlib import Path

import numpy
import pytest
from scipy.optimize import brentq

from router.core.tallies import AgentTally
from simulations.kernel.refusals import refusals
from simulations.outcomes import Outcome
from simulations.replications import replicate
from simulations.setting import Setting, read_scenario, settle
from simulations.statistics import mean_estimate
from tests.support.informed_queues import AnnouncedDelays, CallbackOption, percentile_of_wait

PUBLISHED = Path(__file__).parents[2] / "examples/published"
ALLOWED_Z = 3.5
T_95 = 2.068658  # of 23 degrees of freedom
AGENTS, SERVICE_S, PATIENCE_S = 3, 120.0, 150.0


def setting(name: str) -> Setting:
    return settle(*read_scenario(PUBLISHED / f"{name}.yaml"), None)


def play(name: str) -> list[Outcome]:
    of = setting(name)
    return [replicate(of, number) for number in range(of.scenario.replications)]


def occupied(agents: AgentTally) -> float:
    return agents.handling_ms / (agents.handling_ms + agents.available_ms)


def assert_agrees(
    outcomes: Sequence[Outcome], figure: Callable[[Outcome], float], exact: float, greatest_error: float
) -> None:
    """`greatest_error`: the largest allowed standard error over the exact value."""
    estimate = mean_estimate([figure(outcome) for outcome in outcomes], 0.95)
    assert estimate.value is not None
    assert estimate.half_width is not None
    error = estimate.half_width / T_95
    z = (estimate.value - exact) / error
    print(f"{estimate.value:.6g} for {exact:.6g}: {z:+.2f} standard errors of {error / exact:.2%}")
    assert 0 < error / exact <= greatest_error
    assert abs(z) <= ALLOWED_Z


def test_announced_delays() -> None:
    of = setting("announced-delays").scenario.kinds["calls"].announcement
    assert of is not None
    assert of.by_ahead_s is not None
    for ahead, told_s in enumerate(of.by_ahead_s):
        exact_s = percentile_of_wait(ahead, 0.8, AGENTS / SERVICE_S, 1 / PATIENCE_S)
        assert told_s == pytest.approx(exact_s, abs=0.006)
    exact = AnnouncedDelays(130 / 3_600, 1 / SERVICE_S, 1 / PATIENCE_S, AGENTS, 6, of.by_ahead_s, 1.5).solve()
    outcomes = play("announced-delays")
    for figure, value, greatest_error in (
        (lambda o: o.whole.kinds["calls"].left_at_once / o.whole.kinds["calls"].calls, exact.p_balk, 0.015),
        (
            lambda o: (
                (o.whole.all_queues.abandoned - o.whole.kinds["calls"].left_at_once) / o.whole.kinds["calls"].calls
            ),
            exact.p_renege,
            0.02,
        ),
        (lambda o: o.whole.all_queues.waiting_ms / o.whole.all_queues.span_ms, exact.waiting, 0.025),
        (lambda o: occupied(o.whole.all_agents), exact.occupancy, 0.005),
    ):
        assert_agrees(outcomes, figure, value, greatest_error)


def test_the_last_wait_is_announced() -> None:
    """In the fluid limit all who stay wait as long, w: of 560 calls a minute, (1 - w / 100 s) exp(-w / 150 s) are the
    400 that the agents can take. Beside chance, 400 agents differ from the limit by something of the order of 1 / 400:
    1 %, set beforehand."""
    wait_s = brentq(lambda wait: 560 * (1 - wait / 100) * exp(-wait / 150) - 400, 0, 100)
    outcomes = play("last-wait-announced")
    for figure, limit in (
        (lambda o: o.whole.all_queues.wait_answered_ms / 1_000 / o.whole.all_queues.answered, wait_s),
        (lambda o: o.whole.kinds["calls"].left_at_once / o.whole.kinds["calls"].calls, wait_s / 100),
    ):
        found = [figure(outcome) for outcome in outcomes]
        error = numpy.std(found, ddof=1) / len(found) ** 0.5
        print(f"{numpy.mean(found):.6g} for {limit:.6g}, standard error {error / limit:.2%}")
        assert 0 < error <= 0.01 * limit
        assert abs(numpy.mean(found) - limit) <= ALLOWED_Z * error + 0.01 * limit


def test_a_callback_is_offered_when_the_queue_is_long() -> None:
    exact = CallbackOption(110 / 3_600, 1 / 120, 1 / 90, 4, kept_free=1, offered_from=2, takes=0.6).solve()
    outcomes = play("callback-option")
    for figure, value, greatest_error in (
        (lambda o: o.whole.kinds["calls"].asked_for_callback / o.whole.kinds["calls"].calls, exact.p_callback, 0.04),
        (lambda o: o.whole.queues["line"].abandoned / o.whole.kinds["calls"].calls, exact.p_abandon, 0.02),
        (lambda o: o.whole.queues["line"].waiting_ms / o.whole.queues["line"].span_ms, exact.waiting, 0.03),
        (
            lambda o: o.whole.queues["later"].callback_wait_ms / 1_000 / o.whole.queues["later"].callbacks_reached,
            exact.callback_wait,
            0.08,
        ),
        (lambda o: occupied(o.whole.all_agents), exact.occupancy, 0.006),
    ):
        assert_agrees(outcomes, figure, value, greatest_error)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("announced-delays", {"announcement.by_ahead_s", "announcement.patience_times_told"}),
        ("callback-option", {"callbacks"}),
        ("last-wait-announced", {"announcement.tells"}),
    ],
)
def test_the_kernel_refuses_by_name(name: str, fields: set[str]) -> None:
    said = "".join(f"{refusal}\n" for refusal in refusals(setting(name)))
    assert all(f"kinds.calls.{field}: " in said for field in fields)

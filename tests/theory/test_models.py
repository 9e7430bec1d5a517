"""Models of the literature that have exact answers, stated as scenarios in `examples/published` without a line of code.

Set beforehand: a figure lies within ALLOWED_Z of its own standard errors of the exact value, which by chance fails for
one in 2,000; and the standard error is at most a given share of it.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from scipy.special import stdtrit
from scipy.stats import gamma

from simulations.engines import replicate_compiled
from simulations.replications import Study
from simulations.results import summarise
from simulations.setting import read_scenario, settle
from tests.support.queueing import ErlangC

FILES = Path(__file__).parents[2] / "examples/published"
ALLOWED_Z = 3.5
SECOND = 0.001

Exact = list[tuple[str, str, float, float, float]]
"""Metric; of which queue or group, or of all `queues` or `callers`; our unit in the model's; the exact value; the
widest standard error, as a share of it."""

ARRIVALS = numpy.array([10, 12, 4]) / 3_600
WORK, SQUARES = numpy.array([60.0, 90, 240]), numpy.array([1.0, 2, 1.5]) * numpy.array([60.0, 90, 240]) ** 2
LOAD = ARRIVALS * WORK
RESIDUAL = float(ARRIVALS @ SQUARES) / 2
QUEUES = ("urgent", "normal", "later")


def erlang_b(load: float, servers: int) -> float:
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def cobham() -> Exact:
    """The wait of class k is the residual work over (1 - the load of all before k) (1 - theirs and its own)."""
    up_to = numpy.concatenate([[0.0], numpy.cumsum(LOAD)])
    waits = RESIDUAL / ((1 - up_to[:-1]) * (1 - up_to[1:]))
    return [("mean_wait_ms", name, SECOND, wait, 0.04) for name, wait in zip(QUEUES, waits, strict=True)]


def accumulating_priority() -> Exact:
    """Kleinrock's recursion, from the class whose priority grows slowest. With rates b of growth and loads r,
    W(p) (1 - sum over faster i of r(i) (1 - b(p) / b(i)))
    = W0 / (1 - r) - sum over slower i of r(i) W(i) (1 - b(i) / b(p))."""
    growth, waits = (4, 2, 1), [0.0, 0.0, 0.0]
    for of in (2, 1, 0):
        slower = sum(LOAD[i] * waits[i] * (1 - growth[i] / growth[of]) for i in range(of + 1, 3))
        faster = sum(LOAD[i] * (1 - growth[of] / growth[i]) for i in range(of))
        waits[of] = float((RESIDUAL / (1 - LOAD.sum()) - slower) / (1 - faster))
    return [("mean_wait_ms", name, SECOND, wait, 0.04) for name, wait in zip(QUEUES, waits, strict=True)]


def erlang_r() -> Exact:
    model = ErlangC(arrivals=200 / 60, service=1 / 2, agents=8)
    return [
        ("had_to_wait_share", "line", 1, model.p_wait, 0.015),
        ("mean_wait_ms", "line", SECOND, 60 * model.mean_wait, 0.05),
        ("occupancy_share", "agents", 1, model.load / 8, 0.005),
    ]


def overflow() -> Exact:
    """Where all have the same work it does not matter who does it: the loss is that of one group of seven."""
    return [
        ("moved_share", "first", 1, erlang_b(5, 4), 0.005),
        ("overflow_share", "queues", 1, erlang_b(5, 7), 0.01),
    ]


def slow_server() -> Exact:
    """Balance of 0, fast alone, slow alone, both; above two present each further one has the odds `ratio`."""
    arrivals, fast, slow = 50 / 3_600, 1 / 60, 1 / 180
    ratio = arrivals / (fast + slow)
    both = 1 / (1 - ratio)  # all states with two or more present, beside that with exactly two
    # Unknown: p0, p_fast, p_slow, p2. Flow out is flow in of the first three, and all together are one.
    balance = numpy.array(
        [
            [arrivals, -fast, -slow, 0],
            [-arrivals, fast + arrivals, 0, -slow],
            [0, 0, slow + arrivals, -fast],
            [1, 1, 1, both],
        ]
    )
    _, only_fast, only_slow, two = numpy.linalg.solve(balance, [0, 0, 0, 1])
    return [
        ("had_to_wait_share", "line", 1, two * both, 0.015),
        ("mean_queue_length", "line", 1, two * ratio / (1 - ratio) ** 2, 0.04),
        ("occupancy_share", "fast", 1, only_fast + two * both, 0.005),
        ("occupancy_share", "slow", 1, only_slow + two * both, 0.005),
    ]


def uncertain_staff() -> Exact:
    """The loss of each number of agents and factor of the day, weighted by its chance and by how many call then."""
    factors = gamma(10, scale=0.1).ppf((numpy.arange(20_000) + 0.5) / 20_000)
    came = [math.comb(6, agents) * 0.9**agents * 0.1 ** (6 - agents) for agents in range(7)]
    lost = sum(
        share * sum(factor * erlang_b(4 * factor, agents) for factor in factors) for agents, share in enumerate(came)
    )
    return [("overflow_share", "queues", 1, lost / factors.sum(), 0.03)]


def chats_side_by_side() -> Exact:
    """Births at the arrival rate; deaths of k chats at k over (their handle time times the factor of k), and of those
    who wait for a fourth place at the rate of their patience."""
    arrivals, work_s, patience_s, slower = 21 / 3_600, 180.0, 300.0, (1.0, 1.4, 2.0)
    weights = [1.0]
    for number in range(1, 400):
        served = min(number, 3)
        ends = served / (work_s * slower[served - 1]) + (number - served) / patience_s
        weights.append(weights[-1] * arrivals / ends)
    chances = numpy.array(weights) / sum(weights)
    wait = numpy.maximum(numpy.arange(400) - 3, 0)
    abandoned = float(chances @ wait) / patience_s / arrivals
    talk_s = float(chances @ numpy.minimum(numpy.arange(400), 3)) / (arrivals * (1 - abandoned))
    return [
        ("had_to_wait_share", "chats", 1, float(chances[3:].sum()), 0.02),
        ("mean_queue_length", "chats", 1, float(chances @ wait), 0.04),
        ("abandon_share", "chats", 1, abandoned, 0.04),
        ("mean_talk_ms", "chats", SECOND, talk_s, 0.01),
        ("occupancy_share", "agents", 1, float(1 - chances[0]), 0.01),
    ]


def ivr_and_agents() -> Exact:
    """i in the IVR and j with the agents or waiting for them, at most as many as there are lines: the chance is
    that of two stations in a row, one without a limit and one of four, as far as both fit."""
    lines, agents, arrivals, ivr_s, goes_on, work_s = 12, 4, 130 / 3_600, 60.0, 0.6, 150.0
    chances = numpy.zeros((lines + 1, lines + 1))
    for first in range(lines + 1):
        for second in range(lines + 1 - first):
            behind = math.factorial(min(second, agents)) * agents ** max(0, second - agents)
            in_ivr = (arrivals * ivr_s) ** first / math.factorial(first)
            chances[first, second] = in_ivr * (arrivals * goes_on * work_s) ** second / behind
    chances /= chances.sum()
    present = numpy.add.outer(numpy.arange(lines + 1), numpy.arange(lines + 1))
    by_second = chances.sum(axis=0)
    comes = chances * numpy.arange(lines + 1)[:, None]  # in proportion to how often somebody leaves the IVR
    occupied = float(by_second @ numpy.minimum(range(lines + 1), agents)) / agents
    return [
        ("blocked_share", "callers", 1, float(chances[present == lines].sum()), 0.03),
        ("had_to_wait_share", "line", 1, float(comes[:, agents:].sum() / comes.sum()), 0.02),
        ("mean_queue_length", "line", 1, float(by_second[agents:] @ numpy.arange(lines + 1 - agents)), 0.04),
        ("occupancy_share", "agents", 1, occupied, 0.01),
    ]


MODELS: dict[str, Callable[[], Exact]] = {
    "cobham": cobham,
    "accumulating-priority": accumulating_priority,
    "erlang-r": erlang_r,
    "overflow": overflow,
    "slow-server": slow_server,
    "uncertain-staff": uncertain_staff,
    "chats-side-by-side": chats_side_by_side,
    "ivr-and-agents": ivr_and_agents,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_with_an_exact_answer(name: str) -> None:
    setting = settle(*read_scenario(FILES / f"{name}.yaml"), None)
    count = setting.scenario.replications
    outcomes = [replicate_compiled(setting, number) for number in range(count)]
    whole = summarise(Study(setting, count, outcomes)).whole
    for metric, of, scale, exact, widest in MODELS[name]():
        everybody = {"queues": whole.all_queues, "callers": whole.all_callers}
        figures = {**everybody, **whole.queues, **whole.groups}[of]
        estimate = figures[metric]
        assert estimate.value is not None
        assert estimate.half_width is not None
        error = scale * estimate.half_width / float(stdtrit(count - 1, 0.975))
        z = (scale * estimate.value - exact) / error
        print(f"{metric} of {of}: {scale * estimate.value:.6g} for {exact:.6g}, {z:+.2f} of {error / exact:.2%}")
        assert 0 < error <= widest * exact
        assert abs(z) <= ALLOWED_Z

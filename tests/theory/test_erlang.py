"""The closed forms against published and exact numbers.

Nothing here is an estimate, so the tolerances are those of the numbers as they were printed, or of double precision
(1e-9 of the value; about 1e-13 is reached) beside the same formulas in mpmath with 40 digits, by other ways.
"""

from itertools import count

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import exp, fadd, gammainc, inf, log, mp, mpf, quad

from simulations.erlang import ErlangA, ErlangB, ErlangC, ErlangX, FiniteLines, Goals, Traffic, agents_for

mp.dps = 40
CLOSE = 1e-9


def test_published_erlang_c() -> None:
    found = ErlangC().figures(Traffic.of(360, 240, per_s=1800), 55, within_s=15)
    assert found.wait_share == pytest.approx(0.238701, abs=5e-7)
    assert found.asa_s == pytest.approx(8.1840, abs=5e-5)
    assert found.service_level_share == pytest.approx(0.845883, abs=5e-7)


def test_published_erlang_b() -> None:
    found = ErlangB().figures(Traffic.of([5, 84], 1), [10, 90])
    assert found.blocked_share == pytest.approx([0.01838457, 0.04461987], abs=5e-9)


def test_published_by_others() -> None:
    """The example of pyworkforce and of the R package ErlangC: 100 calls in 30 min, AHT 3 min, 80 % in 20 s, at most
    85 % busy: 14 agents, and with 30 % shrinkage 20."""
    traffic, goals = Traffic.of(100, 180, per_s=1800), Goals(service_level=0.8, within_s=20, occupancy=0.85)
    assert agents_for(ErlangC(), traffic, goals) == 14
    found = ErlangC().figures(traffic, 14, 20)
    assert found.service_level_share == pytest.approx(0.8883500191794669, rel=1e-12)
    assert found.wait_share == pytest.approx(0.1741319335950498, rel=1e-12)
    assert found.occupancy_share == pytest.approx(0.7142857142857143, rel=1e-12)
    assert found.asa_s == pytest.approx(7.83593701177724, rel=1e-12)


def exact_b(load: float, servers: float) -> mpf:
    a, c = mpf(load), mpf(servers)
    return exp(c * log(a) - a) / gammainc(c + 1, a, inf)


loads = st.floats(0.01, 6000)
servers = st.floats(0, 6000)


@settings(max_examples=80, deadline=None)
@given(loads, servers)
def test_erlang_b_is_exact_for_any_real_number_of_servers(load: float, servers: float) -> None:
    exact = exact_b(load, servers)
    found = float(ErlangB().figures(Traffic.of(load, 1), servers).blocked_share)
    assert found == pytest.approx(float(exact), rel=CLOSE, abs=1e-290)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 6000), st.floats(1e-6, 3))
def test_erlang_c_is_exact(load: float, spare: float) -> None:
    agents = load + spare * load**0.5
    b = exact_b(load, agents)
    exact = agents * b / (agents - mpf(load) * (1 - b))
    found = ErlangC().figures(Traffic.of(load, 1), agents)
    # What is left of the difference of two doubles decides how much of it is known.
    tolerance = CLOSE + 1e-14 * agents / (agents - load)
    assert found.wait_share == pytest.approx(float(exact), rel=tolerance, abs=1e-290)
    assert found.asa_s == pytest.approx(float(exact) / (agents - load), rel=tolerance, abs=1e-290)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 120), st.floats(0.3, 2.5), st.floats(0.05, 50), st.floats(0, 3))
def test_erlang_a_is_exact(agents: int, load_per_agent: float, patience: float, within: float) -> None:
    """The chain of the number present, summed with 40 digits; the wait by integrals of the incomplete gamma kind."""
    load = agents * load_per_agent
    weights = [mpf(1)]
    for n in range(1, agents + 1):
        weights.append(weights[-1] * load / n)
    queue, tail = mpf(0), mpf(0)
    term = weights[-1]
    for waiting in count(1):
        term *= load / (agents + mpf(waiting) / patience)
        tail += term
        queue += waiting * term
        if term < weights[-1] * mpf(10) ** -30 and waiting * (1 / patience) > load:
            break
        if term < (tail + sum(weights)) * mpf(10) ** -35:
            break
    total = fadd(sum(weights), tail)
    mean_queue = queue / total
    abandoned = mean_queue / patience / load

    found = ErlangA(patience).figures(Traffic.of(load, 1), agents, within)
    assert found.wait_share == pytest.approx(float((weights[-1] + tail) / total), rel=CLOSE)
    assert found.abandon_share == pytest.approx(float(abandoned), rel=CLOSE)
    assert found.mean_queue == pytest.approx(float(mean_queue), rel=CLOSE)
    assert found.mean_wait_s == pytest.approx(float(mean_queue / load), rel=CLOSE)

    x, y = mpf(agents) * patience, mpf(load) * patience
    scale = (
        y ** (-x) * exp(y) / ((total - weights[-1] - tail) / weights[-2] + y ** (1 - x) * exp(y) * gammainc(x, 0, y))
    )
    late = scale * gammainc(x + 1, 0, y * exp(-mpf(within) / patience))
    assert found.service_level_share == pytest.approx(float(1 - abandoned - late), rel=CLOSE, abs=1e-12)


def test_the_mean_wait_of_those_served_is_exact() -> None:
    x, y = mpf(40 * 3), mpf(45 * 3)

    def density(u: mpf) -> mpf:
        return u ** (x - 1) * exp(y * (1 - u))

    spent = quad(lambda u: -log(u) * 3 * u * density(u), [0, 0.8, 0.95, 1])
    waits = ErlangA(3).figures(Traffic.of(45, 1), 40)
    all_who_wait = quad(density, [0, 0.8, 0.95, 1])
    exact = waits.wait_share * float(spent / all_who_wait) / (1 - waits.abandon_share)
    assert waits.asa_s == pytest.approx(exact, rel=CLOSE)


agents_and_loads = st.tuples(st.floats(0.5, 400), st.floats(0.2, 3))


@settings(max_examples=20, deadline=None)
@given(agents_and_loads, st.floats(0.05, 50), st.floats(0, 3))
def test_two_ways_to_erlang_a_agree(some: tuple[float, float], patience: float, within: float) -> None:
    """Quadrature of the offered wait, and sums over the states of a chain with more lines than are ever taken."""
    agents, load = some[0], some[0] * some[1]
    lines = agents + 200 + 2 * max(0.0, load - agents) * patience + 20 * (load * patience) ** 0.5
    traffic = Traffic.of(load, 1)
    one, other = (
        ErlangA(patience).figures(traffic, agents, within),
        FiniteLines(lines, patience).figures(traffic, agents, within),
    )
    for name in ("service_level_share", "wait_share", "asa_s", "mean_wait_s", "abandon_share", "occupancy_share"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-8, abs=1e-14), name


def test_patience_of_ages_is_erlang_c() -> None:
    traffic, agents = Traffic.of([5, 84, 3000], 1), numpy.array([6, 90, 3010])
    endless = ErlangC().figures(traffic, agents, 0.05)
    for patience in (1e8, 1e12, numpy.inf):
        found = ErlangA(patience).figures(traffic, agents, 0.05)
        for name in ("service_level_share", "wait_share", "asa_s", "mean_wait_s", "occupancy_share", "mean_queue"):
            assert getattr(found, name) == pytest.approx(
                getattr(endless, name), rel=1e-4 if patience == 1e8 else 1e-8
            ), name


def test_finite_lines_lie_between_erlang_b_and_erlang_c() -> None:
    traffic = Traffic.of([5, 84, 3000], 1)
    agents = numpy.array([10, 90, 3010])
    loss = ErlangB().figures(traffic, agents)
    assert FiniteLines(agents).figures(traffic, agents).blocked_share == pytest.approx(loss.blocked_share, rel=CLOSE)
    assert FiniteLines(agents, 0.1).figures(traffic, agents).blocked_share == pytest.approx(
        loss.blocked_share, rel=CLOSE
    )
    endless = ErlangC().figures(traffic, agents, 0.05)
    many = FiniteLines(20_000).figures(traffic, agents, 0.05)
    for name in ("service_level_share", "wait_share", "asa_s", "occupancy_share", "mean_queue"):
        assert getattr(many, name) == pytest.approx(getattr(endless, name), rel=CLOSE), name


def test_a_finite_queue_by_hand() -> None:
    """M/M/1/2 with a load of 1: the three states are equally likely."""
    found = FiniteLines(2).figures(Traffic.of(1, 60, per_s=60), 1, within_s=60)
    assert found.blocked_share == pytest.approx(1 / 3)
    assert found.wait_share == pytest.approx(1 / 3)
    assert found.occupancy_share == pytest.approx(2 / 3)
    assert found.asa_s == pytest.approx(30)  # half of those answered wait one service
    assert found.service_level_share == pytest.approx(1 / 3 + (1 - numpy.exp(-1)) / 3)


@settings(max_examples=20, deadline=None)
@given(agents_and_loads, st.floats(0.1, 20), st.floats(0, 0.99))
def test_redials_are_in_balance(some: tuple[float, float], patience: float, redial: float) -> None:
    agents, load = some[0], some[0] * some[1]
    found = ErlangX(patience, redial).figures(Traffic.of(load, 1), agents)
    once = ErlangA(patience).figures(Traffic.of(load * found.tries, 1), agents)
    assert found.tries == pytest.approx(1 + redial * found.tries * once.abandon_share, rel=1e-8)
    assert found.lost_share == pytest.approx((1 - redial) * found.tries * once.abandon_share, rel=1e-8, abs=1e-14)
    assert found.occupancy_share * agents == pytest.approx(load * (1 - found.lost_share), rel=1e-8)


def test_who_always_calls_again_is_served_if_that_is_possible() -> None:
    found = ErlangX(60, 1).figures(Traffic.of([48, 60], 1), 55)
    assert found.lost_share == pytest.approx([0, 1], abs=1e-9)
    assert found.occupancy_share == pytest.approx([48 / 55, 1], rel=1e-8)
    assert numpy.isinf(found.tries[1])

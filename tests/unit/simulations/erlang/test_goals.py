"""The inverse questions, and what the closed forms refuse."""

import time

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.erlang import (
    MODELS,
    ErlangA,
    ErlangB,
    ErlangC,
    ErlangX,
    FiniteLines,
    Goals,
    Model,
    Traffic,
    Unreachable,
    agents_for,
    scheduled,
    traffic_for,
)

GOALS = {
    "service_level": Goals(service_level=0.8),
    "asa": Goals(asa_s=5),
    "abandon": Goals(abandon=0.03),
    "blocked": Goals(blocked=0.01),
    "wait": Goals(wait=0.2),
    "occupancy": Goals(occupancy=0.85),
}
ASKED: list[tuple[Model, str]] = [
    (ErlangB(), "blocked occupancy"),
    (ErlangC(), "service_level asa wait occupancy"),
    (ErlangA(180), "service_level asa abandon wait occupancy"),
    (ErlangX(180, 0.5), "service_level asa abandon wait occupancy"),
    (FiniteLines(4000, 180), "service_level asa abandon wait occupancy"),
]
EACH: list[tuple[Model, Goals]] = [(model, GOALS[name]) for model, names in ASKED for name in names.split()]
EACH += [
    (ErlangC(), Goals(wait=0.2, occupancy=0.85)),
    (ErlangA(180), Goals(service_level=0.9, within_s=10)),
    (ErlangX(180, 0.5), Goals(service_level=0.8, abandon=0.05)),
]


def test_each_model_is_asked() -> None:
    assert {model.name for model, _ in EACH} == set(MODELS)
    assert all(model.title and model.__doc__ for model in MODELS.values())


@pytest.mark.parametrize(("model", "goals"), EACH)
@settings(max_examples=2, deadline=None)
@given(calls=st.floats(0.1, 2000))
def test_the_least_agents_and_the_most_calls(model: Model, goals: Goals, calls: float) -> None:
    traffic = Traffic.of(calls, 240, per_s=1800)
    agents = agents_for(model, traffic, goals)
    assert goals.met(model.figures(traffic, agents, goals.within_s))
    assert not goals.met(model.figures(traffic, agents - 1, goals.within_s))
    fraction = agents_for(model, traffic, goals, fractional=True)
    assert agents - 1 - 1e-6 <= fraction <= agents
    most = traffic_for(model, agents, 240, goals)
    assert most.arrivals_per_s >= traffic.arrivals_per_s * (1 - 1e-8)
    assert goals.met(model.figures(most, agents, goals.within_s))
    assert not goals.met(model.figures(most.times(numpy.asarray(1 + 1e-6)), agents, goals.within_s))


@pytest.mark.parametrize(("model", "goals"), EACH)
def test_intervals_together_are_as_each_alone(model: Model, goals: Goals) -> None:
    calls = numpy.array([0.0, 1.0, 37.5, 360.0, 1200.0])
    together = agents_for(model, Traffic.of(calls, 240, 1800), goals)
    assert together.tolist() == [float(agents_for(model, Traffic.of(each, 240, 1800), goals)) for each in calls]
    assert together[0] == 0


def test_thousands_of_agents_over_many_intervals_are_quick() -> None:
    traffic = Traffic.of(numpy.linspace(0, 40_000, 336), 240, 1800)
    begun = time.process_time()
    agents = agents_for(ErlangA(180), traffic, Goals(service_level=0.8))
    took = time.process_time() - begun
    print(f"336 intervals in {took:.2f} s")
    assert took < 5
    assert 0.9 * traffic.load[-1] < agents[-1] < traffic.load[-1]  # callers who give up are not served
    assert (numpy.diff(agents) > 0).all()


def test_nobody_at_work_is_no_answer_to_an_occupancy() -> None:
    """Nobody is not busy, but calls come, and with one agent more they would be."""
    goals = Goals(occupancy=0.85)
    for model in (ErlangB(), ErlangA(180), ErlangX(180, 0.5), FiniteLines(80, 180)):
        agents = agents_for(model, Traffic.of([360, 0], 240, 1800), goals)
        assert agents[0] > 40
        assert agents[1] == 0
        assert model.figures(Traffic.of(360, 240, 1800), agents[0]).occupancy_share <= 0.85


def test_nothing_overflows() -> None:
    """A load far above and far below the agents, patience of a moment and of ages."""
    traffic, agents = Traffic.of([[1e-3], [50], [9000]], 1), numpy.array([0, 0.3, 60, 20_000])
    with numpy.errstate(all="raise", under="ignore"):
        for model in (ErlangB(), ErlangC(), ErlangA(1e-3), ErlangA(1e9), ErlangX(1, 0.9), FiniteLines(500, 2)):
            found = model.figures(traffic, agents, 0.1)
            for name in ("service_level_share", "abandon_share", "blocked_share", "occupancy_share", "wait_share"):
                values = getattr(found, name)
                assert ((values >= -1e-12) & (values <= 1 + 1e-12)).all(), (model, name, values)


def test_nobody_calls_and_nobody_answers() -> None:
    for model in (ErlangC(), ErlangA(60), ErlangX(60, 0.5), FiniteLines(100, 60)):
        idle = model.figures(Traffic.of(0, 240), [0, 5])
        assert idle.service_level_share.tolist() == [1, 1]
        assert idle.occupancy_share.tolist() == idle.asa_s.tolist() == [0, 0]
        alone = model.figures(Traffic.of(10, 240), 0)
        assert alone.service_level_share == alone.occupancy_share == 0
        assert numpy.isinf(alone.asa_s)
    assert ErlangB().figures(Traffic.of(10, 240), 0).blocked_share == 1


def test_a_goal_that_no_staff_can_meet_is_said() -> None:
    with pytest.raises(Unreachable, match=r"turned away at most 0.01.*the best that can be had is 0.22"):
        agents_for(FiniteLines(40), Traffic.of(360, 240, 1800), Goals(blocked=0.01))
    with pytest.raises(Unreachable, match="does not limit it"):
        traffic_for(ErlangC(), 10, 240, Goals(blocked=0.01))
    with pytest.raises(Unreachable, match=r"0 agents do not meet answered within 20 s at least 0.8"):
        traffic_for(ErlangC(), 0, 240, Goals(service_level=0.8))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: Goals(service_level=1.0), "service level: it must lie between 0 and 1"),
        (lambda: Goals(asa_s=0), "ASA: it must be above 0"),
        (lambda: Goals(service_level=0.8, within_s=-1), "within -1 s"),
        (lambda: Traffic.of(-1, 240), "calls must be at least 0"),
        (lambda: Traffic.of(1, 0), "AHT must be above 0"),
        (lambda: Traffic.of(1, 240, 0), "length of the interval must be above 0"),
        (lambda: ErlangA(0), "patience must be above 0"),
        (lambda: FiniteLines(-1), "lines must be at least 0"),
        (lambda: ErlangX(60, 1.2), "between 0 and 1"),
        (lambda: scheduled(10, 1), "shrinkage"),
        (lambda: ErlangC().figures(Traffic.of(1, 1), -1), "at least 0"),
        (lambda: agents_for(ErlangC(), Traffic.of(1, 1), Goals()), "no goal"),
        (lambda: traffic_for(ErlangC(), 1, 1, Goals()), "no goal"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        wrong()


def test_shrinkage() -> None:
    assert scheduled([14, 70], 0.3) == pytest.approx([20, 100])

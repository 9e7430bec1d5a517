"""Calibration finds the groups that a history was made with, and their staff plays as that of single agents does.

Set beforehand: memberships are exact; a pace lies within ALLOWED_Z standard errors; the test of equal paces parts equal
ones in at most its 1 % (and what chance adds); grouped and single agents differ by less than 1.5 points of service
level and 1 point of abandons. Seeds are fixed.
"""

from datetime import date
from typing import Any

import numpy
import pytest

from documents import Source
from simulations.history.agent_speed import AgentSpeed
from simulations.history.calibration import Calibration, calibrate
from simulations.history.form import History, agent_times_table
from simulations.history.grouping import LEVEL, agent_groups
from simulations.history.scenarios import scenario_of_weekday, staff_of_weekday
from simulations.replications import run_study
from simulations.scenario import Scenario
from simulations.setting import settle
from simulations.statistics import mean_estimate
from tests.support.histories import days_from, history_of_days

pytestmark = pytest.mark.xdist_group("history groups")  # one history for all
ALLOWED_Z = 3.5
SLOW = 1.3
CENTRE: dict[str, Any] = {
    "name": "known groups",
    "start": "08:00",
    "duration_minutes": 480,
    "interval_minutes": 30,
    "replications": 1,
    "seed": 4,
    "policy": {"queues": {"sales": {"skills": {"sales": 1}}, "support": {"skills": {"support": 1}}}},
    "kinds": {
        "sales": {
            "queue": "sales",
            "arrivals": {"per_hour": 100},
            "handle_time_s": {"distribution": "lognormal", "mean": 240, "scv": 0.8},
            "patience_s": {"distribution": "exponential", "mean": 150},
        },
        "support": {
            "queue": "support",
            "arrivals": {"per_hour": 40},
            "handle_time_s": {"distribution": "gamma", "mean": 300, "scv": 0.5},
            "patience_s": {"distribution": "exponential", "mean": 150},
        },
    },
    "staff": [
        {"group": "early", "count": 4, "skills": {"sales": 1}, "shifts": ["08:00-13:00"]},
        {"group": "late", "count": 4, "skills": {"sales": 1}, "shifts": ["11:00-16:00"]},
        {"group": "slow", "count": 3, "skills": {"sales": 1}, "shifts": ["08:00-16:00"], "handle_time_factor": SLOW},
        {"group": "both", "count": 3, "skills": {"sales": 1, "support": 1}, "shifts": ["08:00-12:00", "12:30-16:00"]},
        {"group": "help", "count": 2, "skills": {"support": 1}, "shifts": ["08:00-16:00"]},
    ],
}


@pytest.fixture(scope="module")
def history() -> History:
    return history_of_days(CENTRE, days_from(date(2026, 3, 2), 8))


@pytest.fixture(scope="module")
def found(history: History) -> Calibration:
    return calibrate(history)


def members(*groups: tuple[str, int]) -> tuple[str, ...]:
    return tuple(sorted(f"{name}-{number}" for name, count in groups for number in range(1, count + 1)))


def test_groups_are_those_of_the_history(found: Calibration) -> None:
    usual, slow = (group for group in found.groups if group.queues == ("sales",))
    assert usual.agents == members(("early", 4), ("late", 4))
    assert slow.agents == members(("slow", 3))
    assert usual.parted
    assert slow.parted
    others = {group.queues: group.agents for group in found.groups if group.queues != ("sales",)}
    assert others == {("sales", "support"): members(("both", 3)), ("support",): members(("help", 2))}
    # The pace of a group: its agents' errors, of which the standard error of the mean is made.
    speeds = found.speeds
    of_slow, of_usual = ([speeds[agent] for agent in group.agents] for group in (slow, usual))
    error = sum((each.error / each.raw) ** 2 for each in of_slow) ** 0.5 / len(of_slow)
    error = (error**2 + sum((each.error / each.raw) ** 2 for each in of_usual) / len(of_usual) ** 2) ** 0.5
    assert error < 0.04
    assert abs(numpy.log(slow.factor / usual.factor / SLOW)) <= ALLOWED_Z * error


def test_staff_has_the_shifts_and_counts_of_the_history(found: Calibration) -> None:
    staff = {one.agents: one for one in staff_of_weekday(found, 0)}
    # Shifts that last until the end of the day are seen to last through the run-off.
    assert {agents: (len(one.agents), one.spans) for agents, one in staff.items()} == {
        members(("early", 4)): (4, ((480, 780),)),
        members(("late", 4)): (4, ((660, 960),)),
        members(("slow", 3)): (3, ((480, 960),)),
        members(("both", 3)): (3, ((480, 720), (750, 960))),
        members(("help", 2)): (2, ((480, 960),)),
    }
    assert all(one.planned_minutes == one.minutes for one in staff.values())
    names = [one.name for one in staff.values()]
    assert len(set(names)) == len(names)


def test_strange_contacts_now_and_then_make_no_skill(history: History) -> None:
    rows = history.contacts.to_pylist()
    strange = [row for row in rows if row["queue"] == "support" and row["outcome"] == "answered"][:4]
    for row in strange:
        row["agent"] = "early-1"
    contacts = type(history.contacts).from_pylist(rows, schema=history.contacts.schema)
    found = calibrate(History(contacts, history.agent_times, history.choices, history.about))
    assert found.presence.queues["early-1"] == ("sales",)
    assert found.presence.strays == 4


def paces(dice: numpy.random.Generator, true: float, agents: int, contacts: int) -> dict[str, AgentSpeed]:
    """Of agents who handled so many contacts each, of one kind with a mean of 1."""
    drawn = true * dice.lognormal(-0.3, 0.6**0.5, (agents, contacts))
    error = float(drawn.std()) / contacts**0.5
    raw = drawn.mean(axis=1)
    return {
        f"{true:g}/{place}": AgentSpeed(contacts, float(mean), float(mean), error, float(mean))
        for place, mean in enumerate(raw)
    }


def test_equal_paces_are_parted_no_more_often_than_stated() -> None:
    dice = numpy.random.default_rng(2)
    parted, days = 0, 500
    for _ in range(days):
        speeds = paces(dice, 1.0, 12, 150)
        parted += len(agent_groups(dict.fromkeys(speeds, ("q",)), speeds)) > 1
    assert parted / days <= LEVEL + ALLOWED_Z * (LEVEL * (1 - LEVEL) / days) ** 0.5


def test_paces_that_differ_are_parted_and_small_differences_are_not() -> None:
    dice = numpy.random.default_rng(3)
    right = 0
    for _ in range(100):
        speeds = paces(dice, 1.0, 6, 300) | paces(dice, 1.4, 6, 300)
        groups = agent_groups(dict.fromkeys(speeds, ("q",)), speeds)
        right += {group.agents for group in groups} == {
            tuple(sorted(agent for agent in speeds if agent.startswith(pace))) for pace in ("1/", "1.4/")
        }
    # The paces are 6.5 standard errors apart; a part of 6 equal ones is parted again in 1 %.
    assert right >= 95
    speeds = paces(dice, 1.0, 6, 200_000) | paces(dice, 1.03, 6, 200_000)
    (group,) = agent_groups(dict.fromkeys(speeds, ("q",)), speeds)
    assert group.p_value is not None
    assert group.p_value < LEVEL, "surely different, and by less than anybody would staff"


def paused(history: History) -> History:
    """The same, but everybody takes three pauses of ten minutes a day, each at another time, and the `early` and `late`
    eat in three turns."""
    dice = numpy.random.default_rng(6)
    rows = []
    for row in history.agent_times.to_pylist():
        begin, end = row["from_ms"], row["to_ms"]
        gaps = [(int(dice.integers(begin, end - 600_000)), 600_000) for _ in range(3)]
        if row["agent"].startswith(("early", "late")):
            gaps.append((begin + (120 + 30 * (int(row["agent"][-1]) % 3)) * 60_000, 1_800_000))
        for at, length in sorted(gaps):
            if begin < at:
                rows.append((row["agent"], "", "available", "", begin, at))
            begin = max(begin, at + length)
        if begin < end:
            rows.append((row["agent"], "", "available", "", begin, end))
    return History(history.contacts, agent_times_table(rows), history.choices, history.about)


def test_a_grouped_staff_plays_as_its_agents_apart(history: History) -> None:
    found = calibrate(paused(history))
    counts = []
    levels: list[list[tuple[float, float]]] = []
    for each_agent in (True, False):
        document = scenario_of_weekday(found, 0, "x", replications=40, each_agent=each_agent)
        counts.append(len(document["staff"]))
        setting = settle(Source("x", document, {}), Scenario.model_validate(document), None)
        outcomes = run_study(setting, 1).outcomes
        wholes = [outcome.whole.all_queues for outcome in outcomes]
        levels.append([(whole.answered_within / whole.arrived, whole.abandoned / whole.arrived) for whole in wholes])
    assert counts[0] == 16
    assert counts[1] <= 12
    for figure, allowed in ((0, 0.015), (1, 0.01)):
        apart, grouped = ([day[figure] for day in of] for of in levels)
        difference = mean_estimate([b - a for a, b in zip(apart, grouped, strict=True)], 0.95)
        assert difference.value is not None
        assert difference.half_width is not None
        assert difference.half_width < allowed / 2
        assert abs(difference.value) < allowed

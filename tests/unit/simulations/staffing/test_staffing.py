"""Staffing: goals as margins, the start from the closed forms, the search against every possible staff, the knee."""

import math
import re
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from documents import DocumentError, read
from router.core.tallies import AgentTally, ContactTally
from simulations.erlang import Goals, Unreachable
from simulations.places import local
from simulations.replications import Outcome, Span
from simulations.scenario import Scenario
from simulations.setting import MINUTE_MS, Setting
from simulations.staffing.answer import StaffAnswer, find_staff, goals_of, prices_and_limits, search_days
from simulations.staffing.demand import Workplace, demand, pooled, workplace
from simulations.staffing.evaluation import Measured
from simulations.staffing.frontier import find_frontier, knee
from simulations.staffing.goals import Goal
from simulations.staffing.plan import StaffPlan, check_plan, read_plan
from simulations.staffing.proof import Look, look_days
from simulations.staffing.report import frontier_report, sentences, staff_report
from simulations.staffing.requirements import first_program
from simulations.time_varying import Day, lagged
from tests.support.staffing_worlds import World

DAY = """
name: Two queues
start: 08:00
duration_minutes: 90
interval_minutes: 30
replications: 4
policy:
  queues:
    sales: {answered_within_s: 20, share: 0.8, skills: {sales: 1}, wrap_up_s: 20}
    support: {answered_within_s: 30, share: 0.7, skills: {support: 1}}
kinds:
  buyers:
    {queue: sales, arrivals: {per_interval: [10, 25, 40]}, handle_time_s: 180, patience_s: 200}
  owners:
    {queue: support, arrivals: {per_interval: [8, 14, 20]}, handle_time_s: 300}
staff:
  - {group: sellers, count: 7, skills: {sales: 5}}
  - {group: helpers, count: 0, skills: {support: 5}}
  - {group: both, count: 1, skills: {sales: 3, support: 3}, shifts: ["08:30-09:30"]}
money: {currency: EUR, wage_per_hour: 20, wages_per_hour: {both: 26}}
"""


def made(changes: dict | None = None) -> Workplace:
    document = yaml.safe_load(DAY) | (changes or {})
    return workplace(read(DAY, "day.yaml"), Scenario.model_validate(document), None)


def test_the_work_is_what_is_written() -> None:
    works = demand(made())
    assert works["sales"].contacts.tolist() == [10, 25, 40]
    assert (works["sales"].aht_s, works["sales"].patience_s) == (200, 200)
    assert numpy.isinf(works["support"].patience_s)
    together = pooled(list(works.values()))
    assert together.contacts.tolist() == [18, 39, 60]
    assert together.aht_s == pytest.approx((75 * 200 + 42 * 300) / 117)


def test_groups_know_when_they_are_there_and_whom_they_serve() -> None:
    sellers, helpers, both = made().groups
    assert (sellers.queues, helpers.queues) == ({"sales"}, {"support"})
    assert both.queues == {"sales", "support"}
    assert both.available == (False, True, True)


def test_shifts_that_are_off_by_minutes_are_there_and_who_is_off_is_named() -> None:
    staff = [
        {
            "group": "recorded",
            "count": 1,
            "skills": {"sales": 1, "support": 1},
            "shifts": ["08:01-08:55", "09:16-09:30"],
        }
    ]
    place = made({"staff": staff, "money": None, "kinds": {"buyers": yaml.safe_load(DAY)["kinds"]["buyers"]}})
    (group,) = place.groups
    assert group.available == (True, True, False)
    with pytest.raises(Unreachable, match=r"at most 0; by their shifts recorded are not there then"):
        find_staff(place, StaffPlan(), local(1), nobody, simulate=modelled)


def test_the_work_of_a_plain_trace_is_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing needs to be simulated for it, unless its contacts have a queue or work of their own."""
    pilots = []

    def counted(setting: Setting, number: int) -> Outcome:
        pilots.append(number)
        return modelled(setting, number)

    monkeypatch.setattr("simulations.staffing.demand.replicate", counted)
    trace = [{"at_s": 60.0 * minute} for minute in range(40)]
    buyers = yaml.safe_load(DAY)["kinds"]["buyers"]
    plain = made({"kinds": {"buyers": buyers | {"arrivals": {"trace": trace}}}})
    assert demand(plain)["sales"].contacts.tolist() == [30, 10, 0]
    assert demand(plain)["sales"].aht_s == 200
    assert pilots == []
    known = made({"kinds": {"buyers": buyers | {"arrivals": {"trace": [each | {"handle_s": 60} for each in trace]}}}})
    demand(known)
    assert pilots == [0, 1, 2, 3]


def test_counts_become_agents_of_whom_few_come_and_go() -> None:
    setting = made().staffed(numpy.array([[2, 1, 3], [0, 0, 0], [0, 1, 0]]))
    half_hour = 30 * MINUTE_MS
    assert {worker.name: worker.shifts_ms for worker in setting.workers} == {
        "sellers-1": ((0, 3 * half_hour),),
        "sellers-2": ((0, half_hour), (2 * half_hour, 3 * half_hour)),
        "sellers-3": ((2 * half_hour, 3 * half_hour),),
        "both-1": ((half_hour, 2 * half_hour),),
    }
    assert {agent.name for agent in setting.policy.agents} == {worker.name for worker in setting.workers}


@given(st.integers(0, 100), st.integers(1, 100), st.integers(0, 9000), st.floats(0.05, 0.95))
def test_a_margin_says_what_the_ratio_says(part: int, offered: int, wait_s: int, bound: float) -> None:
    part = min(part, offered)
    for goal, above, holds in (
        (Goal("q", "service_level", bound), part, part / offered >= bound),
        (Goal("q", "abandon", bound), part, part / offered <= bound),
        (Goal("q", "asa", 100 * bound), wait_s, wait_s / offered <= 100 * bound),
    ):
        measured = Measured((goal,), numpy.full((2, 1, 1), float(above)), numpy.full((2, 1, 1), float(offered)))
        assert (measured.margins[0, 0, 0] >= -1e-9) == holds or abs(above / offered - goal.bound) < 1e-9
        assert measured.day_values() == pytest.approx([above / offered])


def test_queues_that_share_no_agents_start_with_the_closed_form() -> None:
    place = made({"staff": yaml.safe_load(DAY)["staff"][:2], "money": {"wage_per_hour": 20}})
    plan = StaffPlan()
    program = first_program(place, demand(place), goals_of(place, plan), "lagged", *prices_and_limits(place, plan))
    staff = program.solve()
    assert staff is not None
    sales = lagged(Day.of([10, 25, 40], 1800, 200, 200), Goals(0.8, 20))
    support = lagged(Day.of([8, 14, 20], 1800, 300), Goals(0.7, 30))
    assert staff.tolist() == [sales.tolist(), support.tolist()]
    assert program.costs[0].tolist() == [10, 10, 10]


def test_of_those_who_cost_the_same_the_quick_are_taken() -> None:
    """And the slow, where there are only they, are more."""
    one, other = ({"group": name, "count": 1, "skills": {"sales": 1}} for name in ("quick", "slow"))
    slow = other | {"handle_time_factor": 1.3}
    kinds = {"buyers": yaml.safe_load(DAY)["kinds"]["buyers"]}
    policy = {"queues": {"sales": {"answered_within_s": 20, "share": 0.8, "skills": {"sales": 1}}}}

    def first(*staff: dict) -> list[list[int]]:
        place = made({"staff": list(staff), "kinds": kinds, "policy": policy, "money": None})
        goals = goals_of(place, StaffPlan())
        found = first_program(place, demand(place), goals, "lagged", *prices_and_limits(place, StaffPlan())).solve()
        assert found is not None
        counts: list[list[int]] = found.tolist()
        return counts

    assert first(one | {"shifts": ["08:00-09:00"]}, other)[0] == [0, 0, 0]  # nor do some come for an hour
    quick, none = first(one, slow)
    assert none == [0, 0, 0]
    assert first(slow) == [[math.ceil(1.3 * count) for count in quick]]


WORK = {"sales": (10, 25, 40), "support": (8, 14, 20)}
NEED = {"sales": 200 / 1800, "support": 300 / 1800}
OWN = {"sales": "sellers", "support": "helpers"}


def in_time(queue: str, there: dict[str, int], interval: int) -> int:
    """Of 100 times the contacts: the share 1 - exp(-1.1 x agents for the queue / its work). Who can do both is worth
    0.6 to each."""
    agents = there[OWN[queue]] + 0.6 * there["both"]
    work = WORK[queue][interval]
    return round((1 - math.exp(-1.1 * agents / (work * NEED[queue]))) * work * 100)


def modelled(setting: Setting, number: int) -> Outcome:
    """A centre that can be worked out."""
    length = 30 * MINUTE_MS
    intervals = []
    for i in range(3):
        there = dict.fromkeys(("sellers", "helpers", "both"), 0)
        for worker in setting.workers:
            there[worker.group] += any(first <= i * length < last for first, last in worker.shifts_ms)
        queues = {
            queue: ContactTally(answered=WORK[queue][i] * 100, answered_within=in_time(queue, there, i))
            for queue in WORK
        }
        whole = ContactTally()
        for tally in queues.values():
            whole.add(tally)
        intervals.append(Span(i * length, (i + 1) * length, whole, queues, AgentTally(), {}))
    return Outcome(number, intervals[0], tuple(intervals), 0)


def nobody(what: str, days: int) -> None:
    pass


FRESH_SEEDS = range(1_000, 1_030)


def test_the_search_comes_near_the_cheapest_of_all_staffs() -> None:
    """Thirty centres drawn at random, in each of which every staff is tried. The rule was written down before any of
    these seeds was looked at; the search had been worked on with other ones. It finds the cheapest staff in at least
    half of the centres; what it finds costs 2 % more than the cheapest on average, and 10 % more in no centre; and it
    always meets the goals."""
    dearer = []
    for seed in FRESH_SEEDS:
        world = World(seed)
        answer = find_staff(made(world.changes()), StaffPlan(), local(1), nobody, simulate=world.simulate)
        cheapest = world.cheapest()
        print(f"{seed}: found {answer.cost:.2f}, cheapest {cheapest:.2f}, {answer.simulated_days} days simulated")
        assert all(check.verdict == "met" for check in answer.day)
        assert answer.cost >= cheapest - 1e-9
        dearer.append(answer.cost / cheapest - 1)
    exact = sum(more < 1e-9 for more in dearer)
    print(
        f"cheapest in {exact} of {len(dearer)}, dearer by {numpy.mean(dearer):.2%} on average, {max(dearer):.2%} most"
    )
    assert exact >= len(dearer) / 2
    assert numpy.mean(dearer) <= 0.02
    assert max(dearer) <= 0.10


def test_the_answer_says_why_nothing_is_cheaper_and_what_is_sure() -> None:
    answer = find_staff(made(), StaffPlan(), local(1), nobody, simulate=modelled)
    assert {cheaper.group for cheaper in answer.cheaper} <= {"sellers", "helpers", "both"}
    assert answer.cheaper
    assert all("missed" not in check.verdict for row in answer.checks for check in row)
    report = staff_report(answer)
    assert report.answer[:2] == [
        "Over the whole time this staff surely meets every goal.",
        "Of 6 goals in single intervals 6 are surely met and none surely missed.",
    ]
    assert report.answer[2] == (
        "Surely: with a confidence of 95 % for all 8 verdicts together, however often they were looked at; of 100 such "
        "answers at most 5 have any of them wrong."
    )
    assert all(" less at 0" in line or " less at " in line for line in report.sections[1].text)
    assert [row[0] for row in report.data["staff"].rows] == ["08:00", "08:30", "09:00"]


@pytest.mark.parametrize("each_interval", [True, False])
def test_the_confidence_is_that_of_all_verdicts_together(each_interval: bool) -> None:
    """Three goals in 48 intervals, all met exactly, so whatever is called missed (or met) is a false alarm. Judged one
    by one nearly every study has one; together at most 5 % have, up to three standard errors of 400 studies."""
    dice = numpy.random.default_rng(5)
    goals = tuple(Goal(queue, "service_level", 0.8) for queue in ("a", "b", "c"))
    wrong = one_by_one = 0
    for _ in range(400):
        denominators = numpy.full((20, 3, 48), 100.0)
        measured = Measured(goals, 80 + dice.normal(0, 12, (20, 3, 48)), denominators)
        level_of_day, level = measured.levels(0.95, each_interval)
        judged = [measured.day(level_of_day), *([measured.intervals(level)] if each_interval else [])]
        wrong += any((~known.open).any() for known in judged)
        one_by_one += bool((~measured.intervals(0.95).open).any())
    assert wrong / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert wrong / 400 >= 0.05 - 3 * (0.05 * 0.95 / 400) ** 0.5  # and no more careful than it says
    assert one_by_one / 400 > 0.99


def test_few_contacts_that_happen_to_be_alike_prove_nothing() -> None:
    """A call a day, answered in time in all of twenty days: at a service level of 79 % that happens to one in a hundred
    intervals, and there are many."""
    goals = (Goal("a", "service_level", 0.8), Goal("a", "asa", 20.0), Goal("a", "abandon", 0.05))
    alike = numpy.zeros((20, 3, 50))
    alike[:, 0] = 1.0
    measured = Measured(goals, alike, numpy.ones((20, 3, 50)))
    _, level = measured.levels(0.95, True)
    assert measured.intervals(level).open.all()
    many = Measured(goals, 500 * alike, numpy.full((20, 3, 50), 500.0))
    assert not (many.intervals(level).open | many.intervals(level).missed).any()


@pytest.mark.parametrize("day", [1, 6])
def test_looking_often_leaves_the_confidence_as_it_is(day: int) -> None:
    """Callers of 36 intervals, `day` of each a day, of whom just under 80 % are answered in time: to call an interval
    met, at any look, is wrong. Were each look judged as if it were the only one, more would."""
    dice, goal = numpy.random.default_rng(11), Goal("a", "service_level", 0.8)
    looks = look_days(10, 1_000)
    wrong = dict.fromkeys((1, len(looks)), 0)
    for _ in range(200):
        answered = dice.binomial(day, 0.7999, (1_000, 1, 36)).astype(float)
        for share in wrong:
            for days in looks:
                measured = Measured((goal,), answered[:days], numpy.full((days, 1, 36), float(day)))
                known = Look(numpy.zeros((1, 36)), range(days), measured, 1 - 0.05 / share, True).intervals
                if (known.better >= known.half).any():
                    wrong[share] += 1
                    break
    assert wrong[len(looks)] / 200 <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
    assert wrong[1] > wrong[len(looks)]


def test_looks_double_up_to_the_bound() -> None:
    assert look_days(20, 1_000) == [20, 40, 80, 160, 320, 640, 1_000]
    assert look_days(100, 50) == [100]


@pytest.mark.parametrize(("first", "searched"), [(4, 10), (10, 20), (30, 60), (1_000, 80)])
def test_the_proof_goes_on_with_days_that_nothing_was_chosen_by_until_it_can_tell(first: int, searched: int) -> None:
    place = made({"replications": first})
    assert search_days(place.setting.scenario) == searched
    seen: set[int] = set()

    def noted(setting: Setting, number: int) -> Outcome:
        seen.add(number)
        return modelled(setting, number)

    answer = find_staff(place, StaffPlan(), local(1), nobody, simulate=noted)
    assert answer.replications in look_days(first, 1_000)
    assert seen == set(range(searched + answer.replications))
    assert set(answer.verdicts) == {"met"}


def swinging(setting: Setting, number: int) -> Outcome:
    """As `modelled`, but of a hundred contacts three more are answered in time every second day, else three fewer."""
    outcome, by = modelled(setting, number), 0.03 if number % 2 else -0.03
    for span in outcome.intervals:
        for tally in span.queues.values():
            tally.answered_within += round(by * tally.answered)
    return outcome


def test_where_few_days_cannot_tell_more_are_asked_up_to_the_bound() -> None:
    of_few, of_many = (
        find_staff(made(), StaffPlan(), local(1), nobody, simulate=swinging, most_days=days) for days in (8, 1_000)
    )
    assert (of_few.replications, of_few.verdict) == (8, "open")
    assert of_many.replications > 8
    assert of_many.verdicts.count("open") < of_few.verdicts.count("open")
    said = sentences(of_few)
    assert "that 8 days cannot tell, at worst " in said[-2]
    assert said[-1].endswith("More days (--most-days) would tell more.")


def test_what_the_proof_finds_missed_gets_help_and_other_days() -> None:
    """The days of the search are kinder than all others, so its staff is too small."""
    place = made()
    kind = search_days(place.setting.scenario)

    def unkind(setting: Setting, number: int) -> Outcome:
        outcome = modelled(setting, number)
        if number >= kind:
            for span in outcome.intervals:
                for tally in span.queues.values():
                    tally.answered_within = round(0.93 * tally.answered_within)
        return outcome

    searched = find_staff(place, StaffPlan(), local(1), nobody, simulate=modelled)
    answer = find_staff(place, StaffPlan(), local(1), nobody, simulate=unkind)
    assert answer.cost > searched.cost
    assert "missed" not in answer.verdicts
    assert all(check.risk < 0.02 for row in (answer.day, *answer.checks) for check in row)
    for cheaper in answer.cheaper:  # simulated in days of the proof as well, with the staff that was helped
        assert cheaper.verdict == "missed"
        assert cheaper.high < {"sales": 0.8, "support": 0.7}[cheaper.goal.partition(":")[0]]


def test_who_turns_out_to_be_spared_is_not_paid() -> None:
    """The days of the search are harder than all others."""
    place = made()
    hard = search_days(place.setting.scenario)

    def kinder(setting: Setting, number: int) -> Outcome:
        outcome = modelled(setting, number)
        if number < hard:
            for span in outcome.intervals:
                for tally in span.queues.values():
                    tally.answered_within = round(0.95 * tally.answered_within)
        return outcome

    answer = find_staff(place, StaffPlan(), local(1), nobody, simulate=kinder)
    assert answer.verdict == "met"
    assert all(cheaper.verdict == "missed" for cheaper in answer.cheaper)
    searched = find_staff(place, StaffPlan(), local(1), nobody, simulate=lambda s, n: kinder(s, 0))
    assert answer.cost < searched.cost


def test_what_is_not_sure_is_said_with_its_bound() -> None:
    answer = find_staff(made(), StaffPlan(), local(1), nobody, simulate=modelled)
    first, second = answer.day
    unsure = msgspec.structs.replace(first, verdict="open", shown="80.1 %", low=0.796, at_worst="at least 79.6 %")
    missed = msgspec.structs.replace(second, goal="CASA: ASA at most 20 s", verdict="missed", shown="34.2 s")
    row = (msgspec.structs.replace(first, verdict="missed", shown="61.0 %"), unsure)
    said = sentences(msgspec.structs.replace(answer, day=(unsure, missed), checks=(row, *answer.checks[1:])))
    days = answer.replications
    assert said[0] == "Over the whole time this staff surely misses CASA: ASA at most 20 s (34.2 s)."
    assert said[1] == (
        f"Over the whole time 0 of 2 goals are surely met; so near that {days} days cannot tell: {first.goal} "
        "(80.1 %, surely at least 79.6 %)."
    )
    assert said[2] == (
        f"Of 6 goals in single intervals 4 are surely met and 1 surely missed ({first.goal} at 08:00 (61.0 %)); the "
        f"other one is so near that {days} days cannot tell, at worst {first.goal} at 08:00: 80.1 %, surely at least "
        "79.6 %."
    )


def test_goals_over_the_whole_day_cost_no_more() -> None:
    of_each = find_staff(made(), StaffPlan(), local(1), nobody, simulate=modelled)
    plan = StaffPlan.model_validate(
        {"goals": {"each": "day", "queues": {"sales": {"service_level": 0.8}, "support": {"service_level": 0.7}}}}
    )
    of_day: StaffAnswer = find_staff(made(), plan, local(1), nobody, simulate=modelled)
    assert of_day.cost <= of_each.cost
    assert all(check.verdict == "met" for check in of_day.day)
    assert all(cheaper.missed_at == "" and cheaper.verdict == "missed" for cheaper in of_day.cheaper)


def test_every_group_is_drawn_and_named_however_many_there_are() -> None:
    answer = find_staff(made(), StaffPlan(), local(1), nobody, simulate=modelled)
    counts = {f"team {number}": (3, 2, 1) for number in range(10)}
    report = staff_report(msgspec.structs.replace(answer, counts=counts, agent_hours=dict.fromkeys(counts, 3.0)))
    (figure,) = report.sections[0].figures
    assert [name for _, name in figure.legend] == list(counts)
    assert len(re.findall("stroke: #ffffff", figure.svg)) == len(counts)
    assert all(below != above for (below, _), (above, _) in pairwise(figure.legend))


def test_shrinkage_is_paid() -> None:
    answer = find_staff(made(), StaffPlan(shrinkage=0.2), local(1), nobody, simulate=modelled)
    without = find_staff(made(), StaffPlan(), local(1), nobody, simulate=modelled)
    assert answer.cost == pytest.approx(without.cost / 0.8)
    assert sum(answer.paid_hours.values()) == pytest.approx(sum(answer.agent_hours.values()) / 0.8)


def test_a_longer_promise_costs_less_until_it_is_out_of_reach() -> None:
    plan = StaffPlan.model_validate({"groups": {"sellers": {"most": 9}, "both": {"most": 0}}})
    found = find_frontier(made(), plan, [0.7, 0.97], [5, 20, 60], local(1), nobody, simulate=modelled)
    costs = [point.cost for point in found.points[:3] if point.cost is not None]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) == 3
    lost = found.points[3]
    assert lost.cost is None
    assert "sales" in lost.reason
    assert [row[0] for row in frontier_report(found).data["frontier"].rows] == [0.7] * 3 + [0.97] * 3


def test_the_knee() -> None:
    seconds = numpy.array([5.0, 10, 20, 40, 80])
    assert knee(seconds, numpy.array([200.0, 150, 120, 112, 110])) == 2
    assert knee(seconds, numpy.array([200.0, 175, 125, 25, -175])) is None  # a straight line
    assert knee(seconds[:2], numpy.array([2.0, 1.0])) is None
    assert knee(seconds, numpy.full(5, 7.0)) is None


def test_limits_that_no_goal_survives() -> None:
    plan = StaffPlan.model_validate({"groups": {"sellers": {"most": 1}, "both": {"most": 0}}})
    with pytest.raises(Unreachable, match=r"sales need \d+ agents at 08:00, .*\(sellers, both\) there are at most 1"):
        find_staff(made(), plan, local(1), nobody, simulate=modelled)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"staff": []}, "no group of agents to staff"),
        ({"warm_up_minutes": 30}, "leave the warm-up out"),
        ({"staff": [{"group": "temps", "count": 1, "skills": {}}], "money": None}, "have not the skills of any queue"),
        (
            {
                "money": None,
                "staff": [{"group": "a", "count": 1, "skills": {"sales": 1}, "shifts": ["08:00-09:00", "08:30-09:30"]}],
            },
            "08:30",
        ),
        ({"kinds": {"none": {"queue": "sales", "arrivals": {"per_hour": 0}, "handle_time_s": 9}}}, "no contact ever"),
    ],
)
def test_what_cannot_be_staffed_is_told(changes: dict, words: str) -> None:
    with pytest.raises(DocumentError) as told:
        made(changes)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("goals: {queues: {sale: {abandon: 0.05}}}", "there is no queue 'sale' (did you mean 'sales'?)"),
        ("groups: {seller: {most: 3}}", "has no group 'seller' (did you mean 'sellers'?)"),
        ("groups: {sellers: {least: 4, most: 3}}", "'least' (4) is above 'most' (3)"),
        ("goals: {overall: {service_level: 1}}", "less than 1"),
        ("shrinkage: 1", "less than 1"),
    ],
)
def test_a_wrong_plan_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(f"# a plan\n{text}\n")
    with pytest.raises(DocumentError) as told:
        check_plan(*read_plan(path), {"sales": 0.8}, ["sellers"])
    assert words in str(told.value)
    assert "plan.yaml:2" in str(told.value)

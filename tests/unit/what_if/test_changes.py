"""Every kind of change: documented, does what its example says, and refuses what does not exist by its nearest name."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from documents import DocumentError, Source, read
from simulations.money import wage_of
from simulations.what_if.changes import CHANGES, Change
from simulations.what_if.changes.base import OfStaff
from simulations.what_if.documents import Documents, parts_of
from simulations.what_if.plan import Plan
from simulations.what_if.variants import Base, Variant, changed, trained
from switchboard.cli.what_if import centre_base
from tests.support.scenarios import BASE, source_of

ROOT = Path(__file__).parents[3]
HELPDESK = ROOT / "examples/helpdesk"


def plan(*steps: dict[str, Any], **others: Any) -> Plan:
    return Plan.model_validate({"name": "p", "changes": {"it": list(steps)}, **others})


def as_plan(document: dict[str, Any]) -> Source:
    return read(yaml.safe_dump(document), "p.yaml")


def alone(*steps: dict[str, Any], base: dict[str, Any] = BASE) -> Variant:
    """The small scenario with these changes."""
    document = {"name": "p", "changes": {"it": list(steps)}}
    (variant,) = changed(plan(*steps), as_plan(document), Base(source_of(base), Path(), {}))
    return variant


def at_the_desk(*steps: dict[str, Any]) -> Variant:
    """The help desk's Monday with these changes."""
    source = source_of(yaml.safe_load((HELPDESK / "scenario.yaml").read_text()))
    desk = centre_base(HELPDESK)
    base = Base(source, HELPDESK, desk.centre, desk.load)
    (variant,) = changed(plan(*steps), as_plan({"name": "p", "changes": {"it": list(steps)}}), base)
    return variant


def shifts_of(variant: Variant, name: str) -> list[tuple[float, float]]:
    (worker,) = [worker for worker in variant.setting.workers if worker.name == name]
    return [(first / 3_600_000, last / 3_600_000) for first, last in worker.shifts_ms]


def documents() -> Documents:
    """With everything that the examples name."""
    scenario: dict[str, Any] = copy.deepcopy(BASE)
    del scenario["policy"]
    centre = {name: yaml.safe_load((HELPDESK / name).read_text()) for name in ("queues.yaml", "agents.yaml")}
    centre["queues.yaml"]["queues"]["sales"] = {"goal": {}, "skills": {"sales": 1}}
    return Documents.of(scenario | {"staff": [*scenario["staff"], {"agents": ["dara", "aoife"]}]}, centre)


@pytest.mark.parametrize("kind", CHANGES.values(), ids=list(CHANGES))
def test_every_kind_is_documented_and_its_example_changes_something(kind: type[Change]) -> None:
    assert kind.__doc__
    assert kind.__doc__ not in (Change.__doc__, OfStaff.__doc__)
    ((name, body),) = yaml.safe_load(kind.example).items()
    assert name == kind.name
    before, after = documents(), documents()
    kind.model_validate(body).apply(after)
    assert after != before


def test_each_kind_has_a_file_of_its_own() -> None:
    files = {path.stem for path in (ROOT / "simulations/what_if/changes").glob("*.py")} - {"__init__", "base"}
    assert len(files) == len(CHANGES)
    assert all(CHANGES[name].__module__.endswith((f".{name}", f".{name}_value")) for name in CHANGES)


def test_agents_are_added_to_a_group_and_taken_out_of_it() -> None:
    more = alone({"add_agents": {"group": "sellers", "count": 2}})
    assert sum(worker.group == "sellers" for worker in more.setting.workers) == 4
    fewer = alone({"add_agents": {"group": "sellers", "count": -1}})
    assert sum(worker.group == "sellers" for worker in fewer.setting.workers) == 1


def test_an_agent_like_another_has_the_same_skills_and_shifts() -> None:
    variant = at_the_desk({"add_agents": {"like": "aoife", "count": 2}})
    names = [worker.name for worker in variant.setting.workers]
    assert names == ["aoife", "brian", "ciara", "dara", "more like aoife-1", "more like aoife-2"]
    assert shifts_of(variant, "more like aoife-2") == shifts_of(variant, "aoife")
    agents = {agent.name: agent for agent in variant.setting.policy.agents}
    assert agents["more like aoife-1"].skills == agents["aoife"].skills


def test_agents_are_removed_by_name_also_where_the_scenario_names_nobody() -> None:
    variant = at_the_desk({"remove_agents": {"agents": ["dara", "ciara"]}})
    assert [worker.name for worker in variant.setting.workers] == ["aoife", "brian"]
    everybody = documents()
    everybody.scenario["staff"] = None
    CHANGES["remove_agents"].model_validate({"agents": ["dara"]}).apply(everybody)
    assert everybody.scenario["staff"] == [{"agents": ["aoife", "brian", "ciara"]}]


def test_a_skill_is_given_to_a_group_to_part_of_it_or_to_agents() -> None:
    whole = alone({"give_skill": {"group": "sellers", "skill": "support", "level": 3}})
    skills = {agent.name: agent.skills for agent in whole.setting.policy.agents}
    assert skills["sellers-1"] == skills["sellers-2"] == {"sales": 5, "support": 3}
    part = alone({"give_skill": {"group": "sellers", "skill": "support", "level": 3, "count": 1}})
    skills = {agent.name: agent.skills for agent in part.setting.policy.agents}
    assert skills["sellers-1"] == {"sales": 5}
    assert skills["sellers with support-1"] == {"sales": 5, "support": 3}
    assert len(skills) == 4
    named = at_the_desk({"give_skill": {"agents": ["dara"], "skill": "software", "level": 8}})
    (dara,) = [agent for agent in named.setting.policy.agents if agent.name == "dara"]
    assert dara.skills == {"software": 8, "hardware": 4}


def test_goal_and_steps_and_shifts_and_demand() -> None:
    variant = at_the_desk(
        {"goal": {"queue": "software", "answered_within_s": 45}},
        {"step": {"queue": "software", "step": "those who know it well", "after_s": 7}},
        {"step": {"queue": "software", "step": 1, "where": "agent.team != 'trainees'", "skills": {"software": 5}}},
        {"shifts": {"agents": ["aoife"], "shifts": ["10:00-12:00"]}},
        {"demand": {"times": 2}},
    )
    (queue,) = [queue for queue in variant.setting.policy.queues if queue.name == "software"]
    assert (queue.goal.answered_within_ms, queue.goal.share) == (45_000, 0.8)
    assert queue.steps[0].until.after_ms == 7_000
    assert queue.steps[1].condition.where == "agent.team != 'trainees'"
    assert shifts_of(variant, "aoife") == [(2, 4)]
    assert variant.setting.scenario.kinds["employees"].arrivals.per_interval[:2] == (18, 24)
    own = alone({"goal": {"queue": "sales", "share": 0.9}})
    assert own.setting.policy.queues[0].goal.share == 0.9


def test_any_value_by_its_path() -> None:
    variant = at_the_desk(
        {"set": {"in": "queues", "at": "software.steps[those who know it well].until.after_s", "to": 9}},
        {"set": {"in": "queues", "at": "hardware.steps[0].skills.hardware", "to": 5}},
        {"set": {"in": "agents", "at": "brian.skills.hardware", "to": None}},
        {"set": {"in": "routing", "at": "contact_ranking", "to": ["age"]}},
        {"set": {"in": "scenario", "at": "answering.no_answer", "to": 0.5}},
    )
    policy = variant.setting.policy
    queues = {queue.name: queue for queue in policy.queues}
    assert queues["software"].steps[0].until.after_ms == 9_000
    assert queues["hardware"].steps[0].condition.skills == {"hardware": 5}
    assert {agent.name: agent.skills for agent in policy.agents}["brian"] == {"software": 6}
    assert [key.key for key in policy.contact_ranking] == ["age"]
    assert variant.setting.scenario.answering.no_answer == 0.5


def test_paths_are_read_as_people_write_them() -> None:
    assert parts_of("a.b[0].c d[the best]") == ("a", "b", 0, "c d", "the best")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"add_agents": {"group": "seller", "count": 1}}, r"no group 'seller' .*did you mean 'sellers'"),
        ({"add_agents": {"group": "sellers", "count": -5}}, r"add_agents.count: the group 'sellers' has only 2"),
        ({"add_agents": {"like": "ana", "count": 1}}, r"no agent 'ana' \(the scenario stands alone"),
        ({"give_skill": {"group": "sellers", "skill": "suport"}}, r"skill 'suport'.*did you mean 'support'"),
        ({"give_skill": {"group": "sellers", "skill": "support", "count": 9}}, r"count: .*has only 2 agents"),
        ({"goal": {"queue": "sale", "share": 0.9}}, r"changes.it\[0\].goal.queue: there is no queue 'sale' .*'sales'"),
        ({"step": {"queue": "sales", "step": "x", "after_s": 3}}, r"'sales' has no step 'x'"),
        ({"demand": {"times": 2, "kinds": ["buyer"]}}, r"no kind 'buyer' .*'buyers'"),
        ({"set": {"in": "queues", "at": "sale.ring_s", "to": 1}}, r"no 'sale' .*'sales'"),
        ({"set": {"in": "queues", "at": "sales.rings", "to": 1}}, r"with the change 'it': 'rings' is not known here"),
        ({"set": {"in": "scenario", "at": "staff[7].count", "to": 1}}, r"no 'staff\[7\]': the list has 2 entries"),
        ({"set": {"in": "scenario", "at": "name.x", "to": 1}}, r"there is nothing below 'name'"),
        ({"set": {"in": "scenario", "at": "nothing", "to": None}}, r"no 'nothing' to take away"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_that_does(step: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        alone(step)


def test_recorded_contacts_are_as_many_as_there_were() -> None:
    base = copy.deepcopy(BASE)
    base["kinds"]["buyers"]["arrivals"] = {"trace": [{"at_s": 1}]}
    with pytest.raises(DocumentError, match="there are as many as there were"):
        alone({"demand": {"times": 2}}, base=base)


def test_what_the_changed_centre_has_against_it_says_which_change_it_was() -> None:
    with pytest.raises(DocumentError, match=r"queues\.yaml:\d+: queues.software.ring_s: with the change 'it': "):
        at_the_desk({"set": {"in": "queues", "at": "software.ring_s", "to": "long"}})


PAID = BASE | {
    "money": {"wage_per_hour": 20, "wages_per_hour": {"sellers": 31}},
    "outages": [{"group": "sellers", "during": "00:10-00:20"}],
}


def wages_of(variant: Variant) -> dict[str, float | None]:
    setting = variant.setting
    money = setting.scenario.money
    assert money is not None
    return {each.name: wage_of(money, setting.policy, each.name, each.group) for each in setting.workers}


def test_who_learns_is_paid_as_before_and_works_at_the_same_place() -> None:
    taught = alone({"give_skill": {"group": "sellers", "skill": "support", "count": 1}}, base=PAID)
    assert wages_of(taught) == {"sellers-1": 31, "sellers with support-1": 31, "helpers-1": 20, "helpers-2": 20}
    struck = {(each.group, each.during) for each in taught.setting.scenario.outages}
    assert struck == {("sellers", "00:10-00:20"), ("sellers with support", "00:10-00:20")}


def test_who_is_like_an_agent_costs_as_much_and_is_where_that_agent_is() -> None:
    document = yaml.safe_load((HELPDESK / "scenario.yaml").read_text())
    money = {"wage_per_hour": 20, "wages_per_hour": {"dara": 17}}
    desk = centre_base(HELPDESK)
    centre = copy.deepcopy(dict(desk.centre))
    agents = centre["agents.yaml"]["agents"]
    agents["dara"] |= {"site": "north", "capacity": {"voice": 1, "chat": 2}, "cost_per_hour": 17}
    steps = [{"add_agents": {"like": "dara", "count": 1}}]
    base = Base(source_of(document | {"money": money}), HELPDESK, centre, desk.load)
    (variant,) = changed(plan(*steps), as_plan({"name": "p", "changes": {"it": steps}}), base)
    assert wages_of(variant)["more like dara-1"] == 17
    (added,) = [agent for agent in variant.setting.policy.agents if agent.name == "more like dara-1"]
    assert (added.site, added.capacity, added.cost_per_hour) == ("north", {"voice": 1, "chat": 2}, 17)


def test_training_says_who_learns_and_who_improves() -> None:
    document = {"name": "p", "cross_training": {"level": 6, "skills": ["sales"]}}
    variants = trained(Plan.model_validate(document), as_plan(document), Base(source_of(BASE), Path(), {}))
    assert [variant.name for variant in variants] == [
        "one of sellers improves sales from 5 to 6",
        "one of helpers improves sales from 1 to 6",
    ]

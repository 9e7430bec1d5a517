"""A scenario is used as it was meant, or refused with the place and the way to mend it."""

from pathlib import Path
from typing import Any

import pytest

from documents import DocumentError
from router.core.policy import KeySpec, Until
from simulations.clock import clock, shift_minutes
from simulations.setting import read_scenario
from tests.support.scenarios import BASE, changed, setting, setting_of

MINUTE = 60_000


def refused(changes: dict[str, Any]) -> str:
    with pytest.raises(DocumentError) as caught:
        setting(changes)
    return str(caught.value)


def test_a_good_scenario_is_settled() -> None:
    found = setting()
    assert [queue.name for queue in found.policy.queues] == ["sales", "support"]
    assert [worker.name for worker in found.workers] == ["sellers-1", "sellers-2", "helpers-1", "helpers-2"]
    assert found.workers[0].shifts_ms == ((0, 120 * MINUTE),)


CHAT = {
    "policy.channels": {"chat": {}},
    "policy.queues.chats": {"channel": "chat", "callback": {}},
    "policy.queues.sales.callback": {},
    "staff.0.capacity": {"voice": 1, "chat": 2},
}


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"duration_minutes": -60}, ["s.yaml:2: duration_minutes", "greater than 0; it is -60"]),
        ({"duration_minutes": None}, ["'duration_minutes' is missing"]),
        ({"duration_minutes": float("nan")}, ["duration_minutes"]),
        ({"duration_minutes": 45}, ["multiple of 'interval_minutes'"]),
        ({"warm_up_minutes": 60}, ["leaves nothing"]),
        ({"warm_up_minutes": 10}, ["'warm_up_minutes' must be a multiple"]),
        ({"replications": 0}, ["replications", "greater than or equal to 1"]),
        ({"confidence": 95}, ["confidence", "less than 1"]),
        ({"seed": -1}, ["seed"]),
        ({"durration_minutes": 5}, ["'durration_minutes' is not known here", "'duration_minutes'"]),
        ({"kinds.buyers.arrivals": None}, ["kinds.buyers", "'arrivals' is missing"]),
        ({"kinds.buyers.arrivals": {}}, ["exactly one of 'per_hour', 'per_interval' and 'trace'"]),
        ({"kinds.buyers.arrivals.per_hour": -4}, ["kinds.buyers.arrivals", "greater than or equal to 0", "-4"]),
        ({"kinds.buyers.arrivals": {"per_interval": [1, 2, 3]}}, ["3 numbers for 2 intervals"]),
        ({"kinds.buyers.arrivals": {"per_interval": [1, -2]}}, ["per_interval", "-2"]),
        ({"kinds.buyers.handle_time_s": None}, ["kinds.buyers", "'handle_time_s' is missing", "sales"]),
        (
            {
                "kinds.buyers": {
                    "arrivals": {"per_hour": 30},
                    "queue": "sales",
                    "waiting_keys": {"9": {"share": 0.1, "to_queue": "support"}},
                },
                "queues": {"sales": {"handle_time_s": 180}},
            },
            ["kinds.buyers", "'handle_time_s' is missing", "in support"],
        ),
        ({"kinds.buyers.handle_time_s.mean": -1}, ["kinds.buyers.handle_time_s", "greater than 0"]),
        ({"kinds.buyers.arrivals": {"per_hour": [1, -2]}}, ["kinds.buyers.arrivals.per_hour[1]", "-2"]),
        ({"kinds.buyers.arrivals": {"trace": [{"at_s": 1}, {"at_s": -2}]}}, ["trace[1].at_s", "-2"]),
        ({"kinds.buyers.attributes": {"language": {"en": 1.5}}}, ["attributes.language.en", "1.5"]),
        ({"kinds.buyers.queue": "sale"}, ["kinds.buyers.queue", "no queue 'sale'", "did you mean 'sales'?"]),
        ({"kinds.buyers.queue": None}, ["exactly one of 'number' and 'queue'"]),
        ({"kinds.buyers.number": "100"}, ["exactly one of 'number' and 'queue'"]),
        ({"kinds.buyers.attributes": {"language": {"en": 0.5, "es": 0.4}}}, ["add up to 0.9"]),
        ({"kinds.buyers.choices": {"menu": {"1": 1}}}, ["'choices', 'lookups' and 'caller' are for kinds"]),
        ({"kinds": {}}, ["kinds", "at least 1"]),
        (
            {"kinds.buyers.arrivals.per_hour": 0, "kinds.users.arrivals.per_hour": 0},
            ["no contact ever arrives", "a rate above 0"],
        ),
        ({"queues": {"support2": {"handle_time_s": 3}}}, ["no queue 'support2'", "'support'"]),
        ({"queues": {"sales": {"wrap_up_s": 3}}}, ["queues.sales.wrap_up_s", "no wrap-up"]),
        ({"staff": []}, ["nobody works in this scenario"]),
        ({"staff": None}, ["nobody works in this scenario"]),
        ({"staff.0.count": 0, "staff.1.count": 0}, ["nobody works in this scenario"]),
        ({"start": "08:00", "staff.0.shifts": ["12:00-08:00"], "staff.1.count": 0}, ["nobody works in this scenario"]),
        ({"staff.0.count": None}, ["staff[0]", "'count' is missing"]),
        ({"staff.0.count": -1}, ["staff[0].count", "greater than or equal to 0"]),
        ({"staff.0.skills": {}}, ["agents of the group 'sellers' have not the skills of any queue"]),
        ({"staff.0.skills": {"sales": 11}}, ["staff[0].skills.sales", "less than or equal to 10"]),
        ({"staff.0.agents": ["ana"]}, ["either 'agents' of the centre or a 'group'"]),
        ({"staff.0": {"agents": ["ana"]}}, ["staff[0].agents", "no agent 'ana'"]),
        ({"staff.1.group": "sellers"}, ["agent 'sellers-1' is on the staff twice"]),
        ({"staff.0.shifts": ["9-17"]}, ["staff[0].shifts", "'9-17' is no shift", "'08:00-16:30'"]),
        (
            {"staff.0.shifts": ["08:00-12:00", "11:30-16:00"]},
            ["staff[0].shifts", "the shifts '08:00-12:00' and '11:30-16:00' overlap"],
        ),
        (
            {"staff.0.shifts": ["06:00-09:00", "22:00-06:30"]},
            ["the shifts '22:00-06:30' and '06:00-09:00' overlap"],
        ),
        ({"staff.0.queues": ["salles"]}, ["no queue 'salles'", "'sales'"]),
        ({"answering": {"no_answer": 1.5}}, ["answering.no_answer", "less than or equal to 1"]),
        ({"answering": {"no_answer": 0.6, "declined": 0.6}}, ["together are above 1"]),
        ({"start": "8 o'clock"}, ["start", "'08:00'"]),
        ({"policy": None}, ["neither a centre nor a policy", "--centre"]),
        ({"policy.queues.sales.share": 2}, ["policy.queues.sales.share"]),
        ({"policy": {"queues": {}}}, ["policy.queues", "at least 1"]),
        ({"policy.queues.sales.agent_ranking": ["tallest"]}, ["tallest", "policy.queues.sales"]),
        (
            {"policy.queues.sales.agent_ranking": [{"least_occupied": {"stepp": 0.1}}]},
            ["policy.queues.sales", "least_occupied", "stepp"],
        ),
        ({"policy.contact_ranking": [{"age": {}, "priority": {}}]}, ["policy.contact_ranking[0]"]),
        (
            {"policy.queues.sales.steps": [{"after_s": 9, "lent_by": ["suport"]}]},
            ["policy.queues.sales: there is no queue 'suport'", "did you mean 'support'"],
        ),
        ({"policy.queues.sales.steps": [{"after_s": 9, "sooner": ["busy"]}]}, ["steps[0].sooner", "none_available"]),
        ({"policy.queues.sales.keep_free": 0}, ["policy.queues.sales.keep_free", "greater than or equal to 1"]),
        ({"centre": "x"}, ["either 'centre' or its own 'policy'"]),
        (
            CHAT | {"kinds.buyers.waiting_keys": {"1": {"share": 0.5, "after_s": 9, "to_queue": "chats"}}},
            ["kinds.buyers.waiting_keys.1.to_queue", "'chats' takes chat contacts, not voice"],
        ),
        (
            CHAT | {"kinds.buyers.callbacks": {"share": 0.5, "to_queue": "chats"}},
            ["kinds.buyers.callbacks.to_queue", "'chats' takes chat contacts, not voice"],
        ),
    ],
)
def test_a_bad_scenario_is_refused_with_place_and_remedy(changes: dict[str, Any], messages: list[str]) -> None:
    text = refused(changes)
    for message in messages:
        assert message in text, text
    assert text.startswith("s.yaml")


def test_a_policy_that_stands_alone_says_what_a_centre_can_say_of_its_steps() -> None:
    steps = [
        {"after_s": 20, "sooner": ["none_available"], "skills": {"support": 1}, "combine": "add", "keep_free": 2},
        {"after_s": 40, "lent_by": ["support"]},
    ]
    made = setting({"policy.queues.sales.steps": steps, "policy.queues.sales.keep_free": 1})
    first, second, third = made.policy.queues[0].steps
    assert (first.keep_free, first.until) == (1, Until(after_ms=20_000, clock="age", none_available=True))
    assert (second.keep_free, second.until) == (2, Until(after_ms=40_000, clock="age"))
    assert (second.combine, second.condition.skills) == ("add", {"support": 1})
    assert (third.keep_free, third.lent_by, third.until) == (None, ("support",), Until())


def test_ranking_keys_may_have_parameters() -> None:
    ranking = [{"least_occupied": {"step": 0.05}}, "longest_idle"]
    made = setting({"policy.queues.sales.agent_ranking": ranking, "policy.contact_ranking": [{"age": {}}]})
    assert made.policy.queues[0].agent_ranking == (KeySpec("least_occupied", {"step": 0.05}), KeySpec("longest_idle"))
    assert made.policy.contact_ranking == (KeySpec("age"),)


def test_all_problems_are_told_at_once() -> None:
    text = refused({"kinds.buyers.queue": "x", "kinds.users.handle_time_s": None, "staff.0.skills": {}})
    assert len(text.splitlines()) == 3


def test_a_trace_that_knows_every_handle_time_needs_no_distribution() -> None:
    trace = [{"at_s": 5, "handle_s": 60}]
    assert setting({"kinds.buyers.arrivals": {"trace": trace}, "kinds.buyers.handle_time_s": None})
    assert "missing" in refused({"kinds.buyers.arrivals": {"trace": [{"at_s": 5}]}, "kinds.buyers.handle_time_s": None})
    assert "after the end" in refused({"kinds.buyers.arrivals": {"trace": [{"at_s": 4000, "handle_s": 60}]}})
    unknown = {"trace": [{"at_s": 4, "handle_s": 60, "queue": "suport"}]}
    assert "did you mean 'support'" in refused({"kinds.buyers.arrivals": unknown})


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [
        (["08:00-12:00"], [(0, 240)]),
        (["07:30-12:00"], [(0, 240), (1410, 1440)]),
        (["08:00-09:00", "10:00-16:00"], [(0, 60), (120, 480)]),
        (["10:00-12:00", "08:00-10:00"], [(0, 240)]),
        (["22:00-09:00"], [(0, 60), (840, 1440)]),
        (["06:00-07:00"], [(1320, 1380)]),
        (["8:00 - 24:00"], [(0, 960)]),
    ],
)
def test_shifts_by_the_clock(shifts: list[str], expected: list[tuple[int, int]]) -> None:
    whole_day = changed(
        {"start": "08:00", "duration_minutes": 1_440, "run_off_minutes": 0, "staff.0.shifts": shifts}, ALL
    )
    assert setting_of(whole_day).workers[0].shifts_ms == tuple((a * MINUTE, b * MINUTE) for a, b in expected)


ALL = changed({}) | {"start": "00:00", "run_off_minutes": 0}
ALL["staff"][0]["shifts"] = []


def test_shift_and_clock_forms() -> None:
    assert shift_minutes("08:00-16:30") == (480, 990)
    assert shift_minutes("22:00-06:00") == (1320, 1800)
    assert clock("2026-03-02 08:00").isoformat() == "2026-03-02T08:00:00"
    assert clock("08:00").strftime("%A") == "Monday"
    for wrong in ("25:00-26:00", "08:00", "8-9", "08:60-09:00"):
        with pytest.raises(ValueError, match="no shift"):
            shift_minutes(wrong)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        read_scenario(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DocumentError, match="cannot be read"):
        read_scenario(tmp_path / "binary.yaml")


def test_base_scenario_is_left_alone() -> None:
    assert BASE["duration_minutes"] == 60

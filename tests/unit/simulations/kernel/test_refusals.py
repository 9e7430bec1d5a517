"""What the kernel does not do it refuses by name, also what nobody has told it of."""

import dataclasses
import os
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from router.core.policy import Agent, Policy, Queue, Reentry, Step, Until
from simulations.engines import choose, replicate, replicate_compiled
from simulations.kernel import refusals as module
from simulations.kernel.refusals import SUPPORTED, refusals
from simulations.places import Processes
from simulations.replications import run_study
from simulations.scenario import Kind, Scenario
from simulations.setting import Centre, Setting
from tests.support.scenarios import setting


def with_policy(changes: dict[str, Any]) -> Setting:
    """The small setting with something else in its first queue, step or agent."""
    made = setting()
    queue, agent = made.policy.queues[0], made.policy.agents[0]
    if "until" in changes:
        changes = {"steps": (msgspec.structs.replace(queue.steps[0], until=changes["until"]), Step("last"))}
    if "capacity" in changes:
        agent = msgspec.structs.replace(agent, **changes)
        policy = msgspec.structs.replace(made.policy, agents=(agent, *made.policy.agents[1:]))
    else:
        queue = msgspec.structs.replace(queue, **changes)
        policy = msgspec.structs.replace(made.policy, queues=(queue, *made.policy.queues[1:]))
    return replace(made, centre=Centre(policy))


def with_reentry(made: Setting) -> Setting:
    """The first queue promises something to those who were cut off."""
    queue = msgspec.structs.replace(made.policy.queues[0], reentry=Reentry(60_000))
    return replace(made, centre=Centre(msgspec.structs.replace(made.policy, queues=(queue, *made.policy.queues[1:]))))


def test_a_plain_setting_is_supported() -> None:
    assert refusals(setting()) == []


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (with_policy({"until": Until(ewt_over_ms=9)}), "policy.queues.sales.steps[0].until.ewt_over_ms: not supported"),
        (with_policy({"channel": "chat"}), "policy.queues.sales.channel: the channel is 'chat', not 'voice'"),
        (
            with_policy({"capacity": {"voice": 2}}),
            "policy.agents.sellers-1.capacity: an agent must take one call at a time",
        ),
        (
            setting({"kinds.users.arrivals": {"trace": [{"at_s": 1, "preferred_agent": "helpers-1"}]}}),
            "kinds.users.arrivals.trace[0].preferred_agent: not supported",
        ),
        (
            with_reentry(setting({"kinds.users.redials": {"abandoned": {"share": 0.5}}})),
            "policy.queues.sales.reentry: not supported together with redials",
        ),
        (
            setting({"kinds.users.announcement": {"leave_at_once": 1}, "staff.0.shift_end": "hand_back"}),
            "kinds.users.announcement: not supported together with talks that are handed back",
        ),
        (
            setting({"kinds.users.waiting_keys": {"1": {"share": 1}}, "staff.0.shift_end": "hand_back"}),
            "kinds.users.waiting_keys: not supported together with talks that are handed back",
        ),
        (
            setting(
                {
                    "kinds.users.waiting_keys": {
                        "1": {"share": 0.5, "queue": "support", "to_queue": "sales"},
                        "2": {"share": 0.5, "queue": "sales", "to_queue": "support"},
                    }
                }
            ),
            "kinds.users.waiting_keys: not supported where callers could come back to a queue",
        ),
        (setting({"run_off_minutes": 1e6}), "duration_minutes: the scenario is longer than a year"),
    ],
)
def test_what_is_not_supported_is_named_with_its_place(made: Setting, reason: str) -> None:
    assert refusals(made) == [reason]


def test_what_a_group_says_of_its_agents_is_judged_as_theirs() -> None:
    described = {"staff.0.site": "north", "staff.0.cost_per_hour": 20, "staff.0.capacity": {"voice": 1}}
    assert refusals(setting(described)) == []
    assert refusals(setting({"staff.0.capacity": {"voice": 2}})) == [
        "policy.agents.sellers-1.capacity: an agent must take one call at a time",
        "policy.agents.sellers-2.capacity: an agent must take one call at a time",
    ]


def test_a_channel_to_which_no_contact_comes_is_no_matter() -> None:
    made = with_policy({"channel": "chat"})
    kinds = {"users": made.scenario.kinds["users"]}
    assert refusals(replace(made, scenario=made.scenario.model_copy(update={"kinds": kinds}))) == []


@pytest.mark.parametrize(
    ("kind", "field"), [(Kind, "patience_s"), (Queue, "skills"), (Scenario, "interval_minutes"), (Agent, "skills")]
)
def test_a_field_that_is_not_listed_is_refused(kind: type, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a new one would be: here an old one is struck off the list."""
    field = {Queue: "priority", Scenario: "seed"}.get(kind, field)
    monkeypatch.setitem(module.SUPPORTED, kind, {n: r for n, r in SUPPORTED[kind].items() if n != field})
    made = setting({"policy.queues.sales.priority": 3, "seed": 5})
    assert any(f".{reason}".endswith(f".{field}: not supported") for reason in refusals(made))


def test_every_listed_field_exists() -> None:
    """A field that was renamed must not stay on the list."""
    for kind, rules in SUPPORTED.items():
        if dataclasses.is_dataclass(kind):
            names = {field.name for field in dataclasses.fields(kind)}
        else:
            names = set(getattr(kind, "model_fields", None) or kind.__struct_fields__)  # type: ignore[attr-defined]
        assert set(rules) <= names, kind


def test_simpy_takes_over_with_a_notice() -> None:
    made = with_policy({"until": Until(ewt_over_ms=9)})
    chosen = choose("kernel", [made])
    reason = "policy.queues.sales.steps[0].until.ewt_over_ms: not supported"
    assert chosen.notices == (f"Simulated with SimPy, since the kernel does not support all of 'small': {reason}.",)
    assert (chosen.replicate, chosen.words) == (replicate, "Simulated by the router under SimPy.")


def test_each_setting_has_the_engine_that_can_do_it() -> None:
    made = with_policy({"until": Until(ewt_over_ms=9)})
    chosen = choose("kernel", [made, setting()])
    assert (chosen.names, chosen.words) == (("simpy", "kernel"), "Simulated by the kernel and SimPy.")
    assert len(chosen.notices) == 1
    assert chosen.replicate is replicate_compiled
    assert chosen.replicate(made, 0) == replicate(made, 0)


def test_short_work_stays_in_this_process_and_long_work_does_not() -> None:
    here, there = (
        set(choose("kernel", [made]).at(Processes(2)).results(pid_of, [made] * 2, [(0, 0), (1, 0)]))
        for made in (setting(), setting({"kinds.buyers.arrivals.per_hour": 10**8}))
    )
    assert here == {os.getpid()}
    assert os.getpid() not in there


def pid_of(setting: Setting, number: int) -> int:
    return os.getpid()


def test_the_engine_changes_no_figure() -> None:
    by_kernel, by_simpy = (run_study(setting(), engine=engine) for engine in ("kernel", "simpy"))
    assert by_kernel.outcomes == by_simpy.outcomes
    assert by_kernel.notices == ()
    assert isinstance(setting().policy, Policy)

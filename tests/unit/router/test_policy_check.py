"""Every mistake in a policy is found, all at once, at its place, with what would be right."""

import pytest

from router.core.errors import PolicyError
from router.core.policy import (
    Agent,
    CallbackRules,
    Channel,
    Condition,
    Goal,
    KeySpec,
    LastAction,
    Policy,
    Queue,
    Reentry,
    Step,
    Until,
)
from router.core.policy_check import check_policy
from router.core.router import Router
from tests.support.routing import VOICEMAIL, agents, queue, skilled

PEOPLE = (Agent("anna", {"french": 5}, team="x"),)


def problems(*queues: Queue, people: tuple[Agent, ...] = PEOPLE, **fields: object) -> list[str]:
    return [str(problem) for problem in check_policy(Policy(1, queues or (queue(),), people, **fields))]


def step(**fields: object) -> Queue:
    return queue(steps=(Step("s", **fields),))


def test_a_good_policy_has_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (queue(last_action=LastAction("queue", "genral")), "queues.billing.last_action: there is no queue 'genral'"),
        (queue(last_action=LastAction("exit", "")), "queues.billing.last_action: has no target"),
        (queue(full_at=3), "queues.billing.full_at: full_at and when_full belong together"),
        (queue(full_at=0, when_full=LastAction("exit", "x")), "queues.billing.full_at: must be at least 1, not 0"),
        (
            queue(at_closing=LastAction("exit", "x")),
            "queues.billing.at_closing: at closing those who wait are sent away, but without when_closed",
        ),
        (queue(when_closed=LastAction("exit", "")), "queues.billing.when_closed: has no target"),
        (queue(when_unstaffed=LastAction("queue", "x")), "queues.billing.when_unstaffed: there is no queue 'x'"),
        (queue(callback=CallbackRules(tries=0)), "queues.billing.callback.tries: must be at least 1, not 0"),
        (queue(callback=CallbackRules(retry_ms=0)), "queues.billing.callback.retry_ms: must be at least 1, not 0"),
        (queue(callback=CallbackRules(expires_ms=0)), "queues.billing.callback.expires_ms: must be at least 1, not 0"),
        (queue(reentry=Reentry(0)), "queues.billing.reentry.within_ms: must be at least 1, not 0"),
        (queue(directed_ms=-1), "queues.billing.directed_ms: must be at least 0, not -1"),
        (queue(ring_ms=0), "queues.billing.ring_ms: must be at least 1, not 0"),
        (queue(wrap_up_ms=-1), "queues.billing.wrap_up_ms: must be at least 0, not -1"),
        (queue(priority_per_minute=-1.0), "queues.billing.priority_per_minute: must be at least 0, not -1"),
        (queue(goal=Goal(20_000, 80)), "queues.billing.goal.share: a share is from 0 to 1, not 80"),
        (queue(steps=()), "queues.billing.steps: there is no step"),
        (queue(steps=(Step("s", until=Until(after_ms=1)), Step("s"))), "queues.billing.steps.s: 's' is there 2 times"),
        (queue(steps=(Step("a"), Step("b"))), "queues.billing.steps[0].until: the step 'a' never ends"),
        (step(until=Until(after_ms=-5)), "queues.billing.steps[0].until.after_ms: must be at least 0, not -5"),
        (step(until=Until(refusals=0)), "queues.billing.steps[0].until.refusals: must be at least 1, not 0"),
        (step(combine="add"), "queues.billing.steps[0].combine: the first step has nothing before it to add"),
        (
            step(condition=skilled("french", 11)),
            "queues.billing.steps[0].skills.french: a level is from 1 to 10, not 11",
        ),
        (step(condition=skilled("contact.")), "queues.billing.steps[0].skills.contact.: which attribute"),
        (step(condition=Condition(where="agent.team ==")), "queues.billing.steps[0].where: not an expression"),
        (
            step(condition=Condition(where="agnt.team == 'x'")),
            "queues.billing.steps[0].where: 'agnt' is not known here (did you mean 'agent'?)",
        ),
        (
            step(condition=Condition(where="agent.taem == 'x'")),
            "queues.billing.steps[0].where: an agent has no 'taem' (did you mean 'team'?)",
        ),
        (queue(floor=Condition(where="1 +")), "queues.billing.floor.where: not an expression"),
        (
            queue(agent_ranking=(KeySpec("longest_idel"),)),
            "queues.billing.agent_ranking[0]: no key 'longest_idel' ranks agents (did you mean 'longest_idle'?)",
        ),
        (
            step(agent_ranking=(KeySpec("priority"),)),
            "queues.billing.steps[0].agent_ranking[0]: no key 'priority' ranks agents",
        ),
        (
            queue(agent_ranking=(KeySpec("least_occupied", {"setp": 1}),)),
            "parameters.setp: 'least_occupied' has no parameter 'setp' (did you mean 'step'?)",
        ),
        (
            queue(agent_ranking=(KeySpec("least_occupied", {"step": 7}),)),
            "queues.billing.agent_ranking[0].parameters.step: Input should be less than or equal to 1",
        ),
        (queue(agent_ranking=(KeySpec("cheapest"), KeySpec("cheapest"))), "'cheapest' is there 2 times"),
    ],
)
def test_mistakes_in_a_queue(bad: Queue, expected: str) -> None:
    found = problems(bad)
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    ("conditions", "dead"),
    [
        ([Condition({"german": 1})], [0]),
        ([Condition({"french": 6})], [0]),
        ([Condition(where="agent.team == 'y'")], [0]),
        ([Condition({"contact.language": 6})], [0]),
        ([Condition({"contact.language": 5})], []),
        ([Condition(where="agent.team == contact.team")], []),
        ([Condition({"french": 1}), Condition({"german": 1})], [1]),
    ],
)
def test_a_step_in_which_nobody_could_ever_take_a_contact(conditions: list[Condition], dead: list[int]) -> None:
    steps = tuple(Step(f"s{i}", condition, until=Until(after_ms=1)) for i, condition in enumerate(conditions))
    found = problems(queue(steps=steps))
    assert [problem.split(": ")[0] for problem in found] == [f"queues.billing.steps[{i}]" for i in dead]


def test_the_floor_and_the_agents_queues_can_kill_a_step_too() -> None:
    assert "no agent could ever" in problems(queue(floor=skilled("german")))[0]
    elsewhere = (Agent("anna", queues=("tech",)),)
    found = problems(queue(), queue("tech"), people=elsewhere)
    assert [problem.split(": ")[0] for problem in found] == ["queues.billing.steps[0]"]


def test_an_added_alternative_saves_a_step() -> None:
    steps = (Step("a", skilled("french"), until=Until(after_ms=1)), Step("b", skilled("german"), combine="add"))
    assert problems(queue(steps=steps)) == []


def test_a_policy_without_agents_yet_is_fine() -> None:
    assert problems(queue(steps=(Step("s", skilled("german")),)), people=()) == []


def test_overflow_in_a_circle_is_found_once() -> None:
    def onward(name: str, target: str, **fields: object) -> Queue:
        return queue(name, last_action=LastAction("queue", target), **fields)

    back = LastAction("queue", "a")
    for closes in (
        queue("c", full_at=5, when_full=back),
        queue("c", when_closed=back),
        queue("c", when_closed=VOICEMAIL, at_closing=back),
        queue("c", when_unstaffed=back),
    ):
        ring = (onward("a", "b"), onward("b", "c"), closes, onward("d", "a"))
        assert problems(*ring) == ["queues.c: overflow goes round in a circle: a -> b -> c -> a"]
    assert problems(onward("a", "a")) == ["queues.a: overflow goes round in a circle: a -> a"]


def test_two_ways_to_the_same_queue_are_no_circle() -> None:
    diamond = (
        queue("a", last_action=LastAction("queue", "b"), full_at=5, when_full=LastAction("queue", "c")),
        queue("b", last_action=LastAction("queue", "d")),
        queue("c", last_action=LastAction("queue", "d")),
        queue("d"),
    )
    assert problems(*diamond) == []


def test_overflow_cannot_change_the_channel() -> None:
    chats = queue("chats", channel="chat", last_action=LastAction("queue", "billing"))
    people, channels = (Agent("anna", capacity={"voice": 1, "chat": 1}),), (Channel("voice"), Channel("chat"))
    found = problems(queue(), chats, people=people, channels=channels)
    assert found == ["queues.chats.last_action: 'billing' takes voice contacts, not chat"]


def test_mistakes_outside_the_queues() -> None:
    people = (
        Agent("anna", {"french": 0}),
        Agent("bob", queues=("biling",)),
        Agent("bob", capacity={"voice": -1}, cost_per_hour=-1.0),
    )
    assert problems(people=people, contact_ranking=(KeySpec("agee"),), short_busy_retry_ms=0) == [
        "agents.bob: 'bob' is there 2 times",
        "short_busy_retry_ms: must be at least 100",
        "contact_ranking[0]: no key 'agee' ranks contacts (did you mean 'age'?)",
        "agents.anna.skills.french: a level is from 1 to 10, not 0",
        "agents.bob.queues: there is no queue 'biling' (did you mean 'billing'?)",
        "agents.bob.capacity.voice: must be at least 0, not -1",
        "agents.bob.cost_per_hour: must be at least 0, not -1",
    ]


def test_a_policy_without_queues_or_with_two_of_a_name() -> None:
    assert [str(problem) for problem in check_policy(Policy(1, (), agents("anna")))] == ["queues: there is no queue"]
    assert problems(queue(), queue()) == ["queues.billing: 'billing' is there 2 times"]


def test_the_router_refuses_such_a_policy_with_all_its_problems() -> None:
    with pytest.raises(PolicyError) as raised:
        Router(Policy(1, (queue(ring_ms=0, wrap_up_ms=-1),), PEOPLE))
    assert [problem.path for problem in raised.value.problems] == [
        "queues.billing.wrap_up_ms",
        "queues.billing.ring_ms",
    ]

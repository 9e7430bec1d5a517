"""Agents who are free and kept for others: so many stay free, and lenders help only while they keep their own goal."""

import pytest

from router.core.decisions import ContactHeldBack, GoalChanged, Offer
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    OfferDeclined,
)
from router.core.policy import Agent, Condition, Goal, Policy, Queue, Step, Until
from router.core.policy_check import check_policy
from tests.support.routing import Floor, agents, only, queue, skilled, taker

SALES = agents("ann", "ben", "cleo", team="sales", skills={"sales": 1})
HELP = Step("sales helps", Condition(where="agent.team == 'sales'"), combine="add", keep_free=1)
ALONE = Step("sales helps", HELP.condition, keep_free=1)
OWN = Step("own", skilled("billing"), until=Until(none_available=True))


def of_sales(**fields: object) -> Queue:
    return queue("sales", steps=(Step("sales", skilled("sales")),), **fields)


def test_so_many_of_the_helpers_stay_free() -> None:
    floor = Floor(queue(steps=(OWN, HELP)), of_sales(), agents=(*SALES, Agent("bill", {"billing": 1})))
    assert [floor.arrive(f"c{n}") for n in range(4)] == ["bill", "ann", "ben", None]
    held = ContactHeldBack("c3", "billing", "sales helps", "cleo", "reserved: 1 are kept free by the step sales helps")
    assert only(floor.decisions, ContactHeldBack) == [held]
    assert floor.arrive("s1", "sales") == "cleo", "she was kept free for this"


def test_a_second_helper_who_becomes_free_opens_the_way_even_for_the_first() -> None:
    floor = Floor(queue(steps=(ALONE,)), of_sales(), agents=SALES[:2])
    floor.send(AgentPaused("ben", "lunch"))
    assert floor.arrive("c1") is None
    assert taker(floor.send(AgentReady("ben")), "c1") == "ann", "longest idle"


def test_the_way_opens_also_for_a_contact_that_the_newly_free_agent_refused() -> None:
    floor = Floor(queue(steps=(ALONE,)), of_sales(), agents=SALES[:2])
    assert floor.arrive("c1") == "ann"
    floor.send(OfferDeclined(floor.offer("c1")))
    assert floor.router.contact("c1").agent == "ben", "ann, who refused, stays free"


def test_several_wait_and_all_go_as_far_as_the_reservation_allows_in_their_order() -> None:
    floor = Floor(queue(steps=(ALONE,)), of_sales(), agents=SALES, ready=False)
    floor.arrive("c1")
    floor.arrive("c2", at_ms=1_000)
    floor.arrive("c3", at_ms=2_000)
    for agent in SALES:
        floor.send(AgentSignedIn(agent.name))
    assert [(offer.contact, offer.agent) for offer in only(floor.decisions, Offer)] == [("c1", "ann"), ("c2", "ben")]
    floor.send(OfferAccepted(floor.offer("c1")))
    assert taker(floor.send(ContactEnded("c1"), at_ms=3_000), "c3") == "cleo", (
        "two are free again, and she has been longest"
    )


def test_who_is_let_in_without_reservation_is_not_kept_back() -> None:
    both = Agent("dora", {"billing": 1}, team="sales")
    floor = Floor(queue(steps=(OWN, HELP)), agents=(both,))
    assert floor.arrive("c1") == "dora"


def test_a_contact_sent_to_one_agent_gets_that_agent() -> None:
    floor = Floor(queue(steps=(ALONE,)), of_sales(), agents=SALES[:1])
    assert floor.arrive("c1") is None
    assert floor.arrive("c2", directed_to="ann") == "ann"


def test_held_back_is_told_once_and_explained() -> None:
    floor = Floor(queue(steps=(ALONE,)), of_sales(), agents=SALES[:1])
    floor.arrive("c1")
    floor.send(AgentPaused("ann", "lunch"), at_ms=1_000)
    floor.send(AgentReady("ann"), at_ms=2_000)
    assert len(only(floor.decisions, ContactHeldBack)) == 1
    explanation = floor.router.explain("c1")
    assert explanation.agents == (("ann", "free, but reserved: 1 are kept free by the step sales helps"),)
    assert "ann is free, but reserved: 1 are kept free by the step sales helps" in str(explanation.history[-1])


def test_the_record_of_an_offer_names_those_who_were_kept_for_others() -> None:
    slow = Step("slow", Condition(where="agent.team == 'back office'"), combine="add")
    back = Agent("zoe", team="back office")
    first = (Step("help", HELP.condition, keep_free=1, until=Until(none_available=True)), slow)
    floor = Floor(queue(steps=first), of_sales(), agents=(*SALES[:1], back))
    floor.arrive("c1")
    record = only(floor.decisions, Offer)[0].record
    assert record.agents[0].name == "zoe"
    assert ("ann", "reserved: 1 are kept free by the step help") in record.not_chosen


# Lenders

GOAL = Goal(20_000, 0.8, window_ms=600_000)
LENT = Step("lent", Condition(where="agent.team == 'sales'"), lent_by=("sales",))


def test_a_team_helps_only_while_its_own_goal_holds() -> None:
    floor = Floor(queue(steps=(LENT,)), of_sales(goal=GOAL), agents=SALES[:1])
    assert floor.arrive("c1") == "ann"
    floor.send(OfferAccepted(floor.offer("c1")))
    floor.arrive("s1", "sales", at_ms=1_000)
    floor.arrive("c2", at_ms=2_000)
    floor.wait_until(30_000)
    assert floor.router.below_goal("sales")
    floor.send(ContactLeft("s1"))
    floor.send(ContactEnded("c1"))
    assert floor.state("ann")[0] == "ready", "free, and kept for sales"
    held = only(floor.decisions, ContactHeldBack)
    assert held == [ContactHeldBack("c2", "billing", "lent", "ann", "reserved: sales, which lends, is below its goal")]
    later = floor.wait_until(630_000)
    assert only(later, GoalChanged) == [GoalChanged("sales", False, None, 0)]
    assert taker(later, "c2") == "ann", "at the very moment at which sales keeps its goal again"


def test_those_of_the_lender_go_on_as_ever() -> None:
    floor = Floor(queue(steps=(LENT,)), of_sales(goal=GOAL), agents=SALES[:1], ready=False)
    floor.arrive("s1", "sales")
    floor.arrive("c1", at_ms=1_000)
    floor.wait_until(30_000)
    assert taker(floor.send(AgentSignedIn("ann")), "s1") == "ann"


def test_the_next_step_begins_when_the_lender_keeps_its_agents() -> None:
    first = Step("lent", LENT.condition, lent_by=("sales",), until=Until(none_available=True))
    floor = Floor(queue(steps=(first, Step("anybody"))), of_sales(goal=GOAL), agents=(*SALES[:1], Agent("zoe")))
    floor.send(AgentPaused("ann", "lunch"))
    floor.arrive("s1", "sales")
    floor.wait_until(25_000)
    floor.send(ContactLeft("s1"))
    floor.send(AgentReady("ann"))
    assert floor.arrive("c1") == "zoe", "none of the first step was available"
    assert floor.router.contact("c1").step == 1


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step("s", keep_free=0), "queues.billing.steps[0].keep_free: must be at least 1, not 0"),
        (
            Step("s", lent_by=("saels",)),
            "queues.billing.steps[0].lent_by: there is no queue 'saels' (did you mean 'sales'?)",
        ),
        (Step("s", lent_by=("billing",)), "queues.billing.steps[0].lent_by: 'billing' cannot lend agents to itself"),
        (
            Step("s", keep_free=3),
            "queues.billing.steps[0].keep_free: keeps 3 free of 3 agents, so it never lets anybody in",
        ),
    ],
)
def test_mistakes(step: Step, expected: str) -> None:
    found = [str(problem) for problem in check_policy(Policy(1, (queue(steps=(step,)), of_sales()), SALES))]
    assert any(expected in problem for problem in found), found


def test_a_step_that_narrows_has_nobody_to_reserve() -> None:
    steps = (Step("a", until=Until(after_ms=1)), Step("b", combine="narrow", lent_by=("sales",)))
    found = [problem.message for problem in check_policy(Policy(1, (queue(steps=steps), of_sales()), SALES))]
    assert found == ["the step 'b' narrows and so lets nobody in: there is nobody whom it could reserve"]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (Goal(20_000, 0.8, window_ms=1_000), "queues.billing.goal.window_ms: must be at least 60000, not 1000"),
        (Goal(20_000, 0.8, margin=5), "queues.billing.goal.margin: a share is from 0 to 1, not 5"),
    ],
)
def test_goals_that_cannot_be_looked_at(goal: Goal, expected: str) -> None:
    found = [str(problem) for problem in check_policy(Policy(1, (queue(goal=goal),), SALES))]
    assert any(expected in problem for problem in found), found

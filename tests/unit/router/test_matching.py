"""Who gets whom: both regimes, across queues, and the ties."""

import pytest
from msgspec.structs import replace

from router.core.decisions import Offer
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    ContactArrived,
    ContactEnded,
    OfferAccepted,
    PolicyPublished,
)
from router.core.policy import Agent, Condition, Goal, KeySpec, Queue, Step, Until
from tests.support.routing import Floor, agents, only, queue, skilled, taker


def ranked(*keys: str) -> tuple[KeySpec, ...]:
    return tuple(map(KeySpec, keys))


def order_taken(floor: Floor, agent: str = "anna") -> list[str]:
    """The waiting contacts in the order in which the agent takes them."""
    floor.send(AgentSignedIn(agent))
    taken = []
    while (ringing := floor.router.agent(agent)).offers:
        ((offer, contact),) = ringing.offers.items()
        taken.append(contact)
        floor.send(OfferAccepted(offer))
        floor.send(ContactEnded(contact))
    return taken


def test_an_agent_takes_the_highest_priority_then_the_oldest_across_queues() -> None:
    floor = Floor(queue("a"), queue("b", priority=5), agents=agents("anna"), ready=False)
    for i, where in enumerate("aabba"):
        floor.arrive(f"{where}{i}", where, at_ms=100 * i)
    assert order_taken(floor) == ["b2", "b3", "a0", "a1", "a4"]


def test_priority_grows_with_the_wait_up_to_the_cap() -> None:
    queues = (queue("slow", priority_per_minute=1.0, priority_cap=3), queue("fast", priority_per_minute=4.0))
    floor = Floor(*queues, agents=agents("anna"), ready=False)
    floor.arrive("slow0", "slow")
    floor.arrive("fast0", "fast", at_ms=240_000)
    floor.wait_until(280_000)
    assert order_taken(floor) == ["slow0", "fast0"], "3 (capped) against 2.7"
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("slow1", "slow")
    floor.arrive("fast1", "fast", at_ms=520_000)
    floor.wait_until(570_000)
    assert taker(floor.send(AgentReady("anna")), "fast1") == "anna", "3.3 against 3 (capped)"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("age",), ["patient", "urgent", "heavy"]),
        (("time_to_goal",), ["urgent", "heavy", "patient"]),
        (("queue_weight", "age"), ["heavy", "patient", "urgent"]),
        ((), ["patient", "urgent", "heavy"]),
    ],
)
def test_contact_rankings(keys: tuple[str, ...], expected: list[str]) -> None:
    queues = (
        queue("patient", goal=Goal(300_000, 0.8)),
        queue("urgent", goal=Goal(10_000, 0.8)),
        queue("heavy", goal=Goal(20_000, 0.8), weight=9),
    )
    floor = Floor(*queues, agents=agents("anna"), ready=False, contact_ranking=ranked(*keys))
    for i, where in enumerate(("patient", "urgent", "heavy")):
        floor.arrive(where, where, at_ms=1_000 * i)
    assert order_taken(floor) == expected


def test_an_agent_takes_the_contacts_of_the_own_primary_skill_first() -> None:
    queues = tuple(queue(name, steps=(Step("s", skilled(name)),)) for name in ("loans", "cards"))
    anna = Agent("anna", {"loans": 2, "cards": 9})
    floor = Floor(*queues, agents=(anna,), ready=False, contact_ranking=ranked("best_fit", "age"))
    for i, where in enumerate(("loans", "cards", "loans", "cards")):
        floor.arrive(f"{where}{i}", where, at_ms=100 * i)
    assert order_taken(floor) == ["cards1", "cards3", "loans0", "loans2"]


def test_a_contact_nobody_may_take_blocks_nobody() -> None:
    steps = (Step("s", Condition({"contact.language": 1})),)
    floor = Floor(queue(steps=steps), agents=(Agent("anna", {"french": 3}),))
    assert floor.arrive("dutch", attributes={"language": "dutch"}) is None
    assert floor.arrive("silent") is None
    assert floor.arrive("french", attributes={"language": "french"}) == "anna"


SKILLS = {
    "expert": Agent("expert", {"loans": 9, "cards": 9}, cost_per_hour=50),
    "adept": Agent("adept", {"loans": 5}, cost_per_hour=30),
    "novice": Agent("novice", {"loans": 2, "french": 1}, cost_per_hour=20),
}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("best_fit",), ["expert", "adept", "novice"]),
        (("least_skilled",), ["novice", "adept", "expert"]),
        (("cheapest",), ["novice", "adept", "expert"]),
        (("preferred_agent", "best_fit"), ["adept", "expert", "novice"]),
        (("fewest_contacts", "best_fit"), ["expert", "adept", "novice"]),
        ((), ["novice", "expert", "adept"]),
    ],
)
def test_agent_rankings(keys: tuple[str, ...], expected: list[str]) -> None:
    billing = queue(steps=(Step("s", skilled("loans")),), agent_ranking=ranked(*keys))
    floor = Floor(billing, agents=(SKILLS["novice"], SKILLS["expert"], SKILLS["adept"]))
    taken = [floor.arrive(f"c{i}", preferred_agent="adept") for i in range(3)]
    assert taken == expected


def test_the_best_fit_counts_only_the_skills_that_the_step_asks() -> None:
    people = (Agent("broad", {"loans": 3, "cards": 10}), Agent("deep", {"loans": 4}))
    floor = Floor(queue(steps=(Step("s", skilled("loans")),), agent_ranking=ranked("best_fit")), agents=people)
    assert floor.arrive("c1") == "deep"


def test_round_robin_goes_round() -> None:
    floor = Floor(queue(agent_ranking=ranked("round_robin")), agents=agents("anna", "bob", "cleo"))
    taken = []
    for i in range(6):
        taken.append(floor.arrive(f"c{i}"))
        floor.send(OfferAccepted(floor.offer(f"c{i}")))
        floor.send(ContactEnded(f"c{i}"))
    assert taken == ["anna", "bob", "cleo", "anna", "bob", "cleo"]


def test_fewest_contacts_evens_out() -> None:
    floor = Floor(queue(agent_ranking=ranked("fewest_contacts")), agents=agents("anna", "bob"))
    taken = []
    for i in range(4):
        taken.append(floor.arrive(f"c{i}"))
        floor.send(OfferAccepted(floor.offer(f"c{i}")))
        floor.send(ContactEnded(f"c{i}"))
    assert taken == ["anna", "bob", "anna", "bob"]


def test_a_step_may_have_a_ranking_of_its_own() -> None:
    steps = (
        Step("cheap", skilled("loans"), until=Until(none_available=True), agent_ranking=ranked("cheapest")),
        Step("good", skilled("loans"), agent_ranking=ranked("best_fit")),
    )
    floor = Floor(queue(steps=steps, agent_ranking=ranked("best_fit")), agents=tuple(SKILLS.values()))
    assert floor.arrive("c1") == "novice"


def test_the_seed_decides_the_random_order() -> None:
    def taken(seed: int) -> list[str | None]:
        people = agents(*(f"agent{i}" for i in range(6)))
        floor = Floor(queue(agent_ranking=ranked("random")), agents=people, seed=seed)
        return [floor.arrive(f"c{i}") for i in range(6)]

    assert taken(1) == taken(1)
    assert taken(1) != taken(2)
    assert sorted(taken(1)) == sorted(taken(2))


def test_of_agents_freed_together_each_contact_gets_the_one_that_its_ranking_puts_first() -> None:
    ranking = ranked("least_skilled")
    queues = tuple(queue(name, steps=(Step("s", skilled(name)),), agent_ranking=ranking) for name in "ab")
    floor = Floor(*queues, agents=(*agents("general", "special"), Agent("off", {"a": 1, "b": 1})))
    floor.send(AgentPaused("off", "lunch"))
    floor.arrive("a1", "a", at_ms=1)
    floor.arrive("b1", "b", at_ms=2)
    people = (Agent("general", {"a": 1, "b": 1}), Agent("special", {"a": 1}))
    offers = only(floor.send(PolicyPublished(replace(floor.router.policy, version=2, agents=people))), Offer)
    assert [(offer.contact, offer.agent) for offer in offers] == [("a1", "special"), ("b1", "general")]
    assert [candidate.name for candidate in offers[0].record.agents] == ["special", "general"]


def test_contacts_that_widen_in_the_same_instant_go_by_rank() -> None:
    steps = (Step("fluent", skilled("french", 9), until=Until(after_ms=10_000, clock="step")), Step("anybody"))
    people = (Agent("anna", {"french": 9}), Agent("bob"), Agent("cleo"))
    floor = Floor(queue(steps=steps), agents=people, ready=False)
    floor.send(AgentSignedIn("bob"))
    floor.arrive("low", priority=0)
    floor.arrive("high", priority=5)
    offers = only(floor.wait_until(10_000), Offer)
    assert [(offer.contact, offer.agent) for offer in offers] == [("high", "bob")]


def test_a_contact_ranks_by_the_agent_it_would_get_now() -> None:
    """x1 gets the expert; only the novice is left for x2, which then goes behind y1."""
    guru = Agent("guru", {"x": 10, "y": 10})
    people = (guru, Agent("expert", {"x": 9, "y": 5}), Agent("novice", {"x": 3, "y": 5}))

    def widening(name: str) -> Queue:
        steps = (Step("guru", skilled(name, 10), until=Until(after_ms=10_000)), Step("all", skilled(name)))
        return queue(name, steps=steps, agent_ranking=ranked("best_fit"))

    floor = Floor(widening("x"), widening("y"), agents=people, ready=False, contact_ranking=ranked("best_fit"))
    for agent in ("expert", "novice"):
        floor.send(AgentSignedIn(agent))
    for contact in ("x1", "x2", "y1"):
        floor.arrive(contact, contact[0])
    offers = only(floor.wait_until(10_000), Offer)
    assert [(offer.contact, offer.agent) for offer in offers] == [("x1", "expert"), ("y1", "novice")]


def test_no_condition_is_judged_again_for_contacts_of_a_known_class(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = Floor(queue(steps=(Step("s", skilled("a")),)), agents=(Agent("anna", {"a": 1}), Agent("bob", {"a": 2})))
    floor.arrive("c0")
    floor.arrive("c1")
    chain = floor.router._state.current.queues["billing"].steps[0].chain
    judged = []
    holds = chain.holds
    monkeypatch.setattr(chain, "holds", lambda agent, contact: judged.append(agent.name) or holds(agent, contact))
    for i in range(2, 300):
        floor.router.handle(ContactArrived(f"c{i}", "billing"), 0)
    for i in range(100):
        floor.router.handle(OfferAccepted(floor.offer(f"c{i}")), 0)
        floor.router.handle(ContactEnded(f"c{i}"), 0)
    assert judged == []

"""The whole explanation names every agent of the queue and what keeps each from taking the contact."""

import pytest

from router.core.events import AgentPaused, AgentSignedIn, Callback, OfferAccepted, OfferDeclined
from router.core.policy import Agent, CallbackRules, Condition, Step, Until
from tests.support.routing import Floor, agents, queue


def test_every_agent_of_the_queue_has_a_reason() -> None:
    people = (
        Agent("talking", {"french": 5}),
        Agent("paused", {"french": 5}),
        Agent("away", {"french": 5}),
        Agent("weak", {"french": 2}),
        Agent("other team", {"french": 5}, team="y"),
        Agent("none"),
        Agent("elsewhere", {"french": 5}, queues=("tech",)),
        Agent("refused", {"french": 5}),
    )
    steps = (Step("fluent", Condition({"contact.language": 4}, where="agent.team != 'y'")),)
    floor = Floor(queue(steps=steps), queue("tech"), agents=people, ready=False)
    french = {"language": "french"}
    for agent in people:
        if agent.name != "away":
            floor.send(AgentSignedIn(agent.name))
    floor.send(AgentPaused("paused", "lunch"))
    floor.arrive("c0", attributes=french)
    floor.send(OfferAccepted("o1"))
    assert floor.arrive("c1", at_ms=1_000, attributes=french) == "refused"
    floor.send(OfferDeclined("o2"), at_ms=2_000)
    explanation = floor.router.explain("c1")
    assert explanation.agents == (
        ("talking", "busy"),
        ("paused", "paused: lunch"),
        ("away", "offline"),
        ("weak", "not eligible: skill french 4 (has 2)"),
        ("other team", "not eligible: agent.team != 'y'"),
        ("none", "not eligible: skill french"),
        ("refused", "refused this contact (ready)"),
    )
    assert explanation.eligible == ("talking", "paused", "away", "refused")
    assert (explanation.queue, explanation.step, explanation.policy) == ("billing", "fluent", 1)
    assert (explanation.arrived_ms, explanation.since_ms, explanation.position) == (1_000, 1_000, 1)
    assert [str(happening) for happening in explanation.history] == [
        "1000 ms: queued in billing",
        "1000 ms: step fluent: first step",
        "1000 ms: offered to refused (o2)",
        "2000 ms: offer o2 to refused ended: declined",
    ]


def test_a_contact_that_rings_or_talks_is_explained_too() -> None:
    floor = Floor(agents=(Agent("anna"), Agent("bob")))
    floor.arrive("c1")
    assert floor.router.explain("c1").agents == (
        ("anna", "rings for it"),
        ("bob", "free, but the contact is offered"),
    )
    floor.send(OfferAccepted("o1"))
    explanation = floor.router.explain("c1")
    assert explanation.agents[0] == ("anna", "talks with it")
    assert (explanation.state, explanation.agent, explanation.position) == ("connected", "anna", 0)


def test_alternatives_are_explained_together() -> None:
    steps = (
        Step("a", Condition({"loans": 5}), until=Until(after_ms=0)),
        Step("b", Condition({"cards": 5}), combine="add"),
    )
    people = (Agent("anna", {"loans": 4}), Agent("bob", {"loans": 5}))
    floor = Floor(queue(steps=steps), agents=people, ready=False)
    floor.arrive("c1")
    assert floor.router.explain("c1").agents == (
        ("anna", "not eligible: skill loans 5 (has 4) or skill cards"),
        ("bob", "offline"),
    )


def test_who_is_not_in_the_router_cannot_be_explained() -> None:
    with pytest.raises(KeyError):
        Floor(agents=(Agent("anna"),)).router.explain("c1")


def test_a_callback_is_explained_before_its_time_and_while_its_customer_is_rung() -> None:
    floor = Floor(queue(callback=CallbackRules()), agents=agents("anna"))
    floor.arrive("k1", callback=Callback("100", not_before_ms=5_000))
    explanation = floor.router.explain("k1")
    assert (explanation.state, explanation.position) == ("parked", 0)
    assert explanation.agents == (("anna", "free, but the contact is parked"),)
    floor.wait_until(5_000)
    floor.send(OfferAccepted("o1"))
    assert floor.router.explain("k1").agents == (("anna", "waits while its customer is rung"),)


def test_a_directed_contact_is_explained_by_whom_it_is_for_and_a_consultation_by_who_asks() -> None:
    french = queue(steps=(Step("french", Condition({"french": 1})),))
    floor = Floor(french, agents=(Agent("anna", {"french": 1}), Agent("bob")))
    floor.arrive("c1")
    floor.send(OfferAccepted("o1"))
    floor.send(AgentPaused("bob", "lunch"))
    floor.arrive("k1", consult_of="c1", directed_to="bob")
    explanation = floor.router.explain("k1")
    assert explanation.held_for == "bob"
    assert explanation.agents == (("anna", "asks (busy)"), ("bob", "paused: lunch"))

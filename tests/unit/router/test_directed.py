"""A contact that somebody sends to one agent."""

from router.core.decisions import CancelOffer, ContactQueued, Offer
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedOut,
    ContactLeft,
    ContactMoved,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
    PolicyPublished,
    QueueSwitched,
)
from router.core.policy import Agent, LastAction, Step
from router.core.router import Router
from tests.support.routing import Floor, agents, only, queue, skilled, taker

FRENCH = queue(steps=(Step("french", skilled("french")),), directed_ms=10_000, when_closed=LastAction("exit", "closed"))
PEOPLE = (Agent("anna", {"french": 5}), Agent("bob"))


def directed(*, busy: bool = True) -> Floor:
    """c1 is for bob, who cannot speak French, and who (if `busy`) talks with c0."""
    floor = Floor(FRENCH, queue("other"), agents=PEOPLE)
    if busy:
        floor.send(AgentPaused("anna", "lunch"))
        floor.arrive("c0", "other")
        floor.send(OfferAccepted(floor.offer("c0")))
        floor.send(AgentReady("anna"))
    floor.arrive("c1", directed_to="bob")
    return floor


def test_it_goes_to_that_agent_whatever_the_conditions_say_and_the_record_says_so() -> None:
    floor = directed(busy=False)
    offer = only(floor.decisions, Offer)[-1]
    assert (offer.contact, offer.agent, offer.record.directed) == ("c1", "bob", True)
    floor.arrive("c2")
    assert not only(floor.decisions, Offer)[-1].record.directed


def test_it_waits_for_that_agent_while_others_are_free() -> None:
    floor = directed()
    assert floor.state("anna") == ("ready", "")
    assert dict(floor.router.explain("c1").agents)["anna"] == "free, but the contact is held for bob"
    assert taker(floor.send(ContactLeft("c0"), at_ms=9_000), "c1") == "bob", "he is not over capacity"


def test_after_its_time_it_is_an_ordinary_contact_of_its_queue() -> None:
    floor = directed()
    assert taker(floor.wait_until(9_999), "c1") is None
    assert taker(floor.wait_until(10_000), "c1") == "anna"
    assert not only(floor.decisions, Offer)[-1].record.directed


def test_the_agent_who_signs_out_lets_it_go() -> None:
    assert taker(directed().send(AgentSignedOut("bob")), "c1") == "anna"


def test_the_agent_who_is_not_there_is_not_waited_for() -> None:
    floor = directed()
    assert floor.arrive("c2", directed_to="nobody") == "anna"


def test_the_agent_who_declines_or_fails_lets_it_go() -> None:
    for event in (OfferDeclined, OfferFailed):
        floor = directed(busy=False)
        assert taker(floor.send(event(floor.offer("c1"))), "c1") == "anna"


def test_a_pause_does_not_end_the_wait() -> None:
    floor = directed()
    floor.send(AgentPaused("bob", "lunch"))
    floor.send(ContactLeft("c0"))
    assert taker(floor.send(AgentReady("bob")), "c1") == "bob"


def test_a_waiting_contact_is_pulled_to_an_agent_with_another_priority() -> None:
    floor = Floor(FRENCH, agents=(Agent("anna", {"french": 5}), Agent("bob")))
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("c1", at_ms=1_000)
    decisions = floor.send(ContactMoved("c1", "billing", directed_to="bob", priority=7), at_ms=5_000)
    assert only(decisions, ContactQueued) == [ContactQueued("c1", "billing", "billing", "moved", 1_000)]
    assert taker(decisions, "c1") == "bob"
    assert floor.router.contact("c1").own_priority == 7


def test_pulling_to_an_agent_who_refused_it_asks_again() -> None:
    floor = Floor(agents=agents("anna", "bob"))
    floor.arrive("c1")
    floor.send(OfferDeclined("o1"))
    decisions = floor.send(ContactMoved("c1", "billing", directed_to="anna"))
    assert only(decisions, CancelOffer) == [CancelOffer("o2", "c1", "bob", "moved to billing")]
    assert taker(decisions, "c1") == "anna"


def test_it_comes_into_a_closed_queue_but_not_in_an_emergency() -> None:
    floor = Floor(FRENCH, agents=PEOPLE)
    floor.send(QueueSwitched("billing", "closed"))
    assert floor.arrive("c1", directed_to="bob") == "bob"
    assert floor.arrive("c2", directed_to="nobody") is None
    assert floor.router.contact("c2") is None
    floor.send(QueueSwitched("billing", "emergency"))
    assert floor.arrive("c3", directed_to="bob") is None
    assert floor.router.contact("c3") is None


def test_a_new_policy_without_that_agent_lets_it_go() -> None:
    floor = directed()
    policy = floor.router.policy
    event = PolicyPublished(type(policy)(2, policy.queues, PEOPLE[:1]))
    assert taker(floor.send(event), "c1") == "anna"


def test_it_stays_directed_across_a_restart() -> None:
    floor = directed()
    restored = Router.restore(floor.router.snapshot())
    assert taker(restored.handle(ContactLeft("c0"), floor.now_ms), "c1") == "bob"

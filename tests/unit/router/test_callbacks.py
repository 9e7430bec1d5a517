"""Callbacks: a place in the queue with nobody on the line."""

import pytest

from router.core.decisions import (
    AgentChanged,
    CancelOffer,
    Connect,
    ContactFinished,
    ContactParked,
    ContactQueued,
    ContactReleased,
    CustomerReached,
    EndTalk,
    Offer,
    OfferEnded,
    RingCustomer,
)
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    Callback,
    CallbackFailed,
    CallbackReached,
    CallbackRequested,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    ContactMoved,
    ContactTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
    PolicyPublished,
    QueueSwitched,
)
from router.core.policy import CallbackRules, LastAction, Policy, Queue, Step, Until
from router.core.router import ImpossibleEvent, Router
from tests.support.routing import Floor, agents, only, queue, taker

RULES = CallbackRules(tries=2, retry_ms=60_000)


def calling_back(*people: str, rules: CallbackRules = RULES, **fields: object) -> Floor:
    return Floor(
        queue(callback=rules, wrap_up_ms=3_000, **fields), queue("other"), agents=agents(*(people or ("anna",)))
    )


def ringing_the_customer(**fields: object) -> Floor:
    """k1 came at 1 s, anna accepted at 3 s."""
    floor = calling_back(**fields)
    floor.arrive("k1", at_ms=1_000, callback=Callback("100"), caller="ann")
    decisions = floor.send(OfferAccepted("o1"), at_ms=3_000)
    assert decisions == [RingCustomer("o1", "k1", "anna", "100", 1), AgentChanged("anna", "busy", contact="k1")]
    return floor


def finished(floor: Floor, contact: str = "k1") -> ContactFinished:
    return next(one for one in reversed(only(floor.decisions, ContactFinished)) if one.contact == contact)


def test_the_agent_is_there_first_then_the_customer_is_rung_then_they_talk() -> None:
    floor = ringing_the_customer()
    assert only(floor.decisions, Connect) == []
    assert floor.send(CallbackReached("k1"), at_ms=9_000) == [CustomerReached("o1", "k1", "anna", 1, wait_ms=8_000)]
    decisions = floor.send(ContactEnded("k1"), at_ms=15_000)
    assert decisions == [
        ContactFinished("k1", "billing", "answered", 1_000, 8_000, 6_000, "anna", 1, callback=True),
        AgentChanged("anna", "wrap_up", contact="k1"),
    ]


def test_a_customer_who_is_not_reached_is_tried_again_and_the_agent_is_free_without_wrap_up() -> None:
    floor = ringing_the_customer()
    decisions = floor.send(CallbackFailed("k1", "no_answer"), at_ms=20_000)
    assert decisions == [
        EndTalk("o1", "k1", "anna", "the customer was not reached: no answer"),
        OfferEnded("o1", "k1", "anna", "cancelled"),
        AgentChanged("anna", "ready"),
        ContactParked("k1", "billing", 80_000, "no answer"),
    ]
    assert floor.router.waiting("billing") == []
    floor.arrive("c2", at_ms=70_000)
    floor.arrive("c3", at_ms=75_000)
    floor.send(ContactLeft("c2"), at_ms=79_000)
    assert only(floor.wait_until(80_000), ContactQueued) == [
        ContactQueued("k1", "billing", "billing", "its time has come", 1_000, callback=True)
    ]
    floor.send(OfferDeclined(floor.offer("c3")))
    assert taker(floor.decisions, "k1") == "anna"
    floor.send(OfferAccepted(floor.offer("k1")))
    assert only(floor.decisions, RingCustomer)[-1].attempt == 2


def test_after_the_last_try_it_ends_as_unreached() -> None:
    floor = ringing_the_customer(rules=CallbackRules(tries=1))
    assert only(floor.send(CallbackFailed("k1", "busy"), at_ms=20_000), ContactFinished) == [
        ContactFinished("k1", "billing", "unreached", 1_000, 19_000, offers=1, callback=True)
    ]
    assert floor.state("anna") == ("ready", "")


def test_it_ends_when_it_expires_waiting_or_before_the_next_try() -> None:
    rules = CallbackRules(retry_ms=60_000, expires_ms=30_000)
    floor = ringing_the_customer(rules=rules)
    floor.send(CallbackFailed("k1", "busy"), at_ms=20_000)
    assert finished(floor).outcome == "unreached"
    floor = calling_back(rules=rules)
    floor.send(AgentSignedOut("anna"))
    floor.arrive("k1", callback=Callback("100", not_before_ms=10_000))
    floor.wait_until(39_999)
    assert floor.router.waiting("billing") == ["k1"]
    floor.wait_until(40_000)
    assert (finished(floor).outcome, finished(floor).wait_ms) == ("unreached", 30_000)


def test_one_that_expires_while_offered_still_has_this_chance() -> None:
    floor = calling_back(rules=CallbackRules(expires_ms=10_000))
    floor.arrive("k1", callback=Callback("100"))
    floor.wait_until(15_000)
    floor.send(OfferAccepted("o1"))
    assert floor.router.contact("k1").state == "reaching"
    floor.send(OfferFailed("o1"))
    assert finished(floor).outcome == "unreached"


def test_before_its_time_it_is_in_no_line_and_its_wait_begins_then() -> None:
    floor = calling_back()
    decisions = floor.send(ContactArrived("k1", "billing", callback=Callback("100", not_before_ms=50_000)), at_ms=1_000)
    assert decisions == [
        ContactQueued("k1", "billing", callback=True),
        ContactParked("k1", "billing", 50_000, "before its time"),
    ]
    with pytest.raises(KeyError):
        floor.router.position("k1")
    assert taker(floor.wait_until(49_999), "k1") is None
    assert taker(floor.wait_until(50_000), "k1") == "anna"
    floor.send(OfferAccepted("o1"))
    floor.send(CallbackReached("k1"), at_ms=52_000)
    assert only(floor.decisions, CustomerReached)[0].wait_ms == 2_000


def test_it_never_overtakes_an_earlier_caller_and_is_not_overtaken_by_a_later_one() -> None:
    floor = calling_back()
    floor.send(AgentPaused("anna", "lunch"))
    for i, fields in enumerate(({}, {"callback": Callback("100")}, {})):
        floor.arrive(f"c{i}", at_ms=1_000 * i, **fields)
    floor.send(AgentReady("anna"))
    order = []
    for _ in range(3):
        contact = floor.router.offers()[0].contact
        order.append(contact)
        floor.send(ContactLeft(contact))
    assert order == ["c0", "c1", "c2"]


def test_as_many_customers_are_rung_as_agents_are_there() -> None:
    floor = calling_back("anna", "bob")
    for i in range(5):
        floor.arrive(f"k{i}", callback=Callback(f"10{i}"))
    for offer in list(floor.router.offers()):
        floor.send(OfferAccepted(offer.id))
    assert [ring.agent for ring in only(floor.decisions, RingCustomer)] == ["anna", "bob"]
    assert floor.router.waiting("billing") == ["k2", "k3", "k4"]


def test_a_waiting_caller_becomes_a_callback_at_the_same_place() -> None:
    floor = calling_back()
    floor.send(AgentPaused("anna", "lunch"))
    for i in range(3):
        floor.arrive(f"c{i}", at_ms=1_000 * i)
    assert floor.send(CallbackRequested("c1", Callback("100")), at_ms=5_000) == []
    assert floor.router.waiting("billing") == ["c0", "c1", "c2"]
    assert floor.router.contact("c1").arrived_ms == 1_000
    floor.send(CallbackRequested("c0", Callback("200", not_before_ms=60_000)))
    assert taker(floor.send(AgentReady("anna")), "c1") == "anna"


def test_a_request_while_it_rings_lets_the_offer_go_on_as_that_of_a_callback() -> None:
    floor = calling_back()
    floor.arrive("c1")
    assert floor.send(CallbackRequested("c1", Callback("100"))) == []
    assert only(floor.send(OfferAccepted("o1")), RingCustomer) == [RingCustomer("o1", "c1", "anna", "100", 1)]


def test_a_request_for_later_while_it_rings_withdraws_the_offer() -> None:
    floor = calling_back()
    floor.arrive("c1")
    assert floor.send(CallbackRequested("c1", Callback("100", not_before_ms=60_000)))[:4] == [
        CancelOffer("o1", "c1", "anna", "the customer wants to be rung later"),
        OfferEnded("o1", "c1", "anna", "cancelled"),
        AgentChanged("anna", "ready"),
        ContactParked("c1", "billing", 60_000, "the time was chosen"),
    ]


def test_a_parked_callback_can_be_asked_for_another_time_and_for_now() -> None:
    floor = calling_back()
    floor.arrive("k1", callback=Callback("100", not_before_ms=60_000))
    decisions = floor.send(CallbackRequested("k1", Callback("200", not_before_ms=90_000)))
    assert decisions == [ContactParked("k1", "billing", 90_000, "another time was chosen")]
    assert taker(floor.send(CallbackRequested("k1", Callback("300"))), "k1") == "anna"
    floor.send(OfferAccepted("o1"))
    assert only(floor.decisions, RingCustomer)[0].number == "300"


def test_the_agent_whose_phone_went_away_while_the_customer_was_rung_costs_no_try() -> None:
    floor = ringing_the_customer()
    decisions = floor.send(OfferFailed("o1", "unreachable"), at_ms=5_000)
    assert only(decisions, OfferEnded) == [OfferEnded("o1", "k1", "anna", "unreachable")]
    assert floor.state("anna") == ("paused", "unreachable")
    assert floor.router.waiting("billing") == ["k1"]
    floor.send(AgentReady("anna"))
    floor.send(OfferAccepted("o2"))
    assert only(floor.decisions, RingCustomer)[-1].attempt == 1


def test_the_customer_who_no_longer_wants_it_frees_the_agent() -> None:
    floor = ringing_the_customer()
    assert floor.send(ContactLeft("k1", "left"), at_ms=5_000) == [
        EndTalk("o1", "k1", "anna", "the caller is gone"),
        OfferEnded("o1", "k1", "anna", "cancelled"),
        AgentChanged("anna", "ready"),
        ContactFinished("k1", "billing", "left", 1_000, 4_000, offers=1, callback=True),
    ]


def test_news_of_the_customer_that_come_too_late_are_ignored() -> None:
    floor = ringing_the_customer()
    floor.send(OfferFailed("o1", "unreachable"))
    assert floor.send(CallbackReached("k1")) == []
    assert floor.send(CallbackFailed("k1", "busy")) == []
    floor.send(ContactLeft("k1"))
    assert floor.send(CallbackReached("k1")) == []
    with pytest.raises(ImpossibleEvent, match="there is no contact 'k9'"):
        floor.send(CallbackReached("k9"))


def test_a_second_callback_of_the_same_caller_or_number_is_merged_into_the_older_one() -> None:
    floor = calling_back()
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("k1", at_ms=1_000, callback=Callback("100"), caller="ann")
    floor.arrive("k2", at_ms=2_000, callback=Callback("555"), caller="ann")
    floor.arrive("k3", at_ms=3_000, callback=Callback("100"), caller="")
    assert (finished(floor, "k2").outcome, finished(floor, "k3").outcome) == ("merged", "merged")
    assert floor.router.waiting("billing") == ["k1"]
    floor.arrive("k4", callback=Callback("777"), caller="ben")
    assert floor.router.waiting("billing") == ["k1", "k4"]


def test_the_older_wish_stands_even_if_it_becomes_a_callback_later() -> None:
    floor = calling_back()
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("c1", at_ms=1_000)
    floor.arrive("k2", at_ms=2_000, callback=Callback("100"))
    floor.send(CallbackRequested("c1", Callback("100")), at_ms=3_000)
    assert finished(floor, "k2").outcome == "merged"
    assert floor.router.waiting("billing") == ["c1"]


def test_one_whose_customer_is_being_rung_stands() -> None:
    floor = ringing_the_customer()
    floor.arrive("k2", at_ms=5_000, arrived_ms=0, callback=Callback("100"))
    assert finished(floor, "k2").outcome == "merged"
    assert floor.router.contact("k1").state == "reaching"


def test_a_caller_who_comes_in_person_takes_over_the_place_of_the_callback() -> None:
    floor = calling_back()
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("k1", at_ms=1_000, callback=Callback("100"))
    floor.arrive("c2", at_ms=2_000)
    decisions = floor.send(ContactArrived("c3", "billing", caller="100"), at_ms=9_000)
    assert only(decisions, ContactFinished) == [ContactFinished("k1", "billing", "merged", 1_000, 8_000, callback=True)]
    assert only(decisions, ContactQueued) == [ContactQueued("c3", "billing", arrived_ms=1_000, wait_from_ms=9_000)]
    assert floor.router.waiting("billing") == ["c3", "c2"]
    assert floor.router.contact("c3").callback is None


def test_a_callback_booked_for_later_is_no_way_past_those_who_wait() -> None:
    floor = calling_back()
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("k1", at_ms=1_000, callback=Callback("100", not_before_ms=90_000))
    floor.arrive("c2", at_ms=2_000)
    floor.send(ContactArrived("c3", "billing", caller="100"), at_ms=9_000)
    assert finished(floor, "k1").outcome == "merged"
    assert floor.router.waiting("billing") == ["c2", "c3"]


def test_a_caller_who_comes_in_person_while_being_rung_or_offered() -> None:
    floor = ringing_the_customer()
    decisions = floor.send(ContactArrived("c2", "billing", caller="ann"), at_ms=5_000)
    assert only(decisions, EndTalk) == [EndTalk("o1", "k1", "anna", "the customer is on the line")]
    assert taker(decisions, "c2") == "anna"
    floor = calling_back()
    floor.arrive("k1", callback=Callback("100"))
    decisions = floor.send(ContactArrived("c2", "billing", caller="100"))
    assert only(decisions, CancelOffer) == [CancelOffer("o1", "k1", "anna", "the customer is on the line")]
    assert taker(decisions, "c2") == "anna"


def test_a_talk_may_end_with_the_wish_for_another_callback() -> None:
    floor = ringing_the_customer()
    floor.send(CallbackReached("k1"))
    floor.arrive("k2", callback=Callback("100", not_before_ms=90_000), caller="ann")
    assert floor.router.contact("k2").state == "parked"
    floor.send(OfferFailed("o1"))
    assert finished(floor, "k2").outcome == "merged", "the two could not be joined: the older one stands"


def test_a_queue_without_rules_has_no_callbacks() -> None:
    floor = calling_back()
    floor.send(AgentPaused("anna", "lunch"))
    with pytest.raises(ImpossibleEvent, match="the queue 'other' has no callbacks"):
        floor.arrive("k1", "other", callback=Callback("100"))
    floor.arrive("c1", "other")
    with pytest.raises(ImpossibleEvent, match="the queue 'other' has no callbacks"):
        floor.send(CallbackRequested("c1", Callback("100")))
    floor.arrive("k1", callback=Callback("100"))
    with pytest.raises(ImpossibleEvent, match="the queue 'other' has no callbacks"):
        floor.send(ContactMoved("k1", "other"))
    with pytest.raises(ImpossibleEvent, match="a callback needs a number"):
        floor.arrive("k2", callback=Callback(""))


def test_a_moved_callback_stays_parked_and_one_that_is_being_rung_stays_where_it_is() -> None:
    floor = Floor(queue(callback=RULES), queue("second", callback=RULES), agents=agents("anna"))
    floor.arrive("k1", callback=Callback("100", not_before_ms=60_000))
    decisions = floor.send(ContactMoved("k1", "second"), at_ms=1_000)
    assert only(decisions, ContactParked) == [ContactParked("k1", "second", 60_000, "before its time")]
    floor.wait_until(60_000)
    floor.send(OfferAccepted("o1"))
    with pytest.raises(ImpossibleEvent, match="'k1' is reaching: it can no longer be moved"):
        floor.send(ContactMoved("k1", "billing"))
    with pytest.raises(ImpossibleEvent, match="'k1' is reaching: it waits for no callback"):
        floor.send(CallbackRequested("k1", Callback("200")))
    with pytest.raises(ImpossibleEvent, match="'k1' is reaching: it does not talk"):
        floor.send(ContactTransferred("k1", "billing"))


def test_it_meets_no_last_action() -> None:
    steps = (Step("first", until=Until(after_ms=5_000)), Step("last", until=Until(after_ms=5_000, none_logged_in=True)))
    closed = LastAction("exit", "closed")
    floor = calling_back(
        steps=steps, longest_wait_ms=8_000, when_closed=closed, at_closing=closed, when_unstaffed=closed
    )
    floor.send(AgentSignedOut("anna"))
    floor.arrive("k1", callback=Callback("100"))
    floor.send(QueueSwitched("billing", "closed"), at_ms=20_000)
    floor.send(QueueSwitched("billing", "emergency"))
    floor.arrive("k2", callback=Callback("200"))
    assert only(floor.wait_until(500_000), ContactReleased) == []
    assert floor.router.waiting("billing") == ["k1", "k2"]
    assert taker(floor.send(AgentSignedIn("anna")), "k1") == "anna"


def test_a_request_saves_from_a_last_action_that_waits_for_the_offer() -> None:
    floor = calling_back(longest_wait_ms=5_000)
    floor.arrive("c1")
    floor.wait_until(6_000)
    floor.send(CallbackRequested("c1", Callback("100")))
    floor.send(OfferDeclined("o1"))
    assert floor.router.waiting("billing") == ["c1"]


def test_a_transferred_callback_is_a_contact_on_the_line() -> None:
    floor = ringing_the_customer()
    floor.send(CallbackReached("k1"), at_ms=5_000)
    floor.send(ContactTransferred("k1", "other"), at_ms=6_000)
    floor.wait_until(11_000)
    assert only(floor.send(OfferAccepted(floor.offer("k1"))), Connect) != []


def publish(floor: Floor, *queues: Queue) -> list[object]:
    policy = Policy(floor.router.policy.version + 1, queues, floor.router.policy.agents)
    return floor.send(PolicyPublished(policy, migrate=True))


def test_a_new_policy_without_callbacks_lets_those_promised_finish() -> None:
    floor = calling_back()
    floor.arrive("k1", callback=Callback("100", not_before_ms=60_000))
    publish(floor, queue())
    assert only(floor.wait_until(60_000), Offer) != []
    floor.send(OfferAccepted("o1"))
    floor.send(CallbackFailed("k1", "busy"))
    assert floor.router.contact("k1").state == "parked"


def test_a_new_policy_takes_parked_callbacks_along() -> None:
    floor = calling_back()
    floor.arrive("k1", callback=Callback("100", not_before_ms=60_000))
    assert publish(floor, queue(callback=RULES, steps=(Step("new"),))) == []
    assert only(floor.wait_until(60_000), Offer)[0].record.step == "new"


def test_callbacks_survive_a_restart() -> None:
    floor = calling_back("anna", "bob")
    floor.arrive("k1", callback=Callback("100", not_before_ms=60_000), caller="ann")
    floor.arrive("k2", callback=Callback("200"))
    floor.send(OfferAccepted("o1"))
    restored = Router.restore(floor.router.snapshot())
    restored.check()
    event = ContactArrived("c3", "billing", caller="ann")
    assert restored.handle(event, 0) == floor.send(event)
    assert restored.handle(CallbackReached("k2"), 0) == floor.send(CallbackReached("k2"))

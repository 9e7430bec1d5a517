"""What happens to offers, and what that means for the contact and the agent."""

import pytest

from router.core.decisions import (
    AgentChanged,
    CancelOffer,
    Connect,
    ContactFinished,
    Offer,
    OfferEnded,
    ReleaseAgent,
)
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedOut,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
    OfferNotAnswered,
)
from router.core.policy import AfterFailure
from router.core.router import ImpossibleEvent
from tests.support.routing import Floor, agents, only, queue, taker


def ringing(**fields: object) -> Floor:
    """anna rings for c1 (o1) since 1,000 ms; bob is free."""
    floor = Floor(queue(ring_ms=20_000), agents=agents("anna", "bob"), **fields)
    assert floor.arrive("c1", at_ms=1_000) == "anna"
    return floor


def test_an_accepted_offer_joins_the_two() -> None:
    floor = ringing()
    decisions = floor.send(OfferAccepted("o1"), at_ms=5_000)
    assert decisions == [Connect("o1", "c1", "anna"), AgentChanged("anna", "busy", contact="c1")]
    decisions = floor.send(ContactEnded("c1"), at_ms=65_000)
    assert only(decisions, ContactFinished) == [
        ContactFinished("c1", "billing", "answered", 1_000, wait_ms=4_000, talk_ms=60_000, agent="anna", offers=1)
    ]
    assert floor.state("anna") == ("ready", "")


def test_an_offer_dies_at_its_deadline() -> None:
    floor = ringing()
    assert floor.wait_until(20_999) == []
    decisions = floor.wait_until(21_000)
    assert decisions[:2] == [
        CancelOffer("o1", "c1", "anna", "not answered in time"),
        OfferEnded("o1", "c1", "anna", "no_answer"),
    ]
    assert floor.state("anna") == ("paused", "no answer")
    assert taker(decisions, "c1") == "bob"


def test_an_answer_at_the_deadline_is_too_late() -> None:
    floor = ringing()
    floor.wait_until(20_999)
    floor.now_ms = 21_000
    decisions = floor.send(OfferAccepted("o1"))
    assert only(decisions, Connect) == []
    assert only(decisions, ReleaseAgent) == [ReleaseAgent("o1", "no answer")]


@pytest.mark.parametrize(
    ("event", "cause", "state", "retry"),
    [
        (OfferDeclined("o1"), "declined", ("ready", ""), False),
        (OfferNotAnswered("o1"), "no_answer", ("paused", "no answer"), False),
        (OfferFailed("o1", "unreachable"), "unreachable", ("paused", "unreachable"), False),
        (OfferFailed("o1", "busy"), "busy", ("paused", "busy, retried soon"), True),
        (OfferFailed("o1", "congestion"), "congestion", ("paused", "congestion, retried soon"), True),
        (OfferFailed("o1", "error"), "error", ("paused", "error, retried soon"), True),
    ],
)
def test_each_failure_has_its_consequence(event: object, cause: str, state: tuple[str, str], retry: bool) -> None:
    floor = ringing()
    decisions = floor.send(event, at_ms=4_000)
    assert only(decisions, OfferEnded) == [OfferEnded("o1", "c1", "anna", cause)]
    assert taker(decisions, "c1") == "bob"
    assert floor.state("anna") == state
    floor.wait_until(8_999)
    assert floor.state("anna") == state
    floor.wait_until(9_000)
    assert floor.state("anna") == (("ready", "") if retry else state)


def test_the_policy_may_keep_who_let_it_ring_ready_and_pause_who_declined() -> None:
    floor = ringing(after_failure=AfterFailure(no_answer=None, declined="declined", unreachable=None, busy="busy"))
    floor.send(OfferNotAnswered("o1"))
    assert floor.state("anna") == ("ready", "")
    floor.send(OfferDeclined(floor.offer("c1")))
    assert floor.state("bob") == ("paused", "declined")


def test_a_failed_contact_keeps_its_age_and_place() -> None:
    floor = Floor(agents=agents("anna", "bob"))
    floor.arrive("c1", at_ms=1_000)
    floor.arrive("c2", at_ms=2_000)
    floor.arrive("c3", at_ms=3_000)
    floor.send(AgentPaused("anna", "lunch"))
    floor.send(OfferFailed(floor.offer("c1")), at_ms=5_000)
    assert floor.router.waiting("billing") == ["c1", "c2", "c3"]
    assert floor.router.contact("c1").arrived_ms == 1_000
    decisions = floor.send(OfferDeclined(floor.offer("c2")))
    assert taker(decisions, "c1") == "bob", "it goes before c3"


def test_who_refused_is_passed_over_until_nobody_else_was_found() -> None:
    floor = ringing()
    assert taker(floor.send(OfferDeclined("o1"), at_ms=2_000), "c1") == "bob"
    assert taker(floor.send(OfferDeclined("o2"), at_ms=3_000), "c1") is None
    assert floor.state("anna") == floor.state("bob") == ("ready", "")
    assert floor.router.explain("c1").agents == (
        ("anna", "refused this contact (ready)"),
        ("bob", "refused this contact (ready)"),
    )
    assert taker(floor.wait_until(7_999), "c1") is None
    assert taker(floor.wait_until(8_000), "c1") == "anna"


def test_who_refused_one_contact_gets_the_next() -> None:
    floor = Floor(agents=agents("anna"))
    floor.arrive("c1")
    floor.arrive("c2")
    assert taker(floor.send(OfferDeclined("o1")), "c2") == "anna"


def test_the_caller_who_hangs_up_sets_the_agent_free_at_the_same_place_among_the_idle() -> None:
    floor = ringing()
    idle_since_ms = floor.router.agent("anna").idle_since_ms
    decisions = floor.send(ContactLeft("c1"), at_ms=9_000)
    assert decisions[:2] == [
        CancelOffer("o1", "c1", "anna", "the caller is gone"),
        OfferEnded("o1", "c1", "anna", "cancelled"),
    ]
    assert only(decisions, ContactFinished) == [
        ContactFinished("c1", "billing", "abandoned", 1_000, wait_ms=8_000, offers=1)
    ]
    assert floor.router.agent("anna").idle_since_ms == idle_since_ms
    assert floor.arrive("c2") == "anna"


def test_hang_up_and_answer_in_the_same_instant_work_in_both_orders() -> None:
    first = ringing()
    first.send(ContactLeft("c1"))
    assert first.send(OfferAccepted("o1")) == [ReleaseAgent("o1", "cancelled")]
    second = ringing()
    second.send(OfferAccepted("o1"))
    finished = only(second.send(ContactLeft("c1")), ContactFinished)
    assert [(contact.outcome, contact.talk_ms) for contact in finished] == [("answered", 0)]
    assert first.state("anna") == second.state("anna") == ("ready", "")


def test_a_late_answer_to_an_offer_that_nobody_remembers_is_released_too() -> None:
    floor = ringing()
    assert floor.send(OfferAccepted("o99")) == [ReleaseAgent("o99", "the offer no longer stands")]


@pytest.mark.parametrize("event", [OfferDeclined("o1"), OfferNotAnswered("o1"), OfferFailed("o1")])
def test_what_else_comes_late_is_ignored(event: object) -> None:
    floor = ringing()
    floor.send(ContactLeft("c1"))
    assert floor.send(event) == []


def test_an_answer_told_twice_is_ignored() -> None:
    floor = ringing()
    floor.send(OfferAccepted("o1"))
    assert floor.send(OfferAccepted("o1")) == []


@pytest.mark.parametrize("event", [OfferDeclined("o1"), OfferNotAnswered("o1")])
def test_an_accepted_offer_can_no_longer_be_refused(event: object) -> None:
    floor = ringing()
    floor.send(OfferAccepted("o1"))
    with pytest.raises(ImpossibleEvent, match="'o1' was accepted"):
        floor.send(event)


def test_a_contact_that_could_not_be_joined_waits_again_with_its_age() -> None:
    floor = ringing()
    floor.send(AgentPaused("bob", "lunch"))
    floor.send(OfferAccepted("o1"), at_ms=4_000)
    decisions = floor.send(OfferFailed("o1", "error"), at_ms=4_100)
    assert decisions == [
        OfferEnded("o1", "c1", "anna", "error"),
        AgentChanged("anna", "paused", "error, retried soon"),
    ]
    assert floor.router.waiting("billing") == ["c1"]
    assert floor.router.contact("c1").arrived_ms == 1_000
    assert taker(floor.wait_until(9_100), "c1") == "anna"


def test_a_sign_out_while_it_rings_takes_effect_when_the_offer_has_ended() -> None:
    floor = ringing()
    assert floor.send(AgentSignedOut("anna")) == []
    assert floor.state("anna") == ("ringing", "")
    floor.send(OfferNotAnswered("o1"))
    assert floor.state("anna") == ("offline", "")


def test_a_pause_while_it_rings_is_not_overruled_by_the_failure() -> None:
    floor = ringing()
    floor.send(AgentPaused("anna", "lunch"))
    floor.send(OfferNotAnswered("o1"))
    assert floor.state("anna") == ("paused", "lunch")


def test_the_retry_delay_can_be_ended_by_the_agent() -> None:
    floor = ringing()
    floor.send(OfferFailed("o1", "busy"))
    floor.send(AgentReady("anna"))
    assert floor.state("anna") == ("ready", "")


def test_the_record_says_who_was_compared_and_who_could_not_be() -> None:
    floor = Floor(agents=agents("anna", "bob", "cleo"))
    floor.send(AgentPaused("anna", "lunch"), at_ms=500)
    floor.send(AgentPaused("bob", "lunch"))
    floor.send(AgentReady("bob"), at_ms=600)
    floor.wait_until(1_000)
    floor.arrive("c1")
    record = only(floor.decisions, Offer)[0].record
    assert (record.policy, record.queue, record.step) == (1, "billing", "anybody")
    assert record.agent_ranking == ("longest_idle",)
    assert [(candidate.name, candidate.keys) for candidate in record.agents] == [("cleo", (0.0,))], "one of each pool"
    assert record.contact_ranking == ("priority", "age")
    assert [(candidate.name, candidate.keys) for candidate in record.contacts] == [("c1", (0.0, 1_000.0))]
    assert record.not_chosen == (("anna", "paused: lunch"),)

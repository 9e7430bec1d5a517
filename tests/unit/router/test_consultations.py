"""An agent who talks asks another, and may hand the talk over."""

import pytest

from router.core.decisions import (
    AgentChanged,
    CancelOffer,
    Connect,
    ContactFinished,
    ContactQueued,
    EndTalk,
    HandOver,
    OfferEnded,
)
from router.core.events import (
    Callback,
    CallbackRequested,
    ContactArrived,
    ContactEnded,
    ContactHeld,
    ContactLeft,
    ContactTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
    TransferCompleted,
)
from router.core.policy import CallbackRules
from router.core.router import ImpossibleEvent, Router
from tests.support.routing import Floor, agents, only, queue, taker

OVER = "the talk it asks about is over"


def asking(*, answered: bool = True) -> Floor:
    """anna talks with c1 (which came at 1 s) since 2 s, has it on hold since 3 s and asks bob in k1, since 4 s."""
    queues = (queue(wrap_up_ms=5_000, callback=CallbackRules()), queue("second", wrap_up_ms=9_000))
    floor = Floor(*queues, agents=agents("anna", "bob"))
    floor.arrive("c1", at_ms=1_000)
    floor.send(OfferAccepted("o1"), at_ms=2_000)
    floor.send(ContactHeld("c1"), at_ms=3_000)
    assert floor.arrive("k1", "second", consult_of="c1") == "bob"
    if answered:
        assert floor.send(OfferAccepted("o2"), at_ms=4_000)[0] == Connect("o2", "k1", "bob")
    return floor


def test_a_consultation_is_marked_and_leaves_no_wrap_up() -> None:
    floor = asking()
    assert only(floor.decisions, ContactQueued)[-1].consult
    decisions = floor.send(ContactEnded("k1"), at_ms=6_000)
    assert decisions == [
        ContactFinished("k1", "second", "answered", 3_000, 1_000, 2_000, "bob", 1, consult=True),
        AgentChanged("bob", "ready"),
    ]
    assert floor.router.contact("c1").consult is None
    assert floor.arrive("k2", "second", consult_of="c1") == "bob"


def test_the_talk_is_handed_over_to_the_agent_consulted() -> None:
    floor = asking()
    decisions = floor.send(TransferCompleted("c1", "k1"), at_ms=6_000)
    assert decisions == [
        HandOver("o2", "c1", "k1", "anna", "bob", talk_ms=4_000, hold_ms=3_000),
        ContactFinished("k1", "second", "answered", 3_000, 1_000, 2_000, "bob", 1, consult=True),
        AgentChanged("anna", "wrap_up", contact="c1"),
        AgentChanged("bob", "busy", contact="c1"),
    ]
    assert floor.send(OfferFailed("o1")) == [], "the leg of anna is no matter any more"
    assert floor.send(ContactEnded("c1"), at_ms=10_000) == [
        ContactFinished("c1", "billing", "answered", 1_000, 1_000, 4_000, "bob", 1),
        AgentChanged("bob", "wrap_up", contact="c1"),
    ]


def test_a_talk_that_was_handed_over_can_still_fail_to_be_joined() -> None:
    floor = asking()
    floor.send(TransferCompleted("c1", "k1"), at_ms=6_000)
    assert only(floor.send(OfferFailed("o2")), OfferEnded) == [OfferEnded("o2", "c1", "bob", "error")]
    assert floor.router.waiting("billing") == ["c1"]


@pytest.mark.parametrize("event", [ContactEnded("c1"), ContactLeft("c1"), ContactTransferred("c1", "billing")])
def test_the_end_of_the_talk_ends_its_consultation_in_talk(event: object) -> None:
    floor = asking()
    decisions = floor.send(event, at_ms=6_000)
    finished = ContactFinished("k1", "second", "answered", 3_000, 1_000, 2_000, "bob", 1, consult=True)
    at = decisions.index(EndTalk("o2", "k1", "bob", OVER))
    assert decisions[at + 1] == finished
    assert floor.router.contact("k1") is None


def test_the_end_of_the_talk_ends_its_consultation_that_rings() -> None:
    floor = asking(answered=False)
    decisions = floor.send(ContactEnded("c1"), at_ms=6_000)
    assert decisions[:4] == [
        CancelOffer("o2", "k1", "bob", OVER),
        OfferEnded("o2", "k1", "bob", "cancelled"),
        AgentChanged("bob", "ready"),
        ContactFinished("k1", "second", "left", 3_000, 3_000, offers=1, consult=True),
    ]


def test_a_talk_that_falls_apart_takes_its_consultation_along() -> None:
    floor = asking()
    decisions = floor.send(OfferFailed("o1"), at_ms=6_000)
    assert only(decisions, EndTalk) == [EndTalk("o2", "k1", "bob", OVER)]
    assert taker(decisions, "c1") == "bob", "who is free at once"


def test_who_asks_is_not_asked_even_with_capacity_left() -> None:
    floor = Floor(queue(), agents=agents("anna", "bob", capacity={"voice": 2}))
    floor.arrive("c1")
    floor.send(OfferAccepted("o1"))
    assert floor.arrive("k1", consult_of="c1") == "bob"
    floor.send(OfferDeclined(floor.offer("k1")))
    assert taker(floor.wait_until(60_000), "k1") == "bob"
    assert "anna" not in {offer.agent for offer in floor.router.offers() if offer.contact == "k1"}


def test_it_is_directed_to_an_agent_or_let_into_a_full_queue() -> None:
    full = queue("second", full_at=1, when_full=queue().last_action)
    floor = Floor(queue(), full, agents=agents("anna"))
    floor.arrive("c1")
    floor.send(OfferAccepted("o1"))
    floor.arrive("c2", "second")
    floor.arrive("k1", "second", consult_of="c1", directed_to="bob")
    assert floor.router.waiting("second") == ["c2", "k1"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ContactArrived("k2", "second", consult_of="c1"), "'c1' has the consultation 'k1' already"),
        (ContactArrived("k2", "second", consult_of="k1"), "'k1' is itself a consultation"),
        (ContactArrived("k2", "second", consult_of="c9"), "there is no contact 'c9'"),
        (TransferCompleted("k1", "c1"), "'c1' is no consultation about 'k1'"),
        (ContactTransferred("k1", "billing"), "is a consultation: it cannot be transferred"),
    ],
)
def test_what_cannot_be(event: object, words: str) -> None:
    with pytest.raises(ImpossibleEvent, match=words):
        asking().send(event)


def test_nobody_consults_themself_and_nobody_rings_a_consultation_back() -> None:
    floor = asking(answered=False)
    with pytest.raises(ImpossibleEvent, match="'k1' is a consultation: it has nobody to ring back"):
        floor.send(CallbackRequested("k1", Callback("100")))
    floor.send(ContactLeft("k1"))
    with pytest.raises(ImpossibleEvent, match="cannot consult themself"):
        floor.arrive("k2", "billing", consult_of="c1", directed_to="anna")
    with pytest.raises(ImpossibleEvent, match="a consultation and a callback"):
        floor.arrive("k2", "billing", consult_of="c1", callback=Callback("100"))


def test_hand_over_waits_for_the_answer_and_stays_in_its_channel() -> None:
    floor = asking(answered=False)
    with pytest.raises(ImpossibleEvent, match="'k1' is offered: it does not talk"):
        floor.send(TransferCompleted("c1", "k1"))


def test_a_consultation_survives_a_restart() -> None:
    floor = asking()
    restored = Router.restore(floor.router.snapshot())
    restored.check()
    assert restored.handle(TransferCompleted("c1", "k1"), 6_000) == floor.send(
        TransferCompleted("c1", "k1"), at_ms=6_000
    )

"""Hold, transfer, and the end of talks."""

import pytest

from router.core.decisions import (
    AgentChanged,
    ContactFinished,
    ContactQueued,
    ContactReleased,
    EndTalk,
    Hold,
    Offer,
    Resume,
    StepEntered,
)
from router.core.events import (
    AgentSignedOut,
    ContactEnded,
    ContactHeld,
    ContactLeft,
    ContactResumed,
    ContactTransferred,
    OfferAccepted,
    OfferFailed,
    QueueSwitched,
)
from router.core.router import ImpossibleEvent
from tests.support.routing import VOICEMAIL, Floor, agents, only, queue, taker


def talking(*people: str) -> Floor:
    """c1 came at 1 s and talks with the first agent since 4 s."""
    queues = (queue(wrap_up_ms=2_000), queue("second", full_at=1, when_full=VOICEMAIL, when_closed=VOICEMAIL))
    floor = Floor(*queues, agents=agents(*(people or ("anna",))))
    floor.arrive("c1", at_ms=1_000, attributes={"language": "fr"}, caller="100")
    floor.send(OfferAccepted("o1"), at_ms=4_000)
    return floor


def finished(floor: Floor) -> ContactFinished:
    return only(floor.decisions, ContactFinished)[-1]


def test_holds_are_commands_and_are_told_at_the_end_of_the_talk() -> None:
    floor = talking()
    assert floor.send(ContactHeld("c1", "asks"), at_ms=5_000) == [Hold("c1", "anna", "asks")]
    assert floor.send(ContactResumed("c1"), at_ms=8_000) == [Resume("c1", "anna")]
    floor.send(ContactHeld("c1"), at_ms=9_000)
    floor.send(ContactEnded("c1"), at_ms=10_000)
    assert finished(floor) == ContactFinished(
        "c1", "billing", "answered", 1_000, 3_000, 6_000, "anna", 1, hold_ms=4_000
    )


def test_a_hold_told_twice_and_a_resume_without_one_are_ignored() -> None:
    floor = talking()
    assert floor.send(ContactResumed("c1")) == []
    floor.send(ContactHeld("c1"))
    assert floor.send(ContactHeld("c1")) == []


@pytest.mark.parametrize("event", [ContactHeld("c1"), ContactResumed("c1"), ContactTransferred("c1", "second")])
def test_who_wants_something_done_with_a_talk_is_told_that_it_is_over(event: object) -> None:
    floor = talking()
    floor.send(ContactEnded("c1"))
    with pytest.raises(ImpossibleEvent, match="'c1' is finished"):
        floor.send(event)
    floor.arrive("c2")
    with pytest.raises(ImpossibleEvent, match="'c2' is queued: it does not talk"):
        floor.send(ContactHeld("c2"))


def test_a_talk_that_falls_apart_on_hold_forgets_the_hold() -> None:
    floor = talking()
    floor.send(ContactHeld("c1"), at_ms=5_000)
    floor.send(OfferFailed("o1"), at_ms=6_000)
    floor.wait_until(12_000)
    floor.send(OfferAccepted(floor.offer("c1")))
    floor.send(ContactLeft("c1"), at_ms=13_000)
    assert (finished(floor).wait_ms, finished(floor).talk_ms, finished(floor).hold_ms) == (11_000, 1_000, 0)


def test_a_transfer_ends_this_talk_and_queues_the_contact_with_its_age_and_all_that_is_known() -> None:
    floor = talking("anna", "bob")
    floor.send(ContactHeld("c1"), at_ms=5_000)
    decisions = floor.send(ContactTransferred("c1", "second", {"topic": "loan"}, priority=3), at_ms=6_000)
    assert decisions[:6] == [
        EndTalk("o1", "c1", "anna", "transferred to second"),
        ContactFinished(
            *("c1", "billing", "answered", 1_000, 3_000, 2_000, "anna", 1), hold_ms=1_000, transferred_to="second"
        ),
        AgentChanged("anna", "wrap_up", contact="c1"),
        ContactQueued("c1", "second", arrived_ms=1_000, wait_from_ms=6_000),
        StepEntered("c1", "second", "anybody", "first step"),
        only(decisions, Offer)[0],
    ]
    assert taker(decisions, "c1") == "bob"
    contact = floor.router.contact("c1")
    assert contact.attributes == {"language": "fr", "topic": "loan"}
    assert (contact.own_priority, contact.caller, contact.arrived_ms) == (3, "100", 1_000)


def test_the_wait_after_a_transfer_counts_from_the_transfer() -> None:
    floor = talking("anna", "bob")
    floor.send(ContactTransferred("c1", "second"), at_ms=6_000)
    floor.send(OfferAccepted(floor.offer("c1")), at_ms=8_000)
    floor.send(ContactEnded("c1"), at_ms=9_000)
    assert finished(floor) == ContactFinished("c1", "second", "answered", 6_000, 2_000, 1_000, "bob", 1)


def test_a_transferred_contact_keeps_its_place_or_goes_to_the_end() -> None:
    for keeps_age, order in ((True, ["c1", "c2"]), (False, ["c2", "c1"])):
        floor = talking()
        floor.arrive("c2", "second", at_ms=5_000)
        floor.send(ContactTransferred("c1", "second", keeps_age=keeps_age), at_ms=6_000)
        assert floor.router.waiting("second") == order, "it comes in though the queue is full"


def test_who_sent_it_on_is_passed_over_until_nobody_else_was_found() -> None:
    floor = talking()
    floor.send(ContactTransferred("c1", "billing"), at_ms=6_000)
    assert taker(floor.wait_until(10_999), "c1") is None
    assert floor.state("anna") == ("ready", "")
    assert taker(floor.wait_until(11_000), "c1") == "anna"


def test_a_transfer_to_one_agent() -> None:
    floor = talking("anna", "bob", "cleo")
    assert taker(floor.send(ContactTransferred("c1", "billing", directed_to="cleo")), "c1") == "cleo"
    floor = talking("anna", "bob")
    floor.send(ContactTransferred("c1", "billing", directed_to="anna"), at_ms=5_000)
    assert taker(floor.wait_until(7_000), "c1") == "anna", "as soon as the wrap-up is over"


def test_a_transfer_into_a_closed_queue_meets_its_last_action() -> None:
    floor = talking("anna", "bob")
    floor.send(QueueSwitched("second", "closed"))
    decisions = floor.send(ContactTransferred("c1", "second"))
    assert only(decisions, ContactReleased) == [ContactReleased("c1", "second", VOICEMAIL, "second: closed")]


def test_a_transfer_out_of_the_policy_is_refused_and_the_talk_goes_on() -> None:
    floor = talking()
    with pytest.raises(ImpossibleEvent, match="no queue 'secnd'"):
        floor.send(ContactTransferred("c1", "secnd"))
    with pytest.raises(ImpossibleEvent, match="'x' of the contact 'c1' is nan"):
        floor.send(ContactTransferred("c1", "second", {"x": float("nan")}))
    assert floor.state("anna") == ("busy", "")


def test_an_agent_who_signed_out_in_the_talk_goes_after_the_transfer() -> None:
    floor = talking()
    floor.send(AgentSignedOut("anna"))
    floor.send(ContactTransferred("c1", "second"), at_ms=5_000)
    floor.wait_until(7_000)
    assert floor.state("anna") == ("offline", "")

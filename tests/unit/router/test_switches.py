"""Queues that open and close, and queues without anybody in them."""

import pytest

from router.core.decisions import CancelOffer, ContactFinished, ContactQueued, ContactReleased, OfferEnded, QueueChanged
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    ContactMoved,
    OfferAccepted,
    OfferDeclined,
    OfferNotAnswered,
    PolicyPublished,
    QueueSwitched,
)
from router.core.parts import Switch
from router.core.policy import Agent, LastAction, Policy, Step, Until
from router.core.router import ImpossibleEvent, Router
from tests.support.routing import Floor, agents, only, queue, skilled, taker

CLOSED, LATE, EMPTY = (LastAction("exit", name) for name in ("closed", "late", "empty"))


def closing(**fields: object) -> Floor:
    """c0 rings at anna, c1 waits."""
    floor = Floor(queue(**{"when_closed": CLOSED, "at_closing": LATE, **fields}), agents=agents("anna"))
    floor.arrive("c0")
    floor.arrive("c1")
    return floor


def released(decisions: list[object]) -> list[tuple[str, str]]:
    return [(one.contact, one.action.target) for one in only(decisions, ContactReleased)]


def test_who_comes_to_a_closed_queue_meets_its_action_at_once_and_hears_why() -> None:
    floor = Floor(queue(when_closed=CLOSED), agents=agents("anna"))
    assert floor.send(QueueSwitched("billing", "closed", "holiday")) == [QueueChanged("billing", "closed", "holiday")]
    assert floor.router.switch("billing") == Switch("closed", "holiday")
    floor.arrive("c1")
    assert only(floor.decisions, ContactReleased) == [ContactReleased("c1", "billing", CLOSED, "holiday")]
    floor.send(QueueSwitched("billing", "open"))
    assert floor.router.switch("billing") is None
    assert floor.arrive("c2") == "anna"


def test_at_closing_those_who_wait_leave_and_the_one_that_rings_may_still_be_answered() -> None:
    floor = closing()
    assert released(floor.send(QueueSwitched("billing", "closed"))) == [("c1", "late")]
    floor.send(OfferAccepted("o1"))
    assert floor.router.contact("c0").state == "connected"
    floor = closing()
    floor.send(QueueSwitched("billing", "closed"))
    assert released(floor.send(OfferDeclined("o1"))) == [("c0", "late")]


def test_without_an_action_at_closing_those_who_wait_are_still_served() -> None:
    floor = closing(at_closing=None)
    assert released(floor.send(QueueSwitched("billing", "closed"))) == []
    floor.send(OfferNotAnswered("o1"))
    assert taker(floor.send(AgentReady("anna")), "c1") == "anna"
    assert floor.router.waiting("billing") == ["c0", "c1"]


def test_opening_again_calls_off_what_waits_for_the_end_of_the_offer() -> None:
    floor = closing()
    floor.send(QueueSwitched("billing", "closed"))
    floor.send(QueueSwitched("billing", "open"))
    assert released(floor.send(OfferDeclined("o1"))) == []
    assert floor.router.waiting("billing") == ["c0"]


def test_opening_again_does_not_call_off_the_longest_wait() -> None:
    floor = closing(longest_wait_ms=5_000, at_closing=None)
    floor.wait_until(6_000)
    floor.send(QueueSwitched("billing", "closed"))
    floor.send(QueueSwitched("billing", "open"))
    assert released(floor.send(OfferDeclined("o1"))) == [("c0", "voicemail")]


def test_in_an_emergency_everybody_on_the_line_leaves_at_once() -> None:
    floor = closing()
    decisions = floor.send(QueueSwitched("billing", "emergency", "fire"))
    assert only(decisions, CancelOffer) == [CancelOffer("o1", "c0", "anna", "fire")]
    assert only(decisions, OfferEnded) == [OfferEnded("o1", "c0", "anna", "cancelled")]
    assert released(decisions) == [("c0", "closed"), ("c1", "closed")]
    assert floor.state("anna") == ("ready", "")


def test_a_closed_queue_without_an_action_for_those_who_come_is_as_open() -> None:
    floor = closing(when_closed=None, at_closing=None)
    floor.send(QueueSwitched("billing", "emergency"))
    floor.arrive("c2")
    assert floor.router.waiting("billing") == ["c0", "c1", "c2"]


def test_switching_twice_is_ignored_and_another_reason_is_told_without_closing_anew() -> None:
    floor = closing(at_closing=None)
    assert floor.send(QueueSwitched("billing", "open")) == []
    floor.send(QueueSwitched("billing", "closed"))
    assert floor.send(QueueSwitched("billing", "closed")) == []
    assert floor.send(QueueSwitched("billing", "closed", "storm")) == [QueueChanged("billing", "closed", "storm")]
    with pytest.raises(ImpossibleEvent, match="no queue 'biling'"):
        floor.send(QueueSwitched("biling", "closed"))


def test_overflow_and_moves_into_a_closed_queue_meet_its_action() -> None:
    floor = Floor(
        queue("a", last_action=LastAction("queue", "b"), longest_wait_ms=5_000),
        queue("b", when_closed=CLOSED),
        agents=agents("anna"),
        ready=False,
    )
    floor.send(QueueSwitched("b", "closed"))
    floor.arrive("c1", "a")
    floor.arrive("c2", "a", at_ms=1_000)
    assert released(floor.send(ContactMoved("c2", "b"))) == [("c2", "closed")]
    assert released(floor.wait_until(5_000)) == [("c1", "closed")]


def test_closing_into_another_queue_keeps_the_age() -> None:
    floor = Floor(
        queue("a", when_closed=CLOSED, at_closing=LastAction("queue", "b")),
        queue("b"),
        agents=agents("anna"),
        ready=False,
    )
    floor.arrive("c1", "a", at_ms=1_000)
    decisions = floor.send(QueueSwitched("a", "closed"), at_ms=2_000)
    assert only(decisions, ContactQueued) == [ContactQueued("c1", "b", "a", "a: closed", 1_000)]


def test_switches_survive_a_restart_and_a_policy_that_has_the_queue() -> None:
    floor = Floor(queue("a", when_closed=CLOSED), queue("b", when_closed=CLOSED), agents=agents("anna"))
    floor.send(QueueSwitched("a", "closed"))
    floor.send(QueueSwitched("b", "emergency", "fire"))
    policy = floor.router.policy
    floor.send(PolicyPublished(Policy(2, policy.queues[1:], policy.agents)))
    restored = Router.restore(floor.router.snapshot())
    assert (restored.switch("a"), restored.switch("b")) == (None, Switch("emergency", "fire"))
    floor.send(PolicyPublished(Policy(3, policy.queues, policy.agents)))
    assert floor.router.switch("a") is None, "it was forgotten with the queue"


# Nobody there

STEPS = (Step("fluent", skilled("french"), until=Until(after_ms=10_000)), Step("anybody"))


def unstaffed(**fields: object) -> Floor:
    """anna speaks French, bob takes contacts only in the second step."""
    spec = queue(steps=STEPS, when_unstaffed=EMPTY, **fields)
    return Floor(spec, agents=(Agent("anna", {"french": 1}), Agent("bob")), ready=False)


def test_a_queue_with_nobody_signed_in_sends_away_who_comes() -> None:
    floor = unstaffed()
    floor.arrive("c1")
    assert only(floor.decisions, ContactReleased) == [ContactReleased("c1", "billing", EMPTY, "nobody signed in")]


def test_somebody_who_may_take_it_in_a_later_step_is_staff_and_so_is_one_who_pauses() -> None:
    floor = unstaffed()
    floor.send(AgentSignedIn("bob", "lunch"))
    floor.arrive("c1")
    assert floor.router.waiting("billing") == ["c1"]


def test_when_the_last_agent_signs_out_those_who_wait_leave_and_one_that_rings_may_be_answered() -> None:
    floor = unstaffed()
    floor.send(AgentSignedIn("anna"))
    floor.send(AgentSignedIn("bob"))
    floor.send(AgentPaused("bob", "lunch"))
    floor.arrive("c0")
    floor.arrive("c1")
    assert released(floor.send(AgentSignedOut("anna"))) == [], "bob is there for the second step"
    assert released(floor.send(AgentSignedOut("bob"))) == [("c1", "empty")]
    assert floor.router.contact("c0").state == "offered"
    assert released(floor.send(OfferDeclined("o1"))) == [("c0", "empty")]


def test_one_held_for_an_agent_is_not_sent_away_before() -> None:
    floor = unstaffed(directed_ms=5_000)
    floor.send(AgentSignedIn("bob", "lunch"))
    floor.arrive("c1", directed_to="bob")
    assert released(floor.send(AgentSignedOut("bob"))) == [("c1", "empty")]


def test_a_policy_that_takes_the_last_agent_away_sends_away_who_waits() -> None:
    floor = unstaffed()
    floor.send(AgentSignedIn("bob", "lunch"))
    floor.arrive("c1")
    policy = floor.router.policy
    decisions = floor.send(PolicyPublished(Policy(2, policy.queues, policy.agents[:1])))
    assert released(decisions) == [("c1", "empty")]
    assert [one.outcome for one in only(decisions, ContactFinished)] == ["overflowed"]

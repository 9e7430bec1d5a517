"""Callers who were cut off and ring again."""

import pytest

from router.core.decisions import ContactFinished, ContactQueued
from router.core.events import (
    AgentPaused,
    AgentReady,
    Callback,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    ContactTransferred,
    OfferAccepted,
    PolicyPublished,
)
from router.core.policy import CallbackRules, Policy, Reentry
from router.core.router import Router
from router.core.state import CUT_OFF_REMEMBERED
from tests.support.routing import Floor, agents, only, queue, taker

PROMISE = Reentry(60_000)


def waiting(reentry: Reentry | None = PROMISE, cause: str = "abandoned") -> Floor:
    """c1 of ann came at 1 s and was cut off at 5 s; c2 came at 3 s and waits."""
    queues = (queue(reentry=reentry, callback=CallbackRules()), queue("other", reentry=reentry))
    floor = Floor(*queues, agents=agents("anna"))
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("c1", at_ms=1_000, caller="ann")
    floor.arrive("c2", at_ms=3_000)
    floor.send(ContactLeft("c1", cause), at_ms=5_000)
    return floor


def test_who_was_cut_off_waiting_gets_the_old_place_and_the_wait_counts_anew() -> None:
    floor = waiting()
    floor.arrive("c3", at_ms=65_000, caller="ann")
    assert only(floor.decisions, ContactQueued)[-1] == ContactQueued(
        "c3", "billing", arrived_ms=1_000, wait_from_ms=65_000
    )
    assert floor.router.waiting("billing") == ["c3", "c2"]
    floor.send(ContactLeft("c3", "left"), at_ms=66_000)
    assert only(floor.decisions, ContactFinished)[-1].wait_ms == 1_000


@pytest.mark.parametrize(
    ("floor", "caller", "queue_name", "at_ms"),
    [
        (waiting(), "ann", "billing", 65_001),
        (waiting(), "ben", "billing", 9_000),
        (waiting(), "", "billing", 9_000),
        (waiting(), "ann", "other", 9_000),
        (waiting(Reentry(60_000, place=False)), "ann", "billing", 9_000),
        (waiting(None), "ann", "billing", 9_000),
        (waiting(cause="left"), "ann", "billing", 9_000),
    ],
    ids=["too late", "another", "nobody", "another queue", "no place promised", "nothing promised", "a way out"],
)
def test_nobody_else_gets_it(floor: Floor, caller: str, queue_name: str, at_ms: int) -> None:
    floor.arrive("c3", queue_name, at_ms=at_ms, caller=caller)
    assert floor.router.contact("c3").arrived_ms == at_ms


def test_a_promise_is_kept_once() -> None:
    floor = waiting()
    floor.arrive("c3", at_ms=6_000, caller="ann")
    floor.arrive("c4", at_ms=7_000, caller="ann")
    assert floor.router.waiting("billing") == ["c3", "c2", "c4"]
    floor.send(ContactLeft("c3"), at_ms=8_000)
    floor.arrive("c5", at_ms=9_000, caller="ann")
    assert floor.router.contact("c5").arrived_ms == 1_000, "but who is cut off again keeps the place"


@pytest.mark.parametrize("end", [ContactEnded("c1"), ContactLeft("c1")])
def test_who_was_cut_off_in_talk_gets_the_same_agent(end: object) -> None:
    floor = Floor(queue(reentry=Reentry(60_000), preferred_agent_ms=20_000), agents=agents("anna", "bob"))
    floor.arrive("c1", caller="ann")
    floor.send(OfferAccepted("o1"))
    floor.send(end)
    floor.send(AgentPaused("anna", "lunch"))
    assert floor.arrive("c2", at_ms=5_000, caller="ann") is None, "it is held for anna"
    assert taker(floor.send(AgentReady("anna")), "c2") == "anna"
    assert floor.router.contact("c2").arrived_ms == 5_000


def test_an_agent_whom_the_caller_asks_for_goes_before_the_old_one() -> None:
    floor = Floor(queue(reentry=Reentry(60_000)), agents=agents("anna", "bob"))
    floor.arrive("c1", caller="ann")
    floor.send(OfferAccepted("o1"))
    floor.send(ContactEnded("c1"))
    floor.arrive("c2", caller="ann", preferred_agent="bob")
    assert floor.router.contact("c2").preferred == "bob"


def test_who_was_sent_on_or_called_back_was_not_cut_off_here() -> None:
    floor = waiting()
    floor.send(AgentReady("anna"))
    floor.arrive("c3", at_ms=6_000, caller="ben")
    floor.send(OfferAccepted(floor.offer("c2")))
    floor.send(ContactEnded("c2"))
    floor.send(OfferAccepted(floor.offer("c3")))
    floor.send(ContactTransferred("c3", "other"))
    floor.send(ContactLeft("c3"))
    floor.arrive("k1", caller="cat", callback=Callback("100"))
    floor.send(ContactLeft("k1"))
    remembered = {one.caller: one.queue for one in floor.router._state.cut_off.values()}
    assert remembered == {"ann": "billing", "ben": "other"}


def test_it_survives_a_restart_and_goes_with_the_promise() -> None:
    floor = waiting()
    restored = Router.restore(floor.router.snapshot())
    assert restored._state.cut_off == floor.router._state.cut_off
    floor.send(PolicyPublished(Policy(2, (queue(),), floor.router.policy.agents)))
    assert floor.router._state.cut_off == {}


def test_memory_is_bounded() -> None:
    floor = waiting()
    for i in range(CUT_OFF_REMEMBERED):
        floor.router.handle(ContactArrived(f"x{i}", "billing", caller=f"caller {i}"), 6_000)
        floor.router.handle(ContactLeft(f"x{i}"), 6_000)
    assert len(floor.router._state.cut_off) == CUT_OFF_REMEMBERED
    assert ("billing", "ann") not in floor.router._state.cut_off

"""When a queue is below its goal, when it keeps it again, and whose steps end for it."""

import pytest

from router.core.decisions import ContactFinished, GoalChanged, StepEntered
from router.core.events import (
    AgentPaused,
    AgentReady,
    Callback,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    PolicyPublished,
    QueueSwitched,
)
from router.core.policy import CallbackRules, Goal, Policy, Queue, Step, Until
from router.core.router import Router
from tests.support.routing import VOICEMAIL, Floor, agents, only, queue, skilled

GOAL = Goal(20_000, 0.8, short_abandon_ms=5_000, window_ms=600_000, margin=0.1)
WIDENS = (Step("own", skilled("own"), until=Until(below_goal=True)), Step("others", combine="add"))
OWN, OTHERS = agents("anna", skills={"own": 1}), agents("zoe")


def watched(**fields: object) -> Queue:
    return queue(steps=WIDENS, **{"goal": GOAL, **fields})


def talk(floor: Floor, contact: str) -> None:
    """The contact comes, is taken at once, and goes."""
    floor.arrive(contact)
    floor.send(OfferAccepted(floor.offer(contact)))
    floor.send(ContactEnded(contact))


def test_one_who_waits_too_long_counts_at_that_moment_and_others_may_help() -> None:
    floor = Floor(watched(), agents=(*OWN, *OTHERS))
    floor.send(AgentPaused("anna", "lunch"))
    assert floor.arrive("c1") is None
    assert only(floor.wait_until(20_000), GoalChanged) == []
    later = floor.wait_until(20_001)
    assert only(later, GoalChanged) == [GoalChanged("billing", True, 0.0, 1)]
    assert only(later, StepEntered) == [StepEntered("c1", "billing", "others", "service level below the goal")]
    assert floor.router.contact("c1").agent == "zoe"


def test_who_comes_while_the_queue_is_below_its_goal_goes_straight_on() -> None:
    floor = Floor(watched(), agents=(*OWN, *OTHERS))
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("c1")
    floor.wait_until(20_001)
    floor.send(OfferAccepted(floor.offer("c1")))
    floor.send(ContactEnded("c1"))
    assert floor.arrive("c2", at_ms=30_000) == "zoe"


def test_it_recovers_only_with_the_margin() -> None:
    floor = Floor(watched(), agents=OWN)
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("late")
    floor.wait_until(25_000)
    floor.send(ContactLeft("late"))
    floor.send(AgentReady("anna"))
    for n in range(8):
        talk(floor, f"c{n}")
    assert floor.router.below_goal("billing"), "8 of 9 are more than the goal, but not by the margin"
    talk(floor, "c8")
    assert not floor.router.below_goal("billing"), "9 of 10"
    assert only(floor.decisions, GoalChanged)[-1] == GoalChanged("billing", False, 0.9, 10)


def test_what_is_older_than_the_window_is_forgotten_by_itself() -> None:
    floor = Floor(watched(), agents=OWN, ready=False)
    floor.arrive("late")
    floor.wait_until(25_000)
    floor.send(ContactLeft("late"))
    assert only(floor.wait_until(619_999), GoalChanged) == [], "it counts in the part from 20,000 ms on"
    assert only(floor.wait_until(620_000), GoalChanged) == [GoalChanged("billing", False, None, 0)]


@pytest.mark.parametrize(
    ("left_ms", "outcome", "counts"),
    [
        (4_999, "abandoned", False),
        (5_000, "abandoned", True),
        (1_000, "left", True),
    ],
)
def test_who_gives_up_counts_unless_it_was_a_short_abandon(left_ms: int, outcome: str, counts: bool) -> None:
    floor = Floor(watched(), agents=OWN, ready=False)
    floor.arrive("c1")
    floor.send(ContactLeft("c1", outcome), at_ms=left_ms)
    assert bool(only(floor.decisions, GoalChanged)) == counts


def test_late_ones_count_once_however_they_end() -> None:
    floor = Floor(watched(), agents=OWN)
    floor.send(AgentPaused("anna", "lunch"))
    floor.arrive("a")
    floor.arrive("b")
    floor.wait_until(25_000)
    floor.send(AgentReady("anna"))
    floor.send(OfferAccepted(floor.offer("a")))
    floor.send(ContactLeft("b"))
    assert [(slot.kept, slot.missed) for slot in floor.router._state.services["billing"].slots] == [(0, 2)]


def test_callbacks_and_those_turned_away_do_not_count() -> None:
    floor = Floor(
        watched(callback=CallbackRules(), full_at=1, when_full=VOICEMAIL, when_closed=VOICEMAIL),
        agents=OWN,
        ready=False,
    )
    floor.arrive("c1", callback=Callback("100"))
    floor.arrive("c2")
    floor.send(QueueSwitched("billing", "closed"))
    floor.arrive("c3")
    assert len(only(floor.decisions, ContactFinished)) == 2
    floor.wait_until(60_000)
    assert only(floor.decisions, GoalChanged) == []


def test_a_queue_on_whose_goal_nothing_depends_is_not_watched() -> None:
    floor = Floor(queue(goal=GOAL), agents=OWN, ready=False)
    floor.arrive("c1")
    floor.wait_until(100_000)
    assert floor.router._state.services == {}
    assert floor.router.next_deadline_ms() is None


def test_a_new_policy_watches_from_then_on_whoever_waits_and_forgets_what_it_does_not_watch() -> None:
    floor = Floor(queue(goal=GOAL), agents=OWN, ready=False)
    floor.arrive("c1")
    floor.wait_until(100_000)
    decisions = floor.send(PolicyPublished(Policy(2, (watched(),), OWN)))
    assert only(decisions, GoalChanged) == [GoalChanged("billing", True, 0.0, 1)]
    decisions = floor.send(PolicyPublished(Policy(3, (queue(goal=GOAL),), OWN)))
    assert only(decisions, GoalChanged) == [GoalChanged("billing", False, None, 0)]


def test_a_snapshot_goes_on_counting() -> None:
    floor = Floor(watched(), agents=OWN, ready=False)
    floor.arrive("c1")
    floor.arrive("c2")
    floor.wait_until(25_000)
    restored = Router.restore(floor.router.snapshot())
    assert restored.below_goal("billing")
    assert restored.next_deadline_ms() == floor.router.next_deadline_ms()
    for router in (restored, floor.router):
        router.handle(ContactLeft("c1"), 26_000)
    assert restored.snapshot() == floor.router.snapshot()

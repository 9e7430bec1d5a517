"""What happens to agents: presence and work, wrap-up, capacity."""

import pytest

from router.core.decisions import AgentChanged, AgentSuspended
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    AgentUnreachable,
    ContactArrived,
    ContactEnded,
    ContactTransferred,
    OfferAccepted,
    TimePassed,
    WrapUpExtended,
)
from router.core.policy import Agent, Channel
from router.core.router import ImpossibleEvent
from tests.support.routing import Floor, agents, only, queue, taker

CHANNELS = (Channel("voice"), Channel("chat"))


def talking(wrap_up_ms: int = 10_000) -> Floor:
    """anna talks with c1 since 0 ms."""
    floor = Floor(queue(wrap_up_ms=wrap_up_ms), queue("tech"), agents=agents("anna", "bob"), ready=False)
    floor.send(AgentSignedIn("anna"))
    floor.arrive("c1")
    floor.send(OfferAccepted("o1"))
    return floor


def test_every_state_is_told_once() -> None:
    floor = talking()
    floor.send(ContactEnded("c1"), at_ms=30_000)
    floor.send(AgentPaused("anna", "lunch"), at_ms=45_000)
    floor.send(AgentSignedOut("anna"))
    assert [(changed.state, changed.reason, changed.contact) for changed in only(floor.decisions, AgentChanged)] == [
        ("ready", "", None),
        ("ringing", "", "c1"),
        ("busy", "", "c1"),
        ("wrap_up", "", "c1"),
        ("ready", "", None),
        ("paused", "lunch", None),
        ("offline", "", None),
    ]


def test_an_agent_may_sign_in_paused() -> None:
    floor = Floor(agents=agents("anna"), ready=False)
    floor.send(AgentSignedIn("anna", "training"))
    assert floor.state("anna") == ("paused", "training")
    assert floor.arrive("c1") is None
    assert taker(floor.send(AgentReady("anna")), "c1") == "anna"


def test_wrap_up_keeps_the_agent_from_every_queue() -> None:
    floor = talking()
    floor.arrive("c2", "tech")
    assert taker(floor.send(ContactEnded("c1"), at_ms=5_000), "c2") is None
    assert floor.state("anna") == ("wrap_up", "")
    assert taker(floor.wait_until(14_999), "c2") is None
    assert taker(floor.wait_until(15_000), "c2") == "anna"


def test_wrap_up_can_be_ended_and_extended() -> None:
    floor = talking()
    floor.send(ContactEnded("c1"))
    floor.send(WrapUpExtended("anna", 5_000))
    floor.wait_until(14_999)
    assert floor.state("anna") == ("wrap_up", "")
    floor.send(AgentReady("anna"))
    assert floor.state("anna") == ("ready", "")
    assert floor.router.next_deadline_ms() is None


def test_extending_a_wrap_up_that_ended_in_the_same_instant_is_a_lost_race_not_an_error() -> None:
    floor = talking()
    floor.send(ContactEnded("c1"))
    floor.now_ms = 10_000
    floor.send(WrapUpExtended("anna", 5_000))
    assert floor.state("anna") == ("ready", "")


@pytest.mark.parametrize(
    ("event", "after"), [(AgentPaused("anna", "lunch"), "paused"), (AgentSignedOut("anna"), "offline")]
)
def test_pause_and_sign_out_wait_for_the_end_of_talk_and_wrap_up(event: object, after: str) -> None:
    floor = talking()
    assert floor.send(event) == []
    floor.send(ContactEnded("c1"), at_ms=1_000)
    assert floor.state("anna") == ("wrap_up", "")
    floor.wait_until(11_000)
    assert floor.state("anna")[0] == after


def test_ready_takes_back_a_pause_that_has_not_begun() -> None:
    floor = talking(wrap_up_ms=0)
    floor.send(AgentPaused("anna", "lunch"))
    floor.send(AgentReady("anna"))
    floor.send(ContactEnded("c1"))
    assert floor.state("anna") == ("ready", "")


def test_who_is_found_unreachable_in_a_talk_is_suspended_when_the_talk_is_over() -> None:
    floor = talking()
    floor.send(ContactTransferred("c1", "billing"), at_ms=5_000)
    assert only(floor.send(AgentUnreachable("anna")), AgentSuspended) == [AgentSuspended("anna", "unreachable", 1)]
    assert floor.state("anna") == ("wrap_up", "")
    floor.send(TimePassed(), at_ms=15_000)
    assert floor.state("anna") == ("paused", "unreachable")
    assert taker(floor.send(AgentReady("anna")), "c1") == "anna"


def test_ready_when_ready_changes_nothing() -> None:
    floor = Floor(agents=agents("anna"))
    assert floor.send(AgentReady("anna")) == []


def test_the_longest_idle_agent_is_the_one_longest_ready() -> None:
    floor = Floor(agents=agents("anna", "bob", "cleo"))
    floor.send(AgentPaused("anna", "lunch"), at_ms=1_000)
    floor.send(AgentReady("anna"), at_ms=2_000)
    assert [floor.arrive(contact) for contact in ("c1", "c2", "c3")] == ["bob", "cleo", "anna"]


def test_occupancy_is_handling_over_handling_and_ready() -> None:
    floor = talking(wrap_up_ms=10_000)
    floor.send(ContactEnded("c1"), at_ms=30_000)
    floor.wait_until(40_000)
    assert floor.router.agent("anna").occupancy == 1.0
    floor.arrive("c2", at_ms=80_000)
    floor.send(OfferAccepted("o2"))
    floor.send(AgentPaused("anna", "lunch"))
    floor.send(ContactEnded("c2"), at_ms=90_000)
    floor.send(AgentReady("anna"), at_ms=500_000)
    assert floor.router.agent("anna").occupancy == pytest.approx(60 / 100)


def test_an_agent_takes_as_many_chats_as_the_capacity_allows_and_no_call_beside_them() -> None:
    people = (Agent("anna", capacity={"voice": 1, "chat": 2}), Agent("bob"))
    queues = (queue("chats", channel="chat", wrap_up_ms=4_000), queue("calls"))
    floor = Floor(*queues, agents=people, ready=False, channels=CHANNELS)
    floor.send(AgentSignedIn("anna"))
    assert floor.send(ContactArrived("chat1", "chats", "chat"))[-2].agent == "anna"
    assert taker(floor.send(ContactArrived("chat2", "chats", "chat")), "chat2") == "anna"
    assert taker(floor.send(ContactArrived("chat3", "chats", "chat")), "chat3") is None
    assert floor.arrive("call", "calls") is None
    floor.send(OfferAccepted("o1"))
    assert floor.state("anna") == ("busy", ""), "also while the second still rings"
    floor.send(OfferAccepted("o2"))
    assert taker(floor.send(ContactEnded("chat1"), at_ms=1_000), "chat3") is None, "wrap-up first"
    assert floor.state("anna") == ("busy", "")
    assert taker(floor.wait_until(5_000), "chat3") == "anna"


def test_an_agent_without_the_channel_never_gets_a_contact_of_it() -> None:
    people = (Agent("anna"), Agent("bob", capacity={"chat": 1}))
    floor = Floor(queue("chats", channel="chat"), agents=people, channels=CHANNELS)
    assert taker(floor.send(ContactArrived("chat1", "chats", "chat")), "chat1") == "bob"
    floor.send(ContactArrived("chat2", "chats", "chat"))
    assert floor.router.explain("chat2").agents == (("anna", "takes no chat contacts"), ("bob", "ringing"))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (AgentSignedIn("anna"), "already signed in"),
        (AgentSignedIn("ana"), "did you mean 'anna'"),
        (AgentSignedOut("bob"), "'bob' is not signed in"),
        (AgentPaused("bob", "lunch"), "'bob' is not signed in"),
        (AgentPaused("anna", "lunhc"), "did you mean 'lunch'"),
        (AgentReady("bob"), "'bob' is not signed in"),
        (WrapUpExtended("anna", 1_000), "not in wrap-up"),
    ],
)
def test_what_cannot_happen_to_an_agent_changes_nothing(event: object, message: str) -> None:
    floor = Floor(agents=agents("anna", "bob"), ready=False, pause_reasons=("lunch", "training"))
    floor.send(AgentSignedIn("anna"))
    before = floor.router.snapshot()
    with pytest.raises(ImpossibleEvent, match=message):
        floor.router.handle(event, 50)
    assert floor.router.snapshot() == before


def test_a_wrap_up_cannot_be_extended_by_nothing() -> None:
    floor = talking()
    floor.send(ContactEnded("c1"))
    with pytest.raises(ImpossibleEvent, match="not by 0 ms"):
        floor.send(WrapUpExtended("anna", 0))


def test_time_passed_too_early_does_nothing() -> None:
    floor = talking()
    floor.send(ContactEnded("c1"))
    assert floor.send(TimePassed()) == []

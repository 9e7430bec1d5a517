"""Several kinds of work at one agent: what goes together, what interrupts what, and what counts as handling."""

from router.core.decisions import AgentSuspended, ContactFinished, Offer, WorkInterrupted, WorkResumed
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    ContactArrived,
    ContactEnded,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
    OfferNotAnswered,
)
from router.core.policy import AfterFailure, Agent, Channel, KeySpec
from router.core.router import Router
from tests.support.routing import Floor, agents, only, queue, taker

ALL = {"voice": 1, "chat": 3, "email": 1}


def floor(*channels: Channel, people: tuple[Agent, ...] = (Agent("anna", capacity=ALL),), wrap_up_ms: int = 0) -> Floor:
    """Queues calls, chats and emails; channels that are not given stand alone."""
    known = {channel.name: channel for channel in (*map(Channel, ("voice", "chat", "email")), *channels)}
    return Floor(
        queue("calls", wrap_up_ms=wrap_up_ms),
        queue("chats", channel="chat", wrap_up_ms=wrap_up_ms),
        queue("emails", channel="email"),
        agents=people,
        channels=tuple(known.values()),
    )


def arrive(floor: Floor, contact: str, at_ms: int | None = None) -> str | None:
    """`chat1` is a chat, and so on; who is offered it at once."""
    channel = {"call": "voice", "chat": "chat", "emai": "email"}[contact[:4]]
    name = {"voice": "calls", "chat": "chats", "email": "emails"}[channel]
    return taker(floor.send(ContactArrived(contact, name, channel), at_ms), contact)


def take(floor: Floor, contact: str, at_ms: int | None = None) -> list[object]:
    """It comes, is offered, and the agent accepts."""
    assert arrive(floor, contact, at_ms) is not None
    return floor.send(OfferAccepted(floor.offer(contact)))


def test_three_chats_and_no_call_one_call_and_nothing_else() -> None:
    desk = floor()
    for chat in ("chat1", "chat2", "chat3"):
        take(desk, chat)
    assert arrive(desk, "chat4") is None
    assert arrive(desk, "call1") is None
    desk.send(ContactEnded("chat1"))
    assert desk.router.contact("chat4").state == "offered", "the older of the two that wait"
    desk.send(OfferDeclined(desk.offer("chat4")))
    for chat in ("chat2", "chat3"):
        decisions = desk.send(ContactEnded(chat))
    assert taker(decisions, "call1") == "anna"
    desk.send(OfferAccepted(desk.offer("call1")))
    assert arrive(desk, "chat5") is None
    assert arrive(desk, "email1") is None


def test_beside_is_asked_of_the_one_that_comes() -> None:
    desk = floor(Channel("chat", beside=("email",)))
    take(desk, "email1")
    take(desk, "chat1")
    assert desk.router.agent("anna").contacts == ["email1", "chat1"]
    other = floor(Channel("chat", beside=("email",)))
    take(other, "chat1")
    assert arrive(other, "email1") is None


def test_beside_asks_of_everything_that_the_agent_has() -> None:
    desk = floor(Channel("chat", beside=("email",)), Channel("email", beside=("voice",)))
    take(desk, "call1")
    take(desk, "email1")
    assert arrive(desk, "chat1") is None, "nothing says that a chat goes beside a call"


def test_capacity_counts_what_rests_too() -> None:
    desk = floor(Channel("voice", interrupts=("email",)))
    take(desk, "email1")
    take(desk, "call1")
    desk.send(ContactEnded("call1"))
    assert arrive(desk, "email2") is None


INTERRUPTING = Channel("voice", interrupts=("email", "chat"))


def test_an_email_rests_while_a_call_is_handled_and_that_time_does_not_count() -> None:
    desk = floor(INTERRUPTING, wrap_up_ms=5_000)
    take(desk, "email1")
    assert arrive(desk, "call1", at_ms=10_000) == "anna"
    assert desk.state("anna") == ("busy", ""), "the e-mail goes on while the phone rings"
    decisions = desk.send(OfferAccepted(desk.offer("call1")), at_ms=12_000)
    assert only(decisions, WorkInterrupted) == [WorkInterrupted("email1", "anna", "call1")]
    assert desk.router.agent("anna").active == ["call1"]
    decisions = desk.send(ContactEnded("call1"), at_ms=40_000)
    assert only(decisions, WorkResumed) == [], "the wrap-up is the call's"
    assert desk.state("anna") == ("wrap_up", "")
    assert only(desk.wait_until(45_000), WorkResumed) == [WorkResumed("email1", "anna")]
    assert (desk.state("anna"), desk.router.agent("anna").contact) == (("busy", ""), "email1")
    (finished,) = only(desk.send(ContactEnded("email1"), at_ms=50_000), ContactFinished)
    assert (finished.wait_ms, finished.talk_ms) == (0, 12_000 + 5_000)


def test_an_offer_that_is_not_accepted_interrupts_nothing() -> None:
    desk = floor(INTERRUPTING)
    take(desk, "email1")
    arrive(desk, "call1", at_ms=10_000)
    desk.send(OfferDeclined(desk.offer("call1")), at_ms=12_000)
    assert only(desk.decisions, WorkInterrupted) == []
    (finished,) = only(desk.send(ContactEnded("email1"), at_ms=20_000), ContactFinished)
    assert finished.talk_ms == 20_000


def test_what_only_rings_is_not_interrupted() -> None:
    desk = floor(INTERRUPTING)
    arrive(desk, "email1")
    assert arrive(desk, "call1") is None
    assert taker(desk.send(OfferAccepted(desk.offer("email1"))), "call1") == "anna"


def test_an_email_that_ends_while_it_rests_counts_until_it_was_interrupted() -> None:
    desk = floor(INTERRUPTING)
    take(desk, "email1")
    take(desk, "call1", at_ms=10_000)
    (finished,) = only(desk.send(ContactEnded("email1"), at_ms=30_000), ContactFinished)
    assert (finished.wait_ms, finished.talk_ms) == (0, 10_000)
    assert desk.router.agent("anna").resting == []


def test_a_call_that_could_not_be_joined_lets_the_email_go_on() -> None:
    desk = floor(INTERRUPTING)
    take(desk, "email1")
    take(desk, "call1", at_ms=10_000)
    decisions = desk.send(OfferFailed(desk.offer("call1"), "error"), at_ms=11_000)
    assert only(decisions, WorkResumed) == [WorkResumed("email1", "anna")]


def test_what_was_interrupted_last_goes_on_first() -> None:
    desk = floor(INTERRUPTING, Channel("chat", interrupts=("email",)))
    take(desk, "email1")
    take(desk, "chat1")
    take(desk, "call1")
    assert desk.router.agent("anna").resting == ["email1", "chat1"]
    assert only(desk.send(ContactEnded("call1")), WorkResumed) == [WorkResumed("chat1", "anna")]
    assert only(desk.send(ContactEnded("chat1")), WorkResumed) == [WorkResumed("email1", "anna")]


def test_work_that_rests_goes_on_also_when_the_agent_is_paused_or_signed_out() -> None:
    for event in (AgentPaused("anna", "lunch"), AgentSignedOut("anna")):
        desk = floor(INTERRUPTING)
        take(desk, "email1")
        take(desk, "call1")
        desk.send(event)
        assert only(desk.send(ContactEnded("call1")), WorkResumed) == [WorkResumed("email1", "anna")]
        assert desk.state("anna") == ("busy", "")


def test_an_idle_agent_comes_before_one_who_has_work_already() -> None:
    desk = floor(INTERRUPTING, people=agents("anna", "bob", capacity=ALL))
    assert arrive(desk, "chat1") == "anna"
    desk.send(OfferAccepted(desk.offer("chat1")))
    desk.send(AgentPaused("bob", "lunch"), at_ms=1_000)
    desk.send(AgentReady("bob"), at_ms=2_000)
    assert arrive(desk, "chat2") == "bob", "anna has been ready for longer, but is not idle"
    assert arrive(desk, "chat3") == "anna"
    assert arrive(desk, "chat4") == "bob"


def test_work_at_rest_survives_a_snapshot() -> None:
    desk = floor(INTERRUPTING)
    take(desk, "email1")
    take(desk, "call1", at_ms=10_000)
    desk.router = Router.restore(desk.router.snapshot())
    assert only(desk.send(ContactEnded("call1"), at_ms=15_000), WorkResumed) == [WorkResumed("email1", "anna")]
    (finished,) = only(desk.send(ContactEnded("email1"), at_ms=17_000), ContactFinished)
    assert finished.talk_ms == 12_000


# Failures in a row


def failing(**after: object) -> Floor:
    desk = Floor(queue(), agents=agents("anna"), after_failure=AfterFailure(**after), short_busy_retry_ms=1_000)
    desk.arrive("c1")
    return desk


def test_a_pause_only_after_so_many_failures_in_a_row() -> None:
    desk = failing(no_answer_limit=3)
    for n in (1, 2):
        assert only(desk.send(OfferNotAnswered(f"o{n}")), AgentSuspended) == []
        assert desk.state("anna") == ("ready", "")
        assert taker(desk.wait_until(desk.now_ms + 1_000), "c1") == "anna"
    assert only(desk.send(OfferNotAnswered("o3")), AgentSuspended) == [AgentSuspended("anna", "no_answer", 3)]
    assert desk.state("anna") == ("paused", "no answer")
    assert desk.router.agent("anna").suspended_after == 3
    desk.send(AgentReady("anna"))
    assert desk.router.agent("anna").suspended_after == 0


def test_an_accepted_offer_starts_the_count_anew() -> None:
    desk = failing(no_answer_limit=2)
    desk.send(OfferNotAnswered("o1"))
    desk.send(OfferAccepted("o2"), at_ms=1_000)
    desk.send(ContactEnded("c1"))
    desk.arrive("c2")
    desk.send(OfferNotAnswered("o3"))
    assert desk.state("anna") == ("ready", "")


def test_a_new_sign_in_and_the_pause_itself_start_the_count_anew() -> None:
    desk = failing(no_answer_limit=2)
    desk.send(OfferNotAnswered("o1"))
    desk.send(AgentSignedOut("anna"))
    desk.send(AgentSignedIn("anna"))
    desk.send(OfferNotAnswered("o2"), at_ms=1_000)
    assert desk.state("anna") == ("ready", "")
    desk.send(OfferNotAnswered("o3"), at_ms=2_000)
    assert desk.state("anna") == ("paused", "no answer")
    desk.send(AgentReady("anna"), at_ms=3_000)
    desk.send(OfferNotAnswered("o4"))
    assert desk.state("anna") == ("ready", "")


def test_causes_are_counted_apart() -> None:
    desk = failing(no_answer_limit=2, declined="declined", declined_limit=2)
    desk.send(OfferNotAnswered("o1"))
    desk.send(OfferDeclined("o2"), at_ms=1_000)
    assert desk.state("anna") == ("ready", "")
    suspended = only(desk.send(OfferDeclined("o3"), at_ms=2_000), AgentSuspended)
    assert suspended == [AgentSuspended("anna", "declined", 2)]


def test_an_unreachable_phone_below_the_limit_is_retried_soon() -> None:
    desk = failing(unreachable_limit=2)
    desk.send(OfferFailed("o1", "unreachable"))
    assert desk.state("anna") == ("paused", "unreachable, retried soon")
    assert taker(desk.wait_until(1_000), "c1") == "anna"
    desk.send(OfferFailed("o2", "unreachable"))
    assert desk.state("anna") == ("paused", "unreachable")


def test_who_pauses_of_their_own_is_not_suspended() -> None:
    desk = failing()
    desk.send(AgentPaused("anna", "lunch"))
    assert only(desk.send(OfferNotAnswered("o1")), AgentSuspended) == []
    assert desk.state("anna") == ("paused", "lunch")


def test_other_rankings_do_not_look_at_the_load() -> None:
    people = (Agent("anna", {"chats": 9}, capacity=ALL), Agent("bob", {"chats": 1}, capacity=ALL))
    desk = Floor(
        queue("chats", channel="chat", agent_ranking=(KeySpec("least_skilled"),)),
        agents=people,
        channels=(Channel("voice"), Channel("chat"), Channel("email")),
    )
    takers = [only(desk.send(ContactArrived(f"chat{n}", "chats", "chat")), Offer)[0].agent for n in range(4)]
    assert takers == ["bob", "bob", "bob", "anna"]

"""What happens to contacts: steps, their ends, last actions, windows, places."""

import pytest

from router.core.decisions import (
    CancelOffer,
    ContactFinished,
    ContactQueued,
    ContactReleased,
    Offer,
    OfferEnded,
    StepEntered,
)
from router.core.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    ContactMoved,
    OfferAccepted,
    OfferDeclined,
    TimePassed,
)
from router.core.policy import Agent, Condition, LastAction, Policy, Step, Until
from router.core.router import ImpossibleEvent, Router
from tests.support.routing import VOICEMAIL, Floor, agents, only, queue, skilled, taker

ANNA = Agent("anna", {"french": 8})
BOB = Agent("bob", {"french": 2})


def widening(until: Until, **fields: object) -> Floor:
    """First who speaks French well (anna), then anybody (bob too); anna is busy with c0."""
    steps = (Step("fluent", skilled("french", 5), until=until), Step("anybody"))
    floor = Floor(queue(steps=steps, **fields), agents=(ANNA, BOB))
    assert floor.arrive("c0") == "anna"
    floor.send(OfferAccepted(floor.offer("c0")))
    return floor


def entered(floor: Floor, contact: str) -> list[tuple[str, str]]:
    return [(step.step, step.reason) for step in only(floor.decisions, StepEntered) if step.contact == contact]


def test_a_step_ends_when_its_time_has_passed() -> None:
    floor = widening(Until(after_ms=10_000))
    assert floor.arrive("c1", at_ms=1_000) is None
    assert taker(floor.wait_until(10_999), "c1") is None
    assert taker(floor.wait_until(11_000), "c1") == "bob"


def test_the_age_clock_runs_from_the_arrival_even_in_an_earlier_life() -> None:
    floor = widening(Until(after_ms=10_000, clock="age"))
    floor.wait_until(60_000)
    assert floor.arrive("c1", arrived_ms=52_000) is None
    assert taker(floor.wait_until(62_000), "c1") == "bob"
    assert floor.arrive("c2", arrived_ms=1_000) is None, "bob rings for c1"
    assert entered(floor, "c2") == [("fluent", "first step"), ("anybody", "age 10000 ms")]


def test_a_step_ends_at_once_when_nobody_who_may_is_signed_in() -> None:
    floor = widening(Until(none_logged_in=True))
    floor.arrive("c1")
    assert floor.router.contact("c1").step == 0
    assert taker(floor.send(AgentSignedOut("anna")), "c1") == "bob"
    assert entered(floor, "c1")[-1] == ("anybody", "nobody signed in")


def test_a_step_ends_at_once_when_nobody_who_may_is_free() -> None:
    floor = widening(Until(none_available=True))
    assert floor.arrive("c1") == "bob"
    assert entered(floor, "c1") == [("fluent", "first step"), ("anybody", "nobody available")]


def test_none_available_lets_the_free_agent_ring_first() -> None:
    floor = widening(Until(none_available=True))
    floor.send(ContactEnded("c0"))
    assert floor.arrive("c1") == "anna"
    assert entered(floor, "c1") == [("fluent", "first step")]


def test_a_step_ends_after_so_many_refusals() -> None:
    cleo = Agent("cleo", {"french": 6})
    steps = (Step("fluent", skilled("french", 5), until=Until(refusals=2)), Step("anybody"))
    floor = Floor(queue(steps=steps), agents=(ANNA, BOB, cleo))
    assert floor.arrive("c1") == "anna"
    assert taker(floor.send(OfferDeclined(floor.offer("c1"))), "c1") == "cleo"
    assert taker(floor.send(OfferDeclined(floor.offer("c1"))), "c1") == "bob"
    assert entered(floor, "c1")[-1] == ("anybody", "2 refusals")


def test_refusals_count_anew_in_every_step() -> None:
    steps = (Step("one", until=Until(refusals=1)), Step("two", until=Until(refusals=1)))
    floor = Floor(queue(steps=steps), agents=agents("anna", "bob"))
    floor.arrive("c1")
    assert taker(floor.send(OfferDeclined(floor.offer("c1"))), "c1") == "bob"
    assert floor.router.contact("c1").step == 1
    assert len(only(floor.send(OfferDeclined(floor.offer("c1"))), ContactReleased)) == 1


def test_a_step_ends_when_the_estimated_wait_is_too_long() -> None:
    floor = Floor(
        queue(steps=(Step("own", until=Until(ewt_over_ms=100_000)), Step("others")), ring_ms=1_000_000),
        agents=agents("anna"),
    )
    floor.arrive("c0")
    for i in range(1, 11):  # a contact a minute is answered, each after a minute's wait
        floor.arrive(f"c{i}")
        floor.send(OfferAccepted(floor.offer(f"c{i - 1}")))
        floor.send(ContactEnded(f"c{i - 1}"), at_ms=60_000 * i)
    floor.arrive("near", at_ms=600_001)
    floor.arrive("far")
    assert [contact for contact in ("near", "far") if floor.router.contact(contact).step == 1] == ["far"]
    assert entered(floor, "far")[1][1].startswith("estimated wait")


def test_a_step_ends_while_an_offer_rings_and_the_offer_goes_on() -> None:
    floor = widening(Until(after_ms=5_000), ring_ms=20_000)
    floor.send(ContactEnded("c0"))
    assert floor.arrive("c1", at_ms=1_000) == "anna"
    decisions = floor.wait_until(6_000)
    assert [step.step for step in only(decisions, StepEntered)] == ["anybody"]
    assert only(decisions, (CancelOffer, OfferEnded)) == []
    floor.send(OfferAccepted(floor.offer("c1")))
    assert floor.router.contact("c1").agent == "anna"


@pytest.mark.parametrize(
    ("combine", "who"),
    [("replace", {"bob"}), ("add", {"anna", "bob"}), ("narrow", {"cleo"})],
)
def test_how_a_step_combines_with_the_one_before(combine: str, who: set[str]) -> None:
    people = (
        Agent("anna", {"a": 1}, team="x"),
        Agent("bob", {"b": 1}, team="x"),
        Agent("cleo", {"a": 1, "b": 1}, team="x"),
        Agent("dan", {"a": 1, "b": 1}, team="y"),
    )
    second = Step("second", Condition({"b": 1}), combine=combine)
    floor_ = queue(
        steps=(Step("first", Condition({"a": 1}), until=Until(after_ms=0)), second),
        floor=Condition(where="agent.team == 'x'"),
    )
    floor = Floor(floor_, agents=people, ready=False)
    floor.arrive("c1")
    eligible = set(floor.router.explain("c1").eligible)
    assert who <= eligible
    assert eligible == who | {"cleo"}, "the floor keeps dan out of every step"


def test_after_the_last_step_comes_the_last_action() -> None:
    floor = Floor(queue(steps=(Step("only", until=Until(after_ms=30_000)),)), agents=agents("anna"), ready=False)
    floor.arrive("c1", at_ms=1_000)
    decisions = floor.wait_until(31_000)
    assert only(decisions, ContactReleased) == [ContactReleased("c1", "billing", VOICEMAIL, "step 30000 ms")]
    assert only(decisions, ContactFinished) == [
        ContactFinished("c1", "billing", "overflowed", arrived_ms=1_000, wait_ms=30_000)
    ]
    assert floor.router.contact("c1") is None
    assert floor.send(ContactLeft("c1")) == [], "the caller hangs up in the voicemail"


def test_the_longest_wait_skips_the_steps_that_are_left() -> None:
    floor = widening(Until(after_ms=50_000), longest_wait_ms=20_000)
    floor.arrive("c1")
    assert [released.reason for released in only(floor.wait_until(20_000), ContactReleased)] == ["longest wait"]


def test_a_last_action_waits_for_the_running_offer() -> None:
    floor = Floor(queue(longest_wait_ms=10_000, ring_ms=15_000), agents=agents("anna"))
    floor.arrive("c1")
    assert floor.wait_until(14_999) == []
    decisions = floor.wait_until(15_000)
    assert [type(decision) for decision in decisions[:4]] == [CancelOffer, OfferEnded, ContactReleased, ContactFinished]


def test_overflow_into_another_queue_keeps_the_age() -> None:
    billing = queue("billing", longest_wait_ms=10_000, last_action=LastAction("queue", "general"))
    general = queue("general", longest_wait_ms=30_000)
    floor = Floor(billing, general, agents=(Agent("anna", queues=("general",)), Agent("bob")), ready=False)
    floor.arrive("old", "billing", at_ms=1_000)
    floor.arrive("young", "general", at_ms=5_000)
    assert only(floor.wait_until(11_000), ContactQueued) == [
        ContactQueued("old", "general", moved_from="billing", reason="longest wait", arrived_ms=1_000)
    ]
    assert floor.router.waiting("general") == ["old", "young"]
    assert taker(floor.send(AgentSignedIn("anna")), "old") == "anna"


def test_a_full_queue_takes_nobody_more() -> None:
    billing = queue("billing", full_at=2, when_full=LastAction("queue", "general"))
    general = queue("general", full_at=1, when_full=LastAction("exit", "busy"))
    floor = Floor(billing, general, agents=agents("anna"), ready=False)
    for i in range(4):
        floor.arrive(f"c{i}")
    assert floor.router.waiting("billing") == ["c0", "c1"]
    assert floor.router.waiting("general") == ["c2"]
    assert [(released.contact, released.reason) for released in only(floor.decisions, ContactReleased)] == [
        ("c3", "general is full")
    ]
    floor.send(ContactLeft("c0"))
    floor.arrive("c4")
    assert floor.router.waiting("billing") == ["c1", "c4"]


def test_a_contact_that_is_offered_still_fills_its_queue_but_one_that_talks_does_not() -> None:
    floor = Floor(queue(full_at=1, when_full=VOICEMAIL), agents=agents("anna"))
    floor.arrive("c0")
    floor.arrive("c1")
    assert floor.router.contact("c1") is None
    floor.send(OfferAccepted(floor.offer("c0")))
    floor.arrive("c2")
    assert floor.router.waiting("billing") == ["c2"]


def test_a_contact_is_held_for_its_preferred_agent() -> None:
    floor = Floor(queue(preferred_agent_ms=10_000), agents=agents("anna", "bob"))
    floor.arrive("c0", preferred_agent="bob")
    assert floor.router.contact("c0").agent == "bob"
    assert floor.arrive("c1", preferred_agent="bob", at_ms=1_000) is None
    assert floor.router.explain("c1").held_for == "bob"
    assert taker(floor.wait_until(10_999), "c1") is None
    assert taker(floor.wait_until(11_000), "c1") == "anna"


def test_the_preferred_agent_who_becomes_free_in_time_takes_the_contact_that_is_held() -> None:
    floor = Floor(queue(preferred_agent_ms=10_000), agents=agents("anna", "bob"))
    floor.send(AgentPaused("bob", "lunch"))
    floor.arrive("held", preferred_agent="bob")
    assert taker(floor.send(AgentReady("bob"), at_ms=5_000), "held") == "bob"


@pytest.mark.parametrize("preferred", ["nobody we know", "cleo", "dan"])
def test_nobody_waits_for_a_preferred_agent_who_cannot_come(preferred: str) -> None:
    """Unknown, not signed in, or not allowed by the step."""
    people = (Agent("anna", {"b": 1}), Agent("cleo", {"b": 1}), Agent("dan"))
    floor = Floor(queue(steps=(Step("s", skilled("b")),), preferred_agent_ms=10_000), agents=people, ready=False)
    floor.send(AgentSignedIn("anna"))
    floor.send(AgentSignedIn("dan"))
    assert floor.arrive("c1", preferred_agent=preferred) == "anna"


@pytest.mark.parametrize("how", ["signs out", "declines"])
def test_the_window_ends_with_the_preferred_agents_chance(how: str) -> None:
    floor = Floor(queue(preferred_agent_ms=60_000), agents=agents("anna", "bob"))
    if how == "signs out":
        floor.send(AgentPaused("bob", "lunch"))
        floor.arrive("c1", preferred_agent="bob")
        decisions = floor.send(AgentSignedOut("bob"))
    else:
        floor.arrive("c1", preferred_agent="bob")
        decisions = floor.send(OfferDeclined(floor.offer("c1")))
    assert taker(decisions, "c1") == "anna"


def test_a_moved_contact_keeps_its_age_and_its_offer_is_withdrawn() -> None:
    people = (Agent("anna", queues=("billing",)), Agent("bob", queues=("tech",)))
    floor = Floor(queue("billing"), queue("tech"), agents=people)
    floor.send(AgentPaused("bob", "lunch"))
    floor.arrive("c1", at_ms=1_000)
    decisions = floor.send(ContactMoved("c1", "tech"), at_ms=3_000)
    assert [type(decision) for decision in decisions[:2]] == [CancelOffer, OfferEnded]
    assert only(decisions, ContactQueued) == [ContactQueued("c1", "tech", "billing", "moved", arrived_ms=1_000)]
    assert floor.router.contact("c1").arrived_ms == 1_000
    assert floor.state("anna") == ("ready", "")


def test_a_contact_comes_back_under_its_name_and_with_its_age() -> None:
    floor = Floor(agents=agents("anna"), ready=False)
    floor.arrive("c1", at_ms=1_000)
    floor.send(ContactLeft("c1", "left"))
    floor.arrive("c2", at_ms=2_000)
    floor.arrive("c1", at_ms=3_000, arrived_ms=1_000)
    assert floor.router.waiting("billing") == ["c1", "c2"]
    assert only(floor.decisions, ContactQueued)[-1].arrived_ms == 1_000


def test_the_position_counts_those_who_go_first() -> None:
    floor = Floor(queue(priority_per_minute=0.0), agents=agents("anna"), ready=False)
    for i, priority in enumerate((0, 0, 5, 0)):
        floor.arrive(f"c{i}", at_ms=1_000 * i, priority=priority)
    assert floor.router.waiting("billing") == ["c2", "c0", "c1", "c3"]
    assert [floor.router.position(contact) for contact in ("c2", "c0", "c1", "c3")] == [1, 2, 3, 4]
    floor.send(AgentSignedIn("anna"))
    assert [floor.router.position(contact) for contact in ("c2", "c0", "c1", "c3")] == [1, 1, 2, 3], "c2 rings"
    with pytest.raises(KeyError):
        floor.router.position("c9")


def test_a_wait_is_estimated_once_the_queue_has_drained_a_little() -> None:
    floor = Floor(agents=agents("anna"))
    floor.arrive("c0")
    floor.arrive("c1")
    assert floor.router.estimated_wait("c1", 0) is None
    for i in range(4):
        floor.send(OfferAccepted(floor.offer(f"c{i}")))
        floor.arrive(f"c{i + 2}")
        floor.send(ContactEnded(f"c{i}"), at_ms=60_000 * (i + 1))
    estimate = floor.router.estimated_wait("c5", floor.now_ms)
    assert estimate is not None
    assert estimate.p50_ms < estimate.p80_ms < estimate.p95_ms


@pytest.mark.parametrize("explains", [True, False])
def test_how_well_estimates_hold_is_kept_where_anybody_may_ask(explains: bool) -> None:
    router = Router(Policy(1, (queue(),), agents("anna")), explains=explains)
    router.handle(AgentSignedIn("anna"), 0)
    router.handle(ContactArrived("c0", "billing"), 0)
    for i in range(8):  # c0 finds anna free, c1 to c3 come before much is known
        router.handle(ContactArrived(f"c{i + 1}", "billing"), 10_000 * i)
        router.handle(OfferAccepted(f"o{i + 1}"), 10_000 * i)
        router.handle(ContactEnded(f"c{i}"), 10_000 * i + 10_000)
    assert router.estimated_wait("c8", 80_000) is not None
    assert router.estimate_errors()["billing"].checked == (4 if explains else 0)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (ContactArrived("c1", "billing"), "already queued"),
        (ContactArrived("c2", "biling"), "did you mean 'billing'"),
        (ContactArrived("c2", "billing", "chat"), "takes voice contacts, not chat"),
        (ContactArrived("c2", "billing", arrived_ms=99), "in the future"),
        (ContactArrived("c2", "billing", attributes={"x": float("nan")}), "attribute 'x'"),
        (ContactLeft("c2"), "no contact 'c2'"),
        (ContactEnded("c1"), "no talk to end"),
        (ContactMoved("c1", "tehc"), "no queue 'tehc'"),
    ],
)
def test_what_cannot_happen_to_a_contact_changes_nothing(event: object, message: str) -> None:
    floor = Floor(agents=agents("anna"), ready=False)
    floor.arrive("c1")
    before = floor.router.snapshot()
    with pytest.raises(ImpossibleEvent, match=message):
        floor.router.handle(event, 50)
    assert floor.router.snapshot() == before


def test_an_impossible_event_tells_the_story_of_the_contact() -> None:
    floor = Floor(agents=agents("anna"))
    floor.arrive("c1", at_ms=1_000)
    floor.send(OfferAccepted(floor.offer("c1")), at_ms=4_000)
    with pytest.raises(ImpossibleEvent) as raised:
        floor.send(ContactMoved("c1", "billing"))
    story = [str(happening) for happening in raised.value.history]
    assert story[0] == "1000 ms: queued in billing"
    assert story[-1] == "4000 ms: connected with anna"
    assert story[-1] in str(raised.value)


def test_time_does_not_run_backwards() -> None:
    floor = Floor(agents=agents("anna"))
    floor.wait_until(1_000)
    floor.send(TimePassed())
    with pytest.raises(ValueError, match="backwards"):
        floor.router.handle(TimePassed(), 999)


def test_offers_in_a_record_are_bounded_and_name_reasons() -> None:
    people = (*agents(*(f"busy{i}" for i in range(20))), Agent("last", {"b": 1}))
    floor = Floor(queue(steps=(Step("s", skilled("b")),)), queue("all"), agents=people)
    offer = only(floor.send(ContactArrived("c1", "billing")), Offer)[0]
    assert [candidate.name for candidate in offer.record.agents] == ["last"]
    assert len(offer.record.not_chosen) == 8
    assert offer.record.not_chosen[0] == ("busy0", "not eligible: skill b")

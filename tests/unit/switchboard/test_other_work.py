"""Chats, e-mails and tasks through the operations of a running engine (without an Asterisk: none is asked)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from router.core.decisions import AnyDecision, ContactFinished, Offer
from router.core.events import AgentSignedIn, ContactArrived, ContactEnded, Event, OfferAccepted, TimePassed
from router.core.metrics import Metrics
from router.core.router import Router
from router.live.journal import Fact, Handled, read
from switchboard.centre import load_centre
from switchboard.engine import Engine
from switchboard.operations import Actor, OperationRefused, perform
from switchboard.operations.contacts import ContactNow
from tests.support.centres import FILES, write_centre
from tests.support.ports import tcp_port
from tests.support.routing import only

ROOT = Path(__file__).parents[3]
QUEUES = (
    FILES["queues.yaml"]
    + """
  chats:
    channel: chat
    goal: {answered_within_s: 60, share: 0.9}
    steps: [{name: all}]
    longest_wait_s: 3600
    full_at: 4
    when_full: {exit: busy}
    last_action: {exit: nobody}
    ring_s: 600
  emails:
    channel: email
    goal: {answered_within_s: 86400, share: 0.9}
    steps: [{name: all}]
    longest_wait_s: 604800
    last_action: {exit: nobody}
channels: {chat: {interrupts: [email]}, email: {auto_accept: true}}
"""
)
TWO_CHATS = {
    "agents.yaml": FILES["agents.yaml"].replace("    team: first\n", "    capacity: {voice: 1, chat: 2, email: 1}\n"),
    "queues.yaml": QUEUES,
}
ADMIN = Actor("test", frozenset({"admin"}), "control")
ANA = Actor("Ana", frozenset({"agent"}), "api", agent="ana")
BEN = Actor("Ben", frozenset({"agent"}), "api", agent="ben")


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    async with running(tmp_path, monkeypatch) as engine:
        yield engine


def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SWITCHBOARD_AMI_SECRET", "ami-secret")
    settings = f"  engine: {{directory: {tmp_path / 'engine'}, agi_port: {tcp_port()}}}\n  asterisk: {{ami_port: 1}}\n"
    files = {**TWO_CHATS, "centre.yaml": FILES["centre.yaml"] + settings + "  api: {port: 0}\n"}
    return Engine(load_centre(write_centre(tmp_path / "centre", dict(files)))).running()


async def ask(engine: Engine, name: str, actor: Actor = ADMIN, **arguments: Any) -> Any:
    return await perform(engine, actor, name, arguments)


async def chat(engine: Engine, **fields: Any) -> ContactNow:
    created: ContactNow = await ask(engine, "create_contact", queue="chats", **fields)
    return created


async def test_a_chat_is_offered_taken_up_and_ended_by_its_agent(engine: Engine) -> None:
    await ask(engine, "sign_in", ANA, agent="ana")
    created = await chat(engine, reference="77", caller="zoe@example.net", attributes={"topic": "bill", "items": 3})
    assert (created.contact, created.state, created.agent) == ("chat-77", "offered", "ana")
    assert created.attributes == {"topic": "bill", "items": 3}
    assert engine.legs.offers() == [], "no telephone rings"
    (mine,) = await ask(engine, "list_contacts", ANA, agent="ana")
    done = await ask(engine, "accept_offer", ANA, agent="ana", offer=mine.offer)
    assert done.message == "ana has chat-77."
    assert (await ask(engine, "show_contact", ANA, contact="chat-77", agent="ana")).state == "connected"
    done = await ask(engine, "end_contact", ANA, agent="ana", contact="chat-77")
    assert done.message == "ana is done with chat-77."
    assert engine.live.router.contacts() == ()


async def test_a_declined_chat_keeps_its_place(engine: Engine) -> None:
    first, second = await chat(engine), await chat(engine)
    assert (first.position, second.position) == (1, 2)
    await ask(engine, "sign_in", ANA, agent="ana")
    offered = await ask(engine, "show_contact", contact=first.contact)
    assert offered.offer_until_ms - engine.clock.now_ms() <= 600_000
    await ask(engine, "decline_offer", ANA, agent="ana", offer=offered.offer)
    shown = await ask(engine, "show_contact", contact=first.contact)
    assert (shown.state, shown.position, shown.offer) == ("queued", 1, None)


async def test_an_email_is_taken_up_without_being_asked_and_rests_for_a_chat(engine: Engine) -> None:
    await ask(engine, "sign_in", ANA, agent="ana")
    email = await ask(engine, "create_contact", queue="emails")
    assert (email.state, email.agent) == ("connected", "ana")
    offered = await chat(engine)
    await ask(engine, "accept_offer", ANA, agent="ana", offer=offered.offer)
    assert (await ask(engine, "show_contact", contact=email.contact)).rests
    await ask(engine, "end_contact", ANA, agent="ana", contact=offered.contact)
    assert not (await ask(engine, "show_contact", contact=email.contact)).rests


async def test_what_was_only_just_offered_is_taken_up_by_the_next_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the engine had died between the two."""
    async with running(tmp_path, monkeypatch) as engine:
        await ask(engine, "sign_in", agent="ana")
        monkeypatch.setattr(engine.other_work, "_accept", lambda offer, contact: None)
        email = await ask(engine, "create_contact", queue="emails")
        assert email.state == "offered"
    monkeypatch.undo()
    async with running(tmp_path, monkeypatch) as engine:
        assert (await ask(engine, "show_contact", contact=email.contact)).state == "connected"


async def test_a_contact_is_cancelled_wherever_it_is(engine: Engine) -> None:
    await ask(engine, "sign_in", agent="ana")
    offered = await chat(engine)
    await ask(engine, "cancel_contact", contact=offered.contact)
    taken = await chat(engine)
    await ask(engine, "accept_offer", agent="ana", offer=taken.offer)
    await ask(engine, "cancel_contact", contact=taken.contact)
    await ask(engine, "sign_out", agent="ana")
    waiting = await chat(engine)
    await ask(engine, "cancel_contact", contact=waiting.contact)
    finished = [
        decision.outcome
        for record in read(engine.journal.path)
        if isinstance(record, Handled)
        for decision in only(list(record.decisions), ContactFinished)
    ]
    assert finished == ["abandoned", "answered", "abandoned"]


@pytest.mark.parametrize(
    ("operation", "arguments", "kind", "words"),
    [
        ("create_contact", {"queue": "caths"}, "unknown", "no queue 'caths' (did you mean 'chats'"),
        ("create_contact", {"queue": "billing"}, "invalid", "billing takes calls, and those come by telephone"),
        ("create_contact", {"queue": "chats", "channel": "email"}, "invalid", "chats takes chat contacts, not email"),
        ("create_contact", {"queue": "chats", "reference": "a b"}, "invalid", "reference"),
        ("create_contact", {"queue": "chats", "attributes": {"a-b": 1}}, "invalid", "attributes"),
        ("create_contact", {"queue": "chats", "attributes": {"a": float("nan")}}, "invalid", "attributes"),
        ("create_contact", {"queue": "chats", "preferred_agent": "anna"}, "unknown", "no agent 'anna'"),
        ("show_contact", {"contact": "chat-1"}, "unknown", "no contact 'chat-1'"),
        ("accept_offer", {"agent": "ana", "offer": "o1"}, "unknown", "no offer 'o1' to ana stands"),
        ("end_contact", {"agent": "ana", "contact": "chat-1"}, "unknown", "no contact 'chat-1'"),
        ("cancel_contact", {"contact": "chat-1"}, "unknown", "no contact 'chat-1'"),
    ],
)
async def test_what_cannot_be_is_refused_with_words(
    engine: Engine, operation: str, arguments: dict[str, Any], kind: str, words: str
) -> None:
    with pytest.raises(OperationRefused) as refused:
        await ask(engine, operation, **arguments)
    assert refused.value.kind == kind
    assert words in str(refused.value)


async def test_calls_are_no_business_of_these_operations(engine: Engine) -> None:
    engine.live.feed(ContactArrived("1700000000.1", "cards"))
    await ask(engine, "sign_in", agent="ben")
    call = engine.live.router.contact("1700000000.1")
    assert call is not None
    for operation, arguments in (
        ("accept_offer", {"agent": "ben", "offer": call.offer}),
        ("decline_offer", {"agent": "ben", "offer": call.offer}),
        ("cancel_contact", {"contact": call.id}),
        ("end_contact", {"agent": "ben", "contact": call.id}),
    ):
        with pytest.raises(OperationRefused, match="is a call"):
            await ask(engine, operation, **arguments)
    assert [contact.channel for contact in await ask(engine, "list_contacts")] == ["voice"]


async def test_the_same_reference_is_not_in_work_twice(engine: Engine) -> None:
    await chat(engine, reference="77")
    with pytest.raises(OperationRefused, match="chat-77 is in work already"):
        await chat(engine, reference="77")
    await ask(engine, "cancel_contact", contact="chat-77")
    assert (await chat(engine, reference="77")).state == "queued", "the customer has written again"


async def test_a_full_queue_says_so(engine: Engine) -> None:
    for _ in range(4):
        await chat(engine)
    with pytest.raises(OperationRefused, match="chats does not take it now"):
        await chat(engine)


async def test_agents_see_and_touch_their_own_work_only(engine: Engine) -> None:
    await ask(engine, "sign_in", ANA, agent="ana")
    offered = await chat(engine)
    for operation, arguments in (
        ("accept_offer", {"agent": "ana", "offer": offered.offer}),
        ("list_contacts", {}),
        ("list_contacts", {"agent": "ana"}),
        ("show_contact", {"contact": offered.contact}),
        ("cancel_contact", {"contact": offered.contact, "agent": "ben"}),
        ("create_contact", {"queue": "chats"}),
    ):
        with pytest.raises(OperationRefused) as refused:
            await ask(engine, operation, BEN, **arguments)
        assert refused.value.kind == "forbidden", operation
    with pytest.raises(OperationRefused, match=f"no contact '{offered.contact}' of ben"):
        await ask(engine, "show_contact", BEN, contact=offered.contact, agent="ben")
    with pytest.raises(OperationRefused, match="no offer"):
        await ask(engine, "accept_offer", BEN, agent="ben", offer=offered.offer)


async def test_what_happens_is_in_the_audit_log(engine: Engine) -> None:
    await chat(engine, reference="77", attributes={"topic": "bill"})
    facts = [record for record in read(engine.journal.path) if isinstance(record, Fact) and record.kind == "audit"]
    assert facts[-1].data["operation"] == "create_contact"
    assert facts[-1].data["after"] == {"contact": "chat-77"}


def test_goals_of_an_hour_and_of_a_day() -> None:
    """The help desk: a social post is to be answered within the hour, an e-mail within a day."""
    policy = load_centre(ROOT / "examples" / "helpdesk").policy
    router, metrics = Router(policy), Metrics(policy)

    def feed(event: Event, at_ms: int) -> list[AnyDecision]:
        decisions = router.handle(event, at_ms)
        for decision in decisions:
            metrics.observe(decision, at_ms)
        router.check()
        return decisions

    hour = 3_600_000
    feed(ContactArrived("mail", "email", "email"), 0)
    feed(ContactArrived("post-1", "social", "social"), 0)
    feed(ContactArrived("post-2", "social", "social"), 2 * hour)
    at_ms = 2 * hour + 1_800_000
    feed(ContactArrived("call", "software"), at_ms)
    decisions, served = feed(AgentSignedIn("aoife"), at_ms), []
    while offers := only(decisions, Offer):
        served += [offer.contact for offer in offers]
        feed(OfferAccepted(offers[0].offer), at_ms)
        decisions = feed(ContactEnded(offers[0].contact), at_ms)
        if not only(decisions, Offer):
            at_ms += 60_000  # the wrap-up
            decisions = feed(TimePassed(), at_ms)
    assert served == ["call", "post-1", "post-2", "mail"], "callers first, however old the mail is"
    queues = metrics.report(at_ms).whole.queues
    assert queues["social"].values["service_level_share"] == 0.5
    assert queues["email"].values["service_level_share"] == 1.0

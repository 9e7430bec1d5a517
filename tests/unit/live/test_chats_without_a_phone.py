"""Contacts that are not calls are no business of Asterisk: no phone rings for them, and no resync ends them."""

import msgspec
import pytest

from router.core.events import AgentSignedIn, ContactArrived, ContactEnded, OfferAccepted, PolicyPublished
from router.core.policy import Agent, Channel
from tests.support.bench import POLICY, Bench

CHATS = msgspec.structs.replace(
    POLICY,
    version=2,
    queues=(*POLICY.queues, msgspec.structs.replace(POLICY.queues[0], name="chats", channel="chat", callback=None)),
    agents=(Agent("anna", capacity={"voice": 1, "chat": 1}),),
    channels=(Channel("voice"), Channel("chat")),
)


@pytest.fixture
def chat(bench: Bench) -> str:
    """It waits; nobody is signed in yet."""
    bench.live.feed(PolicyPublished(CHATS))
    bench.live.feed(ContactArrived("chat-1", "chats", "chat"))
    return "chat-1"


def state(bench: Bench, contact: str) -> str:
    found = bench.live.router.contact(contact)
    return found.state if found else "gone"


async def test_no_phone_rings_for_a_chat(bench: Bench, chat: str) -> None:
    bench.live.feed(AgentSignedIn("anna"))
    bench.live.feed(OfferAccepted("o1"))
    assert state(bench, chat) == "connected"
    bench.live.feed(ContactEnded(chat))
    bench.live.feed(ContactArrived("1700000000.7", "help"))
    await bench.asterisk.wait_for("Originate")  # the first action of all is for the call
    assert {action["action"] for action in bench.asterisk.actions} & {"Originate", "Bridge", "Hangup"} == {"Originate"}
    assert bench.legs.offers() == ["o2"]


async def test_a_resync_leaves_chats_alone_wherever_they_are(bench: Bench, chat: str) -> None:
    await bench.resync()
    assert state(bench, chat) == "queued"
    bench.live.feed(AgentSignedIn("anna"))
    await bench.resync()
    assert state(bench, chat) == "offered"
    bench.live.feed(OfferAccepted("o1"))
    await bench.resync()
    assert state(bench, chat) == "connected"

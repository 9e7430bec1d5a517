"""A caller's stays in FastAGI follow each other closely, and what ends late of one must not end the next."""

import asyncio
from pathlib import Path

import pytest

from ivr.agi.codec import Command, Headers, Reply
from ivr.agi.performer import Performer
from ivr.agi.server import ChannelHungUp
from router.core.events import AgentSignedIn, OfferAccepted, OfferFailed
from router.core.policy import Policy
from router.core.router import Router
from router.live.clock import EngineClock
from router.live.journal import Journal
from router.live.shell import LiveRouter
from switchboard.calls import Calls
from tests.support.flows import OneVersion, machine
from tests.support.routing import agents, queue
from tests.support.waiting import silent_room

CONTACT = "1700000000.1"


class Line:
    """One stay of the caller: every command is done at once but the waiting, which goes on until `hang_up`."""

    def __init__(self, talked: str = "") -> None:
        arguments = (CONTACT, "100", talked)
        self.headers = Headers("call", "PJSIP/a-1", "en", CONTACT, "600", "", "sb-call", "s", arguments=arguments)
        self.told_of_hangup = True
        self.waits = asyncio.Event()
        self._gone = asyncio.Event()

    def hang_up(self) -> None:
        self._gone.set()

    async def send(self, command: Command) -> Reply:
        if command.line.startswith("WAIT FOR DIGIT"):
            self.waits.set()
            await self._gone.wait()
            raise ChannelHungUp("the channel is gone")
        return Reply(200, "1")


class NoLegs:
    """The Bridge has failed: there is no leg (any more) for the contact."""

    def joined(self, contact: str) -> bool:
        return False

    talked = joined


@pytest.fixture
def live(tmp_path: Path) -> LiveRouter:
    router = Router(Policy(1, (queue("service"),), agents("anna")), seed=0)
    return LiveRouter(router, Journal(tmp_path / "journal.jsonl", "never"), EngineClock())


@pytest.fixture
def calls(live: LiveRouter) -> Calls:
    async def nothing(*_: object) -> None:
        raise AssertionError("not asked for here")

    performer = Performer()
    calls = Calls(
        flows=OneVersion(machine("service: {type: enqueue, queue: service, otherwise: end}\nend: {type: hangup}")),
        live=live,
        legs=NoLegs(),
        performer=performer,
        room=silent_room(live, performer),
        look_up=nothing,
        music_class="default",
        in_step=nothing,
        save=lambda contact, session: None,
        on_finished=lambda contact, session, entered_queue: None,
    )
    live.observe(calls.observe)
    return calls


async def test_a_late_end_of_the_stay_before_a_failed_bridge_leaves_the_caller_waiting(
    live: LiveRouter, calls: Calls
) -> None:
    first, second = Line(), Line(talked="yes")
    before = asyncio.create_task(calls.handle(first))
    await first.waits.wait()
    live.feed(AgentSignedIn("anna"))
    (offer,) = live.router.offers()
    live.feed(OfferAccepted(offer.id))
    live.feed(OfferFailed(offer.id, "error"))  # anna's phone was gone before the Bridge, which took the caller
    now = asyncio.create_task(calls.handle(second))
    await second.waits.wait()

    first.hang_up()
    await before
    waiting = live.router.contact(CONTACT)
    assert waiting is not None
    assert waiting.state == "queued"
    assert calls.channel(CONTACT) == "PJSIP/a-1"  # or nobody could ever be joined with this caller

    second.hang_up()
    await now
    assert live.router.contact(CONTACT) is None
    assert CONTACT not in calls

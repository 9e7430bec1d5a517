"""A live router with its legs on a socket-level fake Asterisk, for unit tests: `running_bench`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asterisk_conf.names import CHANNEL_PREFIX
from router.ami.client import AmiAddress, AmiClient, AmiLimits, Event
from router.core.decisions import AnyDecision
from router.core.events import AgentSignedIn, AnyEvent, ContactArrived
from router.core.policy import AfterFailure, Agent, CallbackRules, Goal, LastAction, Policy, Queue, Step
from router.core.router import Router
from router.live.clock import EngineClock
from router.live.customers import Customers
from router.live.hang_ups import HangUps
from router.live.journal import FORMAT, Header, Journal, policy_hash
from router.live.legs import AgentLegs
from router.live.lines import Lines
from router.live.outside import OutsideLegs
from router.live.resync import Findings, resync
from router.live.shell import LiveRouter
from router.live.silent_phones import SilentPhones
from router.live.talks import Talks
from tests.support.fake_ami import FakeAsterisk, Headers, event, success

POLICY = Policy(
    version=1,
    queues=(
        Queue(
            "help",
            Goal(20_000, 0.8),
            (Step("all"),),
            LastAction("exit", "nobody"),
            ring_ms=5_000,
            callback=CallbackRules(tries=2, retry_ms=60_000),
        ),
    ),
    agents=(Agent("anna"), Agent("ben")),
    after_failure=AfterFailure(no_answer="no answer"),
    short_busy_retry_ms=60_000,
)
CALLER, CALLER_CHANNEL = "1700000000.1", "PJSIP/trunk-00000001"


@dataclass
class Bench:
    """The parts under test, and what has been told and decided."""

    asterisk: FakeAsterisk
    client: AmiClient
    live: LiveRouter
    legs: AgentLegs
    lines: Lines
    outside: OutsideLegs
    talks: Talks
    customers: Customers
    hang_ups: HangUps
    dialling: "Dialling"
    journal: Path
    ups: asyncio.Queue[None]
    told: list[AnyEvent] = field(default_factory=list)
    decided: list[AnyDecision] = field(default_factory=list)

    async def ring(self) -> str:
        """A contact arrives and anna's phone is rung; returns the ChannelId of her leg."""
        self.live.feed(AgentSignedIn("anna"))
        self.live.feed(ContactArrived(CALLER, "help"))
        (originate,) = await self.asterisk.wait_for("Originate")
        return originate["channelid"]

    def originated(self, channel_id: str, response: str = "Success", reason: int = 4) -> None:
        self.asterisk.send(
            event("OriginateResponse", f"Response: {response}", f"Reason: {reason}", f"Uniqueid: {channel_id}")
        )

    def hung_up(self, channel_id: str, cause: int = 16, tech_cause: int = 0) -> None:
        lines = [f"Uniqueid: {channel_id}", f"Cause: {cause}", *([f"TechCause: {tech_cause}"] if tech_cause else [])]
        self.asterisk.send(event("Hangup", *lines))

    async def resync(self) -> Findings:
        return await resync(
            self.client,
            self.live,
            self.legs,
            self.customers,
            self.talks,
            self.outside,
            self.lines,
            lambda unique, name: None,
        )

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.005)

    @property
    def agent(self) -> str:
        found = self.live.router.agent("anna")
        assert found
        return f"{found.state} {found.shown_reason}".strip()


class Dialling:
    """Every customer is rung."""

    caller_id = "900100200"

    def __init__(self) -> None:
        self.not_dialled: list[str] = []

    def begin(self, contact: str, offer: str, number: str, channel_id: str) -> tuple[str, int]:
        return f"PJSIP/{number}@provider", 20_000

    def failed(self, channel_id: str) -> None:
        self.not_dialled.append(channel_id)


@asynccontextmanager
async def running_bench(directory: Path) -> AsyncIterator[Bench]:
    """Connected, with nothing told yet; the core's invariants are checked at the end."""
    async with FakeAsterisk() as asterisk:
        for action in ("originate", "hangup", "setvar", "bridge", "redirect"):
            asterisk.answers[action] = lambda action: success(action)
        asterisk.answers["status"] = listing
        ups: asyncio.Queue[None] = asyncio.Queue()
        path = directory / "journal-1.jsonl"
        journal = Journal(path, "never")
        clock = EngineClock()
        journal.append(Header(clock.now_ms(), FORMAT, "Test", "c0ffee", 0, policy_hash(POLICY), POLICY))
        live = LiveRouter(Router(POLICY), journal, clock)

        async def on_up() -> None:
            ups.put_nowait(None)

        def on_event(event: Event) -> None:
            silent_phones.on_event(event)
            if not made.outside.on_event(event):
                made.legs.on_event(event)
            made.customers.on_event(event)
            made.hang_ups.on_event(event)

        address = AmiAddress("127.0.0.1", asterisk.port, "switchboard", asterisk.secret)
        limits = AmiLimits(action_s=0.5, first_retry_s=0.05)
        client = AmiClient(address, on_event=on_event, on_up=on_up, on_down=lambda reason: None, limits=limits)
        lines = Lines(lambda contact: CALLER_CHANNEL)
        legs = AgentLegs(
            client,
            live,
            phone_of=lambda agent: f"PJSIP/{agent}",
            caller_id_of=lambda contact: "600100200",
            lines=lines,
            epoch="1",
        )
        outside = OutsideLegs(client, live, legs, lines, epoch="1")
        talks = Talks(client, live, legs, lines, outside)
        dialling = Dialling()
        customers = Customers(
            client, live, legs, lines, dialling=dialling, on_the_phone=lambda contact: False, epoch="1"
        )
        hang_ups = HangUps(client, ours=lambda channel: channel == CALLER or channel.startswith(CHANNEL_PREFIX))
        silent_phones = SilentPhones(live, legs)
        legs.asked_to_go = lambda: hang_ups.pending
        made = Bench(asterisk, client, live, legs, lines, outside, talks, customers, hang_ups, dialling, path, ups)

        def remember(event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
            made.told.append(event)
            made.decided.extend(decisions)

        live.observe(remember)
        live.observe(talks.observe)
        live.observe(outside.observe)
        live.observe(legs.observe)
        live.observe(customers.observe)
        await client.start()
        await asyncio.wait_for(ups.get(), 5)
        yield made
        hang_ups.stop()
        await client.stop()
        live.stop()
        journal.close()
        live.router.check()


def listing(action: Headers, *channels: str) -> str:
    """Asterisk's answer to Status: these channels."""
    begin = success(action, "Channel status will follow", "EventList: start")
    items = [block.replace("ACTION", action["actionid"]) for block in channels]
    return begin + "".join(items) + event("StatusComplete", f"ActionID: {action['actionid']}", "EventList: Complete")


def status(uniqueid: str, channel: str, *lines: str) -> str:
    """One channel for `listing`."""
    return event("Status", "ActionID: ACTION", f"Channel: {channel}", f"Uniqueid: {uniqueid}", *lines)

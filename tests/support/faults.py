"""Calls in every stage of a live centre, a fault in the midst of them, and what is counted when all is over.

`staged` brings nine callers into the stages: one talks, one has just talked (the agent wraps up), for one an agent's
phone rings, three wait and a fourth of them is impatient, two are in the IVR. Then a fault happens, and everybody goes
on as if nothing had. What must be true afterwards, whatever the fault, is one line of counts (`Counts`).
"""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asterisk_conf.phones import Answer, Callers, CallOutcome, Keys, PlannedCall
from router.core.decisions import Connect, ContactFinished, Offer
from router.core.events import ContactArrived
from router.core.router import Router
from router.live.journal import NOTHING, Handled, Header, read
from tests.support.live import MENU, PROMPT, QUEUE, Exchange, LiveCentre, Wire, running_exchange
from tests.support.ports import tcp_port

AGENTS = ("tom", "uma", "vic")
"""In the order of their skill: tom talks, uma wraps up, vic's phone rings."""
TALK_S, RING_S, WRAP_UP_S = 7.0, 5.0, 5.0
IMPATIENT_S = 5.0

_AGENTS = """\
pause_reasons: [break]
agents:
  tom: {skills: {help: 9}}
  uma: {skills: {help: 7}}
  vic: {skills: {help: 5}}
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of everybody. The last five are what a centre is trusted for; all must be as `proper` says."""

    offered: int
    answered: int
    abandoned: int
    cut_off: int
    """Ended by Asterisk's own end, which no engine can prevent."""
    lost: int
    """Neither answered, nor gone by themselves, nor cut off with Asterisk."""
    double_assigned: int
    agents_stuck: int
    overtaken: int
    """Waiting callers whom somebody who came later overtook."""
    journal_diverges: int

    @property
    def proper(self) -> bool:
        return not (self.lost or self.double_assigned or self.agents_stuck or self.overtaken or self.journal_diverges)

    def __str__(self) -> str:
        return (
            f"offered {self.offered}, answered {self.answered}, abandoned {self.abandoned}, cut off {self.cut_off}; "
            f"lost {self.lost}, double assigned {self.double_assigned}, stuck {self.agents_stuck}, "
            f"overtaken {self.overtaken}, journals that diverge {self.journal_diverges}"
        )


@dataclass(slots=True)
class FaultCentre(LiveCentre):
    """A live centre with three agents; its FastAGI and AMI lines go through wires that can be cut."""

    agi_port: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=tcp_port)

    @property
    def api_port(self) -> int:
        """Not beside that of the wire to FastAGI, where any outgoing connection may be."""
        return self.http_port

    async def spawn(self, *arguments: str | Path) -> asyncio.subprocess.Process:
        with patched(self.environment):
            return await super(FaultCentre, self).spawn(*arguments)

    def write(self, changes: dict[str, str] | None = None) -> None:
        super(FaultCentre, self).write({"agents.yaml": _AGENTS} | (changes or {}))
        path = self.directory / "centre" / "centre.yaml"
        text = path.read_text().replace(f"agi_port: {self.exchange.site.agi_port}}}", f"agi_port: {self.agi_port}}}")
        path.write_text(text)


@dataclass(slots=True)
class Scene:
    """A centre with calls in every stage."""

    centre: FaultCentre
    exchange: Exchange
    ami: Wire
    agi: Wire
    phones: dict[str, Any] = field(default_factory=dict)
    calls: list[Callers] = field(default_factory=list)
    expected_errors: list[str] = field(default_factory=list)
    asterisk_died: bool = False
    vanished: list[str] = field(default_factory=list)
    journal_has_gap: bool = False
    slowness: float = 1.0
    """How much longer than usual the talk and the ringing last, in whose time all others come into their stages."""

    async def stage(self) -> None:
        """Brings everybody into the stages."""
        centre = self.centre
        again = [Answer(ring_s=0.1, talk_s=0.3)] * 30
        self.phones["tom"] = await centre.phone("tom", Answer(ring_s=0.1, talk_s=TALK_S * self.slowness), *again)
        await self.call(PlannedCall(QUEUE, hang_up_after_s=15 * self.slowness))  # who hears nobody any more goes
        await centre.until_agent("tom", "busy")
        self.phones["uma"] = await centre.phone("uma", Answer(ring_s=0.1, talk_s=0.3), *again)
        await self.call(PlannedCall(QUEUE))
        await centre.until_agent("uma", "wrap_up")
        self.phones["vic"] = await centre.phone("vic", Answer(ring_s=RING_S * self.slowness, talk_s=0.3), *again)
        await self.call(PlannedCall(QUEUE))
        await centre.until_agent("vic", "ringing")
        await self.call(
            *[PlannedCall(QUEUE, start_s=start_s) for start_s in (0, 0.2, 0.4)],
            PlannedCall(QUEUE, start_s=0.6, hang_up_after_s=IMPATIENT_S),
            PlannedCall(MENU, start_s=0.6, keys=(Keys(1.5, "1"),)),
            PlannedCall(PROMPT, start_s=0.6),
        )
        await centre.until_calls(waiting=5, ivr=2)

    async def call(self, *plans: PlannedCall) -> None:
        self.calls.append(await self.centre.call(*plans))

    async def moment(self, after_s: float) -> None:
        """Lets the calls go on for so long."""
        await asyncio.sleep(after_s)

    async def all_over(self, timeout_s: float = 60) -> list[CallOutcome]:
        """Waits for the end of every call."""
        if not self.asterisk_died:  # which took them along
            for calls in self.calls:
                await asyncio.wait_for(calls.finished(), timeout_s)
        return [outcome for calls in self.calls for outcome in calls.outcomes]

    async def probe(self) -> int:
        """How many ready agents do not get one of as many new calls: those are stuck. One who is paused, as the policy
        says of a phone that did not answer, is made ready first."""
        centre = self.centre
        for name in self.vanished:
            await centre.phone(name, Answer(ring_s=0.1, talk_s=0.3), sign_in=False)
        state = await centre.until(lambda state: all(agent["state"] in _FREE for agent in state["agents"]), 30)
        for agent in state["agents"]:
            if agent["state"] == "paused":
                await centre.ask("ready", agent=agent["name"])
        before = {agent["name"]: agent["handled"] for agent in state["agents"]}
        signed_in = [agent["name"] for agent in state["agents"] if agent["state"] != "offline"]
        probes = await centre.call(*[PlannedCall(QUEUE) for _ in signed_in])
        await asyncio.wait_for(probes.finished(), 40)
        after = await centre.until(lambda state: all(agent["state"] in _FREE for agent in state["agents"]), 30)
        handled = {agent["name"]: agent["handled"] for agent in after["agents"]}
        return sum(handled[name] <= before[name] for name in signed_in)


_FREE = ("ready", "paused", "offline")


class NotStaged(Exception):
    """On a busy machine a talk was over before the others were in their stages: nothing has been tried yet."""


@asynccontextmanager
async def staged(directory: Path, *, slowness: float = 1.0, **centre: Any) -> AsyncIterator[Scene]:
    """Asterisk, the engine and calls in every stage, at the moment at which the fault is to happen; or NotStaged."""
    engine_port = tcp_port()
    async with AsyncExitStack() as stack:
        agi = await stack.enter_async_context(Wire(engine_port))
        running = running_exchange(directory / "asterisk", AGENTS, agi_port=agi.port)
        exchange = await stack.enter_async_context(running)
        ami = await stack.enter_async_context(Wire(exchange.site.ports.ami))
        live = FaultCentre(
            exchange,
            directory,
            ami_port=ami.port,
            agi_port=engine_port,
            ring_s=10 * slowness,
            wrap_up_s=WRAP_UP_S * slowness,
            **centre,
        )
        scene = Scene(await stack.enter_async_context(live), exchange, ami, agi, slowness=slowness)
        await live.start()
        try:
            await scene.stage()
        except AssertionError as error:
            raise NotStaged(str(error)) from error
        yield scene


async def counts(scene: Scene) -> Counts:
    """Waits until all is over and counts. The engine is ended by it."""
    outcomes = await scene.all_over()
    stuck = await scene.probe()
    centre = scene.centre
    await centre.over(expected_errors=scene.expected_errors)
    finished = centre.decisions(ContactFinished)
    by_outcome = Counter(decision.outcome for decision in finished)
    offered = len({event.contact for event in centre.events(ContactArrived)})
    cut_off = sum(not outcome.proper for outcome in outcomes) if scene.asterisk_died else 0
    answered, abandoned = by_outcome["answered"], by_outcome["abandoned"]
    if scene.journal_has_gap:  # what callers and phones know, then
        dialled = [call.number for calls in scene.calls for call in calls.calls]
        offered = sum(number != PROMPT for number in dialled) + len(AGENTS)
        served = sum(
            outcome.ended == "centre" and number != PROMPT for outcome, number in zip(outcomes, dialled, strict=True)
        )
        # An agent who hangs up before the two are joined has answered too, and somebody else is rung for the caller.
        talks = sum(talk.answered_s is not None for phone in scene.phones.values() for talk in phone.outcomes)
        answered = min(served + len(AGENTS), talks)
        abandoned = sum(outcome.ended == "caller" for outcome in outcomes)
    ended_properly = answered + abandoned
    broken = 0 if scene.asterisk_died else sum(not outcome.proper for outcome in outcomes)
    return Counts(
        offered=offered,
        answered=answered,
        abandoned=abandoned,
        cut_off=cut_off,
        lost=offered - ended_properly + broken,
        double_assigned=sum(_double_assigned(path) for path in centre.journals),
        agents_stuck=stuck,
        overtaken=overtaken(centre),
        journal_diverges=0,  # `over` has compared them
    )


def overtaken(centre: LiveCentre) -> int:
    """How many contacts were first offered to an agent after one that had arrived later."""
    arrived = {event.contact: number for number, event in enumerate(centre.events(ContactArrived))}
    first_offers = list(dict.fromkeys(offer.contact for offer in centre.decisions(Offer)))
    numbers = [arrived[contact] for contact in first_offers]
    return sum(any(later > number for later in numbers[:place]) for place, number in enumerate(numbers))


def _double_assigned(journal: Path) -> int:
    """How often a contact was joined while it was joined already; and no event leaves the core out of order."""
    talking: set[str] = set()
    twice = 0
    router: Router | None = None
    for record in read(journal):
        match record:
            case Header(snapshot=snapshot, policy=policy, seed=seed):
                router = Router(policy, seed=seed) if snapshot == NOTHING else Router.restore(bytes(snapshot))
                talking = {contact.id for contact in router.contacts() if contact.state == "connected"}
            case Handled(event=event, decisions=decisions, at_ms=at_ms):
                assert router
                router.handle(event, at_ms)
                router.check()
                for decision in decisions:
                    if isinstance(decision, Connect):
                        twice += decision.contact in talking
                talking = {contact.id for contact in router.contacts() if contact.state == "connected"}
            case _:
                pass
    return twice


def records_file(scene: Scene) -> Path:
    """The database of the centre's records."""
    return scene.centre.engine_directory / "records.db"


@contextlib.contextmanager
def patched(environment: dict[str, str]) -> Iterator[None]:
    """Processes that are started in the block have these variables too."""
    before = os.environ.copy()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

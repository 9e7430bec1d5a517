"""A caller's stays with the engine, against fake AGI and AMI peers: coming again, and what must not go wrong then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivr.agi.performer import Performer
from ivr.agi.server import AgiServer
from ivr.flow.effects import LookUp
from ivr.flow.inputs import Input
from ivr.flow.machine import Machine
from ivr.flow.session import Session
from router.core.events import AgentSignedIn, ContactArrived, ContactEnded, ContactLeft
from switchboard.calls import Calls
from tests.support.bench import CALLER, CALLER_CHANNEL, Bench, running_bench
from tests.support.fake_agi import FakeAsterisk, header_block
from tests.support.flows import OneVersion, flow, library
from tests.support.waiting import silent_room

NODES = """
help: {type: enqueue, queue: QUEUE, answered: after, otherwise: end, error: sorry}
sorry: {type: say, say: number, value: "9", next: end}
after: {type: say, say: number, value: "7", next: end}
end: {type: hangup}
"""


@dataclass
class Desk:
    """Calls, served over FastAGI, on a bench."""

    bench: Bench
    calls: Calls
    flows: OneVersion
    port: int
    in_step: asyncio.Event
    finished: list[Session]
    peers: list[asyncio.Task[list[str]]] = field(default_factory=list)

    async def caller(self, talked: str = "") -> FakeAsterisk:
        arguments = {f"arg_{number}": text for number, text in enumerate((CALLER, "100", talked), start=1)}
        block = header_block(uniqueid=CALLER, channel=CALLER_CHANNEL, **arguments)
        return await FakeAsterisk.connect(self.port, block)


def machine(queue: str = "help", change: tuple[str, str] = ("", ""), name: str = "main") -> Machine:
    nodes = NODES.replace("QUEUE", queue).replace(*change) if change[0] else NODES.replace("QUEUE", queue)
    return Machine(library(flow(nodes, name)))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_bench(tmp_path) as bench, serving(bench) as made:
        yield made


@asynccontextmanager
async def serving(bench: Bench) -> AsyncIterator[Desk]:
    async def look_up(effect: LookUp) -> Input:
        raise AssertionError("no flow here looks anything up")

    in_step = asyncio.Event()
    finished: list[Session] = []
    performer = Performer()
    flows = OneVersion(machine())
    calls = Calls(
        flows=flows,
        live=bench.live,
        legs=bench.legs,
        performer=performer,
        room=silent_room(bench.live, performer),
        look_up=look_up,
        music_class="default",
        in_step=in_step.wait,
        save=lambda contact, session: None,
        on_finished=lambda contact, session, entered_queue: finished.append(session),
    )
    bench.live.observe(calls.observe)
    server = AgiServer("127.0.0.1", 0, {"call": calls.handle})
    await server.start()
    try:
        yield Desk(bench, calls, flows, server.port, in_step, finished)
        assert server.stats["handler_error"] == 0
    finally:
        await server.stop()


async def test_a_queue_that_the_router_refuses_takes_the_error_exit(desk: Desk) -> None:
    desk.flows.machine = machine("nowhere")
    said = await (await desk.caller()).serve()
    assert any(command.startswith('STREAM FILE "digits/9"') for command in said)
    assert said[-1] == 'SET VARIABLE SB_DONE "yes"'
    assert len(desk.calls) == 0


async def test_after_a_talk_the_flow_goes_on_behind_its_queue(desk: Desk) -> None:
    await talked(desk)
    said = await (await desk.caller(talked="yes")).serve()
    assert any(command.startswith('STREAM FILE "digits/7"') for command in said)
    assert len(desk.finished) == 1


async def test_a_caller_who_is_back_before_the_agents_hang_up_is_heard_of_was_left_by_the_agent(desk: Desk) -> None:
    peer = await waiting(desk)
    leg = await connected(desk)
    await taken_away(desk, peer)
    said = await (await desk.caller(talked="yes")).serve()
    desk.bench.hung_up(leg)
    assert any(command.startswith('STREAM FILE "digits/7"') for command in said)
    assert [event.by for event in desk.bench.told if isinstance(event, ContactEnded)] == ["agent"]


async def test_after_a_talk_a_changed_flow_goes_on_behind_its_queue_too(desk: Desk) -> None:
    await talked(desk)
    await taken_over(desk, machine(change=('"7"', '"8"')))
    said = await (await desk.caller(talked="yes")).serve()
    assert any(command.startswith('STREAM FILE "digits/8"') for command in said)
    assert sum(isinstance(event, ContactArrived) for event in desk.bench.told) == 1


async def test_a_caller_whose_flow_is_no_more_begins_anew(desk: Desk) -> None:
    await talked(desk)
    desk.flows.flow = "other"
    await taken_over(desk, machine("nowhere", name="other"))
    said = await (await desk.caller()).serve()
    assert any(command.startswith('STREAM FILE "digits/9"') for command in said)


async def test_a_caller_back_from_a_talk_waits_until_the_engine_is_in_step(desk: Desk) -> None:
    """After a restart the journal says `connected`, and nobody knows yet whether the two still talk."""
    peer = await waiting(desk)
    await connected(desk)
    await taken_away(desk, peer)
    for offer in desk.bench.legs.offers():
        desk.bench.legs.forget(offer)  # as after a restart
    serving_caller = asyncio.create_task((await desk.caller(talked="yes")).serve())
    await asyncio.sleep(0.2)
    assert not serving_caller.done()
    desk.bench.live.feed(ContactLeft(CALLER))  # what the resync finds
    desk.in_step.set()
    assert any(command.startswith('STREAM FILE "digits/7"') for command in await serving_caller)


async def test_who_waits_a_second_time_is_no_longer_taken_for_served(desk: Desk) -> None:
    desk.flows.machine = machine(change=("answered: after", "answered: help"))
    await talked(desk)
    peer = await desk.caller(talked="yes")
    again = asyncio.create_task(peer.serve())
    await desk.bench.until(lambda: desk.bench.live.router.contact(CALLER))
    assert 'SET VARIABLE SB_TALKED "no"' in peer.commands
    peer.close()
    await asyncio.wait({again})
    desk.calls.caller_gone(CALLER)
    assert len(desk.calls) == 0


async def test_a_broken_line_is_not_a_caller_who_is_gone(desk: Desk) -> None:
    peer = await waiting(desk)
    (came,) = desk.bench.live.router.contacts()
    peer.close()
    await asyncio.wait({desk.peers[0]})
    await waiting(desk)  # the dialplan comes again
    assert desk.bench.live.router.contacts() == (came,)
    desk.calls.caller_gone(CALLER)
    assert desk.bench.live.router.contacts() == ()


async def test_a_hangup_in_fastagi_while_the_two_are_joined_leaves_the_judgement_to_ami(desk: Desk) -> None:
    peer = await waiting(desk)
    await connected(desk)
    await taken_away(desk, peer)
    assert CALLER in desk.calls  # it was our own Bridge
    desk.calls.caller_gone(CALLER)
    assert len(desk.calls) == 0


async def test_a_caller_who_goes_in_the_instant_in_which_the_talk_is_over(desk: Desk) -> None:
    peer = await waiting(desk)
    await connected(desk)
    desk.bench.live.feed(ContactEnded(CALLER))  # the flow is to go on, and
    desk.calls.caller_gone(CALLER)  # before it does, AMI tells of the hang-up
    await asyncio.wait({desk.peers[0]})
    assert len(desk.calls) == 0
    assert peer.commands[-1] != 'SET VARIABLE SB_DONE "yes"'


async def test_a_caller_who_waits_while_the_talk_is_found_to_be_over_is_not_forgotten(desk: Desk) -> None:
    """The AMI line was cut in the instant of the Bridge: the caller is with us again before the resync has judged."""
    peer = await waiting(desk)
    await connected(desk)
    desk.bench.live.feed(ContactEnded(CALLER))  # what the resync finds
    said = await desk.peers[0]
    assert any(command.startswith('STREAM FILE "digits/7"') for command in said)
    assert peer.commands[-1] == 'SET VARIABLE SB_DONE "yes"'
    assert len(desk.calls) == 0


async def waiting(desk: Desk) -> FakeAsterisk:
    """A caller in the queue, whose peer goes on answering."""
    peer = await desk.caller()
    desk.peers.append(asyncio.create_task(peer.serve()))
    await desk.bench.until(lambda: desk.bench.live.router.contact(CALLER))
    return peer


async def taken_over(desk: Desk, flows: Machine) -> None:
    """As by an engine that starts with other flows: the session comes from the journal."""
    session = desk.calls.session(CALLER)
    assert session
    desk.flows.machine = flows
    desk.calls.recover(CALLER, Session.from_json(session.to_json()))


async def connected(desk: Desk) -> str:
    """The caller is joined with anna; returns the ChannelId of her leg."""
    desk.bench.live.feed(AgentSignedIn("anna"))
    (originate,) = await desk.bench.asterisk.wait_for("Originate")
    desk.bench.originated(originate["channelid"])
    await desk.bench.until(lambda: desk.bench.legs.talked(CALLER))
    return originate["channelid"]


async def taken_away(desk: Desk, peer: FakeAsterisk) -> None:
    """What FastAGI sees of a Bridge."""
    peer.send(b"HANGUP\n")
    with suppress(ConnectionResetError):  # the engine closes with a reset where it has not read all
        await asyncio.wait_for(desk.peers[-1], timeout=5)


async def talked(desk: Desk) -> None:
    """A whole talk, which anna ends."""
    peer = await waiting(desk)
    leg = await connected(desk)
    await taken_away(desk, peer)
    desk.bench.hung_up(leg)
    await desk.bench.until(lambda: desk.bench.live.router.contact(CALLER) is None)


ASIDE = 'aside: {type: menu, say: [stay], choices: {"1": end}, no_input: {to: end}, no_match: {to: end}}'
WAY_OUT = 'otherwise: end, error: sorry, keys: {"1": {to: aside, keeps_place: true}}}\n' + ASIDE


async def test_who_talked_out_of_a_menu_is_served_also_if_the_news_of_the_end_comes_in_the_midst(desk: Desk) -> None:
    """The caller is back before the agent's hang-up is heard of, and it is heard of while Asterisk is asked."""
    desk.flows.machine = machine(change=("otherwise: end, error: sorry}", WAY_OUT))
    peer = await desk.caller()
    answers = {"WAIT": "200 result=49", "GET VARIABLE SB_PRESSED": "200 result=1 (1)", "EXEC Read": ""}
    desk.peers.append(asyncio.create_task(peer.serve(answers)))
    await desk.bench.until(lambda: any(command.startswith("EXEC Read") for command in peer.commands))
    leg = await connected(desk)
    await taken_away(desk, peer)
    back = await desk.caller(talked="yes")
    assert await back.command() == "CHANNEL STATUS"
    desk.bench.hung_up(leg)
    await desk.bench.until(lambda: desk.bench.live.router.contact(CALLER) is None)
    back.reply("200 result=6")
    said = await back.serve()
    assert any(command.startswith('STREAM FILE "digits/7"') for command in said)
    assert not any(command.startswith("EXEC Read") for command in said)

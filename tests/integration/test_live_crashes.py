"""The engine dies, stops and comes back, and so do Asterisk and the line between them: nobody is dropped or stuck."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.phones import Answer, PlannedCall
from router.core.decisions import ContactFinished
from router.core.events import ContactArrived, ContactEnded
from tests.support.live import COLLECT, PROMPT, QUEUE, Exchange, LiveCentre, Wire, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-crashes"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


def outcomes(centre: LiveCentre) -> list[str]:
    return [decision.outcome for decision in centre.decisions(ContactFinished)]


async def test_kill_with_callers_in_the_ivr_waiting_ringing_and_talking(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path, ring_s=12) as centre:
        await centre.start()
        await centre.phone("anna", Answer(ring_s=0.1), *[Answer(ring_s=0.1, talk_s=0.3)] * 3)
        calls = [await centre.call(PlannedCall(QUEUE))]
        await centre.until_calls(talking=1)
        await centre.phone("ben", Answer(ring_s=None))
        calls.append(await centre.call(PlannedCall(QUEUE)))
        await centre.until_agent("ben", "ringing")
        calls += [await centre.call(PlannedCall(QUEUE)) for _ in range(2)]
        calls.append(await centre.call(PlannedCall(PROMPT)))
        await centre.until_calls(talking=1, waiting=3, ivr=1)
        before = await waiting_since(centre)

        await centre.kill()
        await centre.start()

        after = await centre.until_calls(talking=1, waiting=3, ivr=1)
        assert await waiting_since(centre) == before
        assert [agent["state"] for agent in after["agents"]] == ["busy", "ringing"]
        # The new engine ends the offer at its deadline, 12 s after it was made.
        await centre.until_agent("ben", "paused", "no answer", timeout_s=20)
        await exchange.hang_up("anna")  # the talk, which had gone on
        outcomes = [(await asyncio.wait_for(call.finished(), 40))[0] for call in calls]
        assert {outcome.ended for outcome in outcomes} == {"centre"}
        arrived = [event.contact for event in centre.events(ContactArrived)]
        finished = centre.decisions(ContactFinished)
        assert [decision.contact for decision in finished] == arrived  # in the order in which they came, each once
        assert {decision.outcome for decision in finished} == {"answered"}
        assert centre.notes()[-1].count("1 talks kept") == 1
        await centre.over()


async def waiting_since(centre: LiveCentre) -> int:
    """When the caller who has waited longest came, in ms."""
    state = await centre.ask("state")
    since: int = state["now_ms"] - state["queues"][0]["longest_wait_ms"]
    return since


async def test_a_talk_that_ends_while_the_engine_starts_goes_on_in_its_flow(exchange: Exchange, tmp_path: Path) -> None:
    """The caller is back in FastAGI before the new engine knows from Asterisk what became of the talk."""
    async with Wire(exchange.site.ports.ami) as wire, LiveCentre(exchange, tmp_path, ami_port=wire.port) as centre:
        await centre.start()
        await centre.phone("anna", Answer(ring_s=0.1))
        callers = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(talking=1)
        wire.cut()
        await centre.kill()
        await centre.start(ready=False)
        await exchange.hang_up("anna")
        async with asyncio.timeout(10):
            while [*(await exchange.channels()).values()] != ["AGI"]:
                await asyncio.sleep(0.05)
        assert (await centre.ask("state"))["calls"]["talking"] == 1
        wire.mend()
        assert (await asyncio.wait_for(callers.finished(), 20))[0].ended == "centre"
        await centre.until_agent("anna", "ready")
        assert outcomes(centre) == ["answered"]
        assert len(centre.events(ContactArrived)) == 1
        assert any('"node":"after"' in path.read_text() for path in centre.journals)
        await centre.over()


async def test_who_hangs_up_while_no_engine_is_there_is_missed_nowhere(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        await centre.start()
        await centre.phone("anna", Answer(ring_s=0.1))
        calls = [await centre.call(PlannedCall(QUEUE))]
        await centre.until_calls(talking=1)
        calls.append(await centre.call(PlannedCall(QUEUE), PlannedCall(PROMPT)))
        await centre.until_calls(talking=1, waiting=1, ivr=1)
        await centre.kill()
        await exchange.hang_up("callers")
        for call in calls:
            await call.finished()
        await centre.start()
        await centre.until_agent("anna", "ready")
        assert sorted(outcomes(centre)) == ["abandoned", "answered"]
        await centre.over()


async def test_sigterm_ends_in_time_and_the_next_engine_takes_everybody_over(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        await centre.start()
        await centre.phone("anna", Answer(ring_s=0.1), Answer(ring_s=0.1, talk_s=0.3))
        talking = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(talking=1)
        waiting = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(waiting=1, talking=1)
        before = await waiting_since(centre)
        began = asyncio.get_running_loop().time()
        assert await centre.terminate() == 0
        assert asyncio.get_running_loop().time() - began < 5
        async with asyncio.timeout(5):
            while "MusicOnHold" not in (channels := await exchange.channels()).values():
                await asyncio.sleep(0.05)
        assert len(channels) == 3  # the talk goes on
        await centre.start()
        await centre.until_calls(waiting=1, talking=1)
        assert await waiting_since(centre) == before
        await exchange.hang_up("anna")
        assert (await asyncio.wait_for(talking.finished(), 20))[0].ended == "centre"
        assert (await asyncio.wait_for(waiting.finished(), 30))[0].ended == "centre"
        assert outcomes(centre) == ["answered", "answered"]
        await centre.over()


async def test_the_line_to_the_manager_is_cut_and_comes_back(exchange: Exchange, tmp_path: Path) -> None:
    async with Wire(exchange.site.ports.ami) as wire, LiveCentre(exchange, tmp_path, ami_port=wire.port) as centre:
        await centre.start()
        await centre.phone("anna", Answer(ring_s=0.1), Answer(ring_s=0.1, talk_s=0.3))
        talking = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(talking=1)
        await exchange.until_bridged()  # the core says so a moment before
        wire.cut()
        await centre.until(lambda state: not state["ready"])
        waiting = await centre.call(PlannedCall(QUEUE))
        await exchange.hang_up("anna")  # of which the engine hears nothing
        assert (await asyncio.wait_for(talking.finished(), 20))[0].ended == "centre"
        await centre.until_calls(waiting=1)
        wire.mend()
        await centre.until(lambda state: state["ready"], timeout_s=20)
        assert (await asyncio.wait_for(waiting.finished(), 20))[0].ended == "centre"
        assert outcomes(centre) == ["answered", "answered"]
        await centre.over()


async def test_a_manager_that_falls_silent_is_found_out(exchange: Exchange, tmp_path: Path) -> None:
    async with Wire(exchange.site.ports.ami) as wire, LiveCentre(exchange, tmp_path, ami_port=wire.port) as centre:
        await centre.start()
        wire.mute()
        await centre.until(lambda state: not state["ready"], timeout_s=15)
        wire.mend()
        await centre.until(lambda state: state["ready"], timeout_s=15)
        await centre.over()


async def test_asterisk_is_restarted_in_the_middle_of_everything(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path, ring_s=20) as centre:
        await centre.start()
        anna = await centre.phone("anna", Answer(ring_s=0.1))
        talking = await centre.call(PlannedCall(QUEUE))
        await centre.until_calls(talking=1)
        ben = await centre.phone("ben", Answer(ring_s=None))
        others = await centre.call(PlannedCall(QUEUE), PlannedCall(QUEUE), PlannedCall(PROMPT))
        await centre.until_calls(talking=1, waiting=2, ivr=1)
        exchange.asterisk.kill()
        for phone in (anna, ben, talking, others):
            phone.kill()  # they would wait for answers to their BYE
        await exchange.asterisk.restart()
        await centre.until(lambda state: state["ready"] and not sum(list(state["calls"].values())[:3]), timeout_s=30)
        await centre.until_agent("anna", "ready")
        assert sorted(outcomes(centre)) == ["abandoned", "abandoned", "answered"]
        ended = len(centre.events(ContactEnded))
        assert ended <= 2
        await centre.over()


async def test_a_second_engine_on_the_directory_is_refused_by_name(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        await centre.start()
        second = await centre.spawn("run", centre.directory / "centre")
        assert await second.wait() == 3
        assert "another engine is at work here (process " in centre.log.read_text()
        await centre.over()


async def test_a_fastagi_port_in_use_is_told(exchange: Exchange, tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", exchange.site.agi_port)
    async with server, LiveCentre(exchange, tmp_path) as centre:
        process = await centre.spawn("run", centre.directory / "centre")
        assert await process.wait() == 3
        assert f"127.0.0.1:{exchange.site.agi_port}: cannot listen for FastAGI" in centre.log.read_text()


async def test_a_wrong_manager_password_backs_off_and_says_why(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        centre.write({"ami-secret": "wrong"})
        await centre.start(ready=False)
        async with asyncio.timeout(10):
            while centre.log.read_text().count("refused user 'switchboard'") < 3:
                await asyncio.sleep(0.05)
        assert not (await centre.ask("state"))["ready"]
        await asyncio.sleep(1)
        assert centre.log.read_text().count("refused user 'switchboard'") <= 4  # 0.5, 1, 2 ... seconds apart
        assert await centre.terminate() == 0


async def test_an_engine_killed_at_its_start_loses_no_session(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        await centre.start()
        callers = await centre.call(PlannedCall(QUEUE), PlannedCall(COLLECT, hang_up_after_s=30))
        await centre.until_calls(waiting=1)
        for delay_s in (0.9, 1.2, 1.4):
            await centre.kill()
            centre._engine = await centre.spawn("run", centre.directory / "centre")
            await asyncio.sleep(delay_s)
        await centre.kill()
        await centre.start()
        await centre.phone("anna", Answer(ring_s=0.1, talk_s=0.2))
        await asyncio.wait_for(callers.finished(), 40)
        assert len(centre.events(ContactArrived)) == 1
        assert outcomes(centre) == ["answered"]
        await centre.over()


async def test_a_signal_during_the_start_ends_it_and_harms_nothing(exchange: Exchange, tmp_path: Path) -> None:
    async with LiveCentre(exchange, tmp_path) as centre:
        for stop in (signal.SIGINT, signal.SIGTERM):
            for delay_s in (0.2, 1.2):
                process = await centre.spawn("run", centre.directory / "centre")
                await asyncio.sleep(delay_s)
                process.send_signal(stop)
                await asyncio.wait_for(process.wait(), 5)
        centre.log.unlink()  # Python tells of an interrupted import
        await centre.start()
        await centre.over()

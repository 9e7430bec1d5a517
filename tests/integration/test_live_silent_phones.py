"""Agents' phones that die in a talk, on a real Asterisk, by what callers and agents hear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from asterisk_conf.phones import PlannedCall
from router.core.decisions import ContactFinished
from router.core.events import ContactArrived
from tests.support.asterisk import AGENTS_HOST, CALLERS_HOST
from tests.support.ears import SILENCE, Ear, amplitude
from tests.support.live import QUEUE, Exchange, LiveCentre, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-silent-phones"),
    pytest.mark.asyncio(loop_scope="module"),
]
CALLER, ANNA, BEN = 700.0, 1_100.0, 1_600.0
SILENT_S, PATIENCE_S = 2, 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk"), silent_phone_s=SILENT_S) as running:
        yield running


async def hears(ear: Ear, frequency: float) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while amplitude(await ear.listen(0.2), frequency) < SILENCE * 4:
            pass


@pytest.mark.parametrize("on_hold", [False, True])
async def test_the_caller_goes_to_the_next_agent_and_the_dead_phone_rings_no_more(
    exchange: Exchange, tmp_path: Path, on_hold: bool
) -> None:
    async with AsyncExitStack() as stack:
        centre = await stack.enter_async_context(LiveCentre(exchange, tmp_path))
        await centre.start()
        caller = await stack.enter_async_context(Ear("600111111", CALLER, CALLERS_HOST))
        anna = await stack.enter_async_context(Ear("anna", ANNA, AGENTS_HOST, exchange.lines["anna"]))
        ben = await stack.enter_async_context(Ear("ben", BEN, AGENTS_HOST, exchange.lines["ben"]))
        await centre.ask("sign_in", agent="anna")
        await caller.call(QUEUE, exchange.sip)
        await hears(caller, ANNA)
        stranger = await centre.call(PlannedCall(QUEUE, hang_up_after_s=30))
        await anna.listen(SILENT_S + 1.0)  # a talk is no silence
        if on_hold:
            await centre.ask("hold", agent="anna")
        anna.vanish()
        await centre.until_calls(waiting=2)
        await centre.ask("sign_in", agent="ben")
        await hears(caller, BEN)
        await hears(ben, CALLER)
        await centre.until_agent("anna", "paused")
        first = centre.events(ContactArrived)[0].contact
        ends = centre.decisions(ContactFinished)
        assert [(end.contact, end.agent, end.transferred_to) for end in ends] == [(first, "anna", "help")]
        await centre.exchange.hang_up("callers")
        await asyncio.wait_for(stranger.finished(), PATIENCE_S)
        await centre.over()


async def test_without_anybody_else_the_caller_waits_until_the_agent_is_back(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        centre = await stack.enter_async_context(LiveCentre(exchange, tmp_path))
        await centre.start()
        caller = await stack.enter_async_context(Ear("600111111", CALLER, CALLERS_HOST))
        line = exchange.lines["anna"]
        anna = await stack.enter_async_context(Ear("anna", ANNA, AGENTS_HOST, line))
        await centre.ask("sign_in", agent="anna")
        await caller.call(QUEUE, exchange.sip)
        await hears(caller, ANNA)
        anna.vanish()
        await centre.until_calls(waiting=1)
        await centre.until_agent("anna", "paused")
        again = await stack.enter_async_context(Ear("anna", BEN, AGENTS_HOST, line))
        await centre.ask("ready", agent="anna")
        await hears(caller, BEN)
        again.hang_up()
        await asyncio.wait_for(caller.idle.wait(), PATIENCE_S)
        await centre.over()

"""What an agent hears before the talk, on a real Asterisk: the caller hears none of it, and the offer waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from router.core.decisions import ContactFinished, OfferEnded
from router.live.journal import Fact, read
from switchboard import facts
from tests.support.asterisk import AGENTS_HOST, CALLERS_HOST
from tests.support.ears import Ear, amplitude
from tests.support.live import QUEUE, Exchange, LiveCentre, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-supervision"),
    pytest.mark.asyncio(loop_scope="module"),
]

CALLER, ANNA = 440.0, 700.0
HEARD = 2_500.0
"""A tone has an amplitude of 6000; voices and music have a little at every frequency."""
AGENTS = "agents: {anna: {skills: {help: 9}}}\n"


def queues(whisper: str, ring_s: int) -> str:
    return f"""\
queues:
  help:
    goal: {{answered_within_s: 20, share: 0.8}}
    skills: {{help: 1}}
    steps: [{{name: all}}]
    longest_wait_s: 60
    last_action: {{exit: nobody}}
    ring_s: {ring_s}
    whisper: {whisper}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@asynccontextmanager
async def waiting(
    exchange: Exchange,
    directory: Path,
    whisper: str = "{say: [queue, wait], queue: long, accept: key}",
    ring_s: int = 60,
) -> AsyncIterator[tuple[LiveCentre, Ear, Ear]]:
    """A caller waits and anna has answered her phone."""
    async with AsyncExitStack() as stack:
        centre = await stack.enter_async_context(LiveCentre(exchange, directory))
        centre.write({"agents.yaml": AGENTS, "queues.yaml": queues(whisper, ring_s)})
        await centre.start()
        anna = await stack.enter_async_context(Ear("anna", ANNA, AGENTS_HOST, exchange.lines["anna"]))
        caller = await stack.enter_async_context(Ear("caller", CALLER, CALLERS_HOST))
        await centre.ask("sign_in", agent="anna")
        await caller.call(QUEUE, exchange.sip)
        await asyncio.wait_for(anna.in_call.wait(), 10)
        yield centre, caller, anna


async def until_they_talk(caller: Ear, anna: Ear) -> None:
    async with asyncio.timeout(10):
        while amplitude(await caller.listen(0.2), ANNA) < HEARD or amplitude(await anna.listen(0.2), CALLER) < HEARD:
            pass


async def heard_a_voice(ear: Ear) -> None:
    """Waits until the ear has heard something."""
    async with asyncio.timeout(10):
        while np.abs(await ear.listen(0.1)).max() < 1_000:
            pass


def whispered(centre: LiveCentre) -> list[dict[str, Any]]:
    records = [record for path in centre.journals for record in read(path)]
    return [record.data for record in records if isinstance(record, Fact) and record.kind == facts.WHISPERED]


async def test_the_agent_hears_the_whisper_and_the_caller_only_music_until_the_key(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with waiting(exchange, tmp_path) as (centre, caller, anna):
        await heard_a_voice(anna)
        await centre.until_agent("anna", "ringing")
        at_the_caller, at_anna = await asyncio.gather(caller.listen(0.5), anna.listen(0.5))
        assert amplitude(at_the_caller, ANNA) < HEARD
        assert amplitude(at_anna, CALLER) < HEARD
        anna.press("1")
        await centre.until_agent("anna", "busy")
        await until_they_talk(caller, anna)
        caller.hang_up()
        await centre.over()
        assert whispered(centre) == [{"queue": "help", "answer": "accepted"}]
        assert [decision.outcome for decision in centre.decisions(ContactFinished)] == ["answered"]


async def test_without_a_key_the_talk_begins_when_all_is_said(exchange: Exchange, tmp_path: Path) -> None:
    async with waiting(exchange, tmp_path, "{say: [wait]}") as (centre, caller, anna):
        await heard_a_voice(anna)
        await until_they_talk(caller, anna)
        caller.hang_up()
        await centre.over()
        assert whispered(centre) == [{"queue": "help", "answer": "accepted"}]


@pytest.mark.parametrize(
    ("deed", "cause", "answer"), [("2", "declined", "declined"), ("BYE", "declined", "none"), ("", "no_answer", "none")]
)
async def test_who_declines_hangs_up_or_does_nothing_has_not_taken_the_offer(
    exchange: Exchange, tmp_path: Path, deed: str, cause: str, answer: str
) -> None:
    async with waiting(exchange, tmp_path, ring_s=60 if deed else 6) as (centre, caller, anna):
        await heard_a_voice(anna)
        if deed == "BYE":
            anna.hang_up()
        else:
            anna.press(deed)
        await centre.until(lambda state: centre.decisions(OfferEnded), timeout_s=15)
        await centre.ask("sign_out", agent="anna")
        assert centre.decisions(OfferEnded)[0].cause == cause
        await centre.until_calls(waiting=1, talking=0)
        caller.hang_up()
        await centre.over()
        assert whispered(centre)[0]["answer"] == answer


async def test_a_crash_during_the_whisper_begins_it_anew_and_nobody_is_lost(exchange: Exchange, tmp_path: Path) -> None:
    async with waiting(exchange, tmp_path) as (centre, caller, anna):
        await heard_a_voice(anna)
        await centre.kill()
        await centre.start()
        await heard_a_voice(anna)
        anna.press("1")
        await until_they_talk(caller, anna)
        caller.hang_up()
        await centre.over()
        assert centre.decisions(OfferEnded) == []

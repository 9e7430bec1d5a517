"""Supervisors on a real Asterisk: who hears whom, measured at each ear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from router.live.journal import Fact, read
from switchboard import facts
from switchboard.operations import OperationRefused
from tests.support.asterisk import AGENTS_HOST, CALLERS_HOST
from tests.support.ears import SILENCE, Ear, amplitude
from tests.support.live import QUEUE, Exchange, LiveCentre, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-supervision"),
    pytest.mark.asyncio(loop_scope="module"),
]

TONES = {"caller": 440.0, "anna": 700.0, "ben": 1_150.0}
"""None is a multiple of another, nor a sum or difference of two."""
HEARD = 1_000.0
"""A tone is sent with an amplitude of 6000; mixed with another one it is still far above this."""
AGENTS = """\
agents:
  anna: {skills: {help: 9}}
  ben: {skills: {help: 5}, supervisor: true}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def centre(exchange: Exchange, tmp_path: Path) -> AsyncIterator[LiveCentre]:
    async with LiveCentre(exchange, tmp_path) as made:
        made.write({"agents.yaml": AGENTS})
        await made.start()
        yield made


@dataclass(slots=True)
class Party:
    """A caller who talks with anna, and ben's phone, each with a tone of its own."""

    caller: Ear
    anna: Ear
    ben: Ear

    async def hears(self, seconds: float = 0.6) -> dict[str, set[str]]:
        """Whose tones are at each ear that is in a call."""
        ears = {ear.name: ear for ear in (self.caller, self.anna, self.ben) if ear.in_call.is_set()}
        sounds = await asyncio.gather(*(ear.listen(seconds) for ear in ears.values()))
        found: dict[str, set[str]] = {}
        for name, sound in zip(ears, sounds, strict=True):
            levels = {other: amplitude(sound, tone) for other, tone in TONES.items()}
            unclear = {other: level for other, level in levels.items() if SILENCE <= level < HEARD}
            assert not unclear, f"at the ear of {name}: {levels}"
            found[name] = {other for other, level in levels.items() if level >= HEARD}
        return found

    async def until_hears(self, **expected: set[str]) -> None:
        """Waits until exactly this is heard (modes change within some packets), and then measures once more."""
        last: object = None
        async with asyncio.timeout(10):
            while last != expected:
                try:
                    last = await self.hears(0.2)
                except AssertionError as error:  # a change in the middle of what was measured
                    last = error
        assert await self.hears() == expected


@asynccontextmanager
async def talk(centre: LiveCentre) -> AsyncIterator[Party]:
    """The caller and anna talk; ben's phone is at rest."""
    lines = centre.exchange.lines
    async with AsyncExitStack() as stack:
        anna = await stack.enter_async_context(Ear("anna", TONES["anna"], AGENTS_HOST, lines["anna"]))
        ben = await stack.enter_async_context(Ear("ben", TONES["ben"], AGENTS_HOST, lines["ben"]))
        caller = await stack.enter_async_context(Ear("caller", TONES["caller"], CALLERS_HOST))
        await centre.ask("sign_in", agent="anna")
        await caller.call(QUEUE, centre.exchange.sip)
        await centre.until_calls(talking=1)
        party = Party(caller, anna, ben)
        await party.until_hears(caller={"anna"}, anna={"caller"})
        yield party


def supervision(centre: LiveCentre) -> list[tuple[str, str]]:
    """What is on record: (what, mode)."""
    records = [record for path in centre.journals for record in read(path)]
    found: list[dict[str, Any]] = [
        record.data for record in records if isinstance(record, Fact) and record.kind == facts.SUPERVISION
    ]
    assert all(data["supervisor"] == "ben" for data in found)
    return [(data["what"], data["mode"]) for data in found]


async def test_listen_whisper_and_barge_by_keys_and_by_command_are_heard_by_exactly_those_who_should(
    centre: LiveCentre,
) -> None:
    async with talk(centre) as party:
        await centre.ask("monitor", agent="anna", supervisor="ben", mode="listen")
        await asyncio.wait_for(party.ben.in_call.wait(), 10)
        listening = {"ben": {"caller", "anna"}, "caller": {"anna"}, "anna": {"caller"}}
        whispering = {**listening, "anna": {"caller", "ben"}}
        barging = {**whispering, "caller": {"anna", "ben"}}
        await party.until_hears(**listening)
        party.ben.press("5")
        await party.until_hears(**whispering)
        party.ben.press("6")
        await party.until_hears(**barging)
        await centre.ask("change_monitor", supervisor="ben", mode="whisper")
        await party.until_hears(**whispering)
        party.ben.press("4")
        await party.until_hears(**listening)

        party.caller.hang_up()
        await asyncio.wait_for(party.ben.idle.wait(), 10)
        await centre.until(lambda state: ("ended", "listen") in supervision(centre))
    assert supervision(centre) == [
        ("started", "listen"),
        ("changed", "whisper"),
        ("changed", "barge"),
        ("changed", "whisper"),
        ("changed", "listen"),
        ("ended", "listen"),
    ]
    await centre.over()


async def test_the_supervisor_stops_by_hanging_up_or_by_command_and_the_talk_goes_on(centre: LiveCentre) -> None:
    async with talk(centre) as party:
        for stop in ("phone", "star", "command"):
            await centre.ask("monitor", agent="anna", supervisor="ben", mode="barge")
            everybody = {"ben": {"caller", "anna"}, "caller": {"anna", "ben"}, "anna": {"caller", "ben"}}
            await party.until_hears(**everybody)
            if stop == "phone":
                party.ben.hang_up()
            elif stop == "star":
                party.ben.press("*")
            else:
                await centre.ask("stop_monitor", supervisor="ben")
            await asyncio.wait_for(party.ben.idle.wait(), 10)
            await centre.until(lambda state: supervision(centre)[-1] == ("ended", "barge"))
            await party.until_hears(caller={"anna"}, anna={"caller"})
        party.caller.hang_up()
    await centre.over()


async def test_a_restarted_engine_ends_the_monitoring_that_it_knows_nothing_of(centre: LiveCentre) -> None:
    async with talk(centre) as party:
        await centre.ask("monitor", agent="anna", supervisor="ben", mode="whisper")
        await party.until_hears(ben={"caller", "anna"}, caller={"anna"}, anna={"caller", "ben"})
        await centre.kill()
        await centre.start()
        await asyncio.wait_for(party.ben.idle.wait(), 10)
        await party.until_hears(caller={"anna"}, anna={"caller"})
        party.caller.hang_up()
    await centre.over()


async def test_monitoring_is_refused_with_the_reason(centre: LiveCentre) -> None:
    for arguments, said in [
        ({"agent": "anna", "supervisor": "ben"}, "not in a talk"),
        ({"agent": "ben", "supervisor": "ben"}, "themselves"),
        ({"agent": "ben", "supervisor": "anna"}, "not a supervisor"),
        ({"agent": "zoe", "supervisor": "ben"}, "no agent"),
    ]:
        with pytest.raises(OperationRefused, match=said):
            await centre.ask("monitor", mode="listen", **arguments)
    await centre.over()

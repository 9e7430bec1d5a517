"""Recordings on a real Asterisk: what is in the file, what is silent in it, and who is not recorded at all."""

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from router.ami import actions
from router.ami.client import AmiRefused
from router.live.journal import Fact, read
from switchboard import facts
from switchboard.operations import OperationRefused
from switchboard.operations.base import AUDIT
from tests.support.asterisk import AGENTS_HOST, CALLERS_HOST
from tests.support.ears import RATE, SILENCE, Ear, amplitude
from tests.support.live import QUEUE, Exchange, LiveCentre, manager, running_exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-supervision"),
    pytest.mark.asyncio(loop_scope="module"),
]

CALLER, ANNA = 440.0, 700.0
AGENTS = "agents: {anna: {skills: {help: 9}}}\n"
PROMPTS = """\
prompts:
  recorded: {text: {en: This call is recorded.}, sounds: {en: [beep]}}
  mute: {text: {en: No sound says this.}}
"""
FLOW = """\
schema: 2
name: queue
start: pin
on_error: end
nodes:
  pin:
    {type: collect, say: [recorded], into: pin, sensitive: true, max_digits: 4, min_digits: 4, first_digit_s: 4,
     inter_digit_s: 1, next: help, no_input: {retries: 0, to: help}, no_match: {retries: 0, to: help}}
  help: {type: enqueue, queue: help, answered: pin-again, exits: {nobody: end}, otherwise: end}
  pin-again:
    {type: collect, say: [recorded], into: pin, sensitive: true, max_digits: 4, min_digits: 4, first_digit_s: 2,
     inter_digit_s: 1, next: end, no_input: {retries: 0, to: end}, no_match: {retries: 0, to: end}}
  end: {type: hangup}
"""


def queues(recording: str) -> str:
    return f"""\
queues:
  help:
    goal: {{answered_within_s: 20, share: 0.8}}
    skills: {{help: 1}}
    steps: [{{name: all}}]
    longest_wait_s: 60
    last_action: {{exit: nobody}}
    recording: {recording}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@asynccontextmanager
async def centre(
    exchange: Exchange, directory: Path, recording: str = "{announce: recorded}", settings: str = ""
) -> AsyncIterator[LiveCentre]:
    async with LiveCentre(exchange, directory) as made:
        made.write({"agents.yaml": AGENTS, "queues.yaml": queues(recording), "prompts.yaml": PROMPTS})
        for flow in (made.directory / "centre/flows").iterdir():
            flow.unlink()
        (made.directory / "centre/flows/queue.yaml").write_text(FLOW)
        document = made.directory / "centre/centre.yaml"
        text = document.read_text()
        numbers = text[text.index("numbers: ") : text.index("settings:")]
        document.write_text(text.replace(numbers, f'numbers: {{"{QUEUE}": queue}}\n') + settings)
        await made.start()
        yield made


@asynccontextmanager
async def talk(centre: LiveCentre) -> AsyncIterator[tuple[Ear, Ear]]:
    """The caller has pressed a PIN and talks with anna."""
    async with AsyncExitStack() as stack:
        anna = await stack.enter_async_context(Ear("anna", ANNA, AGENTS_HOST, centre.exchange.lines["anna"]))
        caller = await stack.enter_async_context(Ear("caller", CALLER, CALLERS_HOST))
        await centre.ask("sign_in", agent="anna")
        await caller.call(QUEUE, centre.exchange.sip)
        await caller.listen(0.8)
        caller.press("1234")
        await asyncio.wait_for(anna.in_call.wait(), 15)
        await centre.until_calls(talking=1)
        async with asyncio.timeout(10):
            while amplitude(await caller.listen(0.2), ANNA) < SILENCE:
                pass
        yield caller, anna


def noted(centre: LiveCentre, kind: str) -> list[dict[str, Any]]:
    records = [record for path in centre.journals for record in read(path)]
    return [record.data for record in records if isinstance(record, Fact) and record.kind == kind]


def asked_for(centre: LiveCentre) -> list[str]:
    """The operations that are on record."""
    return [data["operation"] for data in noted(centre, AUDIT)]


async def recorded(centre: LiveCentre) -> dict[str, Any]:
    """The fact of the one recording there is, once it is over."""
    await centre.until(lambda state: noted(centre, facts.RECORDING))
    (data,) = noted(centre, facts.RECORDING)
    return data


def sound_of(centre: LiveCentre, data: dict[str, Any]) -> NDArray[np.float64]:
    with wave.open(str(centre.engine_directory / "recordings" / data["file"])) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, 2, 1)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


def loud(sound: NDArray[np.float64]) -> list[bool]:
    """For each tenth of a second whether there is anything but silence in it."""
    tenths = len(sound) // 800
    return [bool(np.abs(sound[i * 800 : (i + 1) * 800]).max() > 0) for i in range(tenths)]


async def test_the_talk_is_in_the_recording_both_voices_nothing_else_and_a_pause_is_silent(
    exchange: Exchange, tmp_path: Path
) -> None:
    async with centre(exchange, tmp_path) as made:
        async with talk(made) as (caller, anna):
            await caller.listen(1.0)
            anna.press("*7")
            await made.until(lambda state: "pause_recording" in asked_for(made))
            await caller.listen(1.5)
            heard = await asyncio.gather(caller.listen(0.5), anna.listen(0.5))
            assert amplitude(heard[0], ANNA) > 1_000  # the pause is of the recording, not of the talk
            assert amplitude(heard[1], CALLER) > 1_000
            anna.press("*8")
            await made.until(lambda state: "resume_recording" in asked_for(made))
            await caller.listen(1.0)
            anna.hang_up()
            await asyncio.wait_for(caller.idle.wait(), 15)  # after the flow's second PIN, which nobody presses
        data = await recorded(made)
        sound = sound_of(made, data)
        assert data["bytes"] > len(sound)
        ((begin_ms, end_ms),) = data["pauses"]
        assert data["from_ms"] < begin_ms < end_ms < data["to_ms"]
        assert abs(len(sound) / RATE * 1000 - (data["to_ms"] - data["from_ms"])) < 800

        first, last = (begin_ms - data["from_ms"]) / 1000, (end_ms - data["from_ms"]) / 1000
        parts = {"before": sound[: round((first - 0.4) * RATE)], "after": sound[round((last + 0.4) * RATE) :]}
        for name, part in parts.items():
            assert amplitude(part, CALLER) > 1_000, name
            assert amplitude(part, ANNA) > 1_000, name
        silent = sound[round((first + 0.4) * RATE) : round((last - 0.4) * RATE)]
        assert len(silent) > RATE
        assert not np.abs(silent).any()
        (started,) = noted(made, facts.RECORDING_STARTED)
        assert started["file"] == data["file"]
        assert list((made.engine_directory / "recordings").glob("*/*")) == [
            made.engine_directory / "recordings" / data["file"]
        ]
        await made.over()


async def test_a_pause_outlives_the_engine(exchange: Exchange, tmp_path: Path) -> None:
    async with centre(exchange, tmp_path) as made:
        async with talk(made) as (caller, anna):
            await made.ask("pause_recording", agent="anna")
            await made.kill()
            await made.start()
            await caller.listen(0.5)
            await made.ask("resume_recording", agent="anna")
            await made.ask("pause_recording", agent="anna")
            anna.hang_up()
            await asyncio.wait_for(caller.idle.wait(), 15)
        data = await recorded(made)
        assert len(data["pauses"]) == 2
        assert data["pauses"][1][1] == data["to_ms"]  # the talk ended in it
        sound = sound_of(made, data)
        assert sum(loud(sound)) < len(loud(sound)) / 2
        await made.over()


@pytest.mark.parametrize(
    ("recording", "settings", "reason"),
    [
        ("{share: 0.000001}", "", None),
        ("{announce: mute}", "", "has not heard the announcement"),
        ("{share: 1.0}", "  recordings: {min_free_mb: 99999999}\n", "are free"),
    ],
)
async def test_who_is_not_in_the_share_has_not_been_told_or_meets_a_full_disk_talks_without_a_recording(
    exchange: Exchange, tmp_path: Path, recording: str, settings: str, reason: str | None
) -> None:
    async with centre(exchange, tmp_path, "{announce: recorded}", settings) as made:
        changed = queues(recording)
        made.directory.joinpath("centre/queues.yaml").write_text(changed)
        await made.ask("reload")
        async with talk(made) as (caller, anna):
            with pytest.raises(OperationRefused, match="no talk of anna is being recorded"):
                await made.ask("pause_recording", agent="anna")
            caller.hang_up()
            await asyncio.wait_for(anna.idle.wait(), 10)
        skipped = [data["reason"] for data in noted(made, facts.RECORDING_SKIPPED)]
        assert all(reason is not None and reason in text for text in skipped)
        assert len(skipped) == (reason is not None)
        assert noted(made, facts.RECORDING_STARTED) == []
        assert list((made.engine_directory / "recordings").glob("*/*.wav")) == []
        await made.over(expected_errors=["the announcement 'mute' cannot be heard"])


async def test_the_engine_may_silence_recordings_but_not_begin_them_which_would_run_commands(
    exchange: Exchange,
) -> None:
    """MixMonitor by AMI takes a command to run when it ends, and the class `system`; so legs begin it by themselves."""
    async with manager(exchange) as client:
        with pytest.raises(AmiRefused, match="Permission denied"):
            await client.action("MixMonitor", {"Channel": "PJSIP/x-1", "File": "x.wav", "Command": "true"})
        with pytest.raises(AmiRefused, match="No such channel"):
            await client.action("MixMonitorMute", actions.mix_monitor_mute("PJSIP/x-1", True))

"""The FastAGI server and the performer on a real Asterisk, with callers whose keys are real RTP events."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from asterisk_conf.names import VAR_DONE
from asterisk_conf.phones import Callers, Keys, PlannedCall
from asterisk_conf.private import PrivateAsterisk
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, AgiServer, ChannelHungUp
from ivr.agi.waiting import wait_for_agent
from ivr.flow import inputs
from ivr.flow.effects import Collect, Effect, HangUp, Play, Prompt, Say, SetLanguage
from ivr.flow.inputs import EffectFailed, Played
from tests.support.asterisk import NUMBER, running_asterisk

pytestmark = pytest.mark.asterisk

BEEPS = Prompt("beeps", "", ("beep", "digits/1", "digits/2"))
LONG = Prompt("long", "", ("tt-monkeysintro", "tt-monkeys", "tt-weasels"))
MISSING = Prompt("missing", "", ("no-such-sound",))

Script = Callable[[AgiChannel], Awaitable[Any]]


async def on_calls(directory: Path, script: Script, *calls: PlannedCall) -> tuple[list[Any], AgiServer, str]:
    """Run `script` on each of `calls`. Returns what it gave (or raised) for each, and Asterisk's console log."""
    results: asyncio.Queue[Any] = asyncio.Queue()

    async def handler(channel: AgiChannel) -> None:
        try:
            await channel.send(codec.answer())
            result = await script(channel)
        except Exception as error:
            results.put_nowait(error)
            raise
        results.put_nowait(result)
        if not channel.hung_up.is_set():
            await channel.send(codec.set_variable(VAR_DONE, "yes"))

    server = AgiServer("127.0.0.1", 0, {"call": handler})
    await server.start()
    try:
        async with (
            running_asterisk(directory, agi_port=server.port) as (asterisk, site),
            Callers(directory / "sip", calls, ("127.0.0.1", site.ports.sip)) as callers,
        ):
            async with asyncio.timeout(30):
                found = [await results.get() for _ in calls]
                await callers.finished()
            return found, server, await log_of(asterisk)
    finally:
        await server.stop()


async def log_of(asterisk: PrivateAsterisk) -> str:
    return "".join(path.read_text(errors="replace") for path in (asterisk.directory / "log").glob("*.log"))


def performing(*effects: Effect) -> Script:
    async def script(channel: AgiChannel) -> list[Any]:
        performer = Performer()
        return [await performer.perform(channel, effect) for effect in effects]

    return script


async def test_play_and_say_come_to_their_end(tmp_path: Path) -> None:
    numbers = (Say("digits", "1*"), Say("number", "-1.5"))
    moment = Say("time", "2026-10-02T09:00:00+02:00")
    (results,), server, _ = await on_calls(
        tmp_path,
        performing(Play(numbers), SetLanguage("en-US"), Play((moment,)), Play((MISSING,)), Play((BEEPS, MISSING))),
        PlannedCall(NUMBER),
    )
    assert results[:3] == [Played()] * 3
    assert all(isinstance(result, EffectFailed) for result in results[3:])
    assert not server.stats


async def test_keys_during_many_sounds_are_all_taken(tmp_path: Path) -> None:
    """Twelve keys in two seconds from the first sound on, in four calls at moments of their own."""
    collect = Collect((LONG,), 20, "#", first_digit_ms=3_000, inter_digit_ms=1_500)
    callers = [PlannedCall(NUMBER, keys=(Keys(0.4 + 0.07 * n, "31415926*0AD#"),)) for n in range(4)]
    found, _, _ = await on_calls(tmp_path, performing(collect), *callers)
    assert found == [[inputs.Keys("31415926*0AD", "terminator")]] * 4


async def test_each_way_to_end_is_told(tmp_path: Path) -> None:
    def ask(digits: int, terminators: str) -> Collect:
        return Collect((BEEPS,), digits, terminators, first_digit_ms=1_000, inter_digit_ms=300)

    (results,), _, _ = await on_calls(
        tmp_path,
        performing(ask(2, ""), ask(4, "*#"), ask(4, "#"), Collect((MISSING,), 1, first_digit_ms=700)),
        PlannedCall(NUMBER, keys=(Keys(0.4, "#1"), Keys(1.6, "7*"), Keys(3.2, "55"))),
    )
    assert results == [
        inputs.Keys("#1", "length"),
        inputs.Keys("7", "terminator"),
        inputs.Keys("55", "timeout"),
        inputs.Keys("", "timeout"),
    ]


async def test_sensitive_digits_arrive_and_stay_out_of_asterisks_log(tmp_path: Path) -> None:
    async def script(channel: AgiChannel) -> Any:
        secret = await Performer().perform(channel, Collect((BEEPS,), 6, "#", sensitive=True, inter_digit_ms=1_500))
        return secret

    (result,), _, console = await on_calls(tmp_path, script, PlannedCall(NUMBER, keys=(Keys(0.3, "90817#"),)))
    assert result == inputs.Keys("90817", "terminator")
    assert "90817" not in console


async def test_a_key_ends_a_spoken_number_and_counts(tmp_path: Path) -> None:
    long_number = Say("number", "987654321")
    (results,), _, _ = await on_calls(
        tmp_path,
        performing(Collect((long_number, BEEPS), 3, inter_digit_ms=1_500)),
        PlannedCall(NUMBER, keys=(Keys(0.8, "246"),)),
    )
    assert results == [inputs.Keys("246", "length")]


async def test_a_caller_who_leaves_is_known_at_once_whatever_runs(tmp_path: Path) -> None:
    async def script(channel: AgiChannel) -> float:
        try:
            if channel.headers.caller_number == "1":  # nothing runs
                await channel.unless_hung_up(asyncio.sleep(20))
            elif channel.headers.caller_number == "2":  # an application runs
                await Performer().perform(channel, Play((LONG,)))
            else:
                await Performer().perform(channel, Collect((LONG,), 4))
        except ChannelHungUp:
            return time.monotonic()
        raise AssertionError("the caller was not missed")

    calls = [PlannedCall(NUMBER, caller=str(n), hang_up_after_s=1.0) for n in (1, 2, 3)]
    began = time.monotonic()
    found, server, _ = await on_calls(tmp_path, script, *calls)
    assert all(isinstance(when, float) and when - began < 12 for when in found)
    assert not server.stats


async def test_waiting_hears_keys_and_a_cancelled_wait_gives_the_channel_back_at_once(tmp_path: Path) -> None:
    async def script(channel: AgiChannel) -> tuple[str, list[str], float]:
        performer = Performer()
        wait = {"music_class": "default", "every_ms": 700, "watchdog_s": 60, "announce": lambda: (BEEPS,)}
        key = await wait_for_agent(channel, performer, **wait, on_key="7".__contains__)
        began = time.monotonic()
        states = []
        for after_s in (0, 0.002, 0.02, 0.3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(after_s):
                    await wait_for_agent(channel, performer, **wait)
            states.append((await channel.send(codec.channel_status())).result)
        return key, states, time.monotonic() - began

    (result,), server, _ = await on_calls(tmp_path, script, PlannedCall(NUMBER, keys=(Keys(0.5, "1"), Keys(2.5, "7"))))
    assert not isinstance(result, Exception), result
    key, states, took_s = result
    assert (key, states) == ("7", ["6"] * 4)
    assert took_s < 2
    assert not server.stats


async def test_the_absolute_timeout_is_a_hangup(tmp_path: Path) -> None:
    async def script(channel: AgiChannel) -> Any:
        await channel.send(codec.set_variable("TIMEOUT(absolute)", "1"))
        try:
            await Performer().perform(channel, Collect((), 1, first_digit_ms=20_000))
        except ChannelHungUp:
            return "gone"

    (result,), server, _ = await on_calls(tmp_path, script, PlannedCall(NUMBER, hang_up_after_s=3.0))
    assert result == "gone"
    assert not server.stats


async def test_hang_up_ends_the_call(tmp_path: Path) -> None:
    (results,), server, _ = await on_calls(tmp_path, performing(HangUp()), PlannedCall(NUMBER))
    assert results == [Played()]
    assert not server.stats

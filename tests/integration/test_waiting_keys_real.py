"""Keys pressed while waiting, on a real Asterisk with real RTP events: none is lost, whatever is being done."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from asterisk_conf.names import VAR_DONE
from asterisk_conf.phones import Callers, Keys, PlannedCall
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, AgiServer, ChannelHungUp
from ivr.agi.waiting import wait_for_agent
from ivr.flow.effects import Prompt, Say, Spoken
from tests.support.asterisk import NUMBER, running_asterisk

pytestmark = pytest.mark.asterisk

CALLS, BURSTS = 10, 12
ALL = "1234567890*#"


def plans(seed: int) -> list[PlannedCall]:
    """Callers who press keys at random moments for twenty seconds: one key, or a few in a row."""
    rng = random.Random(seed)
    calls = []
    for number in range(CALLS):
        moment_s, keys = 0.6, []
        for _ in range(BURSTS):
            moment_s += rng.uniform(1.0, 1.6)
            keys.append(Keys(moment_s, "".join(rng.choice(ALL) for _ in range(rng.choice((1, 1, 2, 4))))))
            moment_s += 0.16 * len(keys[-1].digits)
        calls.append(PlannedCall(NUMBER, caller=str(100 + number), keys=tuple(keys), hang_up_after_s=moment_s + 2))
    return calls


async def test_no_key_is_lost_between_music_and_announcements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Announcements of several commands every 0.4 s, by an engine so loaded that a tenth of a second passes between two
    commands: a fifth of the keys falls there."""
    at_once = AgiChannel.send

    async def later(channel: AgiChannel, command: codec.Command, **limits: int) -> codec.Reply:
        await asyncio.sleep(rng.uniform(0.05, 0.15))
        return await at_once(channel, command, **limits)

    rng = random.Random(3)
    monkeypatch.setattr(AgiChannel, "send", later)
    heard: dict[str, str] = {}
    said: tuple[Spoken, ...] = (
        Prompt("a", "", ("digits/4", "digits/5")),
        Say("number", "21"),
        Prompt("b", "", ("beep",)),
    )
    calls = plans(seed=5)
    over = asyncio.Semaphore(0)

    async def wait(channel: AgiChannel) -> None:
        await channel.send(codec.answer())
        caller = channel.headers.caller_number
        heard[caller] = ""

        def note(key: str) -> bool:
            heard[caller] += key
            return False

        wait = {"music_class": "default", "announce": lambda: said, "every_ms": 400, "watchdog_s": 60}
        try:
            await wait_for_agent(channel, Performer(), **wait, on_key=note)
        except ChannelHungUp:
            over.release()
            raise

    server = AgiServer("127.0.0.1", 0, {"call": wait})
    await server.start()
    try:
        async with (
            running_asterisk(tmp_path, agi_port=server.port) as (_, site),
            Callers(tmp_path / "sip", calls, ("127.0.0.1", site.ports.sip)),
            asyncio.timeout(90),
        ):
            for _ in calls:
                await over.acquire()
    finally:
        await server.stop()
    pressed = {call.caller: "".join(keys.digits for keys in call.keys) for call in calls}
    assert sum(map(len, pressed.values())) > 200
    assert heard == pressed


async def test_keys_are_written_down_only_while_waiting(tmp_path: Path) -> None:
    """What is pressed afterwards may be secret: in the flow, and (see `test_live_waiting`) in a talk."""
    noted: list[str] = []

    async def script(channel: AgiChannel) -> None:
        await channel.send(codec.answer())
        performer = Performer()
        assert await performer.note_keys(channel)
        await channel.send(codec.wait_for_digit(10_000))
        noted.append(await performer.noted_keys(channel))
        await performer.forget_keys(channel)
        await channel.send(codec.wait_for_digit(10_000))
        noted.append(await performer.noted_keys(channel))
        await channel.send(codec.set_variable(VAR_DONE, "yes"))

    server = AgiServer("127.0.0.1", 0, {"call": script})
    await server.start()
    try:
        call = PlannedCall(NUMBER, keys=(Keys(1.0, "7"), Keys(2.5, "8")))
        async with (
            running_asterisk(tmp_path, agi_port=server.port) as (_, site),
            Callers(tmp_path / "sip", [call], ("127.0.0.1", site.ports.sip)) as callers,
        ):
            await asyncio.wait_for(callers.finished(), 30)
    finally:
        await server.stop()
    assert Counter(noted) == Counter(["7", "7"])

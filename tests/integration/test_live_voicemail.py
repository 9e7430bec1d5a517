"""Voicemail on a real Asterisk, by what is heard: callers leave messages, agents hear them and call back."""

import asyncio
import wave
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from asterisk_conf.names import CODE_NOTE
from router.core.decisions import ContactFinished, Offer
from router.core.events import ContactArrived
from switchboard import facts
from switchboard.operations import OperationRefused
from tests.support.asterisk import AGENTS_HOST, CALLERS_HOST
from tests.support.callbacks import WORLD_HOST, CallbackCentre, running_world
from tests.support.ears import SILENCE, Ear, amplitude
from tests.support.live import PROMPT, QUEUE, Exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("live-voicemail"),
    pytest.mark.asyncio(loop_scope="module"),
]
CALLER, AGENT, WORLD, OTHER_TONE = 700.0, 1_100.0, 1_600.0, 1_900.0
RINGING = 480.0
"""What a ringing tone has and a dial tone has not (indications.conf, `us`)."""
PATIENCE_S = 30


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_world(tmp_path_factory.mktemp("asterisk")) as running:
        yield running


@dataclass
class Scene:
    """A centre, someone who calls, the agent anna, and the outside world."""

    centre: CallbackCentre
    caller: Ear
    anna: Ear
    world: Ear

    async def leave_message(self, seconds: float = 2.0) -> None:
        """Calls and hangs up in the middle of the message, as people do."""
        await self.caller.call(PROMPT, self.centre.exchange.sip)
        await self.caller.listen(1.5)  # the greeting and the beep
        await asyncio.sleep(seconds)
        self.caller.hang_up()
        await self.until(lambda: self.centre.facts(facts.VOICEMAIL_TAKEN))

    async def anna_hears_the_message(self) -> None:
        await self.hears(self.anna, CALLER)

    async def hears(self, ear: Ear, frequency: float) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while amplitude(await ear.listen(0.2), frequency) < SILENCE * 4:
                pass

    async def messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = await self.centre.ask("list_voicemails")
        return messages

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.05)

    async def idle(self, ear: Ear) -> None:
        await asyncio.wait_for(ear.idle.wait(), PATIENCE_S)

    def endings(self) -> list[str]:
        return [decision.outcome for decision in self.centre.decisions(ContactFinished)]


@pytest.fixture
def wrap_up_s() -> float:
    """A test that needs a longer one parametrizes it."""
    return 0.5


@pytest_asyncio.fixture(loop_scope="module")
async def scene(exchange: Exchange, tmp_path: Path, wrap_up_s: float) -> AsyncIterator[Scene]:
    lines = exchange.lines
    async with AsyncExitStack() as stack:
        telephones = CallbackCentre(exchange, tmp_path, ring_s=10, longest_wait_s=300, wrap_up_s=wrap_up_s)
        centre = await stack.enter_async_context(telephones)
        await centre.start()
        caller = await stack.enter_async_context(Ear("911234567", CALLER, CALLERS_HOST))
        anna = await stack.enter_async_context(Ear("anna", AGENT, AGENTS_HOST, lines["anna"]))
        world = await stack.enter_async_context(Ear("world", WORLD, WORLD_HOST, lines["world"]))
        yield Scene(centre, caller, anna, world)


async def test_a_message_waits_for_an_agent_who_hears_it_twice(scene: Scene) -> None:
    centre = scene.centre
    await scene.leave_message()
    await centre.until_calls(waiting=1)
    (message,) = await scene.messages()
    assert (message["mailbox"], message["number"], message["heard_ms"]) == ("sales", "911234567", None)
    assert message["duration_ms"] >= 1_000
    with wave.open(message["path"]) as recorded:
        samples = np.frombuffer(recorded.readframes(recorded.getnframes()), np.int16).astype(np.float64)
    assert amplitude(samples, CALLER) > SILENCE * 4
    await centre.ask("sign_in", agent="anna")
    await scene.anna_hears_the_message()
    scene.anna.press("1")
    await scene.anna_hears_the_message()
    scene.anna.press("3")
    await scene.idle(scene.anna)
    await centre.until_agent("anna", "ready")
    (message,) = await scene.messages()
    assert message["heard_by"] == "anna"
    assert scene.endings() == ["answered"]
    assert len(centre.decisions(Offer)) == 1
    await centre.over()


async def test_the_agent_calls_back_and_the_two_hear_each_other(scene: Scene) -> None:
    centre = scene.centre
    await scene.leave_message()
    scene.world.ring_s = 1.5
    await centre.ask("sign_in", agent="anna")
    await scene.anna_hears_the_message()
    scene.anna.press("2")
    await scene.hears(scene.anna, RINGING)
    await asyncio.wait_for(scene.world.in_call.wait(), PATIENCE_S)
    await scene.hears(scene.world, AGENT)
    await scene.hears(scene.anna, WORLD)
    arrived = centre.events(ContactArrived)[-1]
    assert (arrived.directed_to, arrived.callback.number) == ("anna", "+34911234567")
    scene.world.hang_up()
    await scene.idle(scene.anna)
    await centre.over()


async def test_who_hangs_up_before_the_message_is_asked_again(scene: Scene) -> None:
    centre = scene.centre
    await scene.leave_message()
    await centre.ask("sign_in", agent="anna")
    await asyncio.wait_for(scene.anna.in_call.wait(), PATIENCE_S)
    scene.anna.hang_up()
    await scene.anna_hears_the_message()
    first, again = (event.contact for event in centre.events(ContactArrived))
    assert first == again
    scene.anna.press("3")
    await scene.idle(scene.anna)
    await scene.until(lambda: scene.endings() == ["answered", "answered"])
    await centre.over()


async def test_the_engine_dies_while_a_message_waits_and_while_it_is_heard(scene: Scene) -> None:
    centre = scene.centre
    await scene.leave_message()
    await centre.kill()
    await centre.start()
    await centre.until_calls(waiting=1)
    await centre.ask("sign_in", agent="anna")
    await scene.anna_hears_the_message()
    await centre.kill()
    await centre.start()
    await scene.anna_hears_the_message()  # from its beginning
    assert any("1 voicemails being heard" in note for note in centre.notes())
    async with asyncio.timeout(PATIENCE_S):
        while not scene.anna.idle.is_set():  # what was heard may have been the rest of the first playing
            scene.anna.press("3")
            await asyncio.sleep(1)
    await scene.until(lambda: scene.endings() == ["answered"])
    assert len(centre.decisions(Offer)) == 1
    await centre.over()


async def test_messages_are_listed_fetched_marked_and_deleted(scene: Scene) -> None:
    centre = scene.centre
    await scene.leave_message()
    await centre.until_calls(waiting=1)
    (message,) = await scene.messages()
    name, path = message["voicemail"], Path(message["path"])
    audio = await centre.ask("get_voicemail_audio", voicemail=name)
    assert b64decode(audio["data"]) == path.read_bytes()
    await centre.ask("mark_voicemail", voicemail=name)
    await centre.until_calls(waiting=0)  # nobody needs to hear it any more
    assert await centre.ask("list_voicemails", unheard=True) == []
    await centre.ask("mark_voicemail", voicemail=name, heard=False)
    await centre.until_calls(waiting=1)
    for command in (["list"], ["play-path", name], ["heard", name], ["delete", name]):
        process = await centre.spawn("voicemail", *command, "--engine", centre.engine_directory)
        assert await process.wait() == 0
    assert str(path) in centre.log.read_text()
    assert await scene.messages() == []
    assert list(path.parent.iterdir()) == []
    with pytest.raises(OperationRefused, match="no voicemail"):
        await centre.ask("get_voicemail_audio", voicemail="../../../etc/passwd")
    await centre.over()


async def reviewed(scene: Scene) -> None:
    """From now on callers review their messages."""
    flow = scene.centre.directory / "centre/flows/prompt.yaml"
    review = "review: {say: [beep], cancelled: end, first_digit_s: 20}\n    next: thanks"
    flow.write_text(flow.read_text().replace("next: thanks", review))
    await scene.centre.ask("reload")


async def speak(scene: Scene, tone: float, seconds: float = 2.0) -> None:
    """Leaves a message in this tone, up to its key."""
    scene.caller.frequency = tone
    await scene.caller.listen(1.5 + seconds)  # what is said before, the beep, and then silence
    scene.caller.press("#")
    await scene.caller.listen(1.5)  # what the keys do


async def test_a_caller_hears_the_message_records_it_anew_and_keeps_it_through_a_crash(scene: Scene) -> None:
    centre, caller = scene.centre, scene.caller
    await reviewed(scene)
    await caller.call(PROMPT, centre.exchange.sip)
    await speak(scene, CALLER)
    caller.press("2")
    await scene.hears(caller, CALLER)
    caller.press("3")  # the playing ends by it
    await speak(scene, OTHER_TONE)
    caller.press("2")
    await scene.hears(caller, OTHER_TONE)
    assert (await scene.messages(), centre.events(ContactArrived)) == ([], [])
    await centre.kill()
    await centre.start()
    await centre.until_calls(ivr=1)
    await caller.listen(2.5)  # the dialplan comes again, and the keys are said again
    assert (await scene.messages(), centre.events(ContactArrived)) == ([], [])
    caller.press("1")
    await scene.until(lambda: centre.facts(facts.VOICEMAIL_TAKEN))
    caller.hang_up()
    await centre.until_calls(ivr=0, waiting=1)
    (message,) = await scene.messages()
    with wave.open(message["path"]) as recorded:
        samples = np.frombuffer(recorded.readframes(recorded.getnframes()), np.int16).astype(np.float64)
    assert amplitude(samples, OTHER_TONE) > SILENCE * 4
    assert amplitude(samples, CALLER) < SILENCE
    assert len(list(Path(message["path"]).parent.iterdir())) == 2  # the sound and its description
    await centre.ask("mark_voicemail", voicemail=message["voicemail"])
    await centre.over()


async def test_a_caller_cancels_the_message_or_hangs_up_and_has_left_it(scene: Scene) -> None:
    centre, caller = scene.centre, scene.caller
    await reviewed(scene)
    await caller.call(PROMPT, centre.exchange.sip)
    await speak(scene, CALLER)
    caller.press("*")
    await scene.idle(caller)
    assert (await scene.messages(), centre.events(ContactArrived)) == ([], [])
    await caller.call(PROMPT, centre.exchange.sip)
    await speak(scene, CALLER)
    caller.press("3")
    await caller.listen(1.7)
    caller.hang_up()  # before the second one is long enough: the first one counts
    await centre.until_calls(ivr=0, waiting=1)
    (message,) = await scene.messages()
    assert message["duration_ms"] >= 1_500
    assert len(list(Path(message["path"]).parent.iterdir())) == 2
    await centre.ask("mark_voicemail", voicemail=message["voicemail"])
    await centre.over()


async def test_a_message_too_short_is_none(scene: Scene) -> None:
    centre = scene.centre
    await scene.caller.call(PROMPT, centre.exchange.sip)
    await scene.caller.listen(1.2)
    scene.caller.press("#")
    await scene.idle(scene.caller)
    assert await scene.messages() == []
    assert centre.events(ContactArrived) == []
    await centre.over()


@pytest.mark.parametrize("wrap_up_s", [60.0])
@pytest.mark.parametrize("ended_by", ["#", "hang-up"])
async def test_an_agent_speaks_a_note_about_the_last_call(scene: Scene, ended_by: str) -> None:
    centre, anna = scene.centre, scene.anna
    await centre.ask("sign_in", agent="anna")
    await scene.caller.call(QUEUE, centre.exchange.sip)
    await scene.hears(scene.caller, AGENT)
    scene.caller.hang_up()
    await centre.until_agent("anna", "wrap_up")
    await scene.idle(anna)
    await anna.call(CODE_NOTE, centre.exchange.sip)
    await anna.listen(3.0)  # the beep, and then what anna says
    if ended_by == "#":
        anna.press("#")
    else:
        anna.hang_up()
    await scene.idle(anna)
    await scene.until(lambda: centre.facts(facts.NOTE))
    (said,) = centre.facts(facts.NOTE)
    (message,) = await scene.messages()
    assert (said.agent, said.data) == ("anna", {"voicemail": message["voicemail"]})
    assert (message["mailbox"], message["call"], message["queue"]) == ("notes", said.contact, None)
    with wave.open(message["path"]) as recorded:
        samples = np.frombuffer(recorded.readframes(recorded.getnframes()), np.int16).astype(np.float64)
    assert amplitude(samples, AGENT) > SILENCE * 4
    await centre.ask("note", agent="anna", text="rings again on Monday")
    assert centre.facts(facts.NOTE)[-1].data == {"text": "rings again on Monday"}
    with pytest.raises(OperationRefused, match="one of 'text' and 'voicemail'"):
        await centre.ask("note", agent="anna")
    with pytest.raises(OperationRefused, match="no voicemail"):
        await centre.ask("note", agent="anna", voicemail="0-1")
    await centre.ask("end_wrap_up", agent="anna")
    await centre.over()

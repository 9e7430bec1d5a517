"""Nodes of flows on a real Asterisk, by what is heard: outside calls, recordings, PINs, surveys, the way to a
person."""

import asyncio
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio

from switchboard import facts
from switchboard.customer_pins import Pins
from tests.support.asterisk import CALLERS_HOST
from tests.support.callbacks import CUSTOMER, WORLD_HOST, CallbackCentre, running_world
from tests.support.ears import SILENCE, Ear, amplitude
from tests.support.live import COLLECT, MENU, PROMPT, Exchange

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("flow-nodes-real"),
    pytest.mark.asyncio(loop_scope="module"),
]
CALLER, WORLD = 700.0, 1_600.0
PATIENCE_S = 30
PLAYED = "played.log"
PIN, WRONG_PIN = "730192", "618203"
FLOWS = {
    # An outside number, and an answer to a survey behind it
    "flows/menu.yaml": f"""\
schema: 2
name: menu
start: partner
on_error: end
nodes:
  partner: {{type: dial, number: "'{CUSTOMER}'", ring_s: 10, max_min: 5, answered: how, otherwise: end}}
  how: {{type: survey, questions: [{{score: nps, say: [beep]}}], retries: 0, next: end}}
  end: {{type: hangup}}
""",
    # A PIN, and then something to be recorded
    "flows/collect.yaml": """\
schema: 2
name: collect
start: known
on_error: end
nodes:
  known: {type: set, attributes: {customer: "'c-7'"}, next: prove}
  prove:
    type: verify
    say: [beep]
    min_digits: 6
    max_digits: 6
    first_digit_s: 8
    attempts: 5
    next: tell
    locked: end
    no_input: {retries: 1, to: end}
    no_match: {retries: 2, to: end}
  tell: {type: record, say: [beep], into: story, min_s: 0.5, next: end, too_short: end}
  end: {type: hangup}
""",
    # A long prompt with the way to a person
    "flows/prompt.yaml": """\
schema: 2
name: prompt
start: long
on_error: end
operator: {key: "0", to: note, at_prompts: true}
nodes:
  long: {type: play, say: [long, long, long], next: end}
  note: {type: set, attributes: {asked: "true"}, next: end}
  end: {type: hangup}
""",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_world(tmp_path_factory.mktemp("asterisk")) as running:
        await running.asterisk.cli(f"logger add channel {PLAYED} verbose(9)")
        yield running


@dataclass
class Scene:
    """A centre, someone who calls, and the outside world."""

    centre: CallbackCentre
    caller: Ear
    world: Ear
    played: Path
    played_before: int

    async def hears(self, ear: Ear, frequency: float) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while amplitude(await ear.listen(0.2), frequency) < SILENCE * 4:
                pass

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.05)

    async def asked(self, times: int = 1, sound: str = "beep") -> None:
        """Waits until Asterisk has begun to play this sound so often in this scene."""
        begun = f"Playing '{sound}."
        await self.until(lambda: self._log().count(begun) >= times)

    async def recorded(self, seconds: float) -> None:
        """Waits until Asterisk has written so much of a recording."""

        def longest() -> int:
            return max((path.stat().st_size for path in self.centre.engine_directory.rglob("*.wav")), default=0)

        await self.until(lambda: longest() >= seconds * 16_000)

    def _log(self) -> str:
        with self.played.open("rb") as log:
            log.seek(self.played_before)
            return log.read().decode(errors="replace")

    async def idle(self) -> None:
        await asyncio.wait_for(self.caller.idle.wait(), PATIENCE_S)

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [fact.data for fact in self.centre.facts(kind)]


@pytest_asyncio.fixture(loop_scope="module")
async def scene(exchange: Exchange, tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        centre = await stack.enter_async_context(CallbackCentre(exchange, tmp_path))
        centre.write(FLOWS)
        await centre.start()
        caller = await stack.enter_async_context(Ear("911234567", CALLER, CALLERS_HOST))
        world = await stack.enter_async_context(Ear("world", WORLD, WORLD_HOST, exchange.lines["world"]))
        played = exchange.asterisk.directory / "log" / PLAYED
        yield Scene(centre, caller, world, played, played.stat().st_size)


async def test_a_caller_talks_with_an_outside_number_and_then_answers_a_survey(scene: Scene) -> None:
    await scene.caller.call(MENU, scene.centre.exchange.sip)
    await asyncio.wait_for(scene.world.in_call.wait(), PATIENCE_S)
    await scene.hears(scene.caller, WORLD)
    await scene.hears(scene.world, CALLER)
    scene.world.hang_up()
    await scene.until(lambda: scene.told(facts.OUTBOUND_ENDED))
    await scene.asked()
    scene.caller.press("10")
    await scene.idle()
    (ended,) = scene.told(facts.OUTBOUND_ENDED)
    assert (ended["number"], ended["talk_ms"] > 200) == (CUSTOMER, True), ended
    (answer,) = scene.told(facts.SURVEY)
    assert (answer["question"], answer["score"]) == ("nps", 10)
    await scene.centre.over()


async def test_the_engine_dies_in_the_talk_which_goes_on_and_nobody_is_rung_twice(scene: Scene) -> None:
    await scene.caller.call(MENU, scene.centre.exchange.sip)
    await scene.hears(scene.caller, WORLD)
    await scene.centre.kill()
    await scene.hears(scene.caller, WORLD)
    await scene.hears(scene.world, CALLER)
    await scene.centre.start()
    await scene.hears(scene.caller, WORLD)
    scene.world.hang_up()
    await scene.asked()  # the dialplan comes again, and the flow asks
    scene.caller.press("9#")
    await scene.idle()
    assert len(scene.told(facts.OUTBOUND_DIALLED)) == 1
    assert [answer["score"] for answer in scene.told(facts.SURVEY)] == [9]
    await scene.centre.over()


async def test_a_pin_is_checked_a_story_recorded_and_neither_pin_is_kept_anywhere(scene: Scene) -> None:
    centre = scene.centre
    Pins(centre.engine_directory).set("c-7", PIN)
    await scene.caller.call(COLLECT, centre.exchange.sip)
    await scene.asked()
    scene.caller.press(WRONG_PIN)
    await scene.asked(2)
    scene.caller.press(PIN)
    await scene.recorded(1)
    scene.caller.press("#")
    await scene.idle()
    (taken,) = scene.told(facts.VOICEMAIL_TAKEN)
    assert (taken["mailbox"], taken["queue"]) == ("recordings", None)
    (message,) = await centre.ask("list_voicemails")
    with wave.open(message["path"]) as recorded:
        samples = np.frombuffer(recorded.readframes(recorded.getnframes()), np.int16).astype(np.float64)
    assert amplitude(samples, CALLER) > SILENCE * 4
    token = (await centre.ask("create_token", token="test", roles=["admin"]))["token"]
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{centre.api_port}", headers=headers) as http:
        answers = [
            await (await http.get(path)).text() for path in ("/v1/state", "/v1/contacts", "/v1/voicemails", "/metrics")
        ]
    await centre.over()
    kept = {"the API": "".join(answers).encode(), "the log": centre.log.read_bytes()}
    for place in (centre.engine_directory, centre.exchange.asterisk.directory / "log"):
        kept |= {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert any(name.endswith("records.db") for name in kept)
    assert any("journal-" in name for name in kept)
    for pin in (PIN, WRONG_PIN):
        assert [name for name, content in kept.items() if pin.encode() in content] == []


async def test_a_person_is_asked_for_in_the_middle_of_a_prompt(scene: Scene) -> None:
    await scene.caller.call(PROMPT, scene.centre.exchange.sip)
    await scene.asked(sound="vm-intro")
    scene.caller.press("0")
    await asyncio.wait_for(scene.caller.idle.wait(), 5)  # the prompts last much longer
    (ended,) = scene.told(facts.FLOW_ENDED)
    assert [visit[1:3] for visit in ended["trace"]] == [["long", "start"], ["note", "operator"], ["end", "next"]]
    await scene.centre.over()

"""Prompts that speech synthesis has rendered, played by a real Asterisk."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from asterisk_conf.phones import Callers, PlannedCall
from ivr.agi import codec
from ivr.agi.performer import Performer
from ivr.agi.server import AgiChannel, AgiServer
from ivr.flow.effects import Play, Prompt, SetLanguage
from ivr.flow.inputs import EffectFailed, Input, Played
from ivr.speech.audio import RATE, Audio, as_sounds, for_telephone
from ivr.speech.rendering import files_of, keep
from tests.support.asterisk import NUMBER, running_asterisk
from tests.support.tones import tone

pytestmark = pytest.mark.asterisk


@pytest.mark.parametrize(
    ("form", "language"), [("ulaw", "en"), ("alaw", "es-MX"), ("sln", "zh"), ("wav", "es"), ("g722", "en")]
)
async def test_every_format_that_is_rendered_is_played_to_its_end(tmp_path: Path, form: str, language: str) -> None:
    audio = for_telephone(Audio(tone(1.0), RATE))
    for path in files_of(tmp_path / "sounds", language, "tts/0123456789abcdef", [form]):
        keep(path, as_sounds(audio, [form])[form])
    results: asyncio.Queue[tuple[list[Input | None], float]] = asyncio.Queue()

    async def handler(channel: AgiChannel) -> None:
        await channel.send(codec.answer())
        performer, loop = Performer(), asyncio.get_running_loop()
        await performer.perform(channel, SetLanguage(language))
        began = loop.time()
        played = await performer.perform(channel, Play((Prompt("said", "", ("centre:tts/0123456789abcdef",)),)))
        took = loop.time() - began
        other = await performer.perform(channel, Play((Prompt("none", "", ("centre:tts/none",)),)))
        results.put_nowait(([played, other], took))

    server = AgiServer("127.0.0.1", 0, {"call": handler})
    await server.start()
    try:
        async with (
            running_asterisk(tmp_path, agi_port=server.port, recordings=tmp_path / "sounds") as (_, site),
            Callers(tmp_path / "sip", [PlannedCall(NUMBER)], ("127.0.0.1", site.ports.sip)),
        ):
            async with asyncio.timeout(30):
                (played, missing), took = await results.get()
    finally:
        await server.stop()
    assert isinstance(played, Played)
    assert isinstance(missing, EffectFailed)
    assert took == pytest.approx(audio.seconds, abs=0.5)
    assert np.abs(audio.samples).max() > 0.05

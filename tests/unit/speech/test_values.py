"""Values that are said for callers on the line: by a voice, from what it has said before, or word by word."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
import soundfile

from asterisk_conf.root import cache_directory
from ivr.flow.effects import Say
from ivr.speech import values as values_module
from ivr.speech.audio import as_sounds, decoded, read_audio
from ivr.speech.engines.kokoro import MODEL, VOICES, Kokoro
from ivr.speech.synthesis import Environment, Synthesiser, SynthesisFailed, Voice
from ivr.speech.values import AT_ONCE, MOST_UNDER_WAY, REST_S, SpokenValues, ValueRules, clean
from ivr.words.language import language, words
from tests.support.tones import file_of, tone

SEVEN, EIGHT = Say("number", "7"), Say("number", "8")
PRICE = Say("money", "12.50 EUR")


@dataclass
class Throat:
    """What the test voice does and has done."""

    takes_s: float = 0.0
    fails: str = ""
    said: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


@pytest.fixture
def throat() -> Throat:
    return Throat()


@pytest.fixture
def hum(throat: Throat) -> type[Synthesiser]:
    lock = threading.Lock()

    class Hum(Synthesiser):
        name = "hum"
        licence = "none"

        def missing(self) -> str:
            return ""

        def speak(self, text: str, voice: Voice) -> bytes:
            with lock:
                throat.at_once += 1
                throat.most_at_once = max(throat.most_at_once, throat.at_once)
            time.sleep(throat.takes_s)
            with lock:
                throat.at_once -= 1
                throat.said.append(text)
            if throat.fails:
                raise SynthesisFailed(throat.fails)
            return file_of(tone(0.3, 16_000), 16_000)

    return Hum


@dataclass
class Made:
    """Values under test, their rules and their clock."""

    values: SpokenValues
    rules: ValueRules
    now: float = 0.0

    async def sounds(self, *asked: Say, tag: str = "zh") -> Mapping[Say, tuple[str, ...]]:
        return await self.values.sounds(asked, tag)


@pytest.fixture
async def made(tmp_path: Path, hum: type[Synthesiser]) -> AsyncIterator[Made]:
    def voice_of(value: Say, tag: str) -> Voice | None:
        return Voice("hum", tag) if tag != "en" or value.what == "money" else None

    rules = ValueRules(voice_of, lambda tag, piece: f"sb/{piece}", ("ulaw", "sln"), wait_s=5)
    found = Made(SpokenValues(tmp_path / "v", lambda: found.rules, known={"hum": hum}, clock=lambda: found.now), rules)
    yield found
    found.values.close()


async def test_a_new_value_is_said_whole_and_kept_in_every_format(made: Made, throat: Throat) -> None:
    ((sound,),) = (await made.sounds(PRICE)).values()
    assert throat.said == ["十二点五欧元"]
    assert sorted(Path(sound).parent.iterdir()) == [Path(f"{sound}.sln"), Path(f"{sound}.ulaw")]
    samples, _ = soundfile.read(
        f"{sound}.ulaw", samplerate=8_000, channels=1, format="RAW", subtype="ULAW", endian="LITTLE"
    )
    assert np.abs(samples).max() > 0.05, "it can be heard"
    assert await made.sounds(PRICE) == {PRICE: (sound,)}
    assert len(throat.said) == made.values.hits == made.values.made == 1
    assert await made.sounds(SEVEN, tag="es") != {SEVEN: (sound,)}


async def test_twenty_callers_who_need_the_same_are_served_by_one(made: Made, throat: Throat) -> None:
    throat.takes_s = 0.1
    found = await asyncio.gather(*(made.sounds(PRICE, SEVEN) for _ in range(20)))
    assert len({str(one) for one in found}) == 1
    assert sorted(throat.said) == ["七", "十二点五欧元"]


async def test_a_slow_voice_costs_the_caller_a_moment_and_gives_the_next_one_the_whole(
    made: Made, throat: Throat
) -> None:
    throat.takes_s, made.rules = 0.4, replace(made.rules, wait_s=0.05)
    began = time.monotonic()
    found = await made.sounds(PRICE)
    assert time.monotonic() - began < 0.3
    assert found == {PRICE: tuple(f"sb/{word}" for word in ("十", "二", "点", "五", "欧元"))}
    assert made.values.late == 1
    await asyncio.sleep(0.8)
    ((sound,),) = (await made.sounds(PRICE)).values()
    assert sound.startswith("/")


async def test_digits_are_said_one_by_one_and_not_kept(made: Made, throat: Throat) -> None:
    digits = Say("digits", "401")
    assert await made.sounds(digits, SEVEN) == {digits: ("sb/四", "sb/零", "sb/幺"), SEVEN: ANY}
    assert throat.said == ["七"]


async def test_the_engine_goes_on_while_a_voice_speaks(made: Made, throat: Throat) -> None:
    throat.takes_s, ticks = 0.5, 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await made.sounds(PRICE)
    ticking.cancel()
    assert ticks >= 15


async def test_without_words_rendered_ahead_asterisk_says_it_as_well_as_it_can(made: Made, throat: Throat) -> None:
    made.rules, throat.fails = replace(made.rules, piece=lambda tag, piece: None), "hoarse"
    assert await made.sounds(PRICE) == {}


async def test_a_voice_that_fails_is_told_once_and_rests(
    made: Made, throat: Throat, caplog: pytest.LogCaptureFixture
) -> None:
    throat.fails = "the voice is hoarse"
    assert len((await made.sounds(SEVEN))[SEVEN]) == 1
    assert await made.sounds(EIGHT) == {EIGHT: ("sb/八",)}
    assert throat.said == ["七"]
    assert "hum zh could not say a value, and is not asked for 30 s: the voice is hoarse" in caplog.text
    made.now, throat.fails = REST_S + 1, ""
    assert (await made.sounds(EIGHT))[EIGHT][0].startswith("/")


async def test_a_flood_of_values_is_bounded(made: Made, throat: Throat) -> None:
    throat.takes_s, made.rules = 0.02, replace(made.rules, wait_s=0.01)
    await asyncio.gather(*(made.sounds(Say("number", str(n))) for n in range(10 * MOST_UNDER_WAY)))
    await asyncio.sleep(0.02 * MOST_UNDER_WAY)
    assert len(throat.said) <= MOST_UNDER_WAY
    assert throat.most_at_once <= AT_ONCE


@pytest.mark.parametrize(("value", "tag"), [(SEVEN, "en"), (SEVEN, "de"), (Say("number", "many"), "zh")])
async def test_what_is_not_for_a_voice_does_not_reach_it(made: Made, throat: Throat, value: Say, tag: str) -> None:
    assert await made.sounds(value, tag=tag) == {}
    assert throat.said == []


async def test_a_directory_that_no_sound_may_be_in_is_told(
    tmp_path: Path, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    values = SpokenValues(tmp_path / "a & b", lambda: made.rules)
    assert await values.sounds([SEVEN], "zh") == {}
    assert "has characters that no sound may have" in caplog.text


async def test_voices_are_started_before_anybody_waits(made: Made, throat: Throat) -> None:
    await made.values.warm(["en", "zh"])
    assert throat.said == ["一"]


def test_what_was_not_used_for_longest_goes_first_and_nothing_that_may_be_heard(tmp_path: Path) -> None:
    now = time.time()
    for name, hours in (("old", 30), ("older", 40), ("used", 0.1)):
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (now - hours * 3_600,) * 2)
    assert clean(tmp_path, 1_000) == 0
    assert clean(tmp_path, 250) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "used"]
    assert clean(tmp_path, 0) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["used"]


def test_every_word_of_chinese_has_a_name_that_can_be_played() -> None:
    chinese = language("zh")
    assert chinese
    assert len(chinese.pieces) < 100
    assert values_module._PLAYABLE.fullmatch("/var/lib/switchboard/speech/0123456789abcdef0123")


# Kokoro, with a program in its place that needs no model


@pytest.fixture
def kokoro(tmp_path: Path) -> Callable[[str], Kokoro]:
    """Kokoro whose Python is a script: it runs these lines for each line of input, `asked`."""

    def with_program(lines: str) -> Kokoro:
        place = tmp_path / "kokoro"
        (place / "bin").mkdir(parents=True, exist_ok=True)
        (place / MODEL).touch()
        (place / VOICES).touch()
        program = place / "bin/python"
        program.write_text(
            f"#!{sys.executable}\nimport base64, json, sys, time\n"
            "for line in sys.stdin:\n    asked = json.loads(line)\n"
            + "".join(f"    {line}\n" for line in lines.splitlines())
        )
        program.chmod(0o755)
        return Kokoro(Environment(cache=tmp_path, limit_s=2))

    return with_program


ANSWERS = "print(json.dumps({'wav': base64.b64encode(asked['text'].encode()).decode()}), flush=True)"


def test_kokoro_goes_on_from_text_to_text(kokoro: Callable[[str], Kokoro]) -> None:
    voice = Voice("kokoro", "zf_xiaoxiao")
    with kokoro(ANSWERS) as engine:
        assert [engine.speak(text, voice) for text in ("七", "八")] == ["七".encode(), "八".encode()]
    assert engine.speak("alone", voice) == b"alone"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("time.sleep(60)", "kokoro was not done after 2 s"),
        ("sys.exit(3)", "ended without an answer"),
        ("print('Traceback', flush=True)", "ended without an answer"),
        ("print(json.dumps({'error': 'KeyError: no voice'}), flush=True)", "kokoro: KeyError: no voice"),
    ],
)
def test_kokoro_that_hangs_or_dies_is_an_error_and_is_started_again(
    kokoro: Callable[[str], Kokoro], lines: str, why: str
) -> None:
    voice = Voice("kokoro", "zf_xiaoxiao")
    with kokoro(f"if asked['text'] == 'bad':\n    {lines}\nelse:\n    {ANSWERS}") as engine:
        with pytest.raises(SynthesisFailed, match=why):
            engine.speak("bad", voice)
        assert engine.speak("good", voice) == b"good"


def test_kokoro_that_is_not_installed_says_how(tmp_path: Path) -> None:
    with pytest.raises(SynthesisFailed, match="switchboard prompts install kokoro"):
        Kokoro(Environment(cache=tmp_path)).speak("x", Voice("kokoro", "af_heart"))


@pytest.mark.parametrize("tag", ["en", "es", "zh"])
def test_the_real_kokoro_says_values(tag: str) -> None:
    if not os.environ.get("SWITCHBOARD_TEST_KOKORO"):
        pytest.skip("SWITCHBOARD_TEST_KOKORO=1 asks for it; `switchboard prompts install kokoro` sets it up (300 MB)")
    engine = Kokoro(Environment(cache=cache_directory()))
    assert engine.missing() == ""
    text = words("money", "1021.50 EUR", tag)
    assert text
    with engine:
        began = time.monotonic()
        made = as_sounds(read_audio(engine.speak(text, Voice("kokoro", Kokoro.languages[tag]))), ["ulaw", "g722"])
    said = decoded(made["ulaw"], "ulaw")
    print(f"{text}: {said.seconds:.1f} s of speech, made in {time.monotonic() - began:.1f} s with the model's start")
    assert 1.5 < said.seconds < 8
    assert np.abs(said.samples).max() > 0.2

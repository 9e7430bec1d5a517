"""Which sound says a prompt; rendering by synthesis; recordings that are taken in."""

import json
import wave
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from asterisk_conf.root import ensure_program
from documents import DocumentError
from ivr.speech.rendering import key
from ivr.speech.synthesis import Environment, Synthesiser, SynthesisFailed, Voice, engines
from ivr.words import What
from ivr.words.language import language as words_of
from switchboard.centre import load_centre
from switchboard.centre.settings import SpeechSettings
from switchboard.centre.sounds import value_voice
from switchboard.cli.prompts import app
from tests.support.tones import file_of, tone
from tests.support.voices import humming

ROOT = Path(__file__).parents[3]
PROMPTS = """\
prompts:
  {hello}: {{text: {{en: Hello., es: Hola.}}}}
  named: {{text: {{en: Named., es: Con nombre.}}, sounds: {{en: [vm-goodbye], es: [vm-goodbye]}}}}
"""


def invoke(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A centre of two languages, one prompt of which has only texts; a program that hums a tenth of a second a word."""
    program = humming(tmp_path)
    directory = tmp_path / "desk"
    (directory / "flows").mkdir(parents=True)
    (directory / "centre.yaml").write_text(
        "name: Desk\ntime_zone: UTC\nlanguages: [en, es]\nnumbers: {'100': main}\n"
        f"settings: {{speech: {{voices: {{en: {{engine: program}}, es: {{engine: program, voice: carmen}}}},"
        f" program: [{program}, '{{out}}']}}}}\n"
    )
    (directory / "skills.yaml").write_text("skills: {}\n")
    (directory / "agents.yaml").write_text("agents: {}\n")
    (directory / "queues.yaml").write_text(
        "queues: {q: {goal: {answered_within_s: 20, share: 0.8}, steps: [{name: all}],"
        " longest_wait_s: 60, last_action: {exit: end}}}\n"
    )
    (directory / "prompts.yaml").write_text(PROMPTS.format(hello="hello"))
    (directory / "flows/main.yaml").write_text(
        "schema: 2\nname: main\nstart: a\nnodes:\n"
        "  a: {type: play, say: [hello, named], next: b}\n  b: {type: hangup}\n"
    )
    return directory


def heard(directory: Path, language: str, prompt: str = "hello") -> tuple[str, ...]:
    return load_centre(directory).prompts.prompt(prompt, language).sounds


def test_a_text_alone_is_silent_until_it_is_rendered(desk: Path) -> None:
    assert heard(desk, "en") == ()
    code, output = invoke("missing", desk)
    assert (code, output.count("not rendered yet (program")) == (1, 2)
    assert invoke("render", desk) == (0, "2 rendered, 0 were there, 0 failed.\n")
    (sound,) = heard(desk, "es")
    assert sound == f"centre:tts/{key('Hola.', Voice('program', 'carmen'))}"
    made = sorted(path.suffix for path in (desk / "sounds/es/tts").iterdir())
    assert made == [".alaw", ".sln", ".ulaw"]
    assert invoke("missing", desk) == (0, "Every prompt can be heard in every language it has.\n")


def test_what_is_there_is_not_said_again(desk: Path) -> None:
    invoke("render", desk)
    assert invoke("render", desk)[1] == "0 rendered, 2 were there, 0 failed.\n"
    assert invoke("render", desk, "--again")[1] == "2 rendered, 0 were there, 0 failed.\n"
    assert invoke("render", desk, "--again", "--language", "es")[1] == "1 rendered, 0 were there, 0 failed.\n"


def test_another_text_or_voice_is_another_sound_and_the_old_one_can_be_deleted(desk: Path) -> None:
    invoke("render", desk)
    before = heard(desk, "en")
    prompts = desk / "prompts.yaml"
    prompts.write_text(prompts.read_text().replace("Hello.", "Good morning."))
    assert heard(desk, "en") == ()
    code, output = invoke("render", desk, "--clean")
    assert (code, output.count("deleted")) == (0, 3)
    assert heard(desk, "en") not in ((), before)


def test_a_recording_of_the_prompts_name_comes_before_synthesis(desk: Path, tmp_path: Path) -> None:
    invoke("render", desk)
    (tmp_path / "hello.mp3").write_bytes(file_of(tone(1, 44_100), 44_100, "MP3"))
    code, output = invoke("add", "hello", tmp_path / "hello.mp3", desk)
    assert (code, output.startswith(str(desk / "sounds/en/hello.wav"))) == (0, True)
    assert heard(desk, "en") == ("centre:hello",)
    with wave.open(str(desk / "sounds/en/hello.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8_000, 1, 2)
    assert heard(desk, "es")[0].startswith("centre:tts/")


def test_sounds_named_in_prompts_yaml_come_first_of_all(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(file_of(tone()))
    code, output = invoke("add", "named", tmp_path / "x.wav", desk, "--language", "es")
    assert code == 0
    assert "prompts.yaml names other sounds for named in es" in output
    assert heard(desk, "es", "named") == ("vm-goodbye",)


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [(b"", 2, "the file is empty"), (b"PK\x03\x04", 2, "ZIP archive"), (None, 3, "No such file")],
)
def test_what_is_no_recording_is_refused_and_nothing_is_written(
    desk: Path, tmp_path: Path, content: bytes | None, code: int, message: str
) -> None:
    if content is not None:
        (tmp_path / "x.wav").write_bytes(content)
    found, output = invoke("add", "hello", tmp_path / "x.wav", desk)
    assert (found, message in output) == (code, True)
    assert not (desk / "sounds").exists()


def test_unknown_prompts_and_languages_are_told_with_the_nearest(desk: Path, tmp_path: Path) -> None:
    assert "did you mean 'hello'" in invoke("add", "helo", tmp_path, desk)[1].replace("\n", " ")
    assert invoke("list", desk, "--language", "en-GB")[0] == 2


def test_one_prompt_that_fails_keeps_no_other_from_being_said(desk: Path) -> None:
    prompts = desk / "prompts.yaml"
    prompts.write_text(prompts.read_text().replace("Hello.", "I fail."))
    code, output = invoke("render", desk)
    assert code == 1
    assert "hello (en): " in output
    assert "failed (code 1): the voice is hoarse" in output
    assert output.endswith("1 rendered, 0 were there, 1 failed.\n")


def test_a_language_without_a_voice_is_told(desk: Path) -> None:
    centre = desk / "centre.yaml"
    centre.write_text(centre.read_text().replace(", es: {engine: program, voice: carmen}", ""))
    code, output = invoke("render", desk)
    assert code == 1
    assert "1 prompts have neither a recording nor a voice; settings.speech.voices lacks es." in output


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        ("{engine: espeek}", "there is no engine 'espeek' of speech synthesis .*did you mean 'espeak'"),
        ("{engine: piper}", "which voice of piper speaks 'en'"),
        ("{engine: espeak, speed: 9}", "speed"),
    ],
)
def test_mistakes_in_the_settings_are_told_with_their_line(desk: Path, voice: str, message: str) -> None:
    centre = desk / "centre.yaml"
    centre.write_text(centre.read_text().replace("{engine: program}", voice))
    with pytest.raises(DocumentError, match=rf"centre\.yaml:5: settings\.speech\.voices\.en.*{message}"):
        load_centre(desk)


def test_a_prompt_is_played_as_its_sounds_one_after_the_other(desk: Path, tmp_path: Path) -> None:
    assert invoke("play", "hello", desk)[0] == 1
    invoke("render", desk)
    assert invoke("play", "hello", desk, "-o", tmp_path / "out.wav")[0] == 0
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(0.1, abs=0.06)


def test_the_list_is_for_machines_too(desk: Path) -> None:
    told = json.loads(invoke("list", desk, "--json")[1])
    assert {(one["prompt"], one["language"]): one["state"] for one in told} == {
        ("hello", "en"): "missing",
        ("hello", "es"): "missing",
        ("named", "en"): "sounds",
        ("named", "es"): "sounds",
    }


def test_what_is_rendered_is_no_part_of_the_centres_hash(desk: Path) -> None:
    before = load_centre(desk).hash
    invoke("render", desk)
    assert load_centre(desk).hash == before


@pytest.mark.parametrize("engine", engines().values(), ids=engines())
def test_every_engine_says_what_it_is_and_what_it_lacks(engine: type[Synthesiser], tmp_path: Path) -> None:
    assert engine.__doc__
    assert engine.licence
    made = engine(Environment(cache=tmp_path))
    missing = made.missing()
    if missing or not engine.languages:
        with pytest.raises(SynthesisFailed):
            made.speak("Hello.", Voice(engine.name, "nobody"))


@pytest.mark.parametrize(("name", "package"), [("espeak", "espeak-ng"), ("flite", "flite")])
def test_real_engines_speak(name: str, package: str) -> None:
    from ivr.speech.audio import for_telephone, read_audio

    ensure_program({"espeak": "espeak-ng"}.get(name, name), package)
    engine = engines()[name]()
    texts = {"en": "Welcome to our help desk.", "es": "Bienvenido, ¿qué tal?", "zh": "欢迎致电。"}
    for language, voice in engine.languages.items():
        if text := texts.get(language):
            spoken = for_telephone(read_audio(engine.speak(text, Voice(name, voice))))
            assert 0.5 < spoken.seconds < 5, (language, spoken.seconds)
    slow, fast = (
        for_telephone(read_audio(engine.speak(texts["en"], Voice(name, engine.languages["en"], speed)))).seconds
        for speed in (0.7, 1.6)
    )
    assert slow > 1.5 * fast


def test_a_voice_that_the_engine_does_not_have_is_told() -> None:
    with pytest.raises(SynthesisFailed, match="espeak-ng failed"):
        engines()["espeak"]().speak("Hello.", Voice("espeak", "klingon-martian"))


def offer(desk: Path, text: str) -> None:
    prompts = desk / "prompts.yaml"
    before = "{text: {en: Hello., es: Hola.}}"
    prompts.write_text(prompts.read_text().replace(before, f"{{speaks: es, text: {{{text}}}}}"))


def test_an_offer_of_a_language_is_said_in_it_to_everybody(desk: Path) -> None:
    prompts = desk / "prompts.yaml"
    prompts.write_text(
        prompts.read_text().replace("{text: {en: Hello., es: Hola.}}", "{speaks: es, text: {es: Hola.}}")
    )
    assert load_centre(desk).prompts.prompt("hello", "en").text == "Hola."
    assert invoke("render", desk)[0] == 0
    sound = f"centre:tts/{key('Hola.', Voice('program', 'carmen'))}"
    assert heard(desk, "en") == heard(desk, "es") == (sound,)
    for language in ("en", "es"):
        assert (desk / f"sounds/{language}/{sound.removeprefix('centre:')}.ulaw").is_file()
    assert invoke("missing", desk)[0] == 0


@pytest.mark.parametrize("more", ["en: Hello., es: Hola.", "en: Hello."])
def test_an_offer_of_a_language_has_a_text_in_it_and_nothing_else(desk: Path, more: str) -> None:
    prompts = desk / "prompts.yaml"
    prompts.write_text(
        prompts.read_text().replace("{text: {en: Hello., es: Hola.}}", f"{{speaks: es, text: {{{more}}}}}")
    )
    with pytest.raises(DocumentError, match="a prompt that always speaks es has a text in es and nothing else"):
        load_centre(desk)


# Values


@pytest.fixture
def counter(desk: Path) -> Path:
    """The desk speaks Chinese instead of Spanish, and says an amount."""
    for path in (desk / "centre.yaml", desk / "prompts.yaml"):
        path.write_text(path.read_text().replace(" es: ", " zh: ").replace("[en, es]", "[en, zh]"))
    flow = desk / "flows/main.yaml"
    flow.write_text(flow.read_text().replace("say: [hello,", "say: [hello, {say: money, value: 12.5, currency: EUR},"))
    return desk


def test_the_words_of_values_are_rendered_for_languages_that_asterisk_lacks(counter: Path) -> None:
    chinese = words_of("zh")
    assert chinese
    before = load_centre(counter)
    assert (dict(before.words), before.says) == ({}, {"number", "money"})
    assert invoke("render", counter, "--language", "zh")[0] == 0
    after = load_centre(counter)
    assert {word for language, word in after.words if language == "zh"} == chinese.pieces
    _, listed = invoke("list", counter)
    assert f"{len(chinese.pieces)} words of which values are made in zh: rendered (program carmen)" in listed
    assert "words of which values are made in en: not rendered yet" in listed
    assert invoke("missing", counter, "--language", "zh") == (
        0,
        "Every prompt can be heard in every language it has.\n",
    )
    assert invoke("missing", counter)[0] == 1


def test_the_engines_own_phrases_are_in_the_voice_that_says_the_numbers(counter: Path) -> None:
    assert load_centre(counter).phrases.prompt("waiting-minutes", "zh").sounds == ("queue-minutes",), (
        "better than silence"
    )
    invoke("render", counter, "--language", "zh")
    phrases = load_centre(counter).phrases
    assert phrases.prompt("waiting-minutes", "zh").sounds[0].startswith("centre:tts/")
    assert phrases.prompt("waiting-minutes", "en").sounds == ("queue-minutes",)


@pytest.mark.parametrize(
    ("voices", "warnings"),
    [
        ("{en: {engine: espeak}, zh: {engine: espeak}}", []),
        ("{en: {engine: espeak}}", ["callers hear amounts of money in 'zh' without the currency"]),
        ("{zh: {engine: espeak}}", ["callers hear amounts of money in 'en' without the currency"]),
        (
            "{en: {engine: espeak, values: asterisk}, zh: {engine: espeak}}",
            ["callers hear amounts of money in 'en' without the currency"],
        ),
    ],
)
def test_values_that_nothing_says_are_warned_of(counter: Path, voices: str, warnings: list[str]) -> None:
    document = yaml.safe_load((counter / "centre.yaml").read_text())
    document["settings"]["speech"]["voices"] = yaml.safe_load(voices)
    (counter / "centre.yaml").write_text(yaml.safe_dump(document))
    found = [problem.message for problem in load_centre(counter).warnings if "callers hear" in problem.message]
    assert found == warnings


@pytest.mark.parametrize(
    ("language", "what", "values", "engine"),
    [
        ("en", "number", None, None),
        ("en", "money", None, "espeak"),
        ("en", "time", "voice", "espeak"),
        ("en", "money", "asterisk", None),
        ("en-GB", "money", None, "espeak"),
        ("zh", "number", None, "espeak"),
        ("zh", "digits", "asterisk", None),
        ("de", "money", "voice", None),
        ("fr", "money", "voice", None),
    ],
)
def test_who_says_a_value(language: str, what: What, values: str | None, engine: str | None) -> None:
    voices = {tag: {"engine": "espeak", "values": values} for tag in ("en", "zh", "de")}
    voice = value_voice(SpeechSettings.model_validate({"voices": voices}), language, what)
    assert (voice.engine if voice else None) == engine

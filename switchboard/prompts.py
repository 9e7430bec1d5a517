"""Rendering a centre's prompts, and taking recordings into it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from asterisk_conf.root import cache_directory
from ivr.speech.audio import AudioError, as_sounds, encoded, for_telephone, read_audio
from ivr.speech.rendering import files_of, keep
from ivr.speech.synthesis import Environment, Synthesiser, SynthesisFailed, engines
from switchboard.centre import Centre
from switchboard.centre.files import read_files
from switchboard.centre.phrases import PHRASES
from switchboard.centre.settings import SpeechSettings
from switchboard.centre.sounds import CENTRE_SOUND, Spoken, phrases_by_voice, spoken, words_of_values

SOUNDS = "sounds"


@dataclass(slots=True)
class Rendered:
    """What one rendering did: `made` were said, `kept` were there already, `failed` with the reason."""

    made: list[Spoken] = field(default_factory=list)
    kept: list[Spoken] = field(default_factory=list)
    failed: list[tuple[Spoken, str]] = field(default_factory=list)


def prompts_of(centre: Centre) -> list[Spoken]:
    """Every prompt of the centre in every language, and what says it; phrases of the engine, and the words of which
    values are made, where a voice says them."""
    files, speech = read_files(centre.directory), centre.settings.speech
    phrases = {name: entry for name, entry in PHRASES.items() if name not in centre.prompts.entries}
    return [
        *spoken(centre.prompts.entries, speech, files.sounds, files.rendered, centre.languages),
        *spoken(phrases_by_voice(phrases, speech, centre.languages), speech, {}, files.rendered),
        *words_of_values(speech, centre.languages, centre.says, files.rendered),
    ]


def environment(speech: SpeechSettings) -> Environment:
    return Environment(tuple(speech.program), cache_directory())


def render(
    centre: Centre,
    wanted: Iterable[Spoken],
    *,
    anew: bool = False,
    progress: Callable[[Spoken], None] = lambda one: None,
    known: Mapping[str, type[Synthesiser]] | None = None,
) -> Rendered:
    """Lets the voices say what is missing, in all formats of the settings; with `anew` also what is there already.

    One prompt that fails keeps no other from being said. Equal texts are said once.
    """
    done, speech, known = Rendered(), centre.settings.speech, known or engines()
    sounds = centre.directory / SOUNDS
    started: dict[str, Synthesiser] = {}
    said: set[tuple[str, str]] = set()
    with ExitStack() as stack:
        for one in wanted:
            progress(one)
            if one.voice is None or one.state not in ("missing", "rendered"):
                continue
            paths = files_of(sounds, one.language, one.sound, speech.formats)
            there = all(path.is_file() for path in paths)
            if (one.language, one.sound) in said or (there and not anew):
                done.kept.append(one)
                continue
            engine = started.get(one.voice.engine)
            if engine is None:
                engine = known[one.voice.engine](environment(speech))
                started[one.voice.engine] = stack.enter_context(engine)
            try:
                if problem := engine.missing():
                    raise SynthesisFailed(problem)
                made = as_sounds(read_audio(engine.speak(one.text, one.voice)), speech.formats)
            except (SynthesisFailed, AudioError) as error:
                done.failed.append((one, str(error)))
                continue
            for path, form in zip(paths, speech.formats, strict=True):
                keep(path, made[form])
            said.add((one.language, one.sound))
            done.made.append(one)
    return done


def unused(centre: Centre, published: Iterable[Centre] = ()) -> list[Path]:
    """Rendered files that no prompt says any more, neither in the directory nor in the `published` versions of it."""
    named = {(one.language, one.sound) for one in prompts_of(centre)}
    for version in published:
        named |= {
            (language, sound.removeprefix(CENTRE_SOUND))
            for (_, language), sounds in version.prompts.made.items()
            for sound in sounds
        }
    found = (centre.directory / SOUNDS).glob("*/tts/[!.]*")
    return sorted(p for p in found if (p.parent.parent.name, f"{p.parent.name}/{p.stem}") not in named)


def add_recording(centre: Centre, prompt: str, language: str, file: Path) -> tuple[Path, float]:
    """Takes a recording in any usual format for a prompt in this language; returns where it is, and its seconds.

    It is brought to the level of all prompts and to the format of recordings. Raises AudioError, OSError.
    """
    audio = for_telephone(read_audio(file))
    path = centre.directory / SOUNDS / language / f"{prompt}.wav"
    keep(path, encoded(audio, "wav"))
    return path, audio.seconds

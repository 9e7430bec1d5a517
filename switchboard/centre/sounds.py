"""What says each prompt in each language: the sounds it names, a recording called as the prompt, or what speech
synthesis has rendered of its text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from documents import Problem, Source, nearest
from ivr.flow.prompts import PromptEntry
from ivr.speech.rendering import sound_name
from ivr.speech.synthesis import Voice, engines
from switchboard.centre.settings import SpeechSettings

State = Literal["sounds", "recorded", "rendered", "missing", "no voice"]
CENTRE_SOUND = "centre:"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One prompt in one language. `voice` is who says it if nobody has recorded it; `sound` is the name of the one
    sound of the centre that says it, or would."""

    prompt: str
    language: str
    text: str
    state: State
    voice: Voice | None = None
    sound: str = ""

    @property
    def heard(self) -> bool:
        return self.state in ("sounds", "recorded", "rendered")


def voice_of(speech: SpeechSettings, language: str) -> Voice | None:
    """Who speaks this language; the voice of `es` speaks `es-MX` too. None: the settings name nobody."""
    voices = {str(tag): voice for tag, voice in speech.voices.items()}
    chosen = voices.get(language) or voices.get(language.partition("-")[0])
    if chosen is None or chosen.engine not in engines():
        return None
    own = engines()[chosen.engine].languages
    name = chosen.voice or own.get(language) or own.get(language.partition("-")[0], "")
    return Voice(chosen.engine, name, chosen.speed)


def spoken(
    entries: Mapping[str, PromptEntry],
    speech: SpeechSettings,
    recorded: Mapping[str, frozenset[str]],
    rendered: Mapping[str, frozenset[str]],
) -> Iterator[Spoken]:
    """Every prompt in every language that it has; `recorded` and `rendered` are the centre's sounds by language."""
    for name, entry in entries.items():
        texts = {str(tag): text for tag, text in entry.text.items()}
        sounds = {str(tag): of for tag, of in entry.sounds.items() if of}
        for language in dict.fromkeys((*texts, *sounds)):
            text = texts.get(language, "")
            voice = voice_of(speech, language)
            if language in sounds:
                yield Spoken(name, language, text, "sounds")
            elif name in recorded.get(language, ()):
                yield Spoken(name, language, text, "recorded", sound=name)
            elif voice is None:
                yield Spoken(name, language, text, "no voice")
            else:
                sound = sound_name(text, voice)
                there = sound in rendered.get(language, ())
                yield Spoken(name, language, text, "rendered" if there else "missing", voice, sound)


def made_sounds(
    entries: Mapping[str, PromptEntry],
    speech: SpeechSettings,
    recorded: Mapping[str, frozenset[str]],
    rendered: Mapping[str, frozenset[str]],
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The sounds of prompts that name none themselves, by prompt and language."""
    return {
        (one.prompt, one.language): (f"{CENTRE_SOUND}{one.sound}",)
        for one in spoken(entries, speech, recorded, rendered)
        if one.heard and one.sound
    }


def check_voices(speech: SpeechSettings, source: Source | None) -> Iterator[Problem]:
    """Every voice is of an engine that there is, and has a name where the engine has none of its own for it."""
    for language, chosen in speech.voices.items():
        at = ("settings", "speech", "voices", str(language))
        known = engines()
        if source is None:
            return
        if chosen.engine not in known:
            message = f"there is no engine {chosen.engine!r} of speech synthesis"
            yield source.problem((*at, "engine"), message, nearest(chosen.engine, known))
        elif not (voice := voice_of(speech, str(language))) or not (voice.name or chosen.engine == "program"):
            message = f"which voice of {chosen.engine} speaks {str(language)!r}?"
            yield source.problem(at, message, "name it: voice")

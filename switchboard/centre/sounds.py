"""What says each prompt in each language: the sounds it names, a recording called as the prompt, or what speech
synthesis has rendered of its text."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from documents import Problem, Source, nearest
from ivr.flow.names import LanguageTag
from ivr.flow.prompts import PromptEntry, Prompts
from ivr.speech.rendering import sound_name
from ivr.speech.synthesis import Voice, engines
from ivr.words import What
from ivr.words.language import language as words_of
from switchboard.centre.settings import SpeechSettings

State = Literal["sounds", "recorded", "rendered", "missing", "no voice"]
CENTRE_SOUND = "centre:"
SAID_BY_ENGINE: frozenset[What] = frozenset(["number"])
"""What announcements say, whatever flows do."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One prompt in one language. `voice` is who says it if nobody has recorded it; `sound` is the name of the one
    sound of the centre that says it, or would. `of_values`: no prompt, but a word of which values are made."""

    prompt: str
    language: str
    text: str
    state: State
    voice: Voice | None = None
    sound: str = ""
    of_values: bool = False

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


def value_voice(speech: SpeechSettings, language: str, what: What) -> Voice | None:
    """Who says such values in this language; None: Asterisk's own sounds do, as well as they can."""
    known, voices = words_of(language), {str(tag): voice for tag, voice in speech.voices.items()}
    chosen = voices.get(language) or voices.get(language.partition("-")[0])
    if known is None or chosen is None or chosen.values == "asterisk":
        return None
    by_voice = chosen.values == "voice" or what == "money" or not known.sounds
    return voice_of(speech, language) if by_voice else None


def words_of_values(
    speech: SpeechSettings, languages: Iterable[str], kinds: frozenset[What], rendered: Mapping[str, frozenset[str]]
) -> Iterator[Spoken]:
    """The words, one by one, of values of these kinds, where a voice says them."""
    for language in languages:
        known = words_of(language)
        voice = next((voice for what in sorted(kinds) if (voice := value_voice(speech, language, what))), None)
        if known is None or voice is None:
            continue
        for piece in sorted(known.pieces):
            sound = sound_name(piece, voice)
            state: State = "rendered" if sound in rendered.get(language, ()) else "missing"
            yield Spoken("", language, piece, state, voice, sound, of_values=True)


def spoken(
    entries: Mapping[str, PromptEntry],
    speech: SpeechSettings,
    recorded: Mapping[str, frozenset[str]],
    rendered: Mapping[str, frozenset[str]],
    languages: Iterable[str] = (),
) -> Iterator[Spoken]:
    """Every prompt in every language that it has; `recorded` and `rendered` are the centre's sounds by language. One
    that always speaks the same is there for callers in each of `languages`, since that is where Asterisk looks."""
    for name, entry in entries.items():
        texts = {str(tag): text for tag, text in entry.text.items()}
        sounds = {str(tag): of for tag, of in entry.sounds.items() if of}
        for language in languages if entry.speaks else dict.fromkeys((*texts, *sounds)):
            speaks = entry.speaks or language
            text = texts.get(speaks, "")
            voice = voice_of(speech, speaks)
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


def phrases_by_voice(
    phrases: Mapping[str, PromptEntry], speech: SpeechSettings, languages: Iterable[str]
) -> dict[str, PromptEntry]:
    """The engine's phrases in the languages in which a voice says numbers, so that one voice says all of a sentence."""
    by_voice = [tag for tag in languages if value_voice(speech, tag, "number")]
    texts = {
        name: {LanguageTag(tag): text for tag in by_voice if (text := _text(entry, tag))}
        for name, entry in phrases.items()
    }
    return {name: PromptEntry(text=said) for name, said in texts.items() if said}


def _text(entry: PromptEntry, language: str) -> str:
    return entry.text.get(LanguageTag(language)) or entry.text.get(LanguageTag(language.partition("-")[0]), "")


def spoken_phrases(
    phrases: Mapping[str, PromptEntry],
    speech: SpeechSettings,
    languages: Iterable[str],
    rendered: Mapping[str, frozenset[str]],
) -> Prompts:
    """The engine's phrases as callers hear them: what a voice has rendered, else Asterisk's sounds."""
    made = made_sounds(phrases_by_voice(phrases, speech, languages), speech, {}, rendered)
    entries = dict(phrases)
    for (name, language), sounds in made.items():
        said, tag = entries[name], LanguageTag(language)
        entries[name] = PromptEntry(text=said.text | {tag: _text(said, language)}, sounds=said.sounds | {tag: sounds})
    return Prompts(entries, "en")


def made_sounds(
    entries: Mapping[str, PromptEntry],
    speech: SpeechSettings,
    recorded: Mapping[str, frozenset[str]],
    rendered: Mapping[str, frozenset[str]],
    languages: Iterable[str] = (),
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The sounds of prompts that name none themselves, by prompt and language."""
    return {
        (one.prompt, one.language): (f"{CENTRE_SOUND}{one.sound}",)
        for one in spoken(entries, speech, recorded, rendered, languages)
        if one.heard and one.sound
    }


def check_values(
    speech: SpeechSettings, source: Source, languages: Iterable[str], kinds: frozenset[What]
) -> Iterator[Problem]:
    """Something says the values that callers may hear, in every language."""
    for position, tag in enumerate(languages):
        known, voice = words_of(tag), value_voice(speech, tag, "money")
        if "money" in kinds and voice is None:
            message = f"callers hear amounts of money in {tag!r} without the currency"
        elif known and not known.sounds and voice is None:
            message = f"nothing says numbers and times in {tag!r}; Asterisk has no sounds of it"
        else:
            continue
        hint = "name a voice for it: settings.speech.voices" if known else "no words of it are known here"
        yield source.problem(("languages", position), message, hint, "warning")


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

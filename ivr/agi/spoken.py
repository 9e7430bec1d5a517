"""What is to be spoken, as sound files and SAY commands. Pure, as the codec.

Neighbouring sounds become one run, because one command can play a run and lose no key between its files
(`ivr.agi.performer` tells why). Of a value, that is: what speech synthesis has made of it, else the sounds of
Asterisk's set that its words need (`ivr.words`). What neither can say is left to Asterisk's SAY commands, which know
more languages but make mistakes: with the published Spanish sounds, SAY NUMBER of 100,000 says 1,000.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from asterisk_conf.names import SOUNDS_DIRECTORY
from ivr.agi.codec import Command, CommandError, say_datetime, say_number, stream_file
from ivr.flow.effects import Prompt, Recorded, Say, Spoken
from ivr.words.language import NUMBER, Unspeakable, asterisk_sounds

Run = tuple[str, ...]
SayCommand = Callable[[str], Command]  # takes the keys that end it
Part = Run | SayCommand

_SOUND = re.compile(r"(centre:)?([A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)", re.ASCII)
_SOUND_LENGTH: Final = 200
_RUN_LENGTH: Final = 4_000  # characters of one run; an AGI command has at most 8,191 bytes
_DIGIT_SOUNDS: Final = {**{digit: f"digits/{digit}" for digit in "0123456789"}, "*": "digits/star", "#": "digits/pound"}

# How languages say a day and a time of day (the letters are those of voicemail.conf)
_FORMS: Final = {"en": ("ABdY", "IMp"), "de": ("AdBY", "HM")}
_OTHER_FORMS: Final = ("AdBY", "HM")


def sound(name: str) -> str:
    """The sound as Asterisk knows it; `centre:NAME` lies in the centre's own directory. Raises `CommandError` for a
    name that leaves the directory, or whose characters mean something to a dialplan application."""
    match = _SOUND.fullmatch(name)
    if match is None or len(name) > _SOUND_LENGTH:
        raise CommandError(f"not the name of a sound: {name[:60]!r}")
    return f"{SOUNDS_DIRECTORY}/{match[2]}" if match[1] else name


def parts(
    spoken: Iterable[Spoken],
    language: str,
    made: Mapping[Say, Run] = MappingProxyType({}),
    recorded: Callable[[str], str] | None = None,
) -> list[Part]:
    """What to play, in order; `made` are values that speech synthesis says, `recorded` tells the file of a recording
    without its ending. Raises `CommandError` for what cannot be spoken. A prompt without sounds is left out."""
    joined: list[Part] = []
    for part in _parts(spoken, language, made, recorded):
        last = joined[-1] if joined else None
        if isinstance(part, str):
            if isinstance(last, tuple) and sum(map(len, last)) + len(last) + len(part) < _RUN_LENGTH:
                joined[-1] = (*last, part)
            else:
                joined.append((part,))
        else:
            joined.append(part)
    return joined


def _parts(
    spoken: Iterable[Spoken], language: str, made: Mapping[Say, Run], recorded: Callable[[str], str] | None
) -> Iterator[str | SayCommand]:
    for item in spoken:
        if isinstance(item, Prompt):
            yield from map(sound, item.sounds)
        elif isinstance(item, Recorded):
            if recorded is None:
                raise CommandError("nothing is recorded here")
            yield partial(stream_file, recorded(item.recording))  # a path: not for a run, whatever is in it
        elif item in made:
            yield from made[item]
        else:
            yield from _value(item, language)


def _value(item: Say, language: str) -> Iterable[str | SayCommand]:
    try:
        if (sounds := asterisk_sounds(item.what, item.value, language)) is not None:
            return sounds
    except Unspeakable as error:
        raise CommandError(str(error)) from None
    match item.what:
        case "digits":
            return _digits(item.value)
        case "number":
            return _number(item.value)
        case "money":  # better the amount alone than silence; the lint has said that nothing names the currency
            return _value(Say("number", item.value.partition(" ")[0]), language)
        case _:
            return (_moment(item, language),)


def _digits(value: str) -> Iterator[str]:
    unknown = next((character for character in value if character not in _DIGIT_SOUNDS), None)
    if unknown is not None:
        raise CommandError(f"not a digit that can be said: {unknown!r}")
    return map(_DIGIT_SOUNDS.__getitem__, value)


def _number(value: str) -> Iterator[str | SayCommand]:
    """A decimal fraction is said digit by digit behind "dot", and so is a number over Asterisk's 32 bits."""
    match = NUMBER.fullmatch(value)
    if match is None:
        raise CommandError("not a number that can be said")
    minus, whole, fraction = match.groups()
    if minus:
        yield "digits/minus"
    if int(whole) < 2**31:
        yield lambda keys: say_number(int(whole), keys)
    else:
        yield from _digits(whole)
    if fraction:
        yield "letters/dot"
        yield from _digits(fraction)


def _moment(item: Say, language: str) -> SayCommand:
    """The value carries the centre's own wall clock, so it is said as if that were UTC: no zone data is needed."""
    try:
        wall = datetime.fromisoformat(item.value)
    except ValueError:
        raise CommandError(f"not an ISO 8601 {item.what}: {item.value[:40]!r}") from None
    day, clock = _FORMS.get(re.split("[-_]", language)[0].lower(), _OTHER_FORMS)
    form = {"date": day, "time": clock, "datetime": f"{day} 'digits/at' {clock}"}[item.what]
    epoch_s = int(wall.replace(tzinfo=UTC).timestamp())
    return lambda keys: say_datetime(epoch_s, keys, form, "UTC")

"""What callers hear of a prompt, as one sound file: the centre's own sounds, and Asterisk's."""

import numpy as np

from asterisk_conf.root import SetupError, find_or_build
from ivr.speech.audio import FORMATS, RATE, WIDEBAND, Audio, decoded, encoded, for_telephone
from switchboard.centre import Centre
from switchboard.centre.sounds import CENTRE_SOUND


class SoundMissing(Exception):
    """There is no such sound, in words."""


def as_wav(centre: Centre, prompt: str, language: str) -> bytes:
    """All sounds of the prompt, one after the other. Raises SoundMissing."""
    sounds = centre.prompts.prompt(prompt, language).sounds
    if not sounds:
        raise SoundMissing("nothing says it")
    heard = [_read(centre, sound, language).samples for sound in sounds]
    return encoded(Audio(np.concatenate(heard), RATE), "wav")


def _read(centre: Centre, sound: str, language: str) -> Audio:
    own = sound.removeprefix(CENTRE_SOUND)
    if own != sound:
        directories = [centre.directory / "sounds" / language]
    else:
        try:
            core = find_or_build().sounds(language)
        except SetupError as error:
            raise SoundMissing(f"{sound!r} is a sound of Asterisk, which is not here: {error}") from None
        directories = [core] if core else []
    for directory in directories:
        for form in (*FORMATS, WIDEBAND):
            if (path := directory / f"{own}.{form}").is_file():
                audio = decoded(path.read_bytes(), form)
                return for_telephone(audio) if audio.rate != RATE else audio
    raise SoundMissing(f"there is no sound {sound!r}")

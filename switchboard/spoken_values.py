"""How a centre's values are said to callers: its voices, its words rendered ahead, its limits."""

from asterisk_conf.root import cache_directory
from ivr.agi.spoken import sound
from ivr.speech.synthesis import Environment
from ivr.speech.values import TIME_LIMIT_S, ValueRules
from switchboard.centre import Centre
from switchboard.centre.sounds import value_voice


def value_rules(centre: Centre) -> ValueRules:
    """As the centre is now: asked for every value, so that a reload takes effect at once."""
    speech = centre.settings.speech

    def word(language: str, piece: str) -> str | None:
        name = centre.words.get((language.replace("_", "-"), piece))
        return sound(name) if name else None

    return ValueRules(
        voice_of=lambda value, language: value_voice(speech, language.replace("_", "-"), value.what),
        piece=word,
        formats=speech.formats,
        wait_s=speech.value_wait_s,
        keep_bytes=speech.keep_mb * 1_000_000,
        environment=Environment(tuple(speech.program), cache_directory(), TIME_LIMIT_S),
    )

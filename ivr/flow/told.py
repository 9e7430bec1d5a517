"""Effects in words, and answers as callers give them: what flow tests and the caller in the terminal have in common."""

from collections.abc import Iterable, Iterator

from ivr.flow import effects, inputs
from ivr.flow.effects import Recorded, Say, Spoken
from ivr.flow.library import Library


def press(asked: effects.Collect, keys: str) -> tuple[inputs.Keys, str]:
    """What the machine gets when these keys are pressed at once, and the keys that nobody asked for any more."""
    digits = ""
    for position, key in enumerate(keys):
        if key in asked.terminators:
            return inputs.Keys(digits, "terminator"), keys[position + 1 :]
        digits += key
        if len(digits) == asked.max_digits:
            return inputs.Keys(digits, "length"), keys[position + 1 :]
    return inputs.Keys(digits, "timeout"), ""


def left_message(asked: effects.TakeVoicemail, duration_ms: int) -> inputs.VoicemailTaken:
    """What the machine gets when a message of this length is left."""
    return inputs.VoicemailTaken("" if duration_ms < asked.min_ms else "message", duration_ms)


def told_when(callback: effects.BookCallback, library: Library) -> str:
    """When the caller is to be rung, in words."""
    return "in turn" if callback.at_ms is None else f"at {library.local(callback.at_ms):%a %F %H:%M}"


def told(spoken: Iterable[Spoken]) -> Iterator[str]:
    """What a caller hears, in words."""
    for item in spoken:
        if isinstance(item, Say):
            yield f"({item.what}) {item.value}"
        elif isinstance(item, Recorded):
            yield "(what was recorded)"
        else:
            yield f"“{item.text}”" if item.text else f"(sounds {', '.join(item.sounds) or item.name})"


def asked_of(effect: effects.LookUp | effects.Query) -> str:
    """What is looked up, as people read it."""
    if isinstance(effect, effects.LookUp):
        return url_of(effect)
    given = ", ".join(f"{name}={value}" for name, value in effect.parameters.items())
    return f"{effect.database} ({given})" if given else effect.database


def url_of(look_up: effects.LookUp) -> str:
    """The address with its query as people read it."""
    query = "&".join(f"{name}={value}" for name, value in look_up.query.items())
    return look_up.url + ("?" if query and "?" not in look_up.url else "&" if query else "") + query

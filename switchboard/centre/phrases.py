"""The phrases that the engine itself says to callers who wait.

Everything is said with sounds of Asterisk's core set, which every language of Asterisk has. A centre says any phrase
with a recording of its own by giving a prompt of its `prompts.yaml` the phrase's name. Where Asterisk has no sounds in
the caller's language, it takes those of its own default language.
"""

from collections.abc import Mapping

from ivr.flow.names import LanguageTag
from ivr.flow.prompts import PromptEntry


def _phrase(sounds: tuple[str, ...], en: str, es: str, zh: str) -> PromptEntry:
    said = {LanguageTag("en"): en, LanguageTag("es"): es, LanguageTag("zh"): zh}
    return PromptEntry(text=said, sounds=dict.fromkeys(said, sounds))


PHRASES: Mapping[str, PromptEntry] = {
    "waiting-first": _phrase(
        ("queue-youarenext",), "Your call is now first in line.", "Usted es el siguiente.", "您是下一位。"
    ),
    "waiting-position": _phrase(
        ("queue-thereare",), "You are currently caller number", "Su llamada es la número", "您目前排在第"
    ),
    "waiting-in-line": _phrase(
        ("queue-callswaiting",), "waiting to speak with a representative.", "en espera de ser atendida.", "位。"
    ),
    "waiting-time": _phrase(
        ("queue-holdtime",), "The estimated hold time is currently", "El tiempo de espera estimado es", "预计等待时间"
    ),
    "waiting-from": _phrase(("vm-from",), "from", "de", "从"),
    "waiting-to": _phrase(("vm-and", "queue-less-than"), "and less than", "y menos de", "到"),
    "waiting-less-than": _phrase(("queue-less-than",), "less than", "menos de", "少于"),
    "waiting-minutes": _phrase(("queue-minutes",), "minutes.", "minutos.", "分钟。"),
    "waiting-thanks": _phrase(
        ("queue-thankyou",), "Thank you for your patience.", "Gracias por su paciencia.", "感谢您的耐心等待。"
    ),
}
"""The phrases by name: what they say, and the sounds that say it."""

HOLD = "hold-"
"""A prompt of this name and the reason, its spaces as hyphens, tells a caller on hold why: `hold-asking-a-friend`."""

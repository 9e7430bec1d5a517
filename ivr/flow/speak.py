"""What nodes say: prompts by name, and values spoken by the language's own rules."""

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from ivr.flow.effects import Say, Spoken
from ivr.flow.names import Computed, PromptName
from ivr.flow.node import NodeError, Part
from ivr.flow.session import Attribute

if TYPE_CHECKING:
    from ivr.flow.turn import Turn

What = Literal["digits", "number", "date", "time", "datetime"]


class SayValue(Part):
    """A value in the midst of prompts: `{say: number, value: contact.balance}`."""

    say: What = Field(description="How it is spoken.")
    value: Computed = Field(description="What is spoken.")
    otherwise: PromptName | None = Field(None, description="The prompt to play when there is no such value.")


def _kind(item: Any) -> str:
    return "(value)" if isinstance(item, dict | SayValue) else "(prompt)"


# The tags appear in the paths of pydantic's errors, so they must not be what somebody could have written there.
SayItem = Annotated[Annotated[PromptName, Tag("(prompt)")] | Annotated[SayValue, Tag("(value)")], Discriminator(_kind)]
SayList = Annotated[list[SayItem], Field(max_length=20, description="Prompts (by name) and values, in order.")]


def spoken(turn: "Turn", item: PromptName | SayValue) -> Spoken:
    """Raises NodeError for an unknown prompt, and for a value that is missing or cannot be said so."""
    if isinstance(item, SayValue):
        try:
            return say(turn, item.say, turn.value(item.value))
        except NodeError:
            if item.otherwise is None:
                raise
            item = item.otherwise
    try:
        return turn.library.prompts.prompt(item, turn.language)
    except KeyError:
        raise NodeError(f"there is no prompt {str(item)!r}") from None


_DIGITS = re.compile(r"[0-9*#]{1,60}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)


def say(turn: "Turn", what: What, value: Attribute) -> Say:
    """`value` as an effect carries it. Raises NodeError when it cannot be spoken as `what`."""
    if what == "digits":
        text = re.sub(r"[\s()+./-]", "", str(value))
        fits = _DIGITS.fullmatch(text) is not None and not isinstance(value, bool)
    elif what == "number":
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
        fits = _NUMBER.fullmatch(text) is not None and not isinstance(value, bool)
    else:
        text = _moment(turn, value) if isinstance(value, str) else ""
        fits = text != ""
    if not fits:
        raise NodeError(f"{_shown(value)} cannot be said as {what}")
    return Say(what, text)


def _moment(turn: "Turn", text: str) -> str:
    """ISO 8601 with the centre's offset, or empty. A date alone is its noon, a time alone is of today."""
    try:
        if len(text) <= 10 and "-" in text:
            moment = datetime.combine(date.fromisoformat(text), time(12))
        elif ":" in text and "-" not in text.partition("+")[0]:
            moment = datetime.combine(turn.wall.date(), time.fromisoformat(text))
        else:
            moment = datetime.fromisoformat(text)
        zone = turn.library.zone
        moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat(timespec="seconds")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."

"""What nodes say: prompts by name, and values spoken by the language's own rules."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from ivr.flow.effects import Say, Spoken
from ivr.flow.names import Computed, CurrencyName, PromptName
from ivr.flow.node import NodeError, Part
from ivr.flow.session import Attribute
from ivr.words import What
from ivr.words.currencies import amount_text
from ivr.words.language import DIGITS, NUMBER

if TYPE_CHECKING:
    from ivr.flow.turn import Turn


class Value(Part):
    """What is said of a value."""

    say: What = Field(description="How it is spoken.")
    value: Computed = Field(description="What is spoken.")
    currency: CurrencyName | None = Field(
        None, description="Of money: its currency (ISO 4217); left out, the value says it: `12.50 EUR`."
    )
    otherwise: PromptName | None = Field(None, description="The prompt to play when there is no such value.")

    @model_validator(mode="after")
    def _currency_of_money(self) -> Self:
        if self.currency and self.say != "money":
            raise ValueError(f"'currency' belongs to money, not to {self.say}")
        return self


class SayValue(Value):
    """A value in the midst of prompts: `{say: number, value: contact.balance}`."""


def _kind(item: Any) -> str:
    return "(value)" if isinstance(item, dict | SayValue) else "(prompt)"


# The tags appear in the paths of pydantic's errors, so they must not be what somebody could have written there.
SayItem = Annotated[Annotated[PromptName, Tag("(prompt)")] | Annotated[SayValue, Tag("(value)")], Discriminator(_kind)]
SayList = Annotated[list[SayItem], Field(max_length=20, description="Prompts (by name) and values, in order.")]


def spoken(turn: "Turn", item: PromptName | SayValue) -> Spoken:
    """Raises NodeError for an unknown prompt, and for a value that is missing or cannot be said so."""
    if isinstance(item, SayValue):
        try:
            return say(turn, item.say, turn.value(item.value), item.currency)
        except NodeError:
            if item.otherwise is None:
                raise
            item = item.otherwise
    try:
        return turn.library.prompts.prompt(item, turn.language)
    except KeyError:
        raise NodeError(f"there is no prompt {str(item)!r}") from None


MOST_DIGITS = 60
_AMOUNT = re.compile(r"(\S+)\s*([A-Z]{3})")


def say(turn: "Turn", what: What, value: Attribute, currency: str | None = None) -> Say:
    """`value` as an effect carries it. Raises NodeError when it cannot be spoken as `what`."""
    if isinstance(value, bool):
        text = ""
    elif what == "digits":
        text = re.sub(r"[\s()+./-]", "", str(value))
        text = text if DIGITS.fullmatch(text) and len(text) <= MOST_DIGITS else ""
    elif what == "number":
        text = _number(value)
    elif what == "money":
        text = _money(value, currency)
    else:
        text = _moment(turn, value) if isinstance(value, str) else ""
    if not text:
        raise NodeError(f"{_shown(value)} cannot be said as {what}")
    return Say(what, text)


def _number(value: Attribute) -> str:
    """As it is written, or empty."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    return text if NUMBER.fullmatch(text) else ""


def _money(value: Attribute, currency: str | None) -> str:
    """Amount and currency, or empty. What the value itself says of its currency beats the flow."""
    if match := _AMOUNT.fullmatch(str(value).strip()):
        value, currency = match[1], match[2]
    number = _number(value)
    try:
        text = amount_text(Decimal(number), currency or "") if number else ""
    except KeyError:
        return ""
    return text if NUMBER.fullmatch(text.partition(" ")[0]) else ""


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


def said(nodes: object) -> frozenset[What]:
    """The kinds of values that nodes (or parts of one) say."""
    found: set[What] = set()
    if isinstance(nodes, Value):
        found.add(nodes.say)
    elif isinstance(nodes, BaseModel):
        for name in type(nodes).model_fields:
            found |= said(getattr(nodes, name))
    elif isinstance(nodes, Mapping):
        for item in nodes.values():
            found |= said(item)
    elif isinstance(nodes, list | tuple):
        for item in nodes:
            found |= said(item)
    return frozenset(found)

"""The engine's log: text for people or JSON for machines, with the contact and the agent, and without secrets.

What cannot be kept from being logged is taken out of what is: tokens, passwords, and numbers that could be those of
payment cards (14 to 19 digits that pass the Luhn check, ISO/IEC 7812-1).
"""

import contextlib
import copy
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

LogFormat = Literal["text", "json"]
_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))

_BEARER = re.compile(r"(?i)\bbearer\s+\S+")
_NAMED = re.compile(
    r"(?i)\b((?:password|passwd|secret|token|pin|authorization|cookie)['\"]?\s*[:=]\s*)('[^']*'|\"[^\"]*\"|[^\s'\",;}]+)"
)
_TOKENS = re.compile(r"\bswb_[A-Za-z0-9_-]{20,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LONG_NUMBERS = re.compile(r"(?<![\d.+])\d(?:[ -]?\d){13,18}(?![\d.])")


@contextlib.contextmanager
def about(*, contact: str = "", agent: str = "") -> Iterator[None]:
    """What is logged inside, also by tasks begun there, is about this contact, this agent."""
    named = {name: value for name, value in (("contact", contact), ("agent", agent)) if value}
    token = _ABOUT.set({**_ABOUT.get(), **named})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def configure(form: LogFormat, level: int) -> None:
    """Sends the log to standard error in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text(_TEXT))
    handler.addFilter(_add_subject)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def without_secrets(text: str) -> str:
    """The text with `***` where a secret or the number of a card stands."""
    text = _BEARER.sub("Bearer ***", text)
    text = _NAMED.sub(r"\1***", text)
    return without_cards(_TOKENS.sub("***", text))


def without_cards(text: str) -> str:
    """The text with `***` where a number stands that could be that of a payment card."""
    return _LONG_NUMBERS.sub(lambda found: "***" if _passes_luhn(found[0]) else found[0], text)


def is_card_number(digits: str) -> bool:
    """Whether these digits could be the number of a payment card."""
    return 13 <= len(digits) <= 19 and _passes_luhn(digits)


def _add_subject(record: logging.LogRecord) -> bool:
    for name, value in _ABOUT.get().items():
        setattr(record, name, value)
    return True


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """A line that begins at the margin is a record: text with line breaks cannot forge one, nor move the cursor of
        who reads it."""
        return _CONTROL.sub("\ufffd", super().format(_clean(record))).replace("\n", "\n  ")


class _Json(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            "%(message)s %(levelname)s %(name)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="at",
            json_ensure_ascii=False,
        )

    def format(self, record: logging.LogRecord) -> str:
        return super().format(_clean(record))


def _clean(record: logging.LogRecord) -> logging.LogRecord:
    cleaned = copy.copy(record)
    cleaned.msg, cleaned.args = without_secrets(record.getMessage()), None
    if record.exc_info:
        trace = logging.Formatter().formatException(record.exc_info)
        cleaned.exc_info, cleaned.exc_text = None, without_secrets(trace)
    return cleaned


def _passes_luhn(text: str) -> bool:
    digits = [int(digit) for digit in reversed(text) if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0

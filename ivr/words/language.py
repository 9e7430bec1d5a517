"""What a language is: one file in `ivr/words/languages/` with one subclass of `Language`.

A value in words is a row of *pieces*: `mil doscientos` has two, `五点半` has three. A language has finitely many of
them, so a recording of each says every value; Asterisk's sound sets are such recordings (`sounds`), and speech
synthesis makes the others ahead. Whole texts sound better, and are what speech synthesis is given when there is time.
"""

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from functools import cache, cached_property, lru_cache
from typing import ClassVar, Final

from unicode_rbnf import RbnfEngine

from ivr.words import What
from ivr.words.currencies import DECIMALS

NUMBER: Final = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,6}))?", re.ASCII)
DIGITS: Final = re.compile(r"[0-9*#]+", re.ASCII)
_MONEY: Final = re.compile(rf"({NUMBER.pattern}) ([A-Z]{{3}})", re.ASCII)
_BETWEEN: Final = re.compile(r"[\s,，-]*")


def listed(words: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(words.split())


class Unspeakable(ValueError):
    """This is no value of its kind, or nothing says it in this language."""


class Language(ABC):
    """How one language says values. `region` is what its tag says besides: `GB` of `en-GB`."""

    tag: ClassVar[str]
    spaced: ClassVar[bool] = True
    """Whether it writes spaces between words."""
    sounds: ClassVar[Mapping[str, str]] = {}
    """The pieces that Asterisk's sound set of this language has."""
    examples: ClassVar[tuple[tuple[What, str, str], ...]] = ()
    """For readers and tests: kinds of values, values, and their words; each kind at least once."""

    def __init__(self, region: str = "") -> None:
        self.region = region
        self._numbers = RbnfEngine.for_language(self.tag)

    def words(self, what: What, value: str) -> str:
        """`value` (as `ivr.flow.effects.Say` carries it) in words. Raises Unspeakable."""
        match what:
            case "digits":
                if DIGITS.fullmatch(value):
                    return self.digits(value)
            case "number":
                if match := NUMBER.fullmatch(value):
                    return self.number(match[1] == "-", int(match[2]), match[3] or "")
            case "money":
                match = _MONEY.fullmatch(value)
                if match and match[5] in DECIMALS and len(match[4] or "") == DECIMALS[match[5]]:
                    return self.money(match[2] == "-", int(match[3]), int(match[4] or 0), match[5])
            case _:
                return self._moment(what, value)
        raise Unspeakable(f"{value[:40]!r} is no {what} that can be said")

    def _moment(self, what: What, value: str) -> str:
        try:
            wall = datetime.fromisoformat(value)
        except ValueError:
            raise Unspeakable(f"{value[:40]!r} is no {what} in ISO 8601") from None
        if what == "date":
            return self.date(wall.date())
        if what == "time":
            return self.time(wall.time())
        return self.date_and_time(wall)

    @abstractmethod
    def digits(self, value: str) -> str:
        """Digits, `*` and `#`, one by one."""

    @abstractmethod
    def number(self, minus: bool, whole: int, fraction: str) -> str:
        """A number that counts nothing; `fraction` has the digits behind the point."""

    @abstractmethod
    def money(self, minus: bool, units: int, cents: int, currency: str) -> str:
        """An amount; `cents` are hundredths of a unit, and none where the currency has none."""

    @abstractmethod
    def date(self, day: date) -> str: ...

    @abstractmethod
    def time(self, clock: time) -> str: ...

    @abstractmethod
    def date_and_time(self, wall: datetime) -> str: ...

    @abstractmethod
    def all_pieces(self) -> Iterable[str]:
        """Every piece that `words` may be made of."""

    # For the languages

    def spelt(self, number: int, rules: str) -> str:
        """The number by these rules of Unicode's CLDR."""
        return self._numbers.format_number(number, ruleset_names=[rules]).text

    def words_of_numbers(self, *rules: str) -> set[str]:
        """The pieces that numbers by these rules are made of."""
        numbers = (*range(102), *range(200, 1_000, 100), *(10**power * n for power in range(3, 15, 3) for n in (1, 2)))
        return {word for rule in rules for n in numbers for word in re.split(r"[\s-]+", self.spelt(n, rule))}

    # Pieces

    @cached_property
    def pieces(self) -> frozenset[str]:
        return frozenset(self.all_pieces())

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.pieces))

    def split(self, text: str) -> list[str]:
        """The pieces of words that `words` has made, the longest that fits first. Raises Unspeakable."""
        found: list[str] = []
        at = 0
        while True:
            at = at + len(match[0]) if (match := _BETWEEN.match(text, at)) else at
            if at == len(text):
                return found
            piece = next(
                (text[at:end] for end in range(at + self._longest, at, -1) if self._is_piece(text, at, end)), ""
            )
            if not piece:
                raise Unspeakable(f"{text[at : at + 20]!r} in {text!r} is no piece")
            found.append(piece)
            at += len(piece)

    def _is_piece(self, text: str, at: int, end: int) -> bool:
        if end > len(text) or text[at:end] not in self.pieces:
            return False
        return not self.spaced or end == len(text) or not (text[end - 1].isalnum() and text[end].isalnum())


@cache
def languages() -> dict[str, type[Language]]:
    """Every language by its tag: whatever `ivr/words/languages/` holds, one a file."""
    from ivr.words import languages as package

    found: dict[str, type[Language]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, Language) and value.__module__ == loaded.__name__:
                found[value.tag] = value
    return dict(sorted(found.items()))


@cache
def language(tag: str) -> Language | None:
    """The language of a tag such as `en`, `es-MX` or (as Asterisk writes it) `es_MX`; None: no words of ours."""
    main, _, region = tag.replace("_", "-").partition("-")
    known = languages().get(main.lower())
    return known(region.upper()) if known else None


@lru_cache(maxsize=4_096)
def words(what: What, value: str, tag: str) -> str | None:
    """The value in words; None for a language that we have none of. Raises Unspeakable."""
    known = language(tag)
    return known.words(what, value) if known else None


@lru_cache(maxsize=4_096)
def asterisk_sounds(what: What, value: str, tag: str) -> tuple[str, ...] | None:
    """The sounds of Asterisk's set of this language that say the value; None where it lacks one. Raises Unspeakable."""
    known = language(tag)
    if known is None or not known.sounds:
        return None
    named = [known.sounds.get(piece) for piece in known.split(known.words(what, value))]
    return tuple(sound for sound in named if sound) if all(named) else None

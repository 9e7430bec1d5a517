"""Asterisk's extension patterns: what they match, and which one is first.

`X` is 0-9, `Z` 1-9, `N` 2-9, `[13-5]` one of these, `.` one or more of anything, `!` none or more.
"""

import re
from functools import cache

_LETTERS = {"X": "0-9", "Z": "1-9", "N": "2-9"}
_CHARACTERS = "0123456789*#ABCD"
_MOST = 40


@cache
def regex(name: str) -> str:
    """The regular expression that the whole of an extension matches."""
    return "".join(f"[{inside}]" if kind == "set" else _rest(inside) for kind, inside in _parts(name))


def _rest(mark: str) -> str:
    if mark in ".!":
        return "[0-9*#A-D]" + ("+" if mark == "." else "*")
    return mark if mark.isalnum() else f"[{mark}]" if mark not in "^\\" else "\\" + mark


@cache
def matches(name: str, digits: str) -> bool:
    return digits == name if not name.startswith("_") else re.fullmatch(_anything(name), digits) is not None


@cache
def anything(name: str) -> str:
    """As `regex`, but where keys are not all that matches, `.` and `!` stand for every character: a dialplan goes to
    names of its own."""
    if dialled(name):
        return regex(name)
    return _anything(name)


def _anything(name: str) -> str:
    return regex(name).replace("[0-9*#A-D]+", ".+").replace("[0-9*#A-D]*", ".*")


@cache
def longest(name: str) -> int:
    """The most keys that match."""
    parts = _parts(name)
    return _MOST if any(kind == "rest" and inside in ".!" for kind, inside in parts) else len(parts)


@cache
def rank(name: str) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Sorts extensions as Asterisk tries them: those that are no pattern first, then, at the first character that
    differs, the narrower set."""
    parts = [*_parts(name), ("end", "")]
    return int(name.startswith("_")), tuple((_width(kind, inside), inside) for kind, inside in parts)


def dialled(name: str) -> bool:
    """Whether keys of a telephone can match this."""
    return all(
        kind == "set" or inside in ".!" or inside in _CHARACTERS for kind, inside in _parts(name)
    ) and name not in ("_",)


def _width(kind: str, inside: str) -> int:
    if kind == "end":
        return 0
    if kind == "rest":
        return {".": 1_000, "!": 2_000}.get(inside, 1)
    return sum(re.fullmatch(f"[{inside}]", character) is not None for character in map(chr, range(33, 127)))


def _set(inside: str) -> str:
    """The characters of `[13-5a]` for a regular expression; one that nobody can type where there are none."""
    characters: dict[str, None] = {}
    for found in re.finditer(r"(.)-(.)|(.)", inside, re.DOTALL):
        if found[3] is not None:
            characters[found[3]] = None
        else:
            characters |= dict.fromkeys(map(chr, range(ord(found[1]), min(ord(found[2]), ord(found[1]) + 255) + 1)))
    return "".join(re.escape(character) for character in characters) or "\ue000"


@cache
def _parts(name: str) -> tuple[tuple[str, str], ...]:
    if not name.startswith("_"):
        return tuple(("set" if character in ".!" else "rest", character) for character in name)
    parts: list[tuple[str, str]] = []
    for found in re.finditer(r"\[([^\]]*)\]|(.)", name[1:]):
        if parts and parts[-1] in (("rest", "."), ("rest", "!")):
            break  # what stands behind them Asterisk does not look at
        if found[1] is not None:
            parts.append(("set", _set(found[1])))
        elif found[2] in "-":
            continue  # Asterisk passes over dashes
        elif found[2].upper() in _LETTERS:
            parts.append(("set", _LETTERS[found[2].upper()]))
        else:
            parts.append(("rest", found[2]))
    return tuple(parts)

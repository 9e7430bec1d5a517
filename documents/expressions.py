"""Expressions in CEL, the Common Expression Language (https://cel.dev): safe, side-effect free, always ending.

Evaluated by the package `common-expression-language` (compiled, Rust). One rule is ours: in a condition, something
that is missing (a skill the agent lacks, an attribute nobody set) makes the condition false instead of an error.
"""

import re
from collections.abc import Mapping
from typing import Any

import cel

MAX_LENGTH = 2_000


class ExpressionError(ValueError):
    """The text is not a CEL expression, or its evaluation went wrong (types, missing names)."""


class Expression:
    """A compiled expression.

    `names` are its top-level variables (`agent`, `contact`); `fields(name)` the fields of one it may look at.
    """

    __slots__ = ("_program", "names", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"an expression may have {MAX_LENGTH} characters, this has {len(text)}")
        try:
            self._program = cel.compile(text)
        except ValueError as error:
            raise ExpressionError(_readable(error)) from None
        self.text = text
        self.names = frozenset(self._program.variables())

    def fields(self, name: str) -> frozenset[str] | None:
        """The fields of variable `name` this may look at, or None when that cannot be told from the text."""
        bare = _STRINGS.sub("''", self.text)
        found = re.findall(rf"(?<![\w.]){re.escape(name)}\s*(?:\.\s*(\w+)|(.?))", bare)
        if any(not field for field, _ in found):
            return None
        return frozenset(field for field, _ in found)

    def value(self, variables: Mapping[str, Any]) -> Any:
        """The value for these variables (plain data). Raises ExpressionError when it has none."""
        try:
            return self._program.execute(dict(variables))
        except Exception as error:
            raise ExpressionError(f"{self.text!r}: {_readable(error)}") from None

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Whether the condition is true; missing things and wrong types count as false."""
        try:
            return self._program.execute(dict(variables)) is True
        except Exception:
            return False

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


_STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


def _readable(error: BaseException) -> str:
    """The library's message without its wrapping and its drawing of the position."""
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing" if error.args else "something is missing"
    text = re.sub(r'^ValueError\("|"\)$', "", str(error))
    match = re.search(r"<input>:\d+:(\d+): (.*)", text.split("\n")[0])
    return f"at character {match[1]}: {match[2]}" if match else text.split("\n")[0]

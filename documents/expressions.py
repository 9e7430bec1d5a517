"""Expressions in CEL, the Common Expression Language (https://cel.dev): safe, side-effect free, always ending.

Evaluated by the package `common-expression-language` (compiled, Rust). One rule is ours: in a condition, something
that is missing (a skill the agent lacks, an attribute nobody set) makes the condition false instead of an error.
"""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import cel

from documents.problems import nearest

MAX_LENGTH = 2_000
MAX_ITERATIONS = 2  # each multiplies the time of those inside it by the length of its list; two take 0.3 s at worst
_CONVERSIONS = ("bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint")
_OF_TEXT = ("contains", "endsWith", "matches", "size", "startsWith")
_OF_DATES = ("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getMonth")
_OF_TIMES = ("getHours", "getMilliseconds", "getMinutes", "getSeconds")
FUNCTIONS = frozenset({*_CONVERSIONS, *_OF_TEXT, *_OF_DATES, *_OF_TIMES})


class ExpressionError(ValueError):
    """The text is not a CEL expression, or its evaluation went wrong (types, missing names)."""


class Expression:
    """A compiled expression.

    `names` are its top-level variables (`agent`, `contact`); `fields(name)` the fields of one it may look at.
    Raises ExpressionError when the text is no CEL expression or calls a function that does not exist.
    """

    __slots__ = ("_bare", "_compared", "_path", "_program", "names", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"an expression may have {MAX_LENGTH} characters, this has {len(text)}")
        try:
            self._program = cel.compile(text)
        except ValueError as error:
            raise ExpressionError(_readable(error)) from None
        for function in self._program.functions():
            if function.isidentifier() and function not in FUNCTIONS:  # operators have names such as `_+_`
                raise ExpressionError(f"there is no function {function!r} ({nearest(function, FUNCTIONS)})")
        self.text = text
        self._bare = _QUOTED.sub(_blank, text)
        iterations = len(_ITERATES.findall(self._bare))
        if iterations > MAX_ITERATIONS:
            raise ExpressionError(f"an expression may go through {MAX_ITERATIONS} lists, this does {iterations} times")
        self.names = frozenset(self._program.variables()) - frozenset(_ITERATION.findall(self._bare))
        self._path, self._compared = self._plain()

    def fields(self, name: str) -> frozenset[str] | None:
        """The fields of variable `name` this may look at, or None when that cannot be told from the text."""
        found = re.findall(rf"(?<![\w.]){re.escape(name)}\b\s*(?:\.\s*(\w+))?", self._bare)
        return None if "" in found else frozenset(found)

    def value(self, variables: Mapping[str, Any]) -> Any:
        """The value for these variables (plain data). Raises ExpressionError when it has none."""
        if self._path and (found := _at(self._path, variables)) is not None:
            if self._compared is None:
                return found
            compare, literal = self._compared
            if type(found) is type(literal):
                return compare(found, literal)
        try:
            return self._program.execute(dict(variables))
        except Exception as error:
            raise ExpressionError(f"{self.text!r}: {_readable(error)}") from None

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Whether the condition is true; missing things and wrong types count as false."""
        if self._path and (found := _at(self._path, variables)) is not None:
            if self._compared is None:
                return found is True
            compare, literal = self._compared
            if type(found) is type(literal):
                return bool(compare(found, literal))
        try:
            return self._program.execute(dict(variables)) is True
        except Exception:
            return False

    def _plain(self) -> tuple[tuple[str, ...], tuple[Callable[[Any, Any], bool], str | int | float] | None]:
        """The path, if this is `a.b`, or such a path compared with a text or a number, and with what: that is what most
        expressions are, and it needs no program. Of values for which the program could find anything else it is asked.
        """
        match = _PLAIN.fullmatch(self.text)
        path = tuple(match["path"].split(".")) if match else ()
        if match is None or path[0] not in self.names:
            return (), None
        if match["operator"] is None:
            return path, None
        literal, compare = match["literal"], _COMPARISONS[match["operator"]]
        if literal[0] in "'\"":
            return path, (compare, literal[1:-1])
        return path, (compare, float(literal) if "." in literal else int(literal))

    def __reduce__(self) -> tuple[type["Expression"], tuple[str]]:
        """Pickled as its text, for simulations in several processes."""
        return Expression, (self.text,)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


# Text that is no code: comments, raw strings (a backslash is just a backslash), strings; each long or short.
_QUOTED = re.compile(
    r"""//[^\n]*
    | \b[bB]?[rR][bB]? (?: \"{3}.*?\"{3} | '{3}.*?'{3} | "[^"\n]*" | '[^'\n]*' )
    | \"{3}(?:\\.|.)*?\"{3} | '{3}(?:\\.|.)*?'{3}
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.VERBOSE | re.DOTALL,
)
_ITERATES = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(")
_ITERATION = re.compile(_ITERATES.pattern + r"\s*(\w+)\s*,")


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_PLAIN = re.compile(
    r"""\s*(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\s*
    (?:(?P<operator>[=!]=|[<>]=?)\s*
    (?P<literal>'[ -&(-\[\]-~]*' | "[ !#-\[\]-~]*" | -?[0-9]{1,15}(?:\.[0-9]{1,6})?)\s*)?""",
    re.ASCII | re.VERBOSE,
)
_INT64 = 2**63


def _at(path: tuple[str, ...], variables: Mapping[str, Any]) -> Any:
    """What is at the end of the path; None where that is nothing, or something that only the program understands."""
    value: Any = variables
    for name in path:
        if type(value) is not dict or name not in value:
            return None
        value = value[name]
    kind = type(value)
    if (
        (kind is str and value.isascii())
        or kind is bool
        or kind is float
        or (kind is int and -_INT64 <= value < _INT64)
    ):
        return value
    return None


def _blank(quoted: re.Match[str]) -> str:
    return " " if quoted[0].startswith("//") else "''"


def _readable(error: BaseException) -> str:
    """The library's message without its wrapping and its drawing of the position."""
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing" if error.args else "something is missing"
    text = str(error)
    match = re.search(r"<input>:(\d+):(\d+): (.*)", text)
    if match is None:
        return text.split("\n")[0]
    line, column, what = match.groups()
    what = (
        what.removeprefix("Syntax error: ")
        .split(" expecting {")[0]
        .replace("mismatched input '<EOF>'", "it breaks off")
    )
    return f"at character {column}{f' of line {line}' if line != '1' else ''}: {what}"

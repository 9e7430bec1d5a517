"""Values of a dialplan in CEL, and what its operators make of them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivr.importing.draft import attribute

UNKNOWN = None
"""Stands for the value of a variable that is known only in the call."""


class Untranslatable(Exception):
    """Something that our expressions cannot say; the message says what."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A value: `constant` where it is known, `cel` where it is not. `kind` is what CEL makes of it; `variable` is the
    attribute that it is, if it is just that. A condition has a shorter `cel` that fails, and so does not hold, where
    something is missing; `full` never fails."""

    cel: str = ""
    constant: str | None = None
    kind: str = "text"
    variable: str = ""
    full: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known where an expression stands.

    `known` has the values of the variables that are followed while importing (UNKNOWN: only the call knows); of those
    `followed` that are not there, nothing was set. `numbers` are set by arithmetic, `blanks` may be set to nothing.
    """

    known: Mapping[str, str | None] = field(default_factory=dict)
    followed: Collection[str] = frozenset()
    numbers: Collection[str] = frozenset()
    blanks: Collection[str] = frozenset()
    extension: Operand = Operand(constant="s")

    def variable(self, name: str) -> Operand:
        if name == "EXTEN":
            return self.extension
        if name in self.known and (value := self.known[name]) is not UNKNOWN:
            return Operand(constant=value)
        if name in self.followed and name not in self.known:
            return Operand(constant="")
        if name in _CHANNEL:
            return Operand(_CHANNEL[name])
        if name in _OUTSIDE:
            raise Untranslatable(f"${{{name}}} has no counterpart")
        own = f"contact.{attribute(name)}"
        return Operand(own, kind="number" if name in self.numbers else "text", variable=name)

    def missing(self, operand: Operand, default: str) -> str:
        """The operand in CEL, and `default` where it is an attribute that is not set."""
        if not operand.variable:
            return operand.cel
        return f"(has({operand.cel}) ? {operand.cel} : {default})"


_CHANNEL = {
    "CALLERIDNUM": "contact.number",
    "CALLERIDNAME": "caller.name",
    "FROM_DID": "contact.dialled",
    "DNID": "contact.dialled",
    "LANGUAGE": "contact.language",
}
_OUTSIDE = frozenset(
    (
        "UNIQUEID",
        "LINKEDID",
        "CHANNEL",
        "EPOCH",
        "DATETIME",
        "TIMESTAMP",
        "ACCOUNTCODE",
        "HANGUPCAUSE",
        "SYSTEMNAME",
        "PRIORITY",
        "BLINDTRANSFER",
        "DIALEDTIME",
        "ANSWEREDTIME",
        "DIALEDPEERNAME",
        "DIALEDPEERNUMBER",
        "ENTITYID",
        "CONTEXT",
    )
)
SAME = {
    "CALLERID(num)": "contact.number",
    "CALLERID(number)": "contact.number",
    "CALLERID(ani)": "contact.number",
    "CALLERID(name)": "caller.name",
    "CALLERID(dnid)": "contact.dialled",
    "CHANNEL(language)": "contact.language",
}
"""What is the same in the session."""


def quoted(text: str) -> str:
    """The text as CEL writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def is_true(text: str) -> bool:
    return text.strip().strip('"') not in ("", "0")


def as_text(operand: Operand, scope: Scope) -> str:
    """The operand as text in CEL."""
    if operand.constant is not None:
        return quoted(operand.constant)
    if operand.kind == "truth":
        return f"({operand.full or operand.cel} ? '1' : '0')"
    found = scope.missing(operand, "''")
    return f"string({found})" if operand.kind == "number" else found


def as_number(operand: Operand, scope: Scope) -> str:
    """The operand as a whole number in CEL; what is not set is 0."""
    if operand.constant is not None:
        text = operand.constant.strip().strip('"') or "0"
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise Untranslatable(f"{text!r} is no whole number")
        return text
    if operand.kind == "truth":
        return f"({operand.full or operand.cel} ? 1 : 0)"
    if operand.variable in scope.blanks:
        found = scope.missing(operand, "''")
        return f"(string({found}) == '' ? 0 : int({found}))"
    if operand.kind == "number" and not operand.variable:
        return operand.cel
    found = scope.missing(operand, "0")
    return f"int{found}" if found.startswith("(") else f"int({found})"


def as_truth(operand: Operand, scope: Scope) -> str:
    """The operand as a condition in CEL."""
    if operand.constant is not None:
        return "true" if is_true(operand.constant) else "false"
    if operand.kind == "truth":
        return operand.cel
    if operand.kind == "number" and not operand.variable:
        return f"{operand.cel} != 0"
    return f"!({as_text(operand, scope)} in ['', '0'])"


def asked_as(operand: Operand, scope: Scope) -> bool | str:
    return is_true(operand.constant) if operand.constant is not None else as_full(operand, scope)


def as_full(operand: Operand, scope: Scope) -> str:
    """The operand as a condition that never fails: for where failing is not the same as not holding."""
    return operand.full or as_truth(operand, scope)


def choice(asked: bool | str, yes: Operand, no: Operand, scope: Scope) -> Operand:
    if isinstance(asked, bool):
        return yes if asked else no
    return Operand(f"({asked} ? {as_text(yes, scope)} : {as_text(no, scope)})")


def applied(operator: str, left: Operand, right: Operand, scope: Scope) -> Operand:
    if left.constant is not None and right.constant is not None and operator not in (":", "=~"):
        return Operand(constant=_reckoned(operator, left.constant.strip(), right.constant.strip()))
    if operator in ("|", "&"):
        return _joined(operator, left, right, scope)
    if operator in ("=", "==", "!="):
        return _equal("!=" if operator == "!=" else "==", left, right, scope)
    if operator in ("<", ">", "<=", ">="):
        full = f"{as_number(left, scope)} {operator} {as_number(right, scope)}"
        short = (
            operator[0] == ">" and left.variable and left.variable not in scope.blanks and right.constant is not None
        )
        return Operand(
            f"int({left.cel}) {operator} {as_number(right, scope)}" if short else full, None, "truth", "", full
        )
    if operator in (":", "=~"):
        if right.constant is None:
            raise Untranslatable("a pattern that only the call knows")
        pattern = ("^" if operator == ":" else "") + right.constant.strip('"')
        return Operand(f"{as_text(left, scope)}.matches({quoted(pattern)})", kind="truth")
    return Operand(f"({as_number(left, scope)} {operator} {as_number(right, scope)})", kind="number")


def _joined(operator: str, left: Operand, right: Operand, scope: Scope) -> Operand:
    """Both, or one of them; a side that is known decides, or goes."""
    for known, other in ((left, right), (right, left)):
        if known.constant is not None:
            if is_true(known.constant) == (operator == "|"):
                return Operand(constant=str(int(operator == "|")))
            return Operand(as_truth(other, scope), None, "truth", "", as_full(other, scope))
    between = f" {'||' if operator == '|' else '&&'} "
    short, full = (f"({between.join(as_cel(side, scope) for side in (left, right))})" for as_cel in (as_truth, as_full))
    return Operand(short, None, "truth", "", full)


def _equal(operator: str, left: Operand, right: Operand, scope: Scope) -> Operand:
    if left.constant is not None:
        left, right = right, left
    literal = (right.constant or "").strip()
    may_fail = operator == "==" and left.variable and left.variable not in scope.blanks and literal != ""
    if left.kind == "number" and re.fullmatch(r"-?\d{1,18}", literal):
        full = f"{as_number(left, scope)} {operator} {literal}"
        return Operand(f"int({left.cel}) == {literal}" if may_fail else full, None, "truth", "", full)
    full = f"{as_text(left, scope)} {operator} {as_text(right, scope)}"
    short = may_fail and left.kind == "text"
    return Operand(f"{left.cel} == {quoted(literal)}" if short else full, None, "truth", "", full)


def _reckoned(operator: str, left: str, right: str) -> str:
    """What Asterisk would reckon: numbers as numbers, all else as text."""
    numeric = all(re.fullmatch(r"-?\d+(\.\d+)?", side) for side in (left, right))
    a, b = (float(left), float(right)) if numeric else (0.0, 0.0)
    if operator == "|":
        return left if is_true(left) else right
    if operator == "&":
        return left if is_true(left) and is_true(right) else "0"
    if operator in ("=", "==", "!=", "<", ">", "<=", ">="):
        one: Any = a if numeric else left
        other: Any = b if numeric else right
        results = {
            "=": one == other, "==": one == other, "!=": one != other,
            "<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other,
        }  # fmt: skip
        return str(int(results[operator]))
    a, b = (float(side) if re.fullmatch(r"-?\d+(\.\d+)?", side) else 0.0 for side in (left, right))
    if operator in "/%" and b == 0:
        raise Untranslatable("a division by zero")
    result = {"+": a + b, "-": a - b, "*": a * b}.get(operator)
    if result is None:
        result = a / b if operator == "/" else a % b
    return f"{result:.6f}".rstrip("0").rstrip(".")

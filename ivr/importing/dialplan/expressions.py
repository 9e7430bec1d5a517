"""Asterisk's variables and expressions in CEL.

`${NAME}` is an attribute of the contact, or, where the value is known while importing, that value. In Asterisk every
value is text and what is not set is empty; here numbers are numbers and what is not set is missing, so each side of an
operator is converted to what the operator means, and what may be missing has a default. Where a missing value makes a
condition false in Asterisk too, it is left out, so that conditions stay readable.

Grammar and precedence are those of Asterisk's `ast_expr2.y`: `?::` below `|`, `&`, comparisons, `+ -`, `* / %`,
`: =~`, and `! -`.
"""

import re
from dataclasses import dataclass, field

from ivr.importing.dialplan.operators import (
    SAME,
    Operand,
    Scope,
    Untranslatable,
    applied,
    as_full,
    as_text,
    as_truth,
    asked_as,
    choice,
    is_true,
)


def constant(text: str, scope: Scope) -> str:
    """The value of a text with variables. Raises Untranslatable where only the call knows it."""
    found = value(text, scope)
    if found.constant is None:
        raise Untranslatable(f"{text!r} is known only in the call")
    return found.constant


def filled_in(text: str, scope: Scope) -> str:
    """The text with the variables whose values are known, as Asterisk fills them in before it looks at commas."""
    whole = ""
    for kind, piece in _pieces(text) if len(text) <= MAX_LENGTH and _depth(text) <= MAX_DEPTH else ():
        written = piece if kind == "text" else ("${" + piece + "}" if kind == "variable" else "$[" + piece + "]")
        if kind == "variable":
            try:
                found = _variable(piece, scope).constant
            except Untranslatable:
                found = None
            written = written if found is None else found
        whole += written
    return whole or text


def value(text: str, scope: Scope) -> Operand:
    """The value of a text with `${...}` and `$[...]` in it."""
    if len(text) > MAX_LENGTH or _depth(text) > MAX_DEPTH:
        raise Untranslatable("a text that is too long, or has too many brackets inside each other")
    parts = [Operand(constant=piece) if kind == "text" else _piece(kind, piece, scope) for kind, piece in _pieces(text)]
    joined: list[Operand] = []
    for part in parts:
        if joined and part.constant is not None and (before := joined[-1].constant) is not None:
            joined[-1] = Operand(constant=before + part.constant)
        else:
            joined.append(part)
    if not joined:
        return Operand(constant="")
    if len(joined) == 1:
        return joined[0]
    return Operand(" + ".join(as_text(part, scope) for part in joined if part.constant != ""))


def condition(text: str, scope: Scope) -> bool | str:
    """Whether a condition holds: known, or in CEL. Empty and 0 are false, as in Asterisk."""
    stripped = text.strip()
    if (found := _TIME_RANGE.fullmatch(stripped)) is not None:
        raise Untranslatable(f"{found[0]!r} looks at the time")
    operand = value(stripped, scope)
    if operand.constant is not None:
        return is_true(operand.constant)
    return as_truth(operand, scope)


MAX_LENGTH = 2_000
MAX_DEPTH = 30
MAX_TOKENS = 200
_TIME_RANGE = re.compile(r"\$\{IFTIME\(.*")


def _pieces(text: str) -> list[tuple[str, str]]:
    """The text cut into plain text, `${...}` (variable) and `$[...]` (expression)."""
    pieces: list[tuple[str, str]] = []
    plain, position = "", 0
    while position < len(text):
        opening = text[position : position + 2]
        if opening in ("${", "$["):
            end = _closing(text, position + 1)
            if plain:
                pieces.append(("text", plain))
            pieces.append(("variable" if opening == "${" else "expression", text[position + 2 : end]))
            plain, position = "", end + 1
        else:
            plain, position = plain + text[position], position + 1
    return [*pieces, ("text", plain)] if plain else pieces


def _depth(text: str) -> int:
    """How many brackets are inside each other."""
    deepest = depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` closes."""
    opened, closing = text[start], {"{": "}", "[": "]"}[text[start]]
    depth = 0
    for position in range(start, len(text)):
        depth += (text[position] == opened) - (text[position] == closing)
        if depth == 0:
            return position
    raise Untranslatable(f"{text!r} has a bracket that is not closed")


def _piece(kind: str, inner: str, scope: Scope) -> Operand:
    return _Parser(inner, scope).parse() if kind == "expression" else _variable(inner, scope)


def _variable(inner: str, scope: Scope) -> Operand:
    """`NAME`, `NAME:offset:length` or `FUNCTION(arguments)`."""
    if "${" in inner and "(" not in inner:
        inner = constant(inner, scope)  # a variable whose name is made of others
    name, _, cut = inner.partition(":") if "(" not in inner else (inner, "", "")
    if "(" in inner:
        return _function(inner, scope)
    found = scope.variable(name.strip())
    if not cut:
        return found
    if found.constant is None:
        raise Untranslatable(f"${{{inner}}} takes a part of a text, which our expressions cannot")
    return Operand(constant=_cut(found.constant, cut))


def _cut(text: str, cut: str) -> str:
    offset_text, _, length_text = cut.partition(":")
    offset = int(offset_text) if re.fullmatch(r"-?\d+", offset_text) else 0
    text = text[offset:] if offset >= 0 or -offset <= len(text) else text
    length = int(length_text) if re.fullmatch(r"-?\d+", length_text) else None
    return text if length is None else text[:length]


def _function(inner: str, scope: Scope) -> Operand:
    name, _, arguments = inner.partition("(")
    arguments, _, cut = arguments.rpartition(")")
    name = name.strip()
    if inner in SAME:
        return Operand(SAME[inner])
    if inner in ("CHANNEL(state)", "CDR(disposition)"):
        return Operand(constant="Up" if inner.startswith("CHANNEL") else "ANSWERED")  # a flow answers before it begins
    if name == "GLOBAL":
        return _variable(arguments + cut, scope)
    if name in ("LEN", "ISNULL", "EXISTS"):
        return _measured(name, value(arguments, scope), scope)
    if name == "IF":
        asked, _, answers = _outside(arguments, "?")
        yes, _, no = _outside(answers, ":")
        return choice(
            asked_as(value(asked, scope), scope), value(yes.strip('"'), scope), value(no.strip('"'), scope), scope
        )
    if name == "FILTER":
        allowed, _, text = arguments.partition(",")
        known = constant(text, scope)
        return Operand(constant="".join(c for c in known if re.match(f"[{re.escape(allowed)}]".replace(r"\-", "-"), c)))
    raise Untranslatable(f"the function {name}() has no counterpart")


def _measured(name: str, operand: Operand, scope: Scope) -> Operand:
    if operand.constant is not None:
        known = {"LEN": str(len(operand.constant)), "ISNULL": str(int(not operand.constant))}
        return Operand(constant=known.get(name, str(int(bool(operand.constant)))))
    text = as_text(operand, scope)
    if name == "LEN":
        return Operand(f"size({text})", kind="number")
    return Operand(f"{text} {'==' if name == 'ISNULL' else '!='} ''", kind="truth")


def _outside(text: str, mark: str) -> tuple[str, str, str]:
    """The text before and after the first `mark` that is in no bracket and no quotes."""
    depth, quoted_now = 0, False
    for position, character in enumerate(text):
        if character == '"':
            quoted_now = not quoted_now
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == mark and depth == 0 and not quoted_now:
            return text[:position], mark, text[position + 1 :]
    return text, "", ""


outside = _outside


_TOKEN = re.compile(r'\s*(?:(>=|<=|!=|==|=~|~~|::|[|&=<>+*/%!?:()-])|"((?:[^"\\]|\\.)*)"|([^\s|&=<>+*/%!?:()"~-]+|~))')
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"|"}),
    frozenset({"&"}),
    frozenset({"=", "==", "!=", "<", ">", "<=", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
    frozenset({":", "=~"}),
)
_MARK = "\x01"


@dataclass(slots=True)
class _Parser:
    """One `$[...]`."""

    text: str
    scope: Scope
    tokens: list[tuple[str, str]] = field(default_factory=list)
    at: int = 0

    def parse(self) -> Operand:
        self._cut_up()
        found = self._ternary()
        if self.at < len(self.tokens):
            raise Untranslatable(f"$[{self.text}] goes on behind what it says")
        return found

    def _cut_up(self) -> None:
        """Tokens; variables are put in as they are, so that no operator is found in their names."""
        inside: list[str] = []
        plain = ""
        for kind, piece in _pieces(self.text):
            if kind == "text":
                plain += piece
            else:
                plain += f"{_MARK}{len(inside)}{_MARK}"
                inside.append(("${" if kind == "variable" else "$[") + piece + ("}" if kind == "variable" else "]"))
        position, end = 0, len(plain.rstrip())
        while position < end:
            found = _TOKEN.match(plain, position)
            if found is None or len(self.tokens) >= MAX_TOKENS:
                raise Untranslatable(f"$[{self.text}] cannot be read")
            position = found.end()
            if found[1]:
                self.tokens.append(("operator", found[1]))
            else:
                written = found[2] if found[2] is not None else found[3]
                full = re.sub(f"{_MARK}(\\d+){_MARK}", lambda match: inside[int(match[1])], written)
                self.tokens.append(("text", full))

    def _next(self, *operators: str) -> str | None:
        if self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            if kind == "operator" and text in operators:
                self.at += 1
                return text
        return None

    def _ternary(self) -> Operand:
        asked = self._binary(0)
        if self._next("?") is None:
            return asked
        yes = self._ternary()
        if self._next("::") is None:
            raise Untranslatable(f"$[{self.text}] has ? without ::")
        no = self._ternary()
        return choice(asked_as(asked, self.scope), yes, no, self.scope)

    def _binary(self, level: int) -> Operand:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while (operator := self._next(*_LEVELS[level])) is not None:
            right = self._binary(level + 1) if not self._over() else Operand(constant="")
            left = applied(operator, left, right, self.scope)
        return left

    def _over(self) -> bool:
        return self.at >= len(self.tokens)

    def _unary(self) -> Operand:
        if self._next("!") is not None:
            operand = self._unary()
            if operand.constant is not None:
                return Operand(constant=str(int(not is_true(operand.constant))))
            return Operand(f"!({as_full(operand, self.scope)})", kind="truth")
        if self._next("-") is not None:
            return applied("-", Operand(constant="0"), self._unary(), self.scope)
        if self._next("+") is not None:
            return self._unary()
        if self._next("(") is not None:
            inner = self._ternary()
            if self._next(")") is None:
                raise Untranslatable(f"$[{self.text}] has a bracket that is not closed")
            return inner
        if self._over() or self.tokens[self.at][0] == "operator":
            return Operand(constant="")  # a variable that was empty when Asterisk put its value in
        self.at += 1
        return value(self.tokens[self.at - 1][1], self.scope)

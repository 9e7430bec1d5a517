"""The expressions of VoiceXML (ECMAScript) in CEL, as far as both can say the same.

Variables are attributes of the contact, whatever their scope. ECMAScript compares `"1"` and `1` as equal and CEL does
not, so what is compared with a number is read as one, and what is compared with a text as text.
"""

import re
from dataclasses import dataclass, field

from ivr.importing.draft import attribute


class Untranslatable(Exception):
    """Something that our expressions cannot say; the message says what."""


_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<name>[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)
    |(?P<operator>===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:()]))""",
    re.VERBOSE,
)
_LEVELS = (("||",), ("&&",), ("==", "!=", "===", "!=="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
_SCOPES = ("application.", "document.", "dialog.", "session.", "anonymous.")
_OF_THE_CALL = {
    "telephone.ani": "contact.number",
    "telephone.dnis": "contact.dialled",
    "connection.remote.uri": "contact.number",
    "connection.local.uri": "contact.dialled",
    "callerid": "contact.number",
    "calledid": "contact.dialled",
}
_MOST_TOKENS, _MOST_BRACKETS = 200, 30
_NOTHING = ("undefined", "null")


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression; `kind` is number, text, truth, nothing, or any (a variable)."""

    cel: str
    kind: str
    full: str = ""

    @property
    def sure(self) -> str:
        """As `cel`, but it never fails."""
        return self.full or self.cel


def variable(name: str) -> str:
    """The attribute that a variable is."""
    for scope in _SCOPES:
        name = name.removeprefix(scope)
    return attribute(name.replace(".", "_"))


def condition(text: str) -> str:
    """The text as a condition in CEL. Raises Untranslatable."""
    return _Parser(text).whole(truth=True).cel


def expression(text: str) -> Term:
    """The text as a value in CEL. Raises Untranslatable."""
    return _Parser(text).whole()


def literal(text: str) -> str | None:
    """The text that an expression is, if it is just a text."""
    found = re.fullmatch(r"\s*(?:'([^'\\]*)'|\"([^\"\\]*)\")\s*", text)
    return (found[1] if found[1] is not None else found[2]) if found else None


@dataclass(slots=True)
class _Parser:
    text: str
    tokens: list[tuple[str, str]] = field(default_factory=list)
    at: int = 0

    def whole(self, truth: bool = False) -> Term:
        position, end = 0, len(self.text.rstrip().rstrip(";"))
        while position < end:
            found = _TOKEN.match(self.text, position)
            if found is None or found.end() > end or len(self.tokens) >= _MOST_TOKENS:
                raise Untranslatable(f"{self.text!r} has more than variables, values and operators")
            position = found.end()
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        if not self.tokens:
            raise Untranslatable("an empty expression")
        if sum(token == ("operator", "(") for token in self.tokens) > _MOST_BRACKETS:
            raise Untranslatable("an expression with too many brackets")
        term = self._ternary()
        if self.at < len(self.tokens):
            raise Untranslatable(f"{self.text!r} has more than variables, values and operators")
        return _truth(term) if truth else term

    def _next(self, *operators: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at] in [("operator", operator) for operator in operators]:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return ""

    def _ternary(self) -> Term:
        asked = self._binary(0)
        if not self._next("?"):
            return asked
        yes = self._ternary()
        if not self._next(":"):
            raise Untranslatable(f"{self.text!r} has ? without :")
        no = self._ternary()
        kind = yes.kind if yes.kind == no.kind else "any"
        return Term(f"({_truth(asked).sure} ? {yes.cel} : {no.cel})", kind)

    def _binary(self, level: int) -> Term:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while operator := self._next(*_LEVELS[level]):
            left = _applied(operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Term:
        if self._next("!"):
            return Term(f"!({_truth(self._unary()).sure})", "truth")
        if self._next("-"):
            return Term(f"-{_number(self._unary()).cel}", "number")
        if self._next("("):
            inner = self._ternary()
            if not self._next(")"):
                raise Untranslatable(f"{self.text!r} has a bracket that is not closed")
            return Term(f"({inner.cel})", inner.kind, f"({inner.sure})")
        if self.at >= len(self.tokens):
            raise Untranslatable(f"{self.text!r} breaks off")
        kind, text = self.tokens[self.at]
        self.at += 1
        if self.at < len(self.tokens) and self.tokens[self.at] == ("operator", "(") and kind == "name":
            raise Untranslatable(f"{self.text!r} calls a function")
        return _atom(kind, text, self.text)


def _atom(kind: str, text: str, whole: str) -> Term:
    if kind == "number":
        return Term(text, "number")
    if kind == "text":
        return Term("'" + text[1:-1].replace('\\"', '"').replace("'", "\\'").replace("\\\\'", "\\'") + "'", "text")
    if kind != "name":
        raise Untranslatable(f"{whole!r} breaks off at {text!r}")
    if text in ("true", "false"):
        return Term(text, "truth")
    if text in _NOTHING:
        return Term("null", "nothing")
    if "$" in text:
        raise Untranslatable(f"{text!r} is what a recogniser adds, or another browser's")
    if text.endswith(".length"):
        return Term(f"size({_atom(kind, text.removesuffix('.length'), whole).cel})", "number")
    for scope in _SCOPES:
        text = text.removeprefix(scope)
    return Term(_OF_THE_CALL.get(text, f"contact.{variable(text)}"), "any")


def _truth(term: Term) -> Term:
    if term.kind == "truth":
        return term
    if term.kind == "number":
        return Term(f"{term.cel} != 0", "truth")
    if term.kind == "nothing":
        return Term("false", "truth")
    holds = f"!({term.cel} in ['', 0, false])"
    return Term(holds, "truth", f"({_present(term)} && {holds})")


def _present(term: Term) -> str:
    return f"has({term.cel})" if re.fullmatch(r"contact\.\w+", term.cel) else "true"


def _number(term: Term) -> Term:
    if term.kind == "number":
        return term
    if term.kind in ("any", "text"):
        return Term(f"int({term.cel})", "number")
    raise Untranslatable(f"{term.cel} is no number")


def _text(term: Term) -> Term:
    return term if term.kind == "text" else Term(f"string({term.cel})", "text")


def _applied(operator: str, left: Term, right: Term) -> Term:
    if operator in ("&&", "||"):
        a, b = _truth(left), _truth(right)
        return Term(f"({a.cel} {operator} {b.cel})", "truth", f"({a.sure} {operator} {b.sure})")
    if operator[:2] in ("==", "!="):
        return _equal(operator[:2], left, right)
    if operator in ("<", ">", "<=", ">="):
        cel = f"{_number(left).cel} {operator} {_number(right).cel}"
        return Term(cel, "truth", _guarded(cel, left, right, "false"))
    if operator == "+" and "text" in (left.kind, right.kind):
        return Term(f"({_text(left).cel} + {_text(right).cel})", "text")
    if operator == "+" and left.kind == right.kind == "any":
        raise Untranslatable("a sum of two variables may be of texts or of numbers")
    return Term(f"({_number(left).cel} {operator} {_number(right).cel})", "number")


def _equal(operator: str, left: Term, right: Term) -> Term:
    if "nothing" in (left.kind, right.kind):
        other = right if left.kind == "nothing" else left
        return Term(f"!{_present(other)}" if operator == "==" else _present(other), "truth")
    if "truth" in (left.kind, right.kind):
        a, b = left.cel, right.cel
    elif "number" in (left.kind, right.kind):
        a, b = (f"string({term.cel})" if term.kind != "number" else f"'{term.cel}'" for term in (left, right))
        if left.kind == right.kind:
            a, b = left.cel, right.cel
    else:
        a, b = left.cel, right.cel
    cel = f"{a} {operator} {b}"
    if operator == "!=":
        return Term(_guarded(cel, left, right, "true"), "truth")
    return Term(cel, "truth", _guarded(cel, left, right, "false"))


def _guarded(cel: str, left: Term, right: Term, missing: str) -> str:
    """The comparison, and what it is where a variable is not set."""
    asked = [_present(term) for term in (left, right) if _present(term) != "true"]
    if not asked:
        return cel
    return f"({' && '.join(asked)} && {cel})" if missing == "false" else f"(!({' && '.join(asked)}) || {cel})"

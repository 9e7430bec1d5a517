"""extensions.conf as data: contexts, their extensions and steps, each with its file and line.

Read as Asterisk's pbx_config reads it: `exten =>` and `exten =`, `same =>`, priorities `n`, `n+2`, `s`, `hint` and
labels, includes with times, templates and additions to a context, comments and block comments, globals.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from documents import DocumentError, Problem
from ivr.importing.draft import Draft
from ivr.importing.format import SourceFile


@dataclass(frozen=True, slots=True)
class Step:
    """One priority of an extension: an application and what is given to it. `text` is the line as it stands."""

    file: str
    line: int
    application: str
    arguments: str
    text: str


@dataclass(slots=True)
class Extension:
    """Steps by priority; `labels` are priorities by name."""

    name: str
    steps: dict[int, Step] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    last: int = 0

    @property
    def pattern(self) -> bool:
        return self.name.startswith("_")


@dataclass(frozen=True, slots=True)
class Include:
    """Another context whose extensions count here too, `when` it says so (empty: always)."""

    context: str
    when: str
    file: str
    line: int


@dataclass(slots=True)
class Context:
    name: str
    file: str
    line: int
    comment: str = ""
    extensions: dict[str, Extension] = field(default_factory=dict)
    includes: list[Include] = field(default_factory=list)
    template: bool = False


@dataclass(slots=True)
class Dialplan:
    contexts: dict[str, Context] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    falls_through: bool = True

    def steps(self) -> Iterator[tuple[Context, Extension, int, Step]]:
        for context in self.contexts.values():
            for extension in context.extensions.values():
                for priority, step in extension.steps.items():
                    yield context, extension, priority, step


def read_dialplan(files: Sequence[SourceFile], draft: Draft) -> Dialplan:
    """The dialplan of these files together. Lines that say nothing to us are noted in the draft; raises DocumentError
    for what Asterisk would not read either."""
    plan = Dialplan()
    problems: list[Problem] = []
    for file in files:
        _Reader(plan, file, draft, problems).read()
    if problems:
        raise DocumentError(problems)
    for name in [name for name, context in plan.contexts.items() if context.template]:
        del plan.contexts[name]
    return plan


_HEADER = re.compile(r"\[([^\]]+)\](?:\s*\(([^)]*)\))?\s*(.*)")
_SETTING = re.compile(r"([A-Za-z_]\w*)\s*=>?\s*(.*)", re.DOTALL)
_PRIORITY = re.compile(r"(\d+|[ns](?:\s*\+\s*\d+)?|hint)\s*(?:\(\s*([^)]*?)\s*\))?", re.IGNORECASE)


class _Reader:
    def __init__(self, plan: Dialplan, file: SourceFile, draft: Draft, problems: list[Problem]) -> None:
        self.plan, self.file, self.draft, self.problems = plan, file, draft, problems
        self.context: Context | None = None
        self.section = ""
        self.extension: Extension | None = None

    def read(self) -> None:
        inside_comment = False
        for number, raw in enumerate(self.file.text.splitlines(), 1):
            text = raw
            if inside_comment:
                _, ended, text = text.partition("--;")
                inside_comment = not ended
            while not inside_comment and (begun := re.search(r"(?<!\\);--(?!-)", text)):
                ended_at = text.find("--;", begun.end())
                inside_comment = ended_at < 0
                text = text[: begun.start()] + (text[ended_at + 3 :] if ended_at >= 0 else "")
            code, comment = _without_comment(text)
            if code:
                self._line(number, code, comment, raw.strip())

    def _problem(self, line: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, self.file.name, line, hint=hint))

    def _left_out(self, line: int, text: str, why: str, do: str = "") -> None:
        self.draft.find("left out", self.file.name, line, text, why, do)

    def _line(self, line: int, code: str, comment: str, text: str) -> None:
        if code.startswith("#"):
            self._directive(line, code)
        elif code.startswith("["):
            self._open(line, code, comment)
        elif (setting := _SETTING.fullmatch(code)) is None:
            self._problem(line, f"{code!r} is neither a [context] nor NAME => VALUE", "this line Asterisk ignores too")
        else:
            self._setting(line, setting[1].lower(), setting[1], setting[2].strip(), text)

    def _directive(self, line: int, code: str) -> None:
        word, _, name = code.partition(" ")
        name = name.strip(' "<>')
        if word == "#exec":
            self._left_out(line, code, "a program that writes dialplan is not run", "import what it prints")
        else:
            do = "import it together with this file, unless you have"
            self._left_out(line, code, "other files are read only when they are given too", do)

    def _open(self, line: int, code: str, comment: str) -> None:
        header = _HEADER.fullmatch(code)
        if header is None:
            self._problem(line, f"{code!r} is no [context]")
            return
        name, options = header[1].strip(), [option.strip() for option in (header[2] or "").split(",") if option.strip()]
        self.section, self.context, self.extension = name, None, None
        if name in ("general", "globals"):
            return
        known = self.plan.contexts.get(name)
        self.context = known or Context(name, self.file.name, line, comment)
        self.plan.contexts[name] = self.context
        for option in options:
            if option == "!":
                self.context.template = True
            elif option == "+":
                continue
            elif option in self.plan.contexts:
                self._inherit(self.plan.contexts[option])
            else:
                self._problem(line, f"there is no template {option!r} above", "templates come before what uses them")

    def _inherit(self, template: Context) -> None:
        assert self.context is not None
        self.context.includes += template.includes
        for extension in template.extensions.values():
            copy = Extension(extension.name, dict(extension.steps), dict(extension.labels), extension.last)
            self.context.extensions[extension.name] = copy

    def _setting(self, line: int, key: str, written: str, value: str, text: str) -> None:
        if self.section == "globals":
            self.plan.variables[written] = value
        elif self.section == "general":
            if key == "autofallthrough":
                self.plan.falls_through = value.lower() in ("yes", "true", "1", "on", "y", "t")
        elif self.context is None:
            self._problem(line, f"{text!r} stands in no context", "a [context] comes first")
        elif key == "exten":
            self._exten(line, value, text)
        elif key == "same":
            if self.extension is None:
                self._problem(line, f"{text!r} has no extension before it", "begin with exten =>")
            else:
                self._step(line, self.extension, value, text)
        elif key == "include":
            name, *when = value.split(",", 1) if "," in value else value.split("|", 1)
            timed = when[0].strip() if when else ""
            self.context.includes.append(Include(name.strip(), timed, self.file.name, line))
        elif key == "ignorepat":
            self._left_out(line, text, "a dial tone after the first keys means nothing in a flow")
        else:
            why = "another source of extensions" if key in ("switch", "lswitch", "eswitch") else "unknown in a dialplan"
            self._left_out(line, text, why, "import what it would have given")

    def _exten(self, line: int, value: str, text: str) -> None:
        assert self.context is not None
        name, rest = _split_name(value)
        if not name or not rest:
            self._problem(line, f"{text!r} is not exten => NAME,PRIORITY,APPLICATION(...)")
            return
        if "/" in name:
            self._left_out(line, text, "an extension for one caller's number", "branch on contact.number")
            self.extension = Extension(name)  # so that what is the `same` goes the same way
        else:
            extensions = self.context.extensions
            self.extension = extensions.setdefault(name, Extension(name))
        self._step(line, self.extension, rest, text)

    def _step(self, line: int, extension: Extension, value: str, text: str) -> None:
        written, _, call = value.partition(",")
        priority = _PRIORITY.fullmatch(written.strip())
        if priority is None:
            hint = "a number, n or hint, perhaps with a (label)"
            self._problem(line, f"{written.strip()!r} is no priority of {extension.name!r}", hint)
            return
        what = priority[1].lower().replace(" ", "")
        if what == "hint":
            self._left_out(line, text, "the lamps of phones mean nothing in a flow")
            return
        number = int(what) if what.isdecimal() else extension.last + _offset(what)
        if number < 1:
            self._problem(line, f"priority {number} of {extension.name!r}", "priorities begin with 1")
            return
        application, arguments = _call(call.strip())
        if not application:
            self._problem(line, f"{text!r} names no application")
            return
        if number not in extension.steps:
            extension.steps[number] = Step(self.file.name, line, application, arguments, text)
        else:
            self._left_out(line, text, f"{extension.name},{number} stands at line {extension.steps[number].line} too")
        if priority[2]:
            extension.labels.setdefault(priority[2], number)
        extension.last = number


def _offset(what: str) -> int:
    """How far `n`, `n+2`, `s` and `s+1` are from the priority before."""
    letter, _, more = what.partition("+")
    return (1 if letter == "n" else 0) + int(more or 0)


def _without_comment(text: str) -> tuple[str, str]:
    r"""The line without its comment, and the comment; `\;` is a semicolon."""
    found = re.search(r"(?<!\\);", text)
    code, comment = (text[: found.start()], text[found.end() :]) if found else (text, "")
    return code.replace("\\;", ";").strip(), comment.strip()


def _split_name(value: str) -> tuple[str, str]:
    """The extension and the rest; a comma inside brackets is no end."""
    depth = 0
    for position, character in enumerate(value):
        depth += (character in "[(") - (character in "])")
        if character == "," and depth <= 0:
            return value[:position].strip().strip('"'), value[position + 1 :].strip()
    return value.strip(), ""


def _call(call: str) -> tuple[str, str]:
    """`Application(arguments)`, or the older `Application,arguments`."""
    found = re.match(r"\s*([A-Za-z_][\w-]*)\s*", call)
    if found is None:
        return "", ""
    application, rest = found[1], call[found.end() :].strip()
    if rest.startswith("("):
        return application, rest[1 : rest.rfind(")") if ")" in rest else None]
    return application, rest.removeprefix(",").strip()

"""YAML (and so JSON) text as plain data, with the line of every value.

Only plain data is read: no tags, no aliases, no duplicate keys, bounded depth and size; so a document can neither
run code nor grow in memory beyond what its author typed.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from documents.problems import DocumentError, Problem

MAX_DEPTH = 40
MAX_CHARACTERS = 2_000_000  # some 3 s and 400 MB at the very worst; 2,000 agents are 400,000

Path = tuple[str | int, ...]

# The C parser is ten times faster and yields the same events; a pure-Python PyYAML has only the other.
_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BaseLoader):  # type: ignore[misc]
    """Scalars as people mean them: YAML 1.2's booleans and numbers only.

    `yes` and `on` stay text, `08:30` is no base-60 number, `010` no octal one, and a date stays text until a
    model asks for a date.
    """


_SCALARS = {
    "bool": r"(?:true|True|TRUE|false|False|FALSE)",
    "null": r"(?:~|null|Null|NULL|)",
    "int": r"[-+]?(?:0|[1-9][0-9]*)",
    "float": r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?",
}
_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^{_pattern}$"), None)


@dataclass(frozen=True, slots=True)
class Source:
    """A document as read: plain `data`, the `file` it came from, and the line of every path in it."""

    file: str
    data: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int | None:
        """The line of `path`, or of the nearest enclosing thing that was written down."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def problem(
        self, path: Path, message: str, hint: str = "", severity: Literal["error", "warning"] = "error"
    ) -> Problem:
        return Problem(message, self.file, self.line(path), dotted(path), hint, severity)


def dotted(path: Path) -> str:
    """`("steps", 1, "where")` as people write it: `steps[1].where`."""
    text = ""
    for part in path:
        if isinstance(part, int) or not _PLAIN_KEY.fullmatch(part):
            text += f"[{part!r}]"
        else:
            text += f".{part}" if text else part
    return text


_PLAIN_KEY = re.compile(r"[\w*#+@/ -]+")


def read(text: str, file: str = "") -> Source:
    """Reads one YAML document.

    Raises DocumentError for bad syntax, several documents, tags, aliases, duplicate keys, keys that are not text
    (numbers become text), and anything deeper than MAX_DEPTH or longer than MAX_CHARACTERS.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError([Problem(f"the document is longer than {MAX_CHARACTERS:,} characters", file)])
    _refuse_odd_characters(text, file)
    _refuse_tags_and_aliases(text, file)
    loader = _Loader(text)
    lines: dict[Path, int] = {}
    problems: list[Problem] = []
    try:
        root = loader.get_single_node()
        data = _plain(loader, root, (), lines, problems, file) if root is not None else None
    except yaml.YAMLError as error:
        raise DocumentError([_syntax_problem(error, text, file)]) from None
    finally:
        loader.dispose()
    if problems:
        raise DocumentError(problems)
    return Source(file, data, lines)


_ODD = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _refuse_odd_characters(text: str, file: str) -> None:
    """Control characters and lone surrogates, which YAML does not allow (YAML 1.2.2, section 5.1)."""
    odd = _ODD.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        raise DocumentError([Problem(f"the character U+{ord(odd[0]):04X} is not allowed in text", file, line)])


def _refuse_tags_and_aliases(text: str, file: str) -> None:
    depth = 0
    event: Any
    try:
        for event in yaml.parse(text, Loader=_BaseLoader):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise DocumentError([Problem("anchors and aliases (& and *) are not allowed", file, line)])
            if getattr(event, "tag", None) and event.tag != "tag:yaml.org,2002:str":
                raise DocumentError([Problem(f"the tag {event.tag!r} is not allowed", file, line)])
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                depth += 1
                if depth > MAX_DEPTH:
                    raise DocumentError([Problem(f"nested deeper than {MAX_DEPTH} levels", file, line)])
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                depth -= 1
    except yaml.YAMLError as error:
        raise DocumentError([_syntax_problem(error, text, file)]) from None


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error)
    if mark is None:
        return Problem(f"not valid YAML: {what}", file)
    if what == "but found another document":
        return Problem("a file holds one document; a second one begins here", file, mark.line + 1, hint="remove '---'")
    lines = text.splitlines()
    written = lines[mark.line] if mark.line < len(lines) else ""
    hint = ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        hint = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in what:
        hint = "put text that contains ': ' into quotes"
    elif written[mark.column : mark.column + 1] in _INDICATORS:
        hint = f"put text that begins with {written[mark.column]!r} into quotes"
    return Problem(f"not valid YAML: {what}", file, mark.line + 1, hint=hint)


_INDICATORS = ("@", "`", "%")


def _plain(loader: Any, node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[Problem], file: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*path, i), lines, problems, file) for i, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(loader, node, path, lines, problems, file)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem("a key must be text", file, line, dotted(path)))
            continue
        key = str(key_node.value)
        if key in mapping:
            first = lines[(*path, key)]
            problems.append(Problem(f"{key!r} stands here twice", file, line, dotted(path), f"first at line {first}"))
            continue
        lines[(*path, key)] = line
        mapping[key] = _plain(loader, value_node, (*path, key), lines, problems, file)
    return mapping


def _scalar(
    loader: Any, node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[Problem], file: str
) -> Any:
    try:
        value = loader.construct_object(node)
    except ValueError:  # Python reads no integer of more than 4,300 digits
        value = math.inf
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(Problem("this number is too large", file, lines[path], dotted(path)))
    return value

"""YAML (and so JSON) text with the line of every value, and its validation against a typed model.

Only plain data is read: no tags, no aliases, no duplicate keys, bounded depth and size; so a document can neither
run code nor grow in memory beyond what its author typed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from documents.problems import DocumentError, Problem, nearest

MAX_DEPTH = 40
MAX_CHARACTERS = 8_000_000

Path = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

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
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read(text: str, file: str = "") -> Source:
    """Reads one YAML document.

    Raises DocumentError for bad syntax, several documents, tags, aliases, duplicate keys, keys that are not text
    (numbers become text), and anything deeper than MAX_DEPTH or longer than MAX_CHARACTERS.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError([Problem(f"the document is longer than {MAX_CHARACTERS:,} characters", file)])
    _refuse_tags_and_aliases(text, file)
    loader = _Loader(text)
    lines: dict[Path, int] = {}
    problems: list[Problem] = []
    try:
        root = loader.get_single_node()
        data = _plain(loader, root, (), lines, problems, file) if root is not None else None
    except yaml.YAMLError as error:
        raise DocumentError([_syntax_problem(error, file)]) from None
    finally:
        loader.dispose()
    if problems:
        raise DocumentError(problems)
    return Source(file, data, lines)


def _refuse_tags_and_aliases(text: str, file: str) -> None:
    depth = 0
    event: Any
    try:
        for event in yaml.parse(text, Loader=_BaseLoader):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise DocumentError([Problem("anchors and aliases (& and *) are not allowed", file, line)])
            if getattr(event, "tag", None) and not str(event.tag).startswith("tag:yaml.org,2002:str"):
                raise DocumentError([Problem(f"the tag {event.tag!r} is not allowed", file, line)])
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                depth += 1
                if depth > MAX_DEPTH:
                    raise DocumentError([Problem(f"nested deeper than {MAX_DEPTH} levels", file, line)])
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                depth -= 1
    except yaml.YAMLError as error:
        raise DocumentError([_syntax_problem(error, file)]) from None


def _syntax_problem(error: yaml.YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error)
    return Problem(f"not valid YAML: {what}", file, mark.line + 1 if mark else None)


def _plain(loader: Any, node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[Problem], file: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*path, i), lines, problems, file) for i, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
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


def validate(source: Source, model: type[Model], at: Path = ()) -> Model:
    """The part of `source` at path `at` as a `model`; raises DocumentError with every problem and its line."""
    data = source.data
    for part in at:
        data = data[part]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise DocumentError(list(_problems(source, model, error, at))) from None


def _problems(source: Source, model: type[BaseModel], error: ValidationError, at: Path) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        inner = _written_path(source, (*at, *detail["loc"]))
        message, hint = detail["msg"].removeprefix("Value error, "), ""
        if detail["type"] == "extra_forbidden":
            message = f"{detail['loc'][-1]!r} is not known here"
            siblings = detail.get("ctx", {}).get("fields") or _field_names(model, detail["loc"][:-1])
            hint = nearest(detail["loc"][-1], siblings) if siblings else ""
        elif detail["type"] == "missing":
            message = f"{detail['loc'][-1]!r} is missing"
        elif not isinstance(detail["input"], (dict, list)):
            message += f"; it is {detail['input']!r}"
        yield source.problem(inner, message, hint)


def _written_path(source: Source, path: Path) -> Path:
    """Drops what pydantic puts into a path but nobody wrote: union tags and function names."""
    written: Path = ()
    for position, part in enumerate(path):
        if (*written, part) in source.lines or position == len(path) - 1:
            written = (*written, part)
    return written


def _field_names(model: type[BaseModel], path: Path) -> list[str]:
    """The field names of the model at `path` below `model`, as far as plain nesting shows them."""
    current: Any = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = next((f for n, f in current.model_fields.items() if part in (n, f.alias)), None)
            current = field.annotation if field else None
        current = _innermost_model(current)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return [field.alias or name for name, field in current.model_fields.items()]
    return []


def _innermost_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _innermost_model(argument)
        if found is not None:
            return found
    return None

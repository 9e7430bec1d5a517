"""Plain data against a typed model: every problem at its line, with the nearest name for a wrong one."""

import re
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from documents.problems import DocumentError, Problem, nearest
from documents.source import Path, Source

Model = TypeVar("Model", bound=BaseModel)


def validate(source: Source, model: type[Model], at: Path = ()) -> Model:
    """The part of `source` at path `at` as a `model`; raises DocumentError with every problem and its line."""
    data = source.data
    for part in at:
        data = data[part]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise DocumentError(_once_each(_problems(source, model, error, at))) from None


def _problems(source: Source, model: type[BaseModel], error: ValidationError, at: Path) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        kind, place, value = detail["type"], detail["loc"], detail["input"]
        message, hint = detail["msg"].removeprefix("Value error, ").removeprefix("Input "), ""
        if kind == "extra_forbidden":
            message = f"{place[-1]!r} is not known here"
            hint = nearest(place[-1], _field_names(model, place[:-1]))
        elif kind == "missing":
            message = f"{place[-1]!r} is missing"
        elif kind in _EXPECTED:
            message = f"{_EXPECTED[kind]} belongs here, not {_what(value)}"
            if kind == "string_type" and isinstance(value, (int, float)):
                hint = f"put it into quotes: '{value}'"
            elif isinstance(value, str) and kind in ("int_type", "float_type") and _NUMBER.fullmatch(value):
                hint = f"write it without quotes: {value}"
        elif place and place[-1] == "[key]":
            message = f"{message}; the name is {place[-2]!r}"
        elif kind != HIDDEN and not isinstance(value, (dict, list)):
            message += f"; it is {_shown(value)}"
        written = _written_path(source, (*at, *place))
        if kind == "missing":
            written = (*written, place[-1])
        yield source.problem(written, message, hint)


HIDDEN = "hidden"
"""The type of a `PydanticCustomError` whose value may be a secret that stands in the wrong place: it is not shown."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_EXPECTED = {
    "model_type": "a mapping (`key: value` lines)",
    "model_attributes_type": "a mapping (`key: value` lines)",
    "dict_type": "a mapping (`key: value` lines)",
    "list_type": "a list (`- item` lines)",
    "tuple_type": "a list (`- item` lines)",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}


def _what(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else _shown(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _once_each(problems: Iterator[Problem]) -> Iterator[Problem]:
    """A union reports the failure of each of its members; one at a place is enough."""
    seen = set()
    for problem in problems:
        place = (problem.line, problem.path)
        if place not in seen:
            seen.add(place)
            yield problem


def _written_path(source: Source, path: Path) -> Path:
    """Drops what pydantic puts into a path but nobody wrote: union tags, function names, `[key]`."""
    written: Path = ()
    for part in path:
        if (*written, part) in source.lines:
            written = (*written, part)
    return written


def _field_names(model: type[BaseModel], path: Path) -> list[str]:
    """The names of the fields that a mapping at `path` below `model` may have."""
    choices: list[Any] = [model]
    for part in path:
        choices = [inner for choice in choices for inner in _below(choice, part)] or choices  # a union tag
    return [
        field.alias or name
        for choice in choices
        if isinstance(choice, type) and issubclass(choice, BaseModel)
        for name, field in choice.model_fields.items()
    ]


def _below(annotation: Any, part: str | int) -> list[Any]:
    """What `part` leads to inside a value annotated so; several for a union, none where it does not fit."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return [m for name, field in fields if part in (name, field.alias) for m in _members(field.annotation)]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if not isinstance(origin, type) or not arguments:
        return []
    if issubclass(origin, Mapping) and isinstance(part, str):
        return _members(arguments[-1])
    if issubclass(origin, (list, tuple)) and isinstance(part, int):
        return _members(arguments[0])
    return []


def _members(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [member for argument in get_args(annotation) for member in _members(argument)]
    return [annotation]

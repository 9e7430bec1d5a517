"""The JSON Schemas of a centre's documents, and the page on settings: both made from the models themselves."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field, create_model

from ivr.flow.hours import HoursDocument
from ivr.flow.prompts import PromptsDocument
from ivr.flow.script import FlowTests
from switchboard.centre.model import AgentsDocument, CentreDocument, QueuesDocument, SkillsDocument
from switchboard.centre.values import Document

Schema = dict[str, Any]

DOCUMENTS: dict[str, type[BaseModel]] = {
    "centre": CentreDocument,
    "skills": SkillsDocument,
    "agents": AgentsDocument,
    "queues": QueuesDocument,
    "hours": create_model(
        "Hours", __base__=Document, hours=(HoursDocument, Field(description="Opening hours by name."))
    ),
    "flow-tests": FlowTests,
    "prompts": create_model("Prompts", __base__=Document, prompts=(PromptsDocument, Field(description="By name."))),
}
"""The model of each document, by the name of its schema."""


def schema_text(document: str) -> str:
    """JSON Schema 2020-12 of a document, as it is published for editors."""
    schema = DOCUMENTS[document].model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"Switchboard {document}",
    }
    return json.dumps(head, indent=2, ensure_ascii=False) + "\n"


def settings_page() -> str:
    """Every field of every document, as Markdown."""
    parts = [_HEAD]
    for name in ("centre", "skills", "agents", "queues"):
        schema = DOCUMENTS[name].model_json_schema()
        parts += [f"## {name}.yaml", *_tables(schema, "", schema.get("$defs", {}), {})]
    return "\n\n".join(parts) + "\n"


_HEAD = """# Every setting

<!-- Generated from switchboard/centre/ by `python -m switchboard.reference`; do not edit. -->

Times are in seconds; `NAME` stands for a name of your own, `[]` for each item of a list. [How they work together, hours
and prompts](../configuration.md); [the nodes of flows](nodes.md)."""


def _tables(schema: Schema, path: str, definitions: Schema, shown: dict[str, str]) -> Iterator[str]:
    """A table of the model's fields, and then those of the models inside it, each model once."""
    rows, inner = [], []
    for name, field in schema["properties"].items():
        below = _inner(field)
        place = _join(path, name, field)
        if below and shown.setdefault(below, place) == place:
            inner.append((below, place))
        need = "required" if name in schema.get("required", ()) else _default(field)
        about = _escaped(field.get("description", "") or definitions.get(below, {}).get("description", ""))
        about += f" As `{shown[below]}`." if below and shown[below] != place else ""
        rows.append(f"| `{name}` | {_escaped(_kind(field))} | {need} | {about} |")
    about = schema.get("description", "")
    title = [f"### {path}"] if path else []
    yield "\n\n".join([*title, about, "\n".join(["| field | value | default | |", "| --- | --- | --- | --- |", *rows])])
    for below, inner_path in inner:
        yield from _tables(definitions[below], inner_path, definitions, shown)


def _options(field: Schema) -> list[Schema]:
    return [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]


def _values(field: Schema) -> Schema:
    """The schema of what stands in a list or a mapping."""
    values: Schema = field.get("items") or next(iter(field.get("patternProperties", {}).values()), {})
    return values


def _inner(field: Schema) -> str:
    """The name of the model that the field holds, alone or in a list or a mapping."""
    for option in _options(field):
        for schema in (option, _values(option)):
            if "$ref" in schema:
                return str(schema["$ref"]).rpartition("/")[2]
    return ""


def _join(path: str, name: str, field: Schema) -> str:
    many = "[]" if "items" in field else ".NAME" if "patternProperties" in field else ""
    return f"{path}.{name}{many}" if path else f"{name}{many}"


def _kind(field: Schema) -> str:
    """What may stand there, in words."""
    options = _options(field)
    if len(options) > 1:
        return " or ".join(_kind(option) for option in options)
    (option,) = options
    if "enum" in option:
        return " or ".join(f"`{value}`" for value in option["enum"])
    if "const" in option:
        return f"`{option['const']}`"
    if "$ref" in option:
        return "mapping"
    if option.get("type") == "array":
        return f"list of {_kind(_values(option))}"
    if option.get("type") == "object":
        return "mapping"
    return _TYPES[option["type"]] + _limits(option)


_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}


def _limits(option: Schema) -> str:
    if "minimum" in option and "maximum" in option:
        return f", {option['minimum']:,} to {option['maximum']:,}"
    words = {"exclusiveMinimum": "above", "minimum": "at least", "maximum": "at most"}
    return "".join(f", {word} {option[limit]:,}" for limit, word in words.items() if limit in option)


def _default(field: Schema) -> str:
    default = field.get("default")
    if default in (None, [], {}) or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`" if not isinstance(default, str) else f"`{default}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

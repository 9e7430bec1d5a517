"""The page on node types (docs/reference/nodes.md), made from the types themselves."""

import json
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from textwrap import dedent
from typing import Any

from ivr.flow.node import Node
from ivr.flow.registry import node_types

_HEAD = """# Node types

<!-- Generated from ivr/flow/nodes/ by `python -m switchboard.reference`; do not edit. -->

A flow is a mapping of node ids to nodes; each node has a `type` and the fields listed here. Every node may also have
`error`: where to go when it cannot do its work (by default the flow's `on_error`), and `time_limit_s`: how long a
caller may be there, over all tries, before it asks no more and fails. Conditions and values are
[CEL](https://cel.dev) expressions over `contact` (the attributes set so far, and `language`, `number`, `dialled`),
`caller` (`number`, `dialled`, `name`) and `now` (`date`, `time`, `datetime`, `weekday`, `year`, `month`, `day`, `hour`,
`minute`, by the centre's clock). What is missing makes a condition false. Editors check flows with
[flow.schema.json](flow.schema.json).
"""


def nodes_page() -> str:
    return "\n".join([_HEAD, *(_section(name, node) for name, node in node_types().items())])


def _section(name: str, node: type[Node]) -> str:
    fields = [f"| `{field}` | {need} | {text} |" for field, need, text in _fields(node)]
    table = "\n".join(["| field | | |", "| --- | --- | --- |", *fields])
    example = f"```yaml\n{dedent(node.example).strip()}\n```\n"
    return "\n\n".join([f"## {name}", cleandoc(node.__doc__ or ""), table, example])


def _fields(node: type[Node]) -> Iterator[tuple[str, str, str]]:
    schema = node.model_json_schema()
    own = {
        field: about for field, about in schema["properties"].items() if field not in ("type", "error", "time_limit_s")
    }
    for field, about in own.items():
        default = about.get("default")
        stated = f"default `{json.dumps(default)}`" if default not in (None, [], "") else ""
        need = "required" if field in schema["required"] else stated
        yield field, need, _about(about, schema.get("$defs", {}))


def _about(about: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    parts = [str(about.get("description", "")).replace("\n", " ")]
    if "enum" in about:
        parts.append("One of " + ", ".join(f"`{value}`" for value in about["enum"]) + ".")
    reference = about.get("$ref") or about.get("items", {}).get("$ref")
    if reference:
        inner = definitions[reference.rpartition("/")[2]]["properties"]
        parts.append("Has " + ", ".join(f"`{field}`" for field in inner) + ".")
    return " ".join(part for part in parts if part)

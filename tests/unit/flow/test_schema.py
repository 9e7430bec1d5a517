import json
from typing import Any

import pytest

from ivr.flow.registry import node_types
from ivr.flow.schema import flow_schema, flow_schema_text


def branches() -> dict[str, Any]:
    nodes = flow_schema()["properties"]["nodes"]
    [any_node] = nodes["patternProperties"].values()
    mapping: dict[str, Any] = any_node["discriminator"]["mapping"]
    return mapping


def test_the_schema_knows_every_node_type() -> None:
    assert sorted(branches()) == sorted(node_types())


@pytest.mark.parametrize("kind", node_types())
def test_the_schema_describes_every_field_and_refuses_others(kind: str) -> None:
    schema = flow_schema()["$defs"][branches()[kind].rpartition("/")[2]]
    assert schema["additionalProperties"] is False
    assert schema["description"]
    for field, about in schema["properties"].items():
        assert field == "type" or about.get("description"), field


def test_the_schema_is_plain_json() -> None:
    assert json.loads(flow_schema_text()) == flow_schema()

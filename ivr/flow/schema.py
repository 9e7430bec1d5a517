"""The JSON Schema of flow documents, for editors that complete and check them (docs/reference/flow.schema.json)."""

import json
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, create_model

from ivr.flow.document import MAX_NODES, FlowHeader
from ivr.flow.migrations import CURRENT
from ivr.flow.names import Target
from ivr.flow.registry import node_types

_NODES = Field(min_length=1, max_length=MAX_NODES, description="The nodes by their ids.")


def flow_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 for the current version of the format, made from the node types there are."""
    any_node: Any = reduce(or_, node_types().values())
    nodes: Any = Annotated[dict[Target, Annotated[any_node, Field(discriminator="type")]], _NODES]
    model: Any = create_model("Flow", __base__=FlowHeader, __doc__=FlowHeader.__doc__, nodes=nodes)
    schema: dict[str, Any] = model.model_json_schema()
    schema["properties"]["schema"]["const"] = CURRENT
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Switchboard flow"}


def flow_schema_text() -> str:
    """As it is published."""
    return json.dumps(flow_schema(), indent=2, ensure_ascii=False) + "\n"

"""Which node types there are: whatever `ivr/flow/nodes/` holds, one type a file."""

import importlib
import pkgutil
from functools import cache
from typing import Literal, get_args, get_origin

from ivr.flow import nodes
from ivr.flow.node import Node


@cache
def node_types() -> dict[str, type[Node]]:
    """Every node type by its name in documents, sorted by name."""
    found = {}
    for module_info in pkgutil.iter_modules(nodes.__path__):
        module = importlib.import_module(f"{nodes.__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Node) and value.__module__ == module.__name__:
                found[type_name(value)] = value
    return dict(sorted(found.items()))


def type_name(node: type[Node]) -> str:
    """What documents write as `type:`."""
    annotation = node.model_fields["type"].annotation
    if get_origin(annotation) is not Literal:
        raise TypeError(f"{node.__name__}.type must be a Literal of its name")
    return str(get_args(annotation)[0])

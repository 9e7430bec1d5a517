"""Makes an imported flow as small as it can be without changing what callers meet.

Nodes that do the same and lead to the same places become one (partition refinement, as in J. Hopcroft, "An n log n
algorithm for minimizing states in a finite automaton", 1971, by plain iteration); what nobody reaches goes; prompts
that follow each other are played by one node, and attributes set by one.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from ivr.flow.names import Target
from ivr.flow.node import Path
from ivr.flow.registry import node_types
from ivr.importing.draft import FlowDraft

_MOST_SAID = 20


def tidy(flow: FlowDraft) -> None:
    """Tidies the flow in place."""
    targets = {name: node_targets(node) for name, node in flow.nodes.items()}
    _merge_equal(flow, targets)
    _drop_unreached(flow, targets)
    _join(flow, targets)


def resolve(flow: FlowDraft, labels: dict[str, str], end: str) -> None:
    """Puts nodes where labels stand, in place. `labels` leads from a label to a node or to another label; what leads
    nowhere, or round and round, is `end`."""

    def to(name: str) -> str:
        passed = set()
        while name in labels and name not in passed:
            passed.add(name)
            name = labels[name]
        return name if name in flow.nodes else end

    flow.nodes = {name: _led(node, node_targets(node), to) for name, node in flow.nodes.items()}
    flow.start = to(flow.start)


def node_targets(node: dict[str, Any]) -> list[Path]:
    """Where in the node other nodes are named."""
    try:
        model = node_types()[node["type"]].model_validate(node)
    except ValidationError as error:
        raise AssertionError(f"an importer has made a node that is none: {node}: {error}") from None
    return [reference.path for reference in model.refers() if reference.kind == Target.kind]


def _merge_equal(flow: FlowDraft, targets: dict[str, list[Path]]) -> None:
    group = dict.fromkeys(flow.nodes, 0)
    count = 1
    while True:
        groups = {name: str(number) for name, number in group.items()}
        keys = {
            name: json.dumps(_led(node, targets[name], groups.__getitem__), sort_keys=True)
            for name, node in flow.nodes.items()
        }
        numbers: dict[tuple[int, str], int] = {}
        group = {name: numbers.setdefault((group[name], keys[name]), len(numbers)) for name in flow.nodes}
        if len(numbers) == count:
            break
        count = len(numbers)
    first: dict[int, str] = {}
    for name in flow.nodes:
        first.setdefault(group[name], name)
    flow.nodes = {
        name: _led(node, targets[name], lambda to: first[group[to]])
        for name, node in flow.nodes.items()
        if first[group[name]] == name
    }
    flow.start = first[group[flow.start]]
    if flow.on_error:
        flow.on_error = first[group[flow.on_error]]


def _drop_unreached(flow: FlowDraft, targets: dict[str, list[Path]]) -> None:
    reached, to_do = {flow.start, *filter(None, [flow.on_error])}, [flow.start, *filter(None, [flow.on_error])]
    while to_do:
        name = to_do.pop()
        for path in targets[name]:
            to = _at(flow.nodes[name], path)
            if to not in reached:
                reached.add(to)
                to_do.append(to)
    flow.nodes = {name: node for name, node in flow.nodes.items() if name in reached}


def _join(flow: FlowDraft, targets: dict[str, list[Path]]) -> None:
    """What a node does to which only another of its type leads is done by that one too."""
    ways = Counter(_at(node, path) for name, node in flow.nodes.items() for path in targets[name])
    ways.update([flow.start, flow.on_error])
    for name in list(flow.nodes):
        node = flow.nodes.get(name)
        while node is not None and node["type"] in _DOES and node["next"] != name and ways[node["next"]] == 1:
            following, does = flow.nodes[node["next"]], _DOES[node["type"]]
            if following["type"] != node["type"] or not _fit_together(node[does], following[does]):
                break
            del flow.nodes[node["next"]]
            both = node[does] | following[does] if does == "attributes" else [*node[does], *following[does]]
            node[does], node["next"] = both, following["next"]


_DOES = {"play": "say", "set": "attributes"}


def _fit_together(one: Any, other: Any) -> bool:
    """Prompts, while they are not too many; attributes, while none is set twice, as the later may need the earlier."""
    return len(one) + len(other) <= _MOST_SAID if isinstance(one, list) else not one.keys() & other.keys()


def redirect(node: dict[str, Any], path: Path, to: str = "") -> str:
    """Where the node leads by what stands at this path; with `to`, it leads there from now on."""
    found = _at(node, path)
    if to:
        place: Any = node
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = to
    return found


def _at(node: dict[str, Any], path: Path) -> str:
    value: Any = node
    for part in path:
        value = value[part]
    return str(value)


def _led(node: dict[str, Any], paths: list[Path], to: Callable[[str], str]) -> dict[str, Any]:
    """The node with its targets renamed."""
    made: dict[str, Any] = json.loads(json.dumps(node))
    for path in paths:
        place: Any = made
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = to(place[path[-1]])
    return made

"""The flow document: what a telephony admin writes, read, migrated and checked as far as the document alone shows.

What needs the rest of the centre (does this queue exist, does every loop wait?) is the lint's affair.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from documents import DocumentError, Problem, Source, nearest, validate
from ivr.flow.migrations import CURRENT, migrated
from ivr.flow.names import FlowName, Target
from ivr.flow.node import Node, Part, Path
from ivr.flow.registry import node_types

MAX_NODES = 1_000


class Operator(Part):
    """The way to a person from every node of the flow that takes keys."""

    key: str = Field("0", pattern=r"^[0-9*]$", description="The key that asks for a person.")
    to: Target = Field(description="The node that brings the caller to one.")
    at_prompts: bool = Field(False, description="Also while something is only played (`play`, `say`).")


class FlowHeader(Part):
    """One flow: where it starts, and its nodes by id."""

    schema_version: int = Field(alias="schema", description=f"The version of this format; now {CURRENT}.")
    name: FlowName = Field(description="How other flows call it.")
    description: str = Field("", max_length=2_000, description="What it is for.")
    start: Target = Field(description="The node that callers enter first.")
    on_error: Target | None = Field(
        None, description="Where a caller goes when a node cannot do its work and has no `error` exit of its own."
    )
    operator: Operator | None = Field(None, description="How callers ask for a person.")
    time_limit_s: float | None = Field(
        None,
        gt=0,
        le=86_400,
        description="How long a caller may be in this flow, waits for a person and talks not counted; after that "
        "on_error, once more for so long, and then the flow ends with an error.",
    )
    nodes: dict[Target, Any] = Field(min_length=1, max_length=MAX_NODES)


class Flow:
    """A loaded flow. `exits[id]` is where each exit of a node leads, the flow's own `error` and `operator` included.

    `fingerprint` names the version: equal documents have equal ones, whatever their layout.
    """

    __slots__ = (
        "at",
        "description",
        "exits",
        "fingerprint",
        "name",
        "nodes",
        "on_error",
        "operator",
        "source",
        "start",
        "time_limit_s",
    )

    def __init__(self, header: FlowHeader, nodes: Mapping[str, Node], source: Source, at: Path) -> None:
        self.name = str(header.name)
        self.description = header.description
        self.start = str(header.start)
        self.on_error = str(header.on_error) if header.on_error else None
        self.operator = header.operator
        self.time_limit_s = header.time_limit_s
        self.nodes: dict[str, Node] = dict(nodes)
        self.fingerprint = _fingerprint(_part(source, at))
        self.source, self.at = source, at
        self.exits: dict[str, dict[str, str]] = {name: self._exits(name, node) for name, node in nodes.items()}

    def _exits(self, name: str, node: Node) -> dict[str, str]:
        exits = {}
        if self.on_error and self.on_error != name:
            exits["error"] = self.on_error
        if self.operator and (node.asks or (node.plays and self.operator.at_prompts)):
            exits["operator"] = str(self.operator.to)
        return exits | {exit: str(target) for exit, target in node.exits().items()}

    def written(self, node: str) -> Any:
        """The node as it stands in the document, after migration."""
        return _part(self.source, (*self.at, "nodes", node))

    def problem(
        self, path: Path, message: str, hint: str = "", severity: Literal["error", "warning"] = "error"
    ) -> Problem:
        """A problem at `path` of this flow, with its file and line."""
        return self.source.problem((*self.at, *path), message, hint, severity)

    def __repr__(self) -> str:
        return f"Flow({self.name}, {len(self.nodes)} nodes, {self.fingerprint})"


def load_flow(source: Source, at: Path = ()) -> Flow:
    """The flow at path `at` of `source`.

    An older schema is migrated first. Raises documents.DocumentError with every problem and its line.
    """
    source = migrated(source, at)
    _refuse_too_many(source, at)
    header = validate(source, FlowHeader, at)
    nodes: dict[str, Node] = {}
    problems: list[Problem] = []
    for name in header.nodes:
        try:
            nodes[str(name)] = _node(source, (*at, "nodes", str(name)))
        except DocumentError as error:
            problems += error.problems
    problems += _unknown_targets(source, header, nodes, at)
    if problems:
        raise DocumentError(sorted(problems, key=lambda problem: problem.line or 0))
    return Flow(header, nodes, source, at)


def _refuse_too_many(source: Source, at: Path) -> None:
    flow = _part(source, at)
    written = flow.get("nodes") if isinstance(flow, dict) else None
    if isinstance(written, dict) and len(written) > MAX_NODES:
        message = f"a flow has at most {MAX_NODES:,} nodes, this one {len(written):,}"
        hint = "split it: a subflow node leads to another flow"
        raise DocumentError([source.problem((*at, "nodes"), message, hint)])


def _node(source: Source, path: Path) -> Node:
    data, types = _part(source, path), node_types()
    if not isinstance(data, dict) or "type" not in data:
        raise DocumentError([source.problem(path, "a node is a mapping with a 'type'", f"types: {', '.join(types)}")])
    kind = data["type"]
    if not isinstance(kind, str) or kind not in types:
        message = f"there is no node type {kind!r}"
        raise DocumentError([source.problem((*path, "type"), message, nearest(kind, types))])
    return validate(source, types[kind], path)


def _unknown_targets(source: Source, header: FlowHeader, nodes: Mapping[str, Node], at: Path) -> list[Problem]:
    targets: list[tuple[str, Path]] = [(str(header.start), ("start",))]
    if header.on_error:
        targets.append((str(header.on_error), ("on_error",)))
    if header.operator:
        targets.append((str(header.operator.to), ("operator", "to")))
    for name, node in nodes.items():
        targets += [(ref.name, ("nodes", name, *ref.path)) for ref in node.refers() if ref.kind == Target.kind]
    return [
        source.problem((*at, *path), f"there is no node {target!r}", nearest(target, header.nodes))
        for target, path in targets
        if target not in header.nodes
    ]


def _part(source: Source, path: Path) -> Any:
    data = source.data
    for part in path:
        data = data[part]
    return data


def _fingerprint(data: Any) -> str:
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]

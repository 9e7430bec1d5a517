"""What has changed between two versions of flows and prompts: by meaning, not by line.

A node that only got another id is renamed, not removed and added, and the exits that followed it there are not
rewired. Works by what every node says of itself and knows no type of node.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from documents import ABSENT, differences
from ivr.flow.document import Flow
from ivr.flow.library import Library
from ivr.flow.registry import type_name

What = Literal["added", "removed", "renamed", "changed", "rewired"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `of` is what it happened to: a flow, one of its nodes, a prompt. `part` is which setting or exit of
    it (empty: the whole). `before` and `after` are as written; None where there was, or is, nothing."""

    of: Literal["flow", "node", "prompt"]
    name: str
    what: What
    flow: str = ""
    part: str = ""
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        before, after = _shown(self.before), _shown(self.after)
        thing = f"{self.of} {self.name}"
        match self.what:
            case "renamed":
                return f"node {before} is called {after} now"
            case "rewired" if self.before is None:
                return f"{thing}: new exit {self.part}, to {after}"
            case "rewired" if self.after is None:
                return f"{thing}: no exit {self.part} any more (it led to {before})"
            case "rewired":
                return f"{thing}: exit {self.part} leads to {after} (was {before})"
            case "added" | "removed" if not self.part:
                return f"{thing} {self.what}" + (f" ({after or before})" if self.of == "node" else "")
            case "added":
                return f"{thing}: {self.part} is {after} (was not set)"
            case "removed":
                return f"{thing}: {self.part} is not set any more (was {before})"
            case _:
                return f"{thing}: {self.part} is {after} (was {before})"


def changes(before: Library, after: Library) -> list[Change]:
    """All changes, flow by flow in the order of their names, then the prompts."""
    found: list[Change] = []
    for name in sorted({*before.flows, *after.flows}):
        old, new = before.flows.get(name), after.flows.get(name)
        if old is None or new is None:
            found.append(Change("flow", name, "added" if old is None else "removed", name))
        elif old.fingerprint != new.fingerprint:
            found += _flow(old, new)
    for name in sorted({*before.prompts.entries, *after.prompts.entries}):
        entries = (library.prompts.entries.get(name) for library in (before, after))
        old_data, new_data = (entry.model_dump(mode="json") if entry else None for entry in entries)
        if old_data is None or new_data is None:
            found.append(Change("prompt", name, "added" if old_data is None else "removed"))
        else:
            found += _settings("prompt", name, "", old_data, new_data)
    return found


def _flow(old: Flow, new: Flow) -> Iterator[Change]:
    renamed = _renamed(old, new)
    yield from _settings("flow", old.name, old.name, _header(old, renamed), _header(new, {}))
    for before, after in renamed.items():
        yield Change("node", after, "renamed", new.name, before=before, after=after)
    for name, node in old.nodes.items():
        if name not in new.nodes and name not in renamed:
            yield Change("node", name, "removed", new.name, before=type_name(type(node)))
    for name, node in new.nodes.items():
        before_name = name if name in old.nodes else next((b for b, a in renamed.items() if a == name), None)
        if before_name is None:
            yield Change("node", name, "added", new.name, after=type_name(type(node)))
            continue
        yield from _exits(new.name, name, _own_exits(old, before_name, renamed), _own_exits(new, name, {}))
        yield from _settings("node", name, new.name, _without_exits(old, before_name), _without_exits(new, name))


def _renamed(old: Flow, new: Flow) -> dict[str, str]:
    """Ids that were, and what they have become: nodes of one content, if nothing else has that content."""
    gone = [name for name in old.nodes if name not in new.nodes]
    come = [name for name in new.nodes if name not in old.nodes]
    found: dict[str, str] = {}
    while True:  # a node that leads to a renamed one has its content only once that is known
        before = len(found)
        for name in gone:
            if name not in found:
                content = _content(old, name, found)
                same = [other for other in come if _content(new, other, {}) == content]
                if len(same) == 1 and same[0] not in found.values():
                    found[name] = same[0]
        if len(found) == before:
            return found


def _content(flow: Flow, name: str, renamed: Mapping[str, str]) -> object:
    exits = {exit: name if target == name else target for exit, target in _own_exits(flow, name, renamed).items()}
    own = {exit: "itself" if target == name else target for exit, target in exits.items()}
    return _without_exits(flow, name), own


def _header(flow: Flow, renamed: Mapping[str, str]) -> dict[str, Any]:
    operator = flow.operator.model_dump(mode="json") if flow.operator else {}
    ends = {"start": flow.start, "on_error": flow.on_error, "operator.to": operator.get("to")}
    ways = {name: renamed.get(target, target) for name, target in ends.items() if target}
    key = {"operator.key": operator["key"]} if operator else {}
    return ways | key | ({"description": flow.description} if flow.description else {})


def _own_exits(flow: Flow, name: str, renamed: Mapping[str, str]) -> dict[str, str]:
    return {exit: renamed.get(target, target) for exit, target in flow.nodes[name].exits().items()}


def _exits(flow: str, node: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for exit in {**old, **new}:
        before, after = old.get(exit), new.get(exit)
        if before != after:
            yield Change("node", node, "rewired", flow, exit, before, after)


def _without_exits(flow: Flow, name: str) -> Any:
    """The node as it was written, but for the ids of other nodes in it: those are its exits."""
    targets = {reference.path for reference in flow.nodes[name].refers() if reference.kind == "node"}
    return _pruned(flow.written(name), (), targets)


def _pruned(data: Any, path: tuple[str | int, ...], leave_out: set[tuple[str | int, ...]]) -> Any:
    if isinstance(data, dict):
        return {k: _pruned(v, (*path, str(k)), leave_out) for k, v in data.items() if (*path, str(k)) not in leave_out}
    if isinstance(data, list):
        return [_pruned(v, (*path, i), leave_out) for i, v in enumerate(data) if (*path, i) not in leave_out]
    return data


def _settings(of: Literal["flow", "node", "prompt"], name: str, flow: str, old: Any, new: Any) -> Iterator[Change]:
    for one in differences(old, new):
        if {} in (one.before, one.after) and ABSENT in (one.before, one.after):
            continue  # a mapping of nothing but exits, which are told apart
        what: What = "added" if one.before is ABSENT else "removed" if one.after is ABSENT else "changed"
        before, after = (None if value is ABSENT else value for value in (one.before, one.after))
        yield Change(of, name, what, flow, ".".join(map(str, one.path)), before, after)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "nothing" if value is None else str(value)

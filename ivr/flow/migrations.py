"""Changes of the flow format, each a documented step from one schema version to the next, applied in order.

A migration gets plain data, as written, and returns new data; it never fails on a document that is wrong in other
ways (validation comes afterwards and says so). It also says where each moved thing stood, so that problems in an old
document are still shown at the line that its author wrote.

To change the format: raise CURRENT, add a function for the step, and a test with a document of the old version.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from documents import DocumentError, Source

CURRENT = 2

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Migrated:
    """New data, and for what stands elsewhere now, where it stood (both paths from the flow's own root)."""

    data: dict[str, Any]
    moved_from: dict[Path, Path]


def to_2(flow: dict[str, Any]) -> Migrated:
    """Schema 1 to 2.

    - `goto` is now `next`, the name of that exit.
    - A menu's `choices` were a list of `{key, goto}`; now a mapping of key to node.
    - `timeout_seconds` is now `first_digit_s`: units are in names, and it never was the time between digits.
    - `retries` and `fallback`, one pair for silence and for wrong keys, are now `no_input` and `no_match`, each
      with its own `retries` and `to`.
    """
    moved: dict[Path, Path] = {}
    nodes = flow.get("nodes")
    if not isinstance(nodes, dict):
        return Migrated({**flow, "schema": 2}, moved)
    new_nodes = {
        name: _node_to_2(node, ("nodes", name), moved) if isinstance(node, dict) else node
        for name, node in nodes.items()
    }
    return Migrated({**flow, "schema": 2, "nodes": new_nodes}, moved)


def _node_to_2(node: dict[str, Any], path: Path, moved: dict[Path, Path]) -> dict[str, Any]:
    renamed = {"goto": "next", "timeout_seconds": "first_digit_s"}
    new = {}
    for key, value in node.items():
        new[renamed.get(key, key)] = value
        if key in renamed:
            moved[*path, renamed[key]] = (*path, key)
    if "fallback" in new:
        tries = {"to": new.pop("fallback")} | ({"retries": new.pop("retries")} if "retries" in new else {})
        for kind in ("no_input", "no_match"):
            new[kind] = dict(tries)
            moved[*path, kind] = moved[*path, kind, "to"] = (*path, "fallback")
            moved[*path, kind, "retries"] = (*path, "retries")
    choices = node.get("choices")
    if isinstance(choices, list) and all(isinstance(c, dict) and {"key", "goto"} == c.keys() for c in choices):
        by_key = {str(choice["key"]): choice["goto"] for choice in choices}
        if len(by_key) < len(choices):
            return new  # a key stands there twice: left as it is, for validation to refuse
        new["choices"] = by_key
        moved |= {(*path, "choices", str(c["key"])): (*path, "choices", i, "goto") for i, c in enumerate(choices)}
    return new


MIGRATIONS: dict[int, Callable[[dict[str, Any]], Migrated]] = {1: to_2}
"""The step away from each older version."""


def migrated(source: Source, at: Path = ()) -> Source:
    """`source` with the flow at path `at` in the current schema. Raises DocumentError for an unknown version."""
    flow = _part(source.data, at)
    if not isinstance(flow, dict) or "schema" not in flow:
        return source
    version = flow["schema"]
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= CURRENT:
        newer = isinstance(version, int) and version > CURRENT
        hint = "update Switchboard" if newer else f"the current one is {CURRENT}"
        message = f"this Switchboard reads flow schemas 1 to {CURRENT}, not {version!r}"
        raise DocumentError([source.problem((*at, "schema"), message, hint)])
    while version < CURRENT:
        step = MIGRATIONS[version](flow)
        flow, version = step.data, version + 1
        source = replace(
            source, data=_with_part(source.data, at, flow), lines=_lines(source, at, flow, step.moved_from)
        )
    return source


def _lines(source: Source, at: Path, flow: Any, moved_from: dict[Path, Path]) -> dict[Path, int]:
    """The line of every path of the new flow: its own, or that of the place it moved from, or of what encloses it."""
    lines = {path: line for path, line in source.lines.items() if path[: len(at)] != at or path == at}

    def walk(value: Any, new: Path, old: Path) -> None:
        lines[*at, *new] = source.line((*at, *old)) or 1
        items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            path = (*new, key)
            walk(item, path, moved_from.get(path, (*old, key)))

    walk(flow, (), ())
    return lines


def _part(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _with_part(data: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    if isinstance(data, list):
        return [_with_part(item, path[1:], new) if i == path[0] else item for i, item in enumerate(data)]
    return {key: _with_part(item, path[1:], new) if key == path[0] else item for key, item in data.items()}

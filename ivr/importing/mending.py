"""What other systems allow and our flows do not: loops in which the caller has no part, and nodes from which callers
can only hang up. One exit of each leads to the end instead, and people are told."""

from collections.abc import Collection, Mapping

from documents import read
from documents.writing import yaml_text
from ivr.flow.document import Flow, load_flow
from ivr.importing.draft import Draft, FlowDraft
from ivr.importing.tidy import node_targets, redirect

_END = "end"


def mend(draft: Draft, flow: FlowDraft) -> None:
    """Mends the flow in place, until nothing is left to mend."""
    for _ in range(len(flow.nodes) + 1):
        loaded = load_flow(read(yaml_text(flow.document()), f"flows/{flow.name}.yaml"))
        quiet = _quiet_loop(loaded)
        if quiet is not None:
            _lead_to_end(
                draft, flow, quiet, "a loop in which the caller has no part: it ends here, and so does the call"
            )
            continue
        stuck = _stuck(loaded)
        if not stuck:
            return
        asking = [name for name in stuck if "no_input" in flow.nodes[name]]
        name = (asking or stuck)[0]
        targets = [path for path in node_targets(flow.nodes[name]) if "no_input" in path] or node_targets(
            flow.nodes[name]
        )
        way = loaded.nodes[name].exits()
        exit = next(exit for exit, to in way.items() if to == redirect(flow.nodes[name], targets[0]))
        _lead_to_end(draft, flow, (name, exit), "callers could only hang up: here the call ends now")


def _lead_to_end(draft: Draft, flow: FlowDraft, way: tuple[str, str], why: str) -> None:
    """Lets the exit of a node lead to a node that hangs up."""
    name, exit = way
    end = next((other for other, node in flow.nodes.items() if node == {"type": "hangup"}), None)
    if end is None:
        end = flow.new_id(_END)
        flow.nodes[end] = {"type": "hangup"}
    loaded = load_flow(read(yaml_text(flow.document())))
    target = loaded.nodes[name].exits()[exit]
    node = flow.nodes[name]
    paths = [path for path in node_targets(node) if redirect(node, path) == target]
    asked = [path for path in paths if exit in path]
    redirect(node, (asked or paths)[0], end)
    draft.find("changed", f"flows/{flow.name}.yaml", 0, f"{name}: {exit} led to {target}", why, "lead it to a person")


def _quiet_loop(flow: Flow) -> tuple[str, str] | None:
    """The exit that closes a loop of nodes none of which waits."""
    quiet = {name: node.exits() for name, node in flow.nodes.items() if not node.waits}
    done: set[str] = set()
    for start in quiet:
        path: list[str] = []
        on_path: set[str] = set()
        to_do: list[tuple[str, list[tuple[str, str]]]] = []
        if start not in done:
            to_do.append((start, list(quiet[start].items())))
            path.append(start)
            on_path.add(start)
        while to_do:
            name, exits = to_do[-1]
            if not exits:
                to_do.pop()
                path.pop()
                on_path.discard(name)
                done.add(name)
                continue
            exit, target = exits.pop()
            if target in on_path:
                return name, exit
            if target in quiet and target not in done:
                to_do.append((target, list(quiet[target].items())))
                path.append(target)
                on_path.add(target)
    return None


def _stuck(flow: Flow) -> list[str]:
    """The nodes from which no way leads to an end."""
    saved = {name for name, node in flow.nodes.items() if node.may_end()}
    while more := {name for name, exits in _ways(flow).items() if name not in saved and saved & set(exits)}:
        saved |= more
    return [name for name in flow.nodes if name not in saved]


def _ways(flow: Flow) -> Mapping[str, Collection[str]]:
    return {name: [to for exit, to in node.exits().items() if exit != "error"] for name, node in flow.nodes.items()}

"""What is wrong, or unwise, with flows taken together: found before a caller finds it.

Errors: a name that stands for nothing (queue, prompt, flow, hours, language), a field of `caller`, `now` or `secret`
that there is not, a loop in which the caller has no part, a flow that calls itself, a node from which the caller can
only hang up. Warnings: a node or flow that nobody reaches, an attribute that nothing sets, an exit that a called flow
never takes, a way to a person that a choice hides, no way out of errors, and what each node type advises.

Works by what every node says of itself (`ivr.flow.node.Node`) and knows no type of node.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import msgspec

from documents import Expression, Problem, nearest
from ivr.flow.document import Flow
from ivr.flow.names import CONTACT_FIELDS
from ivr.flow.node import Node
from ivr.flow.session import Caller
from ivr.flow.turn import CLOCK_FIELDS

_FIELDS: dict[str, frozenset[str]] = {
    "caller": frozenset(field.name for field in msgspec.structs.fields(Caller)),
    "now": CLOCK_FIELDS,
}
_MOST_NAMED = 6


def lint(flows: Iterable[Flow], names: Mapping[str, Collection[str]], entries: Collection[str]) -> list[Problem]:
    """The problems of these flows, in the order of their files and lines.

    `names` are the valid ones of each kind of reference (`queue`, `prompt`, `flow`, `hours`, `language`); a kind that
    is not there is not checked. `entries` are the flows that callers reach by a number. If `names["flow"]` has more
    than these flows (some could not be loaded), nothing is said that those others could make wrong.
    """
    linter = _Linter({flow.name: flow for flow in flows}, names, entries)
    problems = list(linter.problems())
    return sorted(problems, key=lambda problem: (problem.file, problem.line or 0))


def used(flows: Iterable[Flow], kind: str) -> frozenset[str]:
    """All names of this kind that the flows refer to."""
    return frozenset(
        reference.name
        for flow in flows
        for node in flow.nodes.values()
        for reference in node.refers()
        if reference.kind == kind
    )


class _Linter:
    def __init__(
        self, flows: Mapping[str, Flow], names: Mapping[str, Collection[str]], entries: Collection[str]
    ) -> None:
        self.flows = flows
        self.names = names
        self.entries = entries
        self.complete = set(names.get("flow", flows)) <= set(flows)
        self.known_fields = self._known_fields()

    def problems(self) -> Iterator[Problem]:
        yield from self._flows_that_call_themselves()
        waiting = self._flows_that_always_wait()
        called = self._called_flows()
        for flow in self.flows.values():
            reached = _reached([flow.start], flow.exits)
            for name, node in flow.nodes.items():
                if name not in reached:
                    message = "no caller gets here"
                    yield flow.problem(("nodes", name), message, "let an exit lead here, or delete it", "warning")
                yield from self._references(flow, name, node)
                yield from self._hidden_operator(flow, name, node)
                for advice in node.advice():
                    yield flow.problem(("nodes", name, *advice.path), advice.message, advice.hint, "warning")
            yield from self._loops(flow, reached, waiting)
            yield from self._dead_end(flow, reached)
            if flow.name in self.entries and flow.on_error is None:
                message = "when a node cannot do its work, the call just ends"
                yield flow.problem((), message, "set 'on_error' to a node that apologises or asks for help", "warning")
            if self.complete and flow.name not in called and flow.name not in self.entries:
                yield flow.problem(("name",), "no number and no other flow leads to this flow", "", "warning")

    # Names

    def _references(self, flow: Flow, name: str, node: Node) -> Iterator[Problem]:
        for reference in node.refers():
            path = ("nodes", name, *reference.path)
            if reference.kind == "expression":
                yield from self._fields(flow, path, reference.name)
            elif reference.name not in (valid := self.names.get(reference.kind, (reference.name,))):
                message = f"there is no {reference.kind} {reference.name!r}"
                yield flow.problem(path, message, nearest(reference.name, valid))
            elif reference.kind == "flow":
                yield from self._exits_never_taken(flow, name, node, reference.name)

    def _fields(self, flow: Flow, path: tuple[str | int, ...], text: str) -> Iterator[Problem]:
        """The fields that an expression looks at, of the variables whose fields are known."""
        expression = Expression(text)
        for variable in sorted(expression.names & self.known_fields.keys()):
            known = self.known_fields[variable]
            for field in sorted((expression.fields(variable) or frozenset()) - known):
                if variable == "contact":
                    hint = f"it counts as missing; {nearest(field, known)}"
                    yield flow.problem(path, f"no node sets contact.{field}", hint, "warning")
                else:
                    yield flow.problem(path, f"there is no {variable}.{field}", nearest(field, known))

    def _known_fields(self) -> dict[str, frozenset[str]]:
        fields = dict(_FIELDS)
        if self.complete:
            all_set = {name for flow in self.flows.values() for node in flow.nodes.values() for name in node.sets()}
            for variable, own in (("contact", CONTACT_FIELDS), ("secret", ())):
                prefix = f"{variable}."
                fields[variable] = frozenset(own) | {n.removeprefix(prefix) for n in all_set if n.startswith(prefix)}
        return fields

    def _exits_never_taken(self, flow: Flow, name: str, node: Node, called: str) -> Iterator[Problem]:
        if called not in self.flows:
            return
        taken = {exit for inner in self.flows[called].nodes.values() if (exit := inner.returns()) is not None}
        for exit in node.exits():
            if exit not in taken and exit not in ("otherwise", "error"):
                message = f"the flow {called!r} never returns by the exit {exit!r}"
                yield flow.problem(_exit_path(name, node, exit), message, nearest(exit, taken), "warning")

    def _hidden_operator(self, flow: Flow, name: str, node: Node) -> Iterator[Problem]:
        if flow.operator and node.asks and flow.operator.key in (*node.exits(), *node.own_keys()):
            key = flow.operator.key
            message = f"{key!r} is a choice here, so it does not lead to a person as elsewhere in this flow"
            path = _exit_path(name, node, key) if key in node.exits() else ("nodes", name)
            yield flow.problem(path, message, "take another key for one of them", "warning")

    # Ways

    def _called_flows(self) -> frozenset[str]:
        return used(self.flows.values(), "flow")

    def _flows_that_call_themselves(self) -> Iterator[Problem]:
        calls = {name: used([flow], "flow") & self.flows.keys() for name, flow in self.flows.items()}
        for cycle in _cycles(calls):
            flow = self.flows[cycle[0]]
            message = f"this flow calls itself: {_way(cycle)}"
            yield flow.problem(_call_path(flow, cycle[1]), message, "end the call with a return")

    def _flows_that_always_wait(self) -> frozenset[str]:
        """The flows that cannot return without the caller having had a part in them.

        Grows from none until nothing is added: a flow counts once those that it calls have been counted.
        """
        waiting: frozenset[str] = frozenset()
        while True:
            more = frozenset(name for name, flow in self.flows.items() if not self._returns_at_once(flow, waiting))
            if more == waiting:
                return waiting
            waiting = more

    def _returns_at_once(self, flow: Flow, waiting: frozenset[str]) -> bool:
        ways = {name: {} if self._waits(node, waiting) else flow.exits[name] for name, node in flow.nodes.items()}
        return any(flow.nodes[name].returns() is not None for name in _reached([flow.start], ways))

    def _waits(self, node: Node, waiting: frozenset[str]) -> bool:
        return node.waits or any(r.kind == "flow" and r.name in waiting for r in node.refers())

    def _loops(self, flow: Flow, reached: Collection[str], waiting: frozenset[str]) -> Iterator[Problem]:
        ways = {
            name: set(flow.nodes[name].exits().values())
            for name in flow.nodes
            if name in reached and not self._waits(flow.nodes[name], waiting)
        }
        for cycle in _cycles({name: targets & ways.keys() for name, targets in ways.items()}):
            message = f"a loop in which the caller has no part: {_way(cycle)}"
            yield flow.problem(("nodes", cycle[0]), message, "ask or tell the caller something on the way")

    def _dead_end(self, flow: Flow, reached: Collection[str]) -> Iterator[Problem]:
        """The nodes from which no exit (errors apart) ever leads to an end."""
        back: dict[str, dict[str, str]] = {name: {} for name in flow.nodes}
        for name, exits in flow.exits.items():
            for exit, target in exits.items():
                if exit != "error":
                    back[target][name] = name
        saved = _reached([name for name, node in flow.nodes.items() if node.may_end()], back)
        stuck = [name for name in flow.nodes if name in reached and name not in saved]
        if stuck:
            shown = ", ".join(stuck[:_MOST_NAMED]) + (", ..." if len(stuck) > _MOST_NAMED else "")
            message = f"from here the caller can only hang up; no way leads to an end: {shown}"
            yield flow.problem(("nodes", stuck[0]), message, "let an exit lead to a node that ends the call")


def _reached(starts: Iterable[str], ways: Mapping[str, Mapping[str, str]]) -> set[str]:
    """The nodes on any way from these."""
    reached = set(starts)
    to_do = list(reached)
    while to_do:
        for target in ways[to_do.pop()].values():
            if target not in reached:
                reached.add(target)
                to_do.append(target)
    return reached


def _cycles(ways: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Cycles until no node is left in any: each as its nodes in order, the first one again at the end."""
    left = {name: set(targets) for name, targets in ways.items()}
    while True:
        try:
            # The sorter thinks in predecessors, so that a cycle comes out against the arrows.
            TopologicalSorter(left).prepare()
            return
        except CycleError as error:
            cycle = list(reversed(error.args[1]))
        first = min(range(len(cycle) - 1), key=lambda i: list(ways).index(cycle[i]))
        cycle = [*cycle[first:-1], *cycle[: first + 1]]
        yield cycle
        for name in cycle:
            left.pop(name, None)
        for targets in left.values():
            targets.difference_update(cycle)


def _way(cycle: list[str]) -> str:
    shown = cycle if len(cycle) <= _MOST_NAMED + 1 else [*cycle[:_MOST_NAMED], "...", cycle[-1]]
    return " -> ".join(shown)


def _exit_path(name: str, node: Node, exit: str) -> tuple[str | int, ...]:
    """Where in the flow the exit of a node is written."""
    written = (r.path for r in node.refers() if r.kind == "node" and r.path[-1] == exit)
    return ("nodes", name, *next(written, ()))


def _call_path(flow: Flow, called: str) -> tuple[str | int, ...]:
    """Where in the flow another one is called."""
    for name, node in flow.nodes.items():
        for reference in node.refers():
            if reference.kind == "flow" and reference.name == called:
                return ("nodes", name, *reference.path)
    return ("name",)

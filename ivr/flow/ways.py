"""Which exits callers have taken, seen from the nodes they came through."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ivr.flow.document import Flow
from ivr.flow.session import Session, Visit


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """One exit of one node."""

    flow: str
    node: str
    exit: str

    def __str__(self) -> str:
        return f"{self.flow}.{self.node}: {self.exit}"


def exit_taken(flow: Flow, node: str, exit: str) -> tuple[str, str] | None:
    """The exit of the flow's table that a node which leaves by `exit` takes, and where it leads: the exit itself,
    else `otherwise`. None where there is neither."""
    exits = flow.exits.get(node, {})
    name = exit if exits.get(exit) or exit == "error" else "otherwise"
    return (name, exits[name]) if name in exits else None


def ways_taken(flows: Mapping[str, Flow], visits: Sequence[Visit]) -> Iterator[Way]:
    """The exits by which a caller went from node to node.

    A flow that is called is entered by no exit, and what returns from it leaves by an exit of the node that called it;
    who comes back from a queue, by one of the enqueue node. So each visit is laid to the latest node that leads there.
    """
    for position, visit in enumerate(visits):
        for before in reversed(visits[:position]):
            if before.flow == visit.flow and before.flow in flows:
                taken = exit_taken(flows[before.flow], before.node, visit.via)
                if taken is not None and taken[1] == visit.node:
                    yield Way(before.flow, before.node, taken[0])
                    break


def new_visits(before: Session | None, after: Session) -> tuple[Visit, ...]:
    """The nodes entered between two states of a session (the last 40, which is what a session keeps)."""
    count = after.entered - (before.entered if before else 0)
    return after.trace[-count:] if count else ()


@dataclass(slots=True)
class Coverage:
    """The nodes that callers have entered and the exits they have taken, of all that these flows have.

    Only exits that a node writes down itself are counted: the flow's `on_error` and `operator` lead to one node each,
    from everywhere.
    """

    flows: Mapping[str, Flow]
    nodes: set[tuple[str, str]] = field(default_factory=set)
    ways: set[Way] = field(default_factory=set)

    def add(self, visits: Sequence[Visit]) -> None:
        """What one caller came through, from the start."""
        self.nodes |= {(visit.flow, visit.node) for visit in visits}
        self.ways |= set(ways_taken(self.flows, visits))

    def all_nodes(self, flow: str) -> list[tuple[str, str]]:
        return [(flow, node) for node in self.flows[flow].nodes]

    def all_ways(self, flow: str) -> list[Way]:
        return [Way(flow, name, exit) for name, node in self.flows[flow].nodes.items() for exit in node.exits()]

    def missing_nodes(self, flow: str) -> list[str]:
        return [node for of, node in self.all_nodes(flow) if (of, node) not in self.nodes]

    def missing_ways(self, flow: str) -> list[Way]:
        """Exits not taken, of nodes that somebody came to."""
        return [way for way in self.all_ways(flow) if way not in self.ways and (flow, way.node) in self.nodes]

"""What many callers did in the flows: where they came through, by which exits they left, where they were lost.

The same counts for simulated callers and for those of the records; the picture of a flow shows them (`diagram`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ivr.flow.document import Flow
from ivr.flow.session import Visit
from ivr.flow.ways import ways_taken

HUNG_UP = "hungup"
FAILED = "failed"


@dataclass(slots=True)
class NodeTraffic:
    """What happened at one node. `entered` counts visits, a caller who comes twice twice. Of the visits that were a
    caller's last: `hung_up` by the caller, `failed` for a fault of the flow, all others ended (or waited) as they
    should. `spent_ms` adds up all visits. `exits`: how often each exit was taken."""

    entered: int = 0
    hung_up: int = 0
    failed: int = 0
    spent_ms: int = 0
    exits: Counter[str] = field(default_factory=Counter)

    @property
    def lost_share(self) -> float:
        """Of the visits, those at which a caller hung up or the flow failed."""
        return (self.hung_up + self.failed) / self.entered if self.entered else 0.0

    @property
    def mean_ms(self) -> float:
        return self.spent_ms / self.entered if self.entered else 0.0

    def share(self, exit: str) -> float:
        """Of the visits, those that left by this exit."""
        return self.exits[exit] / self.entered if self.entered else 0.0


@dataclass(slots=True)
class Traffic:
    """Callers counted over these flows."""

    flows: Mapping[str, Flow]
    callers: int = 0
    nodes: dict[tuple[str, str], NodeTraffic] = field(default_factory=dict)

    def add(self, visits: Sequence[Visit], outcome: str, ended_ms: int) -> None:
        """One caller, with all nodes from the start, how the flow ended (`hungup`, `failed: WHY`, or anything that is
        as it should be), and when. Visits of nodes that the flows do not have (an older version's) are left out."""
        self.callers += 1
        times = [visit.at_ms for visit in visits] + [ended_ms]
        for visit, (since_ms, until_ms) in zip(visits, pairwise(times), strict=True):
            if (node := self._node(visit)) is not None:
                node.entered += 1
                node.spent_ms += until_ms - since_ms
        for way in ways_taken(self.flows, visits):
            self.nodes[way.flow, way.node].exits[way.exit] += 1
        if visits and (last := self._node(visits[-1])) is not None:
            last.hung_up += outcome == HUNG_UP
            last.failed += outcome.startswith(FAILED)

    def of(self, flow: str) -> dict[str, NodeTraffic]:
        """By node, also those to which nobody came."""
        return {name: self.nodes.get((flow, name), NodeTraffic()) for name in self.flows[flow].nodes}

    def _node(self, visit: Visit) -> NodeTraffic | None:
        flow = self.flows.get(visit.flow)
        if flow is None or visit.node not in flow.nodes:
            return None
        return self.nodes.setdefault((visit.flow, visit.node), NodeTraffic())

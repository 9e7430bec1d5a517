"""What many callers did in the flows: where they came through, by which exits they left, where they were lost.

The same counts for simulated callers and for those of the records; the picture of a flow shows them (`diagram`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from ivr.flow.document import Flow
from ivr.flow.session import Missed, Visit
from ivr.flow.ways import ways_taken

HUNG_UP = "hungup"
FAILED = "failed"
NOTHING_MISSED: Mapping[str, Mapping[str, Missed]] = MappingProxyType({})


@dataclass(slots=True)
class NodeTraffic:
    """What happened at one node. `entered` counts visits, a caller who comes twice twice. Of the visits that were a
    caller's last: `hung_up` by the caller, `failed` for a fault of the flow, all others ended (or waited) as they
    should. `no_input` and `no_match` count how often keys were waited for in vain, or did not fit; several times in one
    visit, if the node asks again. `spent_ms` adds up all visits. `exits`: how often each exit was taken."""

    entered: int = 0
    hung_up: int = 0
    failed: int = 0
    no_input: int = 0
    no_match: int = 0
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
    """Callers counted over these flows. `ends`: how many ended in each way, in the words of who counts; `contained`:
    how many the flows served to their end without an agent; `times_ms`: how long each was in the flows."""

    flows: Mapping[str, Flow]
    nodes: dict[tuple[str, str], NodeTraffic] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    contained: int = 0
    times_ms: list[int] = field(default_factory=list)

    def add(
        self,
        visits: Sequence[Visit],
        outcome: str,
        ended_ms: int,
        *,
        end: str,
        contained: bool,
        missed: Mapping[str, Mapping[str, Missed]] = NOTHING_MISSED,
    ) -> None:
        """One caller: all nodes from the start, how the session ended (`hungup`, `failed: WHY`, or anything that is as
        it should be), and when; `missed` as in the session. Visits of nodes that the flows do not have (an older
        version's) are left out."""
        self.ends[end] += 1
        self.contained += contained
        times = [visit.at_ms for visit in visits] + [ended_ms]
        self.times_ms.append(ended_ms - times[0])
        for visit, (since_ms, until_ms) in zip(visits, pairwise(times), strict=True):
            if (node := self._node(visit)) is not None:
                node.entered += 1
                node.spent_ms += until_ms - since_ms
        for way in ways_taken(self.flows, visits):
            self.nodes[way.flow, way.node].exits[way.exit] += 1
        for flow, nodes in missed.items():
            for name, counts in nodes.items():
                if (node := self.nodes.get((flow, name))) is not None:
                    node.no_input += counts.no_input
                    node.no_match += counts.no_match
        if visits and (last := self._node(visits[-1])) is not None:
            last.hung_up += outcome == HUNG_UP
            last.failed += outcome.startswith(FAILED)

    @property
    def callers(self) -> int:
        return len(self.times_ms)

    def of(self, flow: str) -> dict[str, NodeTraffic]:
        """By node, also those to which nobody came."""
        return {name: self.nodes.get((flow, name), NodeTraffic()) for name in self.flows[flow].nodes}

    def visited(self, flow: str) -> dict[str, NodeTraffic]:
        """By node, those to which somebody came."""
        return {name: node for name, node in self.of(flow).items() if node.entered}

    def interval(self, count: int, z: float = 1.96) -> tuple[float, float]:
        """The share that so many are of all callers, as Wilson's interval (E. B. Wilson, Journal of the American
        Statistical Association 22, 1927); z 1.96 is 95 %. (0, 1) without callers."""
        if not (n := self.callers):
            return 0.0, 1.0
        share = count / n
        middle = share + z * z / (2 * n)
        half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)

    def spent_s(self) -> dict[str, float]:
        """Mean, median and 90 % quantile of the time in the flows, in seconds; nothing without callers."""
        if not self.times_ms:
            return {}
        ordered = sorted(self.times_ms)
        quantiles = {name: ordered[int(share * (len(ordered) - 1))] for name, share in (("p50", 0.5), ("p90", 0.9))}
        return {name: ms / 1000 for name, ms in {"mean": sum(ordered) / len(ordered), **quantiles}.items()}

    def _node(self, visit: Visit) -> NodeTraffic | None:
        flow = self.flows.get(visit.flow)
        if flow is None or visit.node not in flow.nodes:
            return None
        return self.nodes.setdefault((visit.flow, visit.node), NodeTraffic())

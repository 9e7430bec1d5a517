"""Where the boxes of a flow's diagram go: a layered drawing from left to right.

After K. Sugiyama, S. Tagawa and M. Toda, "Methods for Visual Understanding of Hierarchical System Structures", IEEE
Transactions on Systems, Man, and Cybernetics 11 (1981): edges that close a cycle are set aside, boxes go to columns
by their longest path from a source, edges over several columns get an invisible stop in each, the order in every
column follows the barycentres of its neighbours, and heights are the least squares fit to them without overlap.

Ours because the known libraries either need Graphviz or know neither ports nor boxes of different height.
"""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

_SWEEPS = 12
_GAP = 26.0
_STOP_GAP = 12.0


@dataclass(frozen=True, slots=True)
class Edge:
    """From the port at height `offset` of one box to another box; `label` is what the port is called."""

    source: str
    target: str
    offset: float
    label: str = ""


@dataclass(slots=True)
class Box:
    """A box (or an edge's invisible stop, of no height) with its column and the height of its top and of its entry."""

    height: float
    entry: float
    column: int = 0
    top: float = 0.0
    stop: bool = False


@dataclass(slots=True)
class Layout:
    """`ways[i]` are the names of all boxes and stops that edge i passes, or None for an edge that goes back."""

    boxes: dict[str, Box]
    columns: list[list[str]] = field(default_factory=list)
    ways: list[list[str] | None] = field(default_factory=list)


def arrange(heights: Mapping[str, float], edges: Sequence[Edge], entry: float) -> Layout:
    """Places boxes of these heights, the sources first in the mapping; edges enter a box `entry` below its top."""
    layout = Layout({name: Box(height, entry) for name, height in heights.items()})
    forward = _without_cycles(heights, edges)
    _set_columns(layout, [edge for edge, goes_on in zip(edges, forward, strict=True) if goes_on])
    links = _add_stops(layout, edges, forward)
    _order(layout, links)
    _set_heights(layout, links)
    return layout


def _without_cycles(names: Mapping[str, float], edges: Sequence[Edge]) -> list[bool]:
    """Which edges go on; the others close a cycle, as found by walking depth first from the first boxes on."""
    outgoing: dict[str, list[int]] = {name: [] for name in names}
    for number, edge in enumerate(edges):
        outgoing[edge.source].append(number)
    forward = [True] * len(edges)
    finished: dict[str, bool] = {}
    for root in names:
        walk = [(root, iter(outgoing[root]))] if root not in finished else []
        finished.setdefault(root, False)
        while walk:
            name, numbers = walk[-1]
            for number in numbers:
                target = edges[number].target
                if target not in finished:
                    finished[target] = False
                    walk.append((target, iter(outgoing[target])))
                    break
                forward[number] = finished[target]
            else:
                finished[name] = True
                walk.pop()
    return forward


def _set_columns(layout: Layout, edges: Sequence[Edge]) -> None:
    """Each box right of all that lead to it; one that nothing leads to stands just left of what it leads to."""
    incoming = dict.fromkeys(layout.boxes, 0)
    targets: dict[str, list[str]] = {name: [] for name in layout.boxes}
    for edge in edges:
        incoming[edge.target] += 1
        targets[edge.source].append(edge.target)
    sources = [name for name, count in incoming.items() if not count]
    ready = list(sources)
    while ready:
        name = ready.pop()
        for target in targets[name]:
            layout.boxes[target].column = max(layout.boxes[target].column, layout.boxes[name].column + 1)
            incoming[target] -= 1
            if not incoming[target]:
                ready.append(target)
    for name in sources:
        if targets[name]:
            layout.boxes[name].column = min(layout.boxes[target].column for target in targets[name]) - 1


@dataclass(frozen=True, slots=True)
class _Link:
    """A piece of an edge between neighbouring columns."""

    source: str
    target: str
    offset: float


def _add_stops(layout: Layout, edges: Sequence[Edge], forward: Sequence[bool]) -> list[_Link]:
    links = []
    for edge, goes_on in zip(edges, forward, strict=True):
        if not goes_on:
            layout.ways.append(None)
            continue
        way = [edge.source]
        for column in range(layout.boxes[edge.source].column + 1, layout.boxes[edge.target].column):
            # Edges to the same box share their stops, so that they run as one line.
            stop = f"\0{edge.target}\0{column}"
            layout.boxes.setdefault(stop, Box(0.0, 0.0, column, stop=True))
            way.append(stop)
        way.append(edge.target)
        layout.ways.append(way)
        links += [_Link(a, b, edge.offset if position == 0 else 0.0) for position, (a, b) in enumerate(pairwise(way))]
    return list(dict.fromkeys(links))


_Neighbours = dict[str, list[tuple[str, float]]]


def _order(layout: Layout, links: Sequence[_Link]) -> None:
    boxes = layout.boxes
    layout.columns = [[] for _ in range(max(box.column for box in boxes.values()) + 1)]
    for name, box in boxes.items():
        layout.columns[box.column].append(name)
    place = {name: float(position) for column in layout.columns for position, name in enumerate(column)}
    before: _Neighbours = {name: [] for name in boxes}
    after: _Neighbours = {name: [] for name in boxes}
    for link in links:
        share = link.offset / (boxes[link.source].height or 1.0)  # a lower port leads further down
        before[link.target].append((link.source, share))
        after[link.source].append((link.target, 0.0))
    best, least = [list(column) for column in layout.columns], _crossings(links, place, boxes)
    for sweep in range(_SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        for column in layout.columns if sweep % 2 == 0 else reversed(layout.columns):
            column.sort(key=partial(_centre, neighbours, place))
            place |= {name: float(position) for position, name in enumerate(column)}
        crossings = _crossings(links, place, boxes)
        if crossings < least:
            best, least = [list(column) for column in layout.columns], crossings
    layout.columns = best


def _centre(neighbours: _Neighbours, place: Mapping[str, float], name: str) -> tuple[float, float]:
    """The mean place of the neighbours, or the box's own; where that is equal, things stay as they are."""
    near = neighbours[name]
    return (sum(place[other] + share for other, share in near) / len(near) if near else place[name], place[name])


def _crossings(links: Sequence[_Link], place: Mapping[str, float], boxes: Mapping[str, Box]) -> int:
    """How many pairs of links cross: inversions, counted per column."""
    by_column: dict[int, list[tuple[float, float, float]]] = {}
    for link in links:
        ends = (place[link.source], link.offset, place[link.target])
        by_column.setdefault(boxes[link.source].column, []).append(ends)
    crossings = 0
    for ends_list in by_column.values():
        seen: list[float] = []
        for _, _, target in sorted(ends_list):
            crossings += len(seen) - bisect.bisect_right(seen, target)
            bisect.insort(seen, target)
    return crossings


def _set_heights(layout: Layout, links: Sequence[_Link]) -> None:
    boxes = layout.boxes
    for column in layout.columns:
        _spread(column, boxes, dict.fromkeys(column, 0.0))
    wishes_before: dict[str, list[_Link]] = {name: [] for name in boxes}
    wishes_after: dict[str, list[_Link]] = {name: [] for name in boxes}
    for link in links:
        wishes_before[link.target].append(link)
        wishes_after[link.source].append(link)
    for sweep in range(_SWEEPS):
        for column in layout.columns if sweep % 2 == 0 else reversed(layout.columns):
            wanted = {}
            for name in column:
                box = boxes[name]
                tops = [boxes[k.source].top + k.offset - box.entry for k in wishes_before[name]]
                if sweep % 2 or not tops:
                    tops += [boxes[k.target].top + boxes[k.target].entry - k.offset for k in wishes_after[name]]
                wanted[name] = sum(tops) / len(tops) if tops else box.top
            _spread(column, boxes, wanted)
    highest = min(box.top for box in boxes.values())
    for box in boxes.values():
        box.top -= highest


def _spread(column: Sequence[str], boxes: Mapping[str, Box], wanted: Mapping[str, float]) -> None:
    """The tops nearest to those wanted (least squares) that keep the order and the gaps.

    With each box shifted by the room of those above it, this is isotonic regression: pool adjacent violators.
    """
    shift, shifts = 0.0, []
    blocks: list[list[float]] = []  # mean, count
    for name in column:
        shifts.append(shift)
        blocks.append([wanted[name] - shift, 1.0])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, count = blocks.pop()
            blocks[-1] = [
                (blocks[-1][0] * blocks[-1][1] + mean * count) / (blocks[-1][1] + count),
                blocks[-1][1] + count,
            ]
        shift += boxes[name].height + (_STOP_GAP if boxes[name].stop else _GAP)
    tops = [mean for mean, count in blocks for _ in range(int(count))]
    for name, top, below in zip(column, tops, shifts, strict=True):
        boxes[name].top = top + below

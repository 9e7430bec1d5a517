"""A flow as an SVG picture: its nodes as boxes from left to right, each exit with its name and its way.

An exit that leads back is no line across the picture but a link with the name of the node. The ways that every node
has in common (the flow's `on_error` and `operator`) are drawn once.

With the traffic of many callers each box says how many came, how many of them were lost there (hung up, or met a fault)
and how long they stayed; it is the redder the more were lost. Each exit has its share of those who came, and its line
is the wider the more callers took it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from ivr.flow.document import Flow
from ivr.flow.layout import Edge, Layout, arrange
from ivr.flow.node import Node
from ivr.flow.prompts import Prompts
from ivr.flow.registry import type_name
from ivr.flow.traffic import NodeTraffic

_WIDTH, _COLUMN, _MARK = 240, 330, 120
_HEAD, _LINE, _PAD = 28, 17, 8
_MARGIN, _TITLE = 24, 56
_CHARACTERS = 33
_MOST_LINES = 6
_PLAIN = ("value", "when")  # fields whose name says nothing that their value does not

_STYLE = """
text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1c2733 }
.title { font-size: 18px; font-weight: 600 } .about, .type, .detail { fill: #5b6875 } .type { font-size: 11px }
.id { font-weight: 600 } .box { fill: #fff; stroke: #9aa7b4 } .head { fill: #e9eef3 }
.asks .head { fill: #d8e8fb } .asks .box { stroke: #5b93d3 }
.ends .head { fill: #f7dcd9 } .ends .box { stroke: #cf7a70 }
.mark .box { fill: #2f4358; stroke: none } .mark text { fill: #fff }
.way { fill: none; stroke: #6d7b89; stroke-width: 1.4 } .port { fill: #6d7b89 }
.lost { fill: #c0392b } .came { fill: #1c2733; font-weight: 600 }
.trouble { stroke: #c4685d; stroke-dasharray: 5 4 } .port.trouble { fill: #c4685d; stroke: none }
a { fill: #2b6cb0; text-decoration: none }
"""

_HEAD_OF_FILE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{name}</title>
<style>{style}</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
 markerUnits="userSpaceOnUse" orient="auto">
<path d="M0 0 L8 4 L0 8 z" fill="#6d7b89"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="{margin}" y="28">{name}</text>
<text class="about" x="{margin}" y="46">{about}</text>"""


@dataclass(frozen=True, slots=True)
class _Card:
    """What is written in one box."""

    title: str
    kind: str
    look: str
    details: tuple[str, ...] = ()
    exits: tuple[tuple[str, str], ...] = ()
    """Exits that lead to the same node are written in one line."""
    traffic: NodeTraffic | None = None
    shares: tuple[float, ...] = ()
    """Of those who came, how many took each of the `exits`."""

    @property
    def height(self) -> float:
        if self.look == "mark":
            return _HEAD
        return _HEAD + _LINE * (self._above + len(self.exits)) + (_PAD if self._above or self.exits else 0)

    def port(self, exit: int) -> float:
        if self.look == "mark":
            return _HEAD / 2
        return _HEAD + _LINE * (self._above + exit + 0.5) + _PAD / 2

    @property
    def _above(self) -> int:
        """Lines above the exits."""
        return len(self.details) + (self.traffic is not None)


def diagram(flow: Flow, prompts: Prompts | None = None, traffic: Mapping[str, NodeTraffic] | None = None) -> str:
    """The flow as an SVG document; with `prompts`, boxes show what is said rather than the prompts' names; with
    `traffic`, by node, also what callers did there."""
    cards = dict(_marks(flow)) | {
        name: _card(name, node, prompts, None if traffic is None else traffic.get(name, NodeTraffic()))
        for name, node in flow.nodes.items()
    }
    most = max((node.entered for node in traffic.values()), default=0) if traffic else 0
    widths = {
        (name, label): share * card.traffic.entered / most if card.traffic and most else 0.0
        for name, card in cards.items()
        for (label, _), share in zip(card.exits, card.shares, strict=False)
    }
    edges = [
        Edge(name, target, card.port(position), label)
        for name, card in cards.items()
        for position, (label, target) in enumerate(card.exits)
    ]
    layout = arrange({name: card.height for name, card in cards.items()}, edges, _HEAD / 2)
    backward = {edge for edge, way in zip(edges, layout.ways, strict=True) if way is None}
    body: list[str] = []
    for edge, way in zip(edges, layout.ways, strict=True):
        if way is not None:
            body += _way(layout, edge, way, widths.get((edge.source, edge.label)))
    for name, card in cards.items():
        body += _box(name, card, {edge.offset for edge in backward if edge.source == name}, *_corner(layout, name))
    width = _MARGIN * 2 + _COLUMN * len(layout.columns)
    height = _TITLE + _MARGIN + max(box.top + box.height for box in layout.boxes.values())
    about = f"{len(flow.nodes)} nodes" + (f" — {_cut(flow.description, 150)}" if flow.description else "")
    head = _HEAD_OF_FILE.format(
        width=width,
        height=round(height),
        style=_STYLE,
        margin=_MARGIN,
        name=escape(_cut(flow.name, 80)),
        about=escape(about),
    )
    return "\n".join([head, *body, "</svg>\n"])


def _marks(flow: Flow) -> Iterator[tuple[str, _Card]]:
    """Where callers come in: the start, and the ways that every node has. No node's id has a space in it."""
    yield " start", _Card("start", "", "mark", exits=(("start", flow.start),))
    if flow.operator:
        title = f"{flow.operator.key} at any prompt"
        yield " operator", _Card(title, "", "mark", exits=(("operator", str(flow.operator.to)),))
    if flow.on_error:
        yield " error", _Card("any node fails", "", "mark", exits=(("error", flow.on_error),))


def _card(name: str, node: Node, prompts: Prompts | None, traffic: NodeTraffic | None) -> _Card:
    names: dict[str, list[str]] = {}
    for exit, target in node.exits().items():
        names.setdefault(target, []).append(exit)
    exits = tuple((", ".join(labels), target) for target, labels in names.items())
    shares = tuple(sum(map(traffic.share, labels)) for labels in names.values()) if traffic else ()
    look = "asks" if node.asks else "step" if exits else "ends"
    details = (*_missed(traffic), *_details(node, prompts))
    return _Card(name, type_name(type(node)), look, details, exits, traffic, shares)


def _missed(traffic: NodeTraffic | None) -> Iterator[str]:
    """How often keys were waited for in vain, or did not fit, of a hundred visits."""
    if traffic is not None and (traffic.no_input or traffic.no_match):
        shares = {"no input": traffic.no_input, "no match": traffic.no_match}
        yield ", ".join(f"{_percent(count / traffic.entered)} {what}" for what, count in shares.items() if count)


def _details(node: Node, prompts: Prompts | None) -> Iterator[str]:
    """What the node says first, and what else it names."""
    lines: dict[str, None] = {}
    for reference in node.refers():
        if reference.kind == "prompt":
            text = reference.name
            if prompts and reference.name in prompts.entries:
                text = prompts.prompt(reference.name, prompts.default_language).text or reference.name
            lines[f"“{text}”"] = None
        elif reference.kind == "expression":
            field = str(reference.path[-1])
            lines[reference.name if field in _PLAIN else f"{field} = {reference.name}"] = None
        elif reference.kind != "node":
            lines[f"{reference.kind} {reference.name}"] = None
    shown = list(lines)
    if len(shown) > _MOST_LINES:
        shown = [*shown[: _MOST_LINES - 1], f"… and {len(shown) - _MOST_LINES + 1} more"]
    return (_cut(" ".join(line.split()), _CHARACTERS) for line in shown)


def _corner(layout: Layout, name: str) -> tuple[float, float]:
    box = layout.boxes[name]
    return _MARGIN + _COLUMN * box.column, _TITLE + box.top


def _box(name: str, card: _Card, backward: Collection[float], x: float, y: float) -> Iterator[str]:
    """The box and all its text; an exit whose port is in `backward` gets a link instead of a line."""
    yield f'<g class="{card.look}" id={quoteattr(_anchor(name))} transform="translate({x:g} {y:.1f})">'
    if card.look == "mark":
        yield f'<rect class="box" x="{_WIDTH - _MARK}" width="{_MARK}" height="{_HEAD}" rx="14"/>'
        middle = _WIDTH - _MARK / 2
        yield f'<text class="id" x="{middle:g}" y="18" text-anchor="middle">{escape(card.title)}</text></g>'
        return
    yield f'<rect class="box" width="{_WIDTH}" height="{card.height:g}" rx="6"{_redness(card.traffic)}/>'
    yield f'<path class="head" d="M0 6 q0 -6 6 -6 h{_WIDTH - 12} q6 0 6 6 v{_HEAD - 6} h-{_WIDTH} z"/>'
    yield f'<text class="id" x="10" y="18">{escape(_cut(card.title, 24))}</text>'
    yield f'<text class="type" x="{_WIDTH - 10}" y="18" text-anchor="end">{escape(card.kind)}</text>'
    top = _HEAD
    if card.traffic is not None:
        top += _LINE
        yield f'<text x="10" y="{top:g}">{_came(card.traffic)}</text>'
    for position, line in enumerate(card.details):
        yield f'<text class="detail" x="10" y="{top + _LINE * (position + 1):g}">{escape(line)}</text>'
    for position, (exit, target) in enumerate(card.exits):
        port = card.port(position)
        text = escape(_cut(exit, 30))
        if card.shares and card.traffic and card.traffic.entered:
            yield f'<text class="came" x="10" y="{port + 4:g}">{_percent(card.shares[position])}</text>'
            text = escape(_cut(exit, 24))
        if port in backward:
            back = _cut(target, 20)
            link = f"<a href={quoteattr('#' + _anchor(target))}>↩ {escape(back)}</a>"
            text = f"{escape(_cut(exit, _CHARACTERS - 3 - len(back)))} {link}"
        else:
            trouble = " trouble" if exit == "error" else ""
            yield f'<circle class="port{trouble}" cx="{_WIDTH}" cy="{port:g}" r="3"/>'
        yield f'<text x="{_WIDTH - 12}" y="{port + 4:g}" text-anchor="end">{text}</text>'
    yield "</g>"


def _came(traffic: NodeTraffic) -> str:
    """How many came, how many of them were lost here, and how long they stayed."""
    parts = [f'<tspan class="came">{traffic.entered:,} came</tspan>']
    if traffic.entered:
        if lost := traffic.hung_up + traffic.failed:
            parts.append(f'<tspan class="lost">{_percent(lost / traffic.entered)} lost</tspan>')
        if traffic.mean_ms:
            parts.append(f'<tspan class="detail">{traffic.mean_ms / 1000:.1f} s</tspan>')
    return ", ".join(parts)


def _redness(traffic: NodeTraffic | None) -> str:
    """White where nobody is lost, red where one in three is."""
    if traffic is None or not traffic.lost_share:
        return ""
    rest = round(255 - 95 * min(1.0, 3 * traffic.lost_share))
    return f' style="fill:rgb(255,{rest},{rest})"'


def _percent(share: float) -> str:
    return "&lt;1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def _way(layout: Layout, edge: Edge, way: list[str], share: float | None) -> Iterator[str]:
    """The line of one exit; `share`: of the callers at the busiest node, as many as took this exit."""
    x, y = _corner(layout, edge.source)
    x, y = x + _WIDTH, y + edge.offset
    path = [f"M{x:g} {y:.1f}"]
    for name in way[1:]:
        to_x, to_y = _corner(layout, name)
        to_y += layout.boxes[name].entry
        middle = (x + to_x) / 2
        path.append(f"C{middle:g} {y:.1f} {middle:g} {to_y:.1f} {to_x:g} {to_y:.1f}")
        if layout.boxes[name].stop:
            to_x += _WIDTH
            path.append(f"H{to_x:g}")
        x, y = to_x, to_y
    trouble = " trouble" if edge.label == "error" else ""
    width = "" if share is None else f' style="stroke-width:{0.4 + 5 * share:.1f};opacity:{1 if share else 0.35}"'
    yield f'<path class="way{trouble}" d="{" ".join(path)}"{width} marker-end="url(#arrow)"/>'


def _anchor(name: str) -> str:
    return "node-" + name.strip()


def _cut(text: str, characters: int) -> str:
    """The text, shortened; without the characters that XML cannot have."""
    text = "".join(c for c in text if c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff")
    return text if len(text) <= characters else text[: characters - 1] + "…"

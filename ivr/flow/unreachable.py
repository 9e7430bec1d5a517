"""What no caller can ever reach, with the proof in words.

Nothing is claimed that is not shown. An exit is impossible when its node cannot take it whatever is known of the
contact and whatever the time (conditions are decided exactly where they compare values with literals, and left alone
where they do more), when the flow that is called never returns by it, or when opening hours are never so. A node is
unreachable when every way to it is. A call begins without attributes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, get_args

from documents import Expression
from ivr.flow.document import Flow
from ivr.flow.hours import State
from ivr.flow.library import Library
from ivr.flow.names import CONTACT_FIELDS
from ivr.flow.node import Node
from ivr.flow.ways import Way

MOST_CASES = 20_000
_STATES = frozenset(get_args(State))
_LITERAL = r"(?:'[^'\\]*'|\"[^\"\\]*\"|-?[0-9]{1,15}(?:\.[0-9]{1,6})?|true|false)"
_ATOM = re.compile(
    rf"""has\(\s*(?P<has>\w+\.\w+)\s*\)
    | (?:(?P<int>int)\(\s*)? (?P<path>(?:contact|caller|now)\.\w+) (?(int)\s*\))
      (?: \s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<literal>{_LITERAL})
        | \s+in\s+\[(?P<list>\s*{_LITERAL}(?:\s*,\s*{_LITERAL})*\s*)\] )?""",
    re.VERBOSE,
)
_MISSING = object()
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS_OF = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(slots=True)
class Unreachable:
    """Why no caller gets to these `nodes` (flow and node) and takes these `ways`."""

    nodes: dict[tuple[str, str], str] = field(default_factory=dict)
    ways: dict[Way, str] = field(default_factory=dict)


def unreachable(library: Library, entries: Sequence[str]) -> Unreachable:
    """What cannot be reached from where calls begin: the flows `entries`."""
    found = Unreachable()
    set_by_nodes = frozenset(
        name for flow in library.flows.values() for node in flow.nodes.values() for name in node.sets()
    )
    for flow in library.flows.values():
        for name, node in flow.nodes.items():
            for exit, why in _impossible(library, node, set_by_nodes):
                found.ways[Way(flow.name, name, exit)] = why
    reached = _reached(library, entries, found)
    for flow in library.flows.values():
        for name, node in flow.nodes.items():
            if (flow.name, name) in reached:
                continue
            found.nodes[flow.name, name] = _why_not(flow, name, found, flow.name in entries)
            for exit in node.exits():
                found.ways.setdefault(Way(flow.name, name, exit), f"no caller gets to {flow.name}.{name}")
    return found


def _why_not(flow: Flow, name: str, found: Unreachable, entered: bool) -> str:
    leading = [
        Way(flow.name, other, exit) for other, exits in flow.exits.items() for exit, to in exits.items() if to == name
    ]
    shut = [way for way in leading if way in found.ways and not found.ways[way].startswith("no caller gets to")]
    if shut:
        return f"the only way to it is shut: {shut[0]}: {found.ways[shut[0]]}"
    if name == flow.start and not entered:
        return "no number leads to this flow, and no node that callers reach calls it"
    return "no exit of a node that callers reach leads to it"


def _reached(library: Library, entries: Sequence[str], found: Unreachable) -> set[tuple[str, str]]:
    """The nodes to which there is a way that is not shut."""
    to_do = [(name, library.flows[name].start) for name in entries]
    reached = set(to_do)
    while to_do:
        flow, name = to_do.pop()
        node = library.flows[flow].nodes[name]
        following = [
            (flow, to)
            for exit, to in library.flows[flow].exits[name].items()
            if Way(flow, name, exit) not in found.ways
        ]
        following += [
            (r.name, library.flows[r.name].start) for r in node.refers() if r.kind == "flow" and r.name in library.flows
        ]
        for place in following:
            if place not in reached:
                reached.add(place)
                to_do.append(place)
    return reached


def _impossible(library: Library, node: Node, set_by_nodes: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The exits that the node cannot take, and why."""
    exits = node.exits()
    for reference in node.refers():
        if reference.kind == "flow" and reference.name in library.flows:
            returned = {back for inner in library.flows[reference.name].nodes.values() if (back := inner.returns())}
            for exit in exits.keys() - {"error", "otherwise"} - returned:
                yield exit, f"the flow {reference.name!r} never returns by it"
            if "otherwise" in exits and returned <= exits.keys():
                yield "otherwise", f"the flow {reference.name!r} returns by other exits only"
        if reference.kind == "hours" and reference.name in library.hours:
            for state in (_STATES & exits.keys()) - library.hours[reference.name].possible():
                yield state, f"the opening hours {reference.name!r} are never {state!r}"
    decides = node.decides()
    if decides:
        yield from _never_taken(library, decides, set_by_nodes)


def _never_taken(
    library: Library, decides: Sequence[tuple[str, Expression]], set_by_nodes: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """The exits that no case takes, where all cases can be told."""
    cases = _cases(library, [condition.text for _, condition in decides], set_by_nodes)
    if cases is None:
        return
    holds = [[condition.holds(case) for case in cases] for _, condition in decides]
    for number, (exit, condition) in enumerate(decides):
        if not any(holds[number]):
            yield exit, f"{condition.text!r} is never true{_nobody_sets(condition, set_by_nodes)}"
            continue
        earlier = [any(row[case] for row in holds[:number]) for case in range(len(cases))]
        if any(holds[number][case] and not earlier[case] for case in range(len(cases))):
            continue
        alone = (
            decides[other][1].text
            for other in range(number)
            if all(holds[other][case] for case in range(len(cases)) if holds[number][case])
        )
        first = next(alone, None)
        yield (
            exit,
            (
                f"whenever {condition.text!r} is true, {first!r} before it is too"
                if first is not None
                else f"whenever {condition.text!r} is true, a condition before it is too"
            ),
        )
    if all(any(row[case] for row in holds) for case in range(len(cases))):
        yield "otherwise", "one of the conditions is always true"


def _nobody_sets(condition: Expression, set_by_nodes: frozenset[str]) -> str:
    fields = condition.fields("contact") or frozenset()
    lost = sorted(f for f in fields if f"contact.{f}" not in set_by_nodes and f not in CONTACT_FIELDS)
    return f" (no node sets contact.{lost[0]})" if lost else ""


def _cases(library: Library, conditions: Sequence[str], set_by_nodes: frozenset[str]) -> list[dict[str, Any]] | None:
    """What may be known, as far as these conditions can tell it apart; None where they do more than compare."""
    values: dict[str, list[Any]] = {}
    for text in conditions:
        if not re.fullmatch(r"(?:[\s()&|!]|true|false)*", _ATOM.sub("", text)):
            return None
        for atom in _ATOM.finditer(text):
            path = atom["has"] or atom["path"]
            literals = values.setdefault(path, [])
            for written in re.findall(_LITERAL, atom["list"] or atom["literal"] or ""):
                literals += _around(_value(written))
    clock = {path.partition(".")[2] for path in values if path.startswith("now.")}
    moments = _moments(clock)
    domains = {
        path: _domain(library, path, found, set_by_nodes) for path, found in values.items() if path[:4] != "now."
    }
    count = len(moments) if moments is not None else 0
    for domain in domains.values():
        count *= len(domain)
    if moments is None or count > MOST_CASES:
        return None
    cases = []
    for chosen in product(*domains.values()):
        case: dict[str, Any] = {"contact": {}, "caller": {}}
        for path, value in zip(domains, chosen, strict=True):
            variable, _, name = path.partition(".")
            if value is not _MISSING:
                case[variable][name] = value
        cases += [{**case, "now": moment} for moment in moments]
    return cases


def _value(literal: str) -> Any:
    if literal in ("true", "false"):
        return literal == "true"
    if literal[0] in "'\"":
        return literal[1:-1]
    return float(literal) if "." in literal else int(literal)


def _around(literal: Any) -> list[Any]:
    """A literal, and values on both sides of it."""
    if isinstance(literal, bool):
        return [literal]
    if isinstance(literal, str):
        return [literal, literal + "\x01"]
    steps = [literal - 1, literal, literal + 1]
    return [*steps, *(float(step) for step in steps), literal - 0.5, literal + 0.5, *(str(step) for step in steps)]


def _domain(library: Library, path: str, literals: list[Any], set_by_nodes: frozenset[str]) -> list[Any]:
    """What the variable may be: one value of each kind that the literals can tell apart."""
    if path == "contact.language":
        return sorted(library.languages)
    texts = ["", "\U0010ffff", *(value for value in literals if isinstance(value, str))]
    if path.startswith("caller.") or path.removeprefix("contact.") in CONTACT_FIELDS:
        return list(dict.fromkeys(texts))
    if path not in set_by_nodes:
        return [_MISSING]
    others: list[Any] = [value for value in literals if not isinstance(value, str | bool)]
    unique = {(type(value), value): value for value in (*texts, *others, True, False, 7_919, 0.25)}
    return [_MISSING, *unique.values()]


def _moments(fields: set[str]) -> list[dict[str, Any]] | None:
    """All that the clock may show of these fields; None where that is without end, or too much."""
    if not fields:
        return [{}]
    if fields & {"date", "datetime", "year"}:
        return None
    weekdays = _WEEKDAYS if "weekday" in fields else ("monday",)
    months = [(m, d) for m, days in enumerate(_DAYS_OF, 1) for d in range(1, days + 1)]
    dates = months if fields & {"day", "month"} else months[:1]
    minutes = range(60) if fields & {"minute", "time"} else range(1)
    hours = range(24) if fields & {"hour", "time"} else range(1)
    if len(weekdays) * len(dates) * len(minutes) * len(hours) > MOST_CASES:
        return None
    return [
        {"weekday": weekday, "month": m, "day": d, "hour": h, "minute": minute, "time": f"{h:02}:{minute:02}"}
        for weekday, (m, d), h, minute in product(weekdays, dates, hours, minutes)
    ]

"""Flows as a page that the owner of a business reads (Markdown), and as data for programs.

It says where each number leads, what callers hear in every language, which keys lead where, and when it is open.

Works by what every node says of itself and knows no type of node.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ivr.flow.document import Flow
from ivr.flow.hours import Hours
from ivr.flow.library import Library
from ivr.flow.node import Node, Reference
from ivr.flow.registry import type_name

_EXITS = {
    "next": "then",
    "otherwise": "otherwise",
    "error": "if it cannot be done",
    "no_input": "the caller keeps silent",
    "no_match": "the caller presses something else",
    "answered": "after the talk",
    "operator": "the caller asks for a person",
}
_SAID = {"no_input": "After silence", "no_match": "After a wrong key", "say": "Callers hear"}
_KEYS = re.compile(r"[0-9A-D*#]{1,10}")


def page(name: str, numbers: Mapping[str, str], library: Library) -> str:
    """The page of all flows of a centre."""
    lines = [f"# {_plain(name)}: what callers hear", ""]
    lines += ["| number | leads to |", "| --- | --- |"]
    lines += [f"| {_plain(number)} | {_link(flow, flow)} |" for number, flow in numbers.items()]
    if library.hours:
        lines += ["", "## Opening hours", ""]
        for hours_name, hours in sorted(library.hours.items()):
            lines += _hours(hours_name, hours)
    for flow_name in sorted(library.flows):
        lines += ["", *_flow(library.flows[flow_name], library)]
    return "\n".join(lines).rstrip() + "\n"


def data(name: str, numbers: Mapping[str, str], library: Library) -> dict[str, Any]:
    """The same as data: flows as they are written, with the exits of each node; prompts and hours."""
    prompts, hours = library.prompts.entries, library.hours
    return {
        "name": name,
        "numbers": dict(numbers),
        "languages": _languages(library),
        "flows": {
            flow.name: {
                "description": flow.description,
                "start": flow.start,
                "on_error": flow.on_error,
                "operator": flow.operator.model_dump(mode="json") if flow.operator else None,
                "fingerprint": flow.fingerprint,
                "nodes": {
                    node_name: {"written": flow.written(node_name), "leads_to": flow.exits[node_name]}
                    for node_name in flow.nodes
                },
            }
            for flow in library.flows.values()
        },
        "prompts": {key: entry.model_dump(mode="json") for key, entry in prompts.items()},
        "hours": {key: value.entry.model_dump(mode="json", by_alias=True) for key, value in hours.items()},
    }


def _languages(library: Library) -> list[str]:
    """The default one first."""
    return sorted(library.languages, key=lambda tag: (tag != library.default_language, tag))


def _flow(flow: Flow, library: Library) -> Iterator[str]:
    yield f'<a id="{_anchor(flow.name)}"></a>'
    yield ""
    yield f"## {_plain(flow.name)}"
    yield ""
    if flow.description:
        yield _plain(flow.description)
        yield ""
    yield f"Callers begin at {_link(flow.start, flow.name, flow.start)}."
    if flow.operator:
        to = str(flow.operator.to)
        yield f"With the key **{_plain(flow.operator.key)}** they ask for a person: {_link(to, flow.name, to)}."
    if flow.on_error:
        yield f"When something cannot be done: {_link(flow.on_error, flow.name, flow.on_error)}."
    for name in _in_order(flow):
        yield ""
        yield from _node(flow, name, flow.nodes[name], library)


def _in_order(flow: Flow) -> list[str]:
    """The nodes in the order in which callers come to them, then those to which nobody comes."""
    order, position = [flow.start], 0
    while position < len(order):
        order += [to for to in dict.fromkeys(flow.nodes[order[position]].exits().values()) if to not in order]
        position += 1
    return [*order, *(name for name in flow.nodes if name not in order)]


def _node(flow: Flow, name: str, node: Node, library: Library) -> Iterator[str]:
    yield f'<a id="{_anchor(flow.name, name)}"></a>'
    yield ""
    yield f"### {_plain(name)}"
    yield ""
    about = re.split(r"(?<=\.)\s", " ".join((type(node).__doc__ or "").split()))[0]
    yield f"*{type_name(type(node))}*: {about}"
    yield from _said(node, library)
    yield from _named(node, flow)
    exits = _exits(flow, name, node)
    if exits:
        yield ""
        yield "| when | callers go to |"
        yield "| --- | --- |"
        for when, to in exits:
            yield f"| {when} | {_link(to, flow.name, to)} |"


def _said(node: Node, library: Library) -> Iterator[str]:
    """What is said, by occasion and by language."""
    occasions: dict[str, list[Reference]] = {}
    for reference in node.refers():
        inside = reference.kind == "expression" and "value" in reference.path
        if reference.kind == "prompt" or (inside and _list_of(reference)):
            occasions.setdefault(_list_of(reference) or str(reference.path[0]), []).append(reference)
    for occasion, references in occasions.items():
        yield ""
        yield f"{_SAID.get(occasion, occasion.replace('_', ' ').capitalize())}:"
        yield ""
        for number, language in enumerate(_languages(library)):
            words = " ".join(_words(reference, library, language) for reference in references)
            if number:
                yield ">"
            yield f"> **{language}** {words}"


def _list_of(reference: Reference) -> str:
    """The list of things to be said that this is an item of; empty: none."""
    first = str(reference.path[0])
    if len(reference.path) > 1 and (first in _SAID or "say" in reference.path):
        return first
    return ""


def _words(reference: Reference, library: Library, language: str) -> str:
    if reference.kind == "expression":
        return f"(the value of `{reference.name}`)"
    if reference.name not in library.prompts.entries:
        return _plain(reference.name)
    prompt = library.prompts.prompt(reference.name, language)
    return _plain(" ".join(prompt.text.split())) if prompt.text else f"(recording {_plain(', '.join(prompt.sounds))})"


def _named(node: Node, flow: Flow) -> Iterator[str]:
    """What else the node names: queues, flows, opening hours, expressions."""
    conditions = {condition.text for _, condition in node.decides()}
    lines: dict[str, None] = {}
    for reference in node.refers():
        field = str(reference.path[-1])
        if reference.kind == "flow":
            lines[f"- flow {_link(reference.name, reference.name)}"] = None
        elif reference.kind == "hours":
            lines[f"- opening hours [{_plain(reference.name)}](#{_anchor('hours', reference.name)})"] = None
        elif reference.kind == "expression" and not _list_of(reference) and reference.name not in conditions:
            lines[f"- {_plain(field)}: `{reference.name}`"] = None
        elif reference.kind not in ("node", "prompt", "expression"):
            lines[f"- {reference.kind} **{_plain(reference.name)}**"] = None
    if lines:
        yield ""
        yield from lines


def _exits(flow: Flow, name: str, node: Node) -> list[tuple[str, str]]:
    """Each exit in words, and where it leads."""
    conditions = {exit: condition.text for exit, condition in node.decides()}
    found = []
    for exit, to in node.exits().items():
        if exit in conditions:
            when = f"if `{conditions[exit]}`".replace("|", "\\|")
        elif _KEYS.fullmatch(exit) and node.asks:
            when = f"key **{_plain(exit)}**"
        else:
            when = _EXITS.get(exit, _plain(exit.replace("_", " ")))
        found.append((when, to))
    return found


def _hours(name: str, hours: Hours) -> Iterator[str]:
    entry = hours.entry
    yield f'<a id="{_anchor("hours", name)}"></a>'
    yield ""
    yield f"### {_plain(name)}"
    yield ""
    yield "| day | open |"
    yield "| --- | --- |"
    for days, ranges in entry.weekly.items():
        yield f"| {days} | {', '.join(ranges) or 'closed'} |"
    for exception in entry.exceptions:
        named = f" ({_plain(exception.name)})" if exception.name else ""
        yield f"| {exception.date}{named} | {', '.join(exception.open) or 'closed'} |"
    if entry.holidays:
        region = f", {entry.holidays.region}" if entry.holidays.region else ""
        yield f"| public holidays of {entry.holidays.country}{region} | closed |"
    for word, files in (("closed", entry.closed_by), ("open", entry.open_by)):
        yield from (f"| events of {file} | {word} |" for file in files)
    yield ""


def _anchor(*parts: str) -> str:
    return "-".join(re.sub(r"[^\w-]+", "-", part) for part in parts)


def _link(text: str, *anchor: str) -> str:
    return f"[{_plain(text)}](#{_anchor(*anchor)})"


def _plain(text: str) -> str:
    """Text of people in Markdown: nothing in it is markup."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in text)

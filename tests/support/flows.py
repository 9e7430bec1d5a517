"""Flows for tests: written as YAML, in a library whose prompts say their own names."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from textwrap import dedent, indent
from typing import Any

from documents import read
from ivr.flow.document import Flow, load_flow
from ivr.flow.hours import Hours
from ivr.flow.library import Library
from ivr.flow.machine import Machine
from ivr.flow.prompts import PromptEntry, Prompts
from ivr.flow.session import Session

NOON = 1_767_614_400_000  # Monday, 5 January 2026, 12:00 UTC


def flow(nodes: str, name: str = "main", start: str | None = None, header: str = "") -> Flow:
    """A flow of these nodes (YAML), which starts at the first one."""
    nodes = dedent(nodes).strip("\n")
    start = start or nodes.partition(":")[0].strip("\"'")
    text = f"schema: 2\nname: {name}\nstart: {start}\n{dedent(header)}\nnodes:\n{indent(nodes, '  ')}\n"
    return load_flow(read(text, f"flows/{name}.yaml"))


def library(
    *flows: Flow,
    languages: tuple[str, ...] = ("en", "es"),
    hours: Mapping[str, Hours] | None = None,
    zone: tzinfo = UTC,
) -> Library:
    """The first language is the default one."""
    named = {
        ref.name for flow in flows for node in flow.nodes.values() for ref in node.refers() if ref.kind == "prompt"
    }
    prompts = Prompts({name: PromptEntry(text={languages[0]: name}) for name in named}, languages[0])
    return Library({f.name: f for f in flows}, prompts, hours or {}, languages[0], frozenset(languages), zone)


def machine(nodes: str, *more: Flow, header: str = "", **options: Any) -> Machine:
    """A machine with the flow `main` of these nodes, and `more`."""
    return Machine(library(flow(nodes, header=header), *more, **options))


class OneVersion:
    """The flows of all calls (`switchboard.calls.Flows`), which begin with `flow`; set others for new ones."""

    def __init__(self, machine: Machine, flow: str = "main") -> None:
        self.machine, self.flow = machine, flow

    def begin(self, contact: str, number: str) -> tuple[Machine, str]:
        return self.machine, self.flow

    def machine_of(self, session: Session) -> Machine:
        return self.machine

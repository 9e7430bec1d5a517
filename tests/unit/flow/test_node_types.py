"""Every node type has what loader, docs and lint need of it, and does what its example promises."""

from dataclasses import replace
from textwrap import dedent, indent
from typing import Any

import pytest

from documents import read
from ivr.flow.document import load_flow
from ivr.flow.effects import Collect, Dial, Effect, Enqueue, Play, SetLanguage, TakeVoicemail
from ivr.flow.hours import Hours, HoursEntry
from ivr.flow.machine import Machine
from ivr.flow.node import Fixture, Node, WrongInput
from ivr.flow.registry import node_types
from ivr.flow.session import Session
from tests.support.flows import flow, library

TYPES = node_types()
CASES = [
    pytest.param(kind, fixture, id=f"{kind}: {fixture.title}")
    for kind, node in TYPES.items()
    for fixture in node.fixtures
]


def example_nodes(node: type[Node]) -> dict[str, Any]:
    data = read(dedent(node.example)).data
    assert isinstance(data, dict)
    return data


def machine_for(node: type[Node]) -> Machine:
    """The example as a flow; what it names and lacks is filled in: nodes that hang up with their own name, flows that
    return `done`, hours that are open on weekdays."""
    names = list(example_nodes(node))
    text = f"schema: 2\nname: main\nstart: {names[0]}\nnodes:\n{indent(dedent(node.example), '  ')}\n"
    references = [
        ref for name, data in example_nodes(node).items() for ref in TYPES[data["type"]].model_validate(data).refers()
    ]
    for name in sorted({ref.name for ref in references if ref.kind == "node"} - set(names)):
        text += f"  {name}: {{type: hangup, reason: {name}}}\n"
    called = [flow("back: {type: return, exit: done}", name=ref.name) for ref in references if ref.kind == "flow"]
    lib = library(load_flow(read(text, f"{node.__name__}.example")), *called)
    weekdays = HoursEntry(
        weekly={"mon-fri": ("09:00-17:00",)}, exceptions=({"date": "2026-01-06", "name": "Epiphany"},)
    )
    hours = {ref.name: Hours(weekdays, lib.zone) for ref in references if ref.kind == "hours"}
    return Machine(replace(lib, hours=hours))


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_documented_and_has_an_example_and_fixtures(kind: str) -> None:
    node = TYPES[kind]
    assert node.__doc__
    assert next(iter(example_nodes(node).values()))["type"] == kind
    assert node.fixtures


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_shows_what_it_does_with_wrong_input(kind: str) -> None:
    wrong = [fixture for fixture in TYPES[kind].fixtures if isinstance(fixture, WrongInput)]
    assert bool(wrong) == TYPES[kind].from_outside


@pytest.mark.parametrize("kind", TYPES)
def test_every_field_that_is_a_target_is_an_exit_or_says_where_retries_end(kind: str) -> None:
    for data in example_nodes(TYPES[kind]).values():
        node = TYPES[data["type"]].model_validate(data)
        targets = {ref.name for ref in node.refers() if ref.kind == "node"}
        assert set(node.exits().values()) == targets


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_says_rightly_whether_the_caller_has_a_part_in_it(kind: str) -> None:
    node = TYPES[kind]
    waited = any(
        isinstance(effect, Play | Collect | Enqueue | TakeVoicemail | Dial)
        for fixture in node.fixtures
        for _, effects in fixture.turns
        for effect in effects
    )
    assert node.waits == waited


@pytest.mark.parametrize(("kind", "fixture"), CASES)
def test_the_example_does_what_its_fixtures_say(kind: str, fixture: Fixture) -> None:
    machine = machine_for(TYPES[kind])
    session: Session | None = None
    for answer, expected in fixture.turns:
        if session is None:
            assert answer is None
            session, effects = machine.start("main", fixture.caller, fixture.now_ms, dict(fixture.attributes))
            assert effects.pop(0) == SetLanguage("en")
        else:
            assert answer is not None
            session, effects = machine.resume(session, answer, fixture.now_ms)
        assert tuple(effects) == expected
    assert isinstance(effects[-1], Effect)

"""Flows that no sensible person writes, and answers that no sensible server gives: a clear line for the admin, and a
way out for the caller, in time."""

import json
import time
from typing import Any

import pytest

from documents import DocumentError, Expression, ExpressionError, read
from ivr.flow.diagram import diagram
from ivr.flow.document import load_flow
from ivr.flow.effects import HangUp, LookUp, Play
from ivr.flow.inputs import Input, Keys, LookedUp, LookupFailed, Played
from ivr.flow.lint import lint
from ivr.flow.machine import MAX_DEPTH, Machine
from ivr.flow.session import Caller, Session
from tests.support.flows import NOON, flow, library, machine

CALLER = Caller("+15550100", "100")


def test_a_flow_of_ten_thousand_nodes_is_refused_in_one_line_and_in_time() -> None:
    nodes = "".join(f"  n{i}: {{type: play, say: [hello], next: n{i + 1}}}\n" for i in range(10_000))
    text = f"schema: 2\nname: huge\nstart: n0\nnodes:\n{nodes}  n10000: {{type: hangup}}\n"
    began = time.process_time()
    with pytest.raises(DocumentError) as caught:
        load_flow(read(text, "flows/huge.yaml"))
    assert time.process_time() - began < 10
    assert str(caught.value) == (
        "flows/huge.yaml:4: nodes: a flow has at most 1,000 nodes, this one 10,001 "
        "(split it: a subflow node leads to another flow)"
    )


def calls(name: str, called: str) -> str:
    return f"c: {{type: subflow, flow: {called}, otherwise: end}}\nend: {{type: hangup}}"


def test_a_cycle_of_subflows_is_told_by_its_names_and_does_not_hold_the_machine() -> None:
    names = ["one", "two", "three"]
    flows = [flow(calls(name, names[(i + 1) % 3]), name=name) for i, name in enumerate(names)]
    problems = [problem.message for problem in lint(flows, {"flow": names}, {"one"})]
    assert "this flow calls itself: one -> two -> three -> one" in problems
    caught = flow(
        "c: {type: subflow, flow: one, otherwise: end, error: sorry}\nend: {type: hangup}\n"
        "sorry: {type: hangup, reason: sorry}"
    )
    session, effects = Machine(library(caught, *flows)).start("main", CALLER, NOON)
    assert effects[-1] == HangUp("sorry")
    assert "subflows are nested too deeply" in session.last_error
    assert session.entered <= MAX_DEPTH + 3


LOOKUP = """
    find: {type: lookup, url: 'https://crm.example/', results: {tier: data.tier, list: data.list}, ok: tell,
           not_found: none, error: broken}
    tell: {type: play, say: [{say: digits, value: contact.tier, otherwise: hello}], next: good}
    good: {type: hangup, reason: good}
    none: {type: hangup, reason: none}
    broken: {type: hangup, reason: broken}
    """
DEEP: Any = None
for _ in range(200):
    DEEP = {"tier": DEEP, "list": [DEEP]} if DEEP is None else [DEEP]


@pytest.mark.parametrize(
    "answer",
    [
        LookedUp(200, None),
        LookedUp(200, "<html>Sign in</html>"),
        LookedUp(200, []),
        LookedUp(200, {"tier": {"not": "text"}}),
        LookedUp(200, {"tier": "x" * 250_000}),
        LookedUp(200, {"tier": "👋\u202e ✓", "list": [1]}),
        LookedUp(200, {"tier": "\x00\r\n"}),
        LookedUp(200, {"tier": float("nan"), "list": 10**400}),
        LookedUp(200, DEEP),
        LookedUp(200, {str(i): i for i in range(20_000)}),
        LookedUp(-1),
        LookedUp(10**9, {"tier": "gold"}),
        LookupFailed("timeout", "\ud800"),
        LookupFailed("bad_response", "x" * 10_000),
        LookupFailed("refused", "https://user:secret@host"),
    ],
    ids=lambda answer: repr(answer)[:40],
)
def test_whatever_a_lookup_brings_the_call_goes_on(answer: Input) -> None:
    made = machine(LOOKUP)
    session, effects = made.start("main", CALLER, NOON)
    assert isinstance(effects[-1], LookUp)
    began = time.process_time()
    session, effects = made.resume(session, answer, NOON)
    assert time.process_time() - began < 1
    assert "internal error" not in session.last_error
    assert len(session.to_json()) < 10_000
    if isinstance(effects[-1], Play):
        session, effects = made.resume(session, Played(), NOON)
    assert effects[-1] in (HangUp("good"), HangUp("broken"))


@pytest.mark.parametrize(
    "text",
    [
        "[1,2,3].all(a, [1,2,3].all(b, [1,2,3].all(c, a+b+c > 0)))",
        "contact.x.map(a, contact.x.map(b, contact.x.map(c, a))) == []",
        "1 + " * 600 + "1",
        "((((((((((" * 150 + "1" + "))))))))))" * 150,
        "'" + "x" * 3_000 + "'",
        "while (true) {}",
        "contact.x.matches('(a+)+$')" + " && true" * 400,
    ],
    ids=lambda text: text[:30],
)
def test_an_expression_that_might_never_end_is_refused_when_it_is_loaded(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ExpressionError):
        Expression(text)
    assert time.process_time() - began < 2


def test_the_worst_expression_that_is_allowed_ends_soon() -> None:
    """Two nested lists over the largest answer that a lookup may bring, and a pattern that kills other engines."""
    numbers = list(range(700))
    quadratic = Expression("data.all(a, data.all(b, a + b >= 0))")
    pattern = Expression("data.matches('^(a+)+$')")
    began = time.process_time()
    assert quadratic.holds({"data": numbers})
    assert not pattern.holds({"data": "a" * 100_000 + "!"})
    assert time.process_time() - began < 5


NAMES = {"arabic": "مرحبا", "chinese": "菜单一", "emoji": "👋", "greek": "ΜΕΝΟΎ", "combined": "é", "turkish": "İı"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_every_script_in_every_text(name: str) -> None:
    text = f"""
schema: 2
name: "{name}"
description: "{name}"
start: "{name}"
on_error: end
nodes:
  "{name}":
    type: menu
    say: ["{name}"]
    choices: {{"1": "{name}2", "2": note}}
    no_input: {{retries: 0, to: end}}
    no_match: {{retries: 0, to: end}}
  "{name}2": {{type: set, attributes: {{said: "'{name}'"}}, next: note}}
  note: {{type: notify, webhook: "{name}", data: {{said: contact.said}}, next: end}}
  end: {{type: hangup, reason: "{name}"}}
"""
    loaded = load_flow(read(text, "flows/main.yaml"))
    made = Machine(library(loaded))
    session, effects = made.start(name, Caller("1", name, name), NOON)
    session = Session.from_json(session.to_json())
    session, effects = made.resume(session, Keys("1", "length"), NOON)
    assert session.attributes == {"said": name}
    assert effects[-1] == HangUp(name)
    assert lint([loaded], {"prompt": [name], "webhook": [name]}, {name}) == []
    assert name in json.loads(json.dumps(diagram(loaded, made.library.prompts)))

from textwrap import dedent

import pytest

from documents import Problem
from ivr.flow.document import Flow
from ivr.flow.lint import lint, used
from ivr.flow.node import Fixture
from ivr.flow.registry import node_types
from ivr.words.currencies import DECIMALS
from tests.support.flows import flow
from tests.unit.flow.test_node_types import machine_for

ASKING = "no_input: {to: bye}, no_match: {to: bye}"


def problems(*flows: Flow, entries: tuple[str, ...] = ("main",), **names: set[str]) -> list[Problem]:
    return lint(flows, {"flow": {f.name for f in flows}, **names}, entries)


def main(nodes: str, header: str = "on_error: bye") -> Flow:
    return flow(dedent(nodes) + "\nbye: {type: hangup}", header=header)


def test_a_sound_flow_has_no_problems() -> None:
    nodes = f"""
        ask: {{type: menu, say: [ask], choices: {{"1": wait}}, {ASKING}}}
        wait: {{type: enqueue, queue: sales, otherwise: bye}}"""
    assert problems(main(nodes), queue={"sales"}, prompt={"ask"}, hours=set(), language={"en"}) == []


@pytest.mark.parametrize(
    ("node", "kind", "wrong"),
    [
        ("{type: enqueue, queue: biling, otherwise: bye}", "queue", "biling"),
        ("{type: play, say: [biling], next: bye}", "prompt", "biling"),
        ("{type: say, say: number, value: '1', otherwise: biling, next: bye}", "prompt", "biling"),
        ("{type: subflow, flow: biling, otherwise: bye}", "flow", "biling"),
        ("{type: hours, hours: biling, open: bye, closed: bye}", "hours", "biling"),
        ("{type: language, language: biling, next: bye}", "language", "biling"),
    ],
)
def test_a_name_that_stands_for_nothing_is_an_error_with_the_nearest_one(node: str, kind: str, wrong: str) -> None:
    valid = {"main", "billing"} if kind == "flow" else {"billing"}
    (problem,) = lint([main(f"first: {node}")], {kind: valid}, {"main"})
    assert (problem.severity, problem.file, problem.line) == ("error", "flows/main.yaml", 6)
    assert problem.message == f"there is no {kind} {wrong!r}"
    assert "did you mean 'billing'" in problem.hint


def test_a_currency_that_nobody_can_say_is_an_error() -> None:
    node = "first: {type: play, say: [{say: money, value: '1', currency: UER}], next: bye}"
    (problem,) = lint([main(node)], {"currency": DECIMALS.keys()}, {"main"})
    assert problem.message == "there is no currency 'UER'"
    assert "did you mean 'EUR'" in problem.hint


def test_kinds_of_names_that_are_not_given_are_not_checked() -> None:
    assert lint([main("first: {type: enqueue, queue: any, otherwise: bye}")], {}, {"main"}) == []


def test_a_node_that_nobody_reaches() -> None:
    (problem,) = problems(main("first: {type: play, say: [a], next: bye}\nlost: {type: play, say: [a], next: bye}"))
    assert (problem.severity, problem.path, problem.line) == ("warning", "nodes.lost", 7)


def test_the_ways_of_errors_and_to_a_person_count_as_ways() -> None:
    header = "on_error: sorry\noperator: {key: '0', to: person}"
    nodes = f"""
        ask: {{type: menu, say: [a], choices: {{"1": bye}}, {ASKING}}}
        sorry: {{type: hangup}}
        person: {{type: hangup}}"""
    assert problems(main(nodes, header)) == []


def test_a_loop_without_a_wait_is_an_error_that_shows_the_way() -> None:
    nodes = """
        first: {type: set, attributes: {x: "1"}, next: second}
        second: {type: branch, conditions: [{when: contact.x == 2, to: bye}], otherwise: third}
        third: {type: language, language: en, next: first}"""
    (problem,) = problems(main(nodes))
    assert (problem.severity, problem.path) == ("error", "nodes.first")
    assert problem.message.endswith("first -> second -> third -> first")


def test_every_loop_is_reported_once() -> None:
    nodes = """
        first: {type: branch, conditions: [{when: "false", to: first}, {when: "false", to: a}], otherwise: bye}
        a: {type: branch, conditions: [{when: "true", to: b}], otherwise: bye}
        b: {type: branch, conditions: [{when: "true", to: a}], otherwise: bye}"""
    found = [problem.message.partition(": ")[2] for problem in problems(main(nodes))]
    assert found == ["first -> first", "a -> b -> a"]


def test_a_loop_in_which_the_caller_is_asked_is_allowed() -> None:
    nodes = f"""
        ask: {{type: menu, say: [a], choices: {{"1": note}}, {ASKING}}}
        note: {{type: set, attributes: {{x: "1"}}, next: ask}}"""
    assert problems(main(nodes)) == []


LOOP_THROUGH_A_SUBFLOW = """
    first: {type: subflow, flow: inner, exits: {done: again}, otherwise: bye}
    again: {type: set, attributes: {x: "1"}, next: first}"""


def test_a_loop_waits_when_the_flow_called_in_it_always_waits() -> None:
    inner = flow("say: {type: play, say: [a], next: back}\nback: {type: return}", name="inner")
    assert problems(main(LOOP_THROUGH_A_SUBFLOW), inner) == []


def test_a_loop_does_not_wait_when_the_flow_called_in_it_may_return_at_once() -> None:
    nodes = """
        check: {type: branch, conditions: [{when: contact.x == 1, to: say}], otherwise: back}
        say: {type: play, say: [a], next: back}
        back: {type: return}"""
    (problem,) = problems(main(LOOP_THROUGH_A_SUBFLOW), flow(nodes, name="inner"))
    assert "first -> again -> first" in problem.message


def test_a_flow_that_calls_itself_by_way_of_another() -> None:
    one = main("call: {type: subflow, flow: two, otherwise: bye}")
    two = flow("call: {type: subflow, flow: main, otherwise: back}\nback: {type: return}", name="two")
    (problem,) = problems(one, two)
    assert (problem.severity, problem.path) == ("error", "nodes.call.flow")
    assert "main -> two -> main" in problem.message


def test_a_caller_who_can_only_hang_up() -> None:
    nodes = """
        ask: {type: menu, say: [a], choices: {"1": more, "2": bye}, no_input: {to: bye}, no_match: {to: bye}}
        more: {type: menu, say: [a], choices: {"1": tell}, no_input: {to: tell}, no_match: {to: more}}
        tell: {type: play, say: [a], next: more}"""
    (problem,) = problems(main(nodes))
    assert (problem.severity, problem.path) == ("error", "nodes.more")
    assert problem.message.endswith("more, tell")


def test_a_queue_after_which_the_call_ends_is_no_dead_end() -> None:
    nodes = """
        ask: {type: menu, say: [a], choices: {"1": wait}, no_input: {to: wait}, no_match: {to: wait}}
        wait: {type: enqueue, queue: sales, otherwise: ask}"""
    found = [problem.message for problem in problems(flow(nodes, header="on_error: wait"))]
    assert found == []


def test_more_choices_than_a_caller_keeps_in_mind() -> None:
    choices = ", ".join(f'"{key}": bye' for key in range(1, 7))
    (problem,) = problems(main(f"ask: {{type: menu, say: [a], choices: {{{choices}}}, {ASKING}}}"))
    assert (problem.severity, problem.path) == ("warning", "nodes.ask.choices")
    assert "6 choices" in problem.message


def test_a_choice_that_hides_the_way_to_a_person() -> None:
    nodes = f'ask: {{type: menu, say: [a], choices: {{"0": bye}}, {ASKING}}}'
    (problem,) = problems(main(nodes, "on_error: bye\noperator: {key: '0', to: bye}"))
    assert (problem.severity, problem.path) == ("warning", "nodes.ask.choices.0")


def test_an_attribute_that_nothing_sets() -> None:
    nodes = """
        note: {type: set, attributes: {tier: "'gold'"}, next: check}
        check:
          type: branch
          conditions:
            - {when: contact.teir == 'gold', to: bye}
            - {when: contact.tier == 'gold' && contact.number != '', to: bye}
          otherwise: bye"""
    (problem,) = problems(main(nodes))
    assert (problem.severity, problem.line) == ("warning", 10)
    assert problem.message == "no node sets contact.teir"
    assert "'tier'" in problem.hint


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("now.hours > 8", "there is no now.hours"),
        ("caller.numbr == ''", "there is no caller.numbr"),
    ],
)
def test_a_field_that_there_is_not(condition: str, message: str) -> None:
    nodes = f"""
        check: {{type: branch, conditions: [{{when: "{condition}", to: bye}}], otherwise: bye}}"""
    (problem,) = problems(main(nodes))
    assert (problem.severity, problem.message) == ("error", message)


def test_a_secret_that_no_node_asks_for() -> None:
    nodes = f"""
        ask: {{type: collect, say: [a], into: pin, max_digits: 4, sensitive: true, next: find, {ASKING}}}
        find:
          type: lookup
          url: https://bank.example/{{{{ secret.pni }}}}
          query: {{pin: secret.pin}}
          ok: bye
          not_found: bye
          error: bye"""
    (problem,) = problems(main(nodes))
    assert (problem.message, problem.hint) == ("there is no secret.pni", "did you mean 'pin'?")


def test_nothing_is_said_of_attributes_that_a_flow_which_did_not_load_may_set() -> None:
    one = main("check: {type: branch, conditions: [{when: contact.tier == 1, to: bye}], otherwise: bye}")
    assert lint([one], {"flow": {"main", "broken"}}, {"main"}) == []


def test_an_exit_that_the_called_flow_never_takes() -> None:
    inner = flow("back: {type: return, exit: found}", name="inner")
    one = main("call: {type: subflow, flow: inner, exits: {fuond: bye}, otherwise: bye}")
    (problem,) = problems(one, inner)
    assert (problem.severity, problem.path) == ("warning", "nodes.call.exits.fuond")
    assert "did you mean 'found'" in problem.hint


def test_a_flow_that_nothing_leads_to() -> None:
    other = flow("back: {type: return}", name="other")
    found = problems(main("first: {type: play, say: [a], next: bye}"), other)
    assert [(problem.file, problem.path) for problem in found] == [("flows/other.yaml", "name")]


def test_a_flow_for_callers_without_a_way_out_of_errors() -> None:
    (problem,) = problems(main("first: {type: play, say: [a], next: bye}", header=""))
    assert problem.severity == "warning"
    assert "on_error" in problem.hint


def test_names_in_use_are_found_wherever_they_stand() -> None:
    nodes = """
        ask:
          type: menu
          say: [one]
          choices: {"1": bye}
          no_input: {say: [two], to: bye}
          no_match: {say: [{say: digits, value: contact.number, otherwise: three}], to: bye}"""
    assert used([main(nodes)], "prompt") == {"one", "two", "three"}


CASES = [(kind, fixture) for kind, node in node_types().items() for fixture in node.fixtures]


@pytest.mark.parametrize(("kind", "fixture"), CASES, ids=lambda value: getattr(value, "title", value))
def test_a_node_type_says_rightly_what_it_sets(kind: str, fixture: Fixture) -> None:
    """What the fixtures of the type leave in the session was announced by `sets` of some node in its example."""
    machine = machine_for(node_types()[kind])
    announced = {name for node in machine.library.flows["main"].nodes.values() for name in node.sets()}
    session, _ = machine.start("main", fixture.caller, fixture.now_ms, dict(fixture.attributes))
    for answer, _ in fixture.turns[1:]:
        assert answer is not None
        session, _ = machine.resume(session, answer, fixture.now_ms)
    found = {f"contact.{name}" for name in session.attributes.keys() - dict(fixture.attributes).keys()}
    assert found <= announced

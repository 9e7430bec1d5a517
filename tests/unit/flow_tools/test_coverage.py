"""Which nodes and exits the tests of flows have reached."""

import json
from pathlib import Path

from documents import read
from ivr.flow.scripted import run_tests
from ivr.flow.ways import Coverage, Way
from tests.support.flows import flow, library
from tests.unit.flow_tools.test_flow_commands import HELPDESK, invoke

MAIN = """
ask:
  type: menu
  say: [which]
  choices: {"1": sub, "2": wait}
  no_input: {retries: 0, to: end}
  no_match: {retries: 0, to: end}
sub: {type: subflow, flow: inner, exits: {good: end}, otherwise: wait}
wait:
  type: enqueue
  queue: all
  exits: {nobody: end}
  otherwise: end
  answered: thanks
thanks: {type: play, say: [thanks], next: end}
end: {type: hangup}
"""
INNER = """
choose:
  type: menu
  say: [choose]
  choices: {"1": well, "2": badly}
  no_input: {retries: 0, to: badly}
  no_match: {retries: 0, to: badly}
well: {type: return, exit: good}
badly: {type: return, exit: bad}
"""


def covered(*does: str) -> Coverage:
    flows = library(flow(MAIN), flow(INNER, name="inner"))
    tests = "\n".join(
        f"  - {{name: t{number}, given: {{flow: main}}, does: [{one}], expect: {{language: en}}}}"
        for number, one in enumerate(does)
    )
    coverage = Coverage(flows.flows)
    for result in run_tests(read(f"tests:\n{tests}\n", "t.yaml"), flows, {}):
        assert not result.problems, result.problems
        coverage.add(result.visits)
    return coverage


def test_a_subflow_s_return_is_an_exit_of_the_node_that_called_it() -> None:
    coverage = covered("press: '1', press: '1'")
    assert coverage.ways == {Way("main", "ask", "1"), Way("inner", "choose", "1"), Way("main", "sub", "good")}
    assert coverage.missing_nodes("inner") == ["badly"]


def test_an_exit_that_is_not_written_down_is_the_otherwise_that_was_taken() -> None:
    assert Way("main", "sub", "otherwise") in covered("press: '1', press: '2'").ways


def test_the_exit_of_an_enqueue_node_is_that_by_which_the_caller_came_back() -> None:
    coverage = covered("press: '2', from_queue: answered", "press: '2', from_queue: nobody")
    assert {Way("main", "wait", "answered"), Way("main", "wait", "nobody")} <= coverage.ways
    assert Way("main", "wait", "otherwise") in coverage.missing_ways("main")


def test_exits_of_nodes_that_nobody_came_to_are_not_listed_besides() -> None:
    coverage = covered("silence")
    assert set(coverage.missing_nodes("main")) == {"sub", "wait", "thanks"}
    assert {way.node for way in coverage.missing_ways("main")} == {"ask"}


def test_the_command_counts_and_lists_what_no_test_reached() -> None:
    code, output = invoke("test", HELPDESK, "--missing")
    told = json.loads(invoke("test", HELPDESK, "--json")[1])["coverage"]["main"]
    assert code == 0
    taken = told["exits"] - len(told["missing_exits"])
    assert (
        f"flow main: {told['nodes']} of {told['nodes']} nodes reached, {taken} of {told['exits']} exits taken" in output
    )
    assert output.count(": never taken") == len(told["missing_exits"]) > 0


def test_only_the_tests_that_ran_count(tmp_path: Path) -> None:
    one = tmp_path / "one.yaml"
    one.write_text("tests: [{name: nobody speaks, given: {flow: main}, expect: {language: en}}]")
    told = json.loads(invoke("test", HELPDESK, one, "--json")[1])["coverage"]["main"]
    assert len(told["missing_nodes"]) > 5

"""Documents of older versions of the format still load, and their problems are shown where their authors wrote them."""

import pytest

from documents import DocumentError, read
from ivr.flow.document import load_flow
from ivr.flow.migrations import CURRENT, MIGRATIONS

VERSION_1 = """schema: 1
name: main
start: welcome
nodes:
  welcome:
    type: play
    say: [welcome]
    goto: main-menu
  main-menu:
    type: menu
    say: [main-menu]
    choices:
      - {key: "1", goto: to-billing}
      - {key: "2", goto: bye}
    timeout_seconds: 4
    retries: 1
    fallback: bye
  to-billing:
    type: enqueue
    queue: billing
    otherwise: bye
  bye:
    type: hangup
"""
VERSION_2 = """schema: 2
name: main
start: welcome
nodes:
  welcome:
    type: play
    say: [welcome]
    next: main-menu
  main-menu:
    type: menu
    say: [main-menu]
    choices: {"1": to-billing, "2": bye}
    first_digit_s: 4
    no_input: {retries: 1, to: bye}
    no_match: {retries: 1, to: bye}
  to-billing:
    type: enqueue
    queue: billing
    otherwise: bye
  bye:
    type: hangup
"""


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_flow(read(text, "old.yaml"))
    return [str(problem) for problem in caught.value.problems]


def test_there_is_a_documented_step_from_every_older_version() -> None:
    assert sorted(MIGRATIONS) == list(range(1, CURRENT))
    assert all(step.__doc__ for step in MIGRATIONS.values())


def test_an_old_flow_is_the_same_flow() -> None:
    old, new = load_flow(read(VERSION_1)), load_flow(read(VERSION_2))
    assert old.nodes == new.nodes
    assert old.fingerprint == new.fingerprint


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("goto: main-menu", "goto: mainmenu"), "old.yaml:8: nodes.welcome.next: there is no node 'mainmenu'"),
        (('"2", goto: bye', '"2", goto: by'), "old.yaml:14: nodes.main-menu.choices.2: there is no node 'by'"),
        (('key: "2"', "key: two"), "old.yaml:14: nodes.main-menu.choices.two"),
        (("timeout_seconds: 4", "timeout_seconds: soon"), "old.yaml:15: nodes.main-menu.first_digit_s"),
        (("retries: 1", "retries: -1"), "old.yaml:16: nodes.main-menu.no_input.retries"),
        (("fallback: bye", "fallback: by"), "old.yaml:17: nodes.main-menu.no_input.to: there is no node 'by'"),
        (("queue: billing", "queue: ''"), "old.yaml:20: nodes.to-billing.queue"),
        (('key: "2"', 'key: "1"'), "nodes.main-menu.choices: a mapping"),
        (("type: play", "type: 5"), "old.yaml:6: nodes.welcome.type: there is no node type 5"),
    ],
)
def test_problems_are_shown_where_they_were_written(change: tuple[str, str], problem: str) -> None:
    assert change[0] in VERSION_1
    assert any(text.startswith(problem) or problem in text for text in problems(VERSION_1.replace(*change, 1)))


@pytest.mark.parametrize("nodes", ["5", "[]", "{a: 5}", "{a: {type: menu, choices: [5]}}", "{a: {choices: {}}}"])
def test_an_old_document_that_is_wrong_in_other_ways_is_a_problem_and_no_crash(nodes: str) -> None:
    assert problems(f"schema: 1\nname: main\nstart: a\nnodes: {nodes}")


def test_an_old_flow_may_stand_inside_another_document() -> None:
    inner = "".join(f"    {line}\n" for line in VERSION_1.splitlines())
    source = read(f"flows:\n  first:\n    - not a flow\n  main:\n{inner}", "centre.yaml")
    loaded = load_flow(source, ("flows", "main"))
    assert loaded.nodes == load_flow(read(VERSION_2)).nodes
    problem = loaded.problem(("nodes", "main-menu", "choices", "2"), "dull")
    assert str(problem) == "centre.yaml:18: flows.main.nodes.main-menu.choices.2: dull"

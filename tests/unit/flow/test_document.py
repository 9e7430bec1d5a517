"""Loading flow documents: every problem at its line, with what would be right."""

import pytest

from documents import DocumentError, read
from ivr.flow.document import MAX_NODES, Flow, load_flow
from tests.support.flows import flow

GOOD = """schema: 2
name: main
start: hello
nodes:
  hello: {type: play, say: [hello], next: bye}
  bye: {type: hangup}
"""


def load(text: str) -> Flow:
    return load_flow(read(text, "flows/main.yaml"))


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_flow_knows_where_each_exit_leads() -> None:
    loaded = flow(
        """
        hello: {type: play, say: [hello], next: menu}
        menu: {type: menu, say: [m], choices: {"1": hello}, no_input: {to: hello}, no_match: {to: bye}}
        bye: {type: hangup}
        """,
        header="on_error: bye\noperator: {key: '0', to: bye}",
    )
    assert loaded.exits["hello"] == {"next": "menu", "error": "bye"}
    assert loaded.exits["menu"] == {
        "1": "hello",
        "no_input": "hello",
        "no_match": "bye",
        "operator": "bye",
        "error": "bye",
    }
    assert loaded.exits["bye"] == {}


def test_every_problem_is_reported_at_its_line() -> None:
    text = """schema: 2
name: main
start: helo
on_error: nowhere
nodes:
  hello: {type: play, say: [hello], next: by}
  bye: {type: hang-up}
  ask:
    type: menu
    say: []
    choices: {"1": bye, "x": bye}
    colour: red
    no_input: {to: bye}
"""
    keys = "a choice is made of 1 to 10 of the keys 0-9, *, #, A-D"
    known = "known: barge_in, choices, error, first_digit_s, inter_digit_s, no_input, no_match, say, ..."
    assert problems(text) == [
        "flows/main.yaml:3: start: there is no node 'helo' (did you mean 'hello'?)",
        "flows/main.yaml:4: on_error: there is no node 'nowhere' (known: ask, bye, hello)",
        "flows/main.yaml:6: nodes.hello.next: there is no node 'by' (did you mean 'bye'?)",
        "flows/main.yaml:7: nodes.bye.type: there is no node type 'hang-up' (did you mean 'hangup'?)",
        "flows/main.yaml:8: nodes.ask.no_match: 'no_match' is missing",
        "flows/main.yaml:10: nodes.ask.say: List should have at least 1 item after validation, not 0",
        f"flows/main.yaml:11: nodes.ask.choices.x: {keys}; the name is 'x'",
        f"flows/main.yaml:12: nodes.ask.colour: 'colour' is not known here ({known})",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("schema: 2", "schema: 3"), "reads flow schemas 1 to 2, not 3 (update Switchboard)"),
        (("schema: 2", "schema: two"), "reads flow schemas 1 to 2, not 'two' (the current one is 2)"),
        (("schema: 2", "schema: true"), "not True"),
        (("schema: 2\n", ""), "'schema' is missing"),
        (("name: main", "name: ''"), "name: String should have at least 1 character"),
        (("{type: hangup}", "hangup"), "nodes.bye: a node is a mapping with a 'type'"),
        (("{type: hangup}", "{type: [hangup]}"), "there is no node type ['hangup']"),
        (("hello:", '"hel lo":'), "the name is 'hel lo'"),
        (("next: bye", "next: 5"), "nodes.hello.next: text belongs here, not 5"),
        (("[hello]", "{say: number}"), "nodes.hello.say: a list"),
        (("[hello]", "[' hello']"), "nodes.hello.say[0]: a name has no spaces before or after it; it is ' hello'"),
        (("next: bye", "next: 'b.y'"), "nodes.hello.next: an id has no spaces, no quotes, no brackets"),
        (("[hello]", "[{say: number}]"), "nodes.hello.say[0].value: 'value' is missing"),
        (("[hello]", "[{say: nmber, value: '1'}]"), "nodes.hello.say[0].say"),
        (("[hello]", "[[hello]]"), "nodes.hello.say[0]: text belongs here"),
    ],
)
def test_what_is_wrong_is_said(change: tuple[str, str], problem: str) -> None:
    assert change[0] in GOOD
    assert problem in "\n".join(problems(GOOD.replace(*change)))


@pytest.mark.parametrize("text", ["", "[]", "hello", "schema: 2\nname: x\nstart: a\nnodes: {}", "nodes: 5"])
def test_what_is_no_flow_at_all_is_a_problem(text: str) -> None:
    assert problems(text)


def test_there_is_a_most_of_nodes() -> None:
    nodes = "".join(f"  n{i}: {{type: hangup}}\n" for i in range(MAX_NODES + 1))
    assert "at most 1,000 nodes" in problems(f"schema: 2\nname: main\nstart: n0\nnodes:\n{nodes}")[0]


def test_a_yaml_bomb_and_a_tag_are_refused() -> None:
    with pytest.raises(DocumentError, match="anchors and aliases"):
        load("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")
    with pytest.raises(DocumentError, match="tag"):
        load("!!python/object/apply:os.system ['true']")


def test_ids_prompts_and_texts_may_be_of_any_script() -> None:
    loaded = flow(
        """
        begrüßung: {type: play, say: [приветствие], next: 終わり}
        終わり: {type: hangup, reason: "готово ✓"}
        """,
        name="główny",
    )
    assert loaded.exits["begrüßung"]["next"] == "終わり"


def test_the_fingerprint_changes_with_the_content_and_not_with_the_layout() -> None:
    assert load(GOOD).fingerprint == load(GOOD.replace("\n  bye", "\n\n  # the end\n  bye")).fingerprint
    assert load(GOOD).fingerprint != load(GOOD.replace("[hello]", "[hallo]")).fingerprint


def test_a_flow_may_stand_inside_another_document() -> None:
    inner = "".join(f"    {line}\n" for line in GOOD.splitlines())
    source = read(f"flows:\n  main:\n{inner}", "centre.yaml")
    loaded = load_flow(source, ("flows", "main"))
    problem = loaded.problem(("nodes", "bye"), "dull")
    assert str(problem) == "centre.yaml:8: flows.main.nodes.bye: dull"


def test_what_a_node_refers_to_is_found_wherever_it_stands() -> None:
    loaded = flow(
        """
        a:
          type: enqueue
          queue: billing
          attributes: {reason: "'x'"}
          exits: {full: b}
          otherwise: b
        b:
          type: menu
          say: [hello, {say: number, value: contact.n, otherwise: none}]
          choices: {"1": a}
          no_input: {say: [there], to: c}
          no_match: {to: c}
        c: {type: lookup, url: 'http://x.example/{{ contact.id }}', ok: d, not_found: d, error: d}
        d: {type: hours, hours: office, open: e, closed: e}
        e: {type: subflow, flow: other, otherwise: f}
        f: {type: language, language: es, next: f}
        """
    )
    found = {
        (name, ref.kind, ref.name, ref.path)
        for name, node in loaded.nodes.items()
        for ref in node.refers()
        if ref.kind != "node"
    }
    assert found == {
        ("a", "queue", "billing", ("queue",)),
        ("a", "expression", "'x'", ("attributes", "reason")),
        ("b", "prompt", "hello", ("say", 0)),
        ("b", "expression", "contact.n", ("say", 1, "value")),
        ("b", "prompt", "none", ("say", 1, "otherwise")),
        ("b", "prompt", "there", ("no_input", "say", 0)),
        ("c", "expression", "contact.id", ("url",)),
        ("d", "hours", "office", ("hours",)),
        ("e", "flow", "other", ("flow",)),
        ("f", "language", "es", ("language",)),
    }
    assert ("exits", "full") in {ref.path for ref in loaded.nodes["a"].refers()}

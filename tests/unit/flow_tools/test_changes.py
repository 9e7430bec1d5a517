"""What `flow diff` says of two versions."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.changes import changes
from switchboard.centre import load_centre
from tests.support.flows import flow, library
from tests.unit.flow_tools.test_flow_commands import BANK, invoke, replace

NODES = """
ask: {type: menu, say: [which], choices: {"1": one, "2": two}, no_input: {to: two}, no_match: {to: two}}
one: {type: play, say: [first], next: end}
two: {type: play, say: [second], next: end}
end: {type: hangup}
"""


def said(before: str, after: str, **headers: str) -> list[str]:
    old, new = (library(flow(nodes, header=headers.get(of, ""))) for of, nodes in (("old", before), ("new", after)))
    return [str(change) for change in changes(old, new) if change.of != "prompt"]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("type: hangup", "type: hangup", []),
        ('"1": one, "2": two', '"1": two, "2": one', [
            "node ask: exit 1 leads to two (was one)",
            "node ask: exit 2 leads to one (was two)",
        ]),
        ('"2": two}', '"2": two, "3": one}', ["node ask: new exit 3, to one"]),
        (', "2": two}', "}", ["node ask: no exit 2 any more (it led to two)"]),
        ("say: [first]", "say: [other]", ["node one: say.0 is other (was first)"]),
        ("no_input: {to: two}", "no_input: {to: two, retries: 2}", ["node ask: no_input.retries is 2 (was not set)"]),
        ("next: end}\ntwo", "next: end, error: end}\ntwo", ["node one: new exit error, to end"]),
        ("\nend:", "\nlast: {type: hangup, reason: x}\nend:", ["node last added (hangup)"]),
        ("one: {type: play, say: [first], next: end}", "one: {type: return}", [
            "node one: no exit next any more (it led to end)",
            "node one: type is return (was play)",
            "node one: say is not set any more (was ['first'])",
        ]),
    ],
)  # fmt: skip
def test_what_is_said_of_a_change(old: str, new: str, lines: list[str]) -> None:
    assert old in NODES
    assert said(NODES, NODES.replace(old, new, 1)) == lines


def test_a_node_with_another_id_is_renamed_and_nothing_is_rewired() -> None:
    renamed = NODES.replace("one:", "first-one:").replace('"1": one', '"1": first-one')
    assert said(NODES, renamed) == ["node one is called first-one now"]


def test_a_row_of_renamed_nodes_is_followed_to_its_end() -> None:
    renamed = NODES
    for name in ("one", "two", "end"):
        renamed = renamed.replace(f"\n{name}:", f"\nnew-{name}:").replace(f": {name}", f": new-{name}")
    assert sorted(said(NODES, renamed)) == [
        "node end is called new-end now",
        "node one is called new-one now",
        "node two is called new-two now",
    ]


def test_two_equal_nodes_that_went_are_not_taken_for_each_other() -> None:
    before = NODES.replace("[second]", "[first]")
    after = before.replace("one:", "uno:").replace('"1": one', '"1": uno')
    after = after.replace("two:", "dos:").replace(": two", ": dos")
    assert "node uno added (play)" in said(before, after)


def test_start_operator_and_on_error_are_told() -> None:
    header = "operator: {key: '0', to: two}"
    assert said(NODES, NODES, old=header, new="operator: {key: '9', to: one}\non_error: end") == [
        "flow main: operator.to is one (was two)",
        "flow main: operator.key is 9 (was 0)",
        "flow main: on_error is end (was not set)",
    ]


@given(st.permutations(NODES.strip().split("\n")))
def test_the_order_in_which_nodes_are_written_is_no_change(lines: list[str]) -> None:
    old, new = flow(NODES, start="ask"), flow("\n".join(lines), start="ask")
    assert changes(library(old), library(new)) == []


def test_the_command_tells_prompts_recordings_and_all_other_documents(tmp_path: Path) -> None:
    bank = Path(shutil.copytree(BANK, tmp_path / "bank"))
    assert invoke("diff", BANK, bank) == (0, "Nothing has changed.\n")
    replace(bank / "prompts.yaml", 'en: "Welcome to', 'en: "Hello at')
    replace(bank / "centre.yaml", "every_s: 30", "every_s: 45")
    (bank / "sounds/en/busy.wav").unlink()
    replace(bank / "prompts.yaml", '["centre:busy"]', '["centre:closed"]')  # in both languages
    code, output = invoke("diff", BANK, bank)
    assert code == 1
    assert output.splitlines() == [
        "prompt busy: sounds.en.0 is centre:closed (was centre:busy)",
        "prompt busy: sounds.es.0 is centre:closed (was centre:busy)",
        "prompt welcome: text.en is Hello at Northern Bank. (was Welcome to Northern Bank.)",
        "centre.yaml: settings.announcements.every_s is 45 (was 30)",
        "sounds/en/busy.wav: the recording is not there any more (was recording)",
    ]
    told = json.loads(invoke("diff", BANK, bank, "--json")[1])
    assert [one.get("file", one.get("of")) for one in told] == [*["prompt"] * 3, "centre.yaml", "sounds/en/busy.wav"]


def test_the_examples_are_as_they_are() -> None:
    centre = load_centre(BANK)
    assert changes(centre.library, centre.library) == []

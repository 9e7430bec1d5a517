"""Exploring: every exit by a caller who really takes it, or a proof that none can."""

import json
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from documents import DocumentError, read
from ivr.flow.document import Flow
from ivr.flow.explore import Explored, explore
from ivr.flow.hours import Hours, HoursEntry
from ivr.flow.library import Library
from ivr.flow.scripted import run_tests
from ivr.flow.unreachable import unreachable
from ivr.flow.ways import Coverage, Way
from switchboard.centre import load_centre
from switchboard.cli.flow_commands import app
from tests.support.flows import flow, library

ROOT = Path(__file__).parents[3]
NUMBERS = {"100": "main"}


def explored(nodes: str, *more: Flow, steps: int = 5_000, header: str = "", **options: object) -> Explored:
    found = explore(library(flow(nodes, header=header), *more, **options), NUMBERS, steps)  # type: ignore[arg-type]
    return found


def exits(ways: object) -> set[str]:
    return {f"{way.node}: {way.exit}" for way in ways}  # type: ignore[attr-defined]


def test_lookups_counts_times_and_digits_are_found() -> None:
    found = explored(
        """
        ask:
          type: collect
          say: [number]
          into: account
          min_digits: 10
          max_digits: 10
          checksum: luhn
          next: find
          no_input: {retries: 1, to: wait}
          no_match: {retries: 2, to: wait}
        find:
          type: lookup
          url: https://x.example/{{ contact.account }}
          results: {tier: data.customer.tier, due: data.due}
          ok: which
          not_found: wait
          error: sorry
        which:
          type: branch
          conditions:
            - {when: contact.tier == 'gold' && contact.due > 100, to: wait}
            - {when: contact.account.startsWith('97'), to: late}
            - {when: contact.due, to: late}
          otherwise: late
        late:
          type: branch
          conditions: [{when: now.month == 12 && now.day == 24, to: wait}, {when: now.hour < 8, to: sorry}]
          otherwise: wait
        wait: {type: enqueue, queue: q, exits: {nobody: message}, otherwise: sorry, answered: sorry}
        message:
          type: voicemail
          say: [speak]
          mailbox: m
          review: {say: [keep], cancelled: sorry}
          next: sorry
          too_short: sorry
        sorry: {type: play, say: [sorry], next: end}
        end: {type: hangup}
        """
    )
    taken = exits(found.coverage.ways)
    assert taken >= {
        *("find: ok", "find: not_found", "find: error", "ask: no_input", "ask: no_match"),
        *("which: 1", "which: 2", "which: 3", "which: otherwise", "late: 1", "late: 2", "late: otherwise"),
        *("wait: nobody", "wait: answered", "wait: otherwise", "message: next", "message: too_short"),
        *("message: cancelled",),
    }
    assert not found.unreachable.ways
    assert not found.missing


def test_the_tests_pass_and_take_what_they_are_for() -> None:
    centre = load_centre(ROOT / "examples/helpdesk")
    found = explore(centre.library, centre.numbers)
    results = run_tests(read(json.dumps(found.document())), centre.library, centre.numbers)
    coverage = Coverage(centre.flows)
    for result, claimed in zip(results, found.claims, strict=True):
        assert not result.problems
        coverage.add(result.visits)
        assert claimed <= coverage.ways
    assert coverage.ways == found.coverage.ways
    assert not found.missing
    assert "are-we-open: emergency" in exits(coverage.ways)


@pytest.mark.parametrize(
    ("conditions", "shut"),
    [
        (["contact.a == '1'", "contact.a == '1' || contact.a == '2'"], {}),
        (["contact.a == '1' || contact.a == '2'", "contact.a == '1'"], {"2": "before it is too"}),
        (["contact.a == '1' && contact.a == '2'"], {"1": "is never true"}),
        (["now.hour >= 8", "now.hour < 8", "now.hour == 7"], {"3": "before it is too", "otherwise": "always true"}),
        (["now.hour > 17 && now.hour < 9"], {"1": "is never true"}),
        (["now.time < '09:00'", "now.hour < 9"], {"2": "before it is too"}),
        (["contact.nobody == 'x'"], {"1": "no node sets contact.nobody"}),
        (["has(contact.a)", "!has(contact.a)"], {"otherwise": "always true"}),
        (["contact.a > 3", "contact.a > 5"], {"2": "before it is too"}),
        (["contact.a > 5", "contact.a > 3"], {}),
        (["contact.a > 3", "contact.a <= 3"], {}),
        (["contact.a in ['x', 'y']", "contact.a == 'y'"], {"2": "before it is too"}),
        (["contact.language == 'en'", "contact.language == 'es'"], {"otherwise": "always true"}),
        (["contact.language == 'fr'"], {"1": "is never true"}),
        (["true", "contact.a == '1'"], {"2": "before it is too", "otherwise": "always true"}),
        (["contact.a.startsWith('x')", "contact.a == 'xy'"], {}),
        (["size(contact.a) > 3 && size(contact.a) < 2"], {}),
        (["int(contact.a) >= 2", "int(contact.a) == 3"], {"2": "before it is too"}),
        (["now.date == '2026-01-01'"], {}),
    ],
)
def test_conditions_are_decided_exactly_or_left_alone(conditions: list[str], shut: dict[str, str]) -> None:
    written = "\n".join(f"    - {{when: {json.dumps(text)}, to: end}}" for text in conditions)
    nodes = f"""
ask:
  type: collect
  say: [n]
  into: a
  max_digits: 4
  next: which
  no_input: {{to: which}}
  no_match: {{to: which}}
which:
  type: branch
  conditions:
{written}
  otherwise: end
end: {{type: hangup}}
"""
    found = unreachable(library(flow(nodes)), ["main"])
    assert {way.exit for way in found.ways} == set(shut)
    for exit, why in shut.items():
        assert why in found.ways[Way("main", "which", exit)]


def test_flows_that_never_return_so_hours_and_what_is_behind_them() -> None:
    inner = flow(
        "a: {type: menu, say: [m], choices: {'1': b}, no_input: {to: b}, no_match: {to: b}}\n"
        "b: {type: return, exit: x}",
        "inner",
    )
    lib = library(
        flow(
            """
            call: {type: subflow, flow: inner, exits: {x: open, y: lost}, otherwise: lost}
            open: {type: hours, hours: always, open: end, closed: shut}
            lost: {type: play, say: [lost], next: end}
            shut: {type: play, say: [shut], next: end}
            end: {type: hangup}
            """
        ),
        inner,
        flow("a: {type: hangup}", "alone"),
    )
    always = Hours(HoursEntry(weekly={"mon-sun": ("00:00-24:00",)}), lib.zone)
    lib = Library(lib.flows, lib.prompts, {"always": always}, "en", lib.languages, lib.zone)
    found = unreachable(lib, ["main"])
    assert found.ways[Way("main", "call", "y")] == "the flow 'inner' never returns by it"
    assert found.ways[Way("main", "call", "otherwise")] == "the flow 'inner' returns by other exits only"
    assert found.ways[Way("main", "open", "closed")] == "the opening hours 'always' are never 'closed'"
    assert found.nodes["main", "lost"].startswith("the only way to it is shut: main.call: ")
    assert found.nodes["alone", "a"] == "no number leads to this flow, and no node that callers reach calls it"
    assert ("main", "shut") not in found.nodes  # the emergency switch closes it


def test_what_was_not_found_is_said_and_not_called_unreachable() -> None:
    nodes = """
        ask: {type: collect, say: [n], into: a, max_digits: 8, next: which, no_input: {to: end}, no_match: {to: end}}
        which:
          type: branch
          conditions: [{when: int(contact.a) * 7 == 86415, to: end}]
          otherwise: end
        end: {type: hangup}
        """
    found = explored(nodes)
    assert not found.unreachable.ways
    why = found.missing[Way("main", "which", "1")]
    assert why == f"not found within {found.steps:,} steps, and nothing else was left to try"
    short = explored(nodes, steps=1)
    assert "not found within" in short.missing[Way("main", "which", "1")]
    assert not short.unreachable.ways


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["explore", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_command_writes_tests_that_the_test_command_runs(tmp_path: Path) -> None:
    desk = Path(copytree(ROOT / "examples/helpdesk", tmp_path / "desk"))
    code, output = run(desk, "--strict")
    assert code == 0
    assert f"callers in {desk}/tests/explored.yaml, found in" in output
    assert "nodes reached, 26 of 26 exits taken" in output
    assert "not found" not in output
    tested = CliRunner().invoke(app, ["test", str(desk), str(desk / "tests/explored.yaml")])
    assert tested.exit_code == 0
    assert "26 of 26 exits taken" in tested.output
    with pytest.raises(DocumentError, match="--replace writes over it"):
        run(desk)
    before = (desk / "tests/explored.yaml").read_text()
    data = json.loads(run(desk, "--replace", "--json")[1])
    assert (desk / "tests/explored.yaml").read_text() == before
    assert data["flows"]["main"] == {"exits": 26, "taken": 26}


def test_a_lookup_fails_and_brings_what_can_be_said_however_many_answers_there_are_to_try() -> None:
    """The example in three languages says a date, a number and a price that lookups bring."""
    centre = load_centre(ROOT / "examples/travel")
    found = explore(centre.library, centre.numbers)
    assert not found.missing
    assert not found.unreachable.ways
    said = {"tell-trip: next", "tell-payment: next"}
    failures = {f"{node}: {exit}" for node in ("who-calls", "find-booking") for exit in ("not_found", "error")}
    assert said | failures <= exits(found.coverage.ways)

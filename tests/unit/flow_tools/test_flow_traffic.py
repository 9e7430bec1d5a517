"""Many callers in the flows: counted, simulated, drawn."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from documents import DocumentError, read, validate
from ivr.flow.diagram import diagram
from ivr.flow.session import Visit
from ivr.flow.traffic import Traffic
from router.core.policy import Policy
from simulations.flow_study import study_flows
from simulations.scenario import Scenario
from simulations.setting import Centre, settle
from tests.support.flows import flow, library
from tests.support.routing import agents, queue
from tests.unit.flow_tools.test_flow_commands import BANK, invoke

NODES = """
ask:
  type: menu
  say: [which]
  choices: {"1": tell, "2": wait}
  no_input: {retries: 0, to: tell}
  no_match: {retries: 0, to: end}
tell: {type: play, say: [all], next: end}
wait: {type: enqueue, queue: a, otherwise: end}
end: {type: hangup}
"""
SHARES = {"1": 0.4, "2": 0.3, "9": 0.1, "silence": 0.15, "hang up": 0.05}


def study(callers: int, shares: dict[str, float] = SHARES, seed: int = 3) -> Traffic:
    text = json.dumps(
        {
            "name": "flows",
            "duration_minutes": 60,
            "seed": seed,
            "kinds": {
                "all": {
                    "number": "100",
                    "arrivals": {"per_hour": 400},
                    "choices": {"ask": shares},
                    "handle_time_s": {"distribution": "constant", "value": 60},
                }
            },
            "ivr": {"play_s": 3, "collect_s": 5},
        }
    )
    source = read(text, "scenario.yaml")
    centre = Centre(Policy(1, (queue("a"),), agents("x")), library(flow(NODES)), {"100": "main"})
    return study_flows(settle(source, validate(source, Scenario), centre), callers)


def test_shares_of_ends_are_those_of_what_callers_press() -> None:
    n = 4_000
    found = study(n)
    assert sum(found.ends.values()) == found.callers == n
    expected = {"completed": 0.65, "queue a": 0.3, "hungup": 0.05}
    for end, share in expected.items():
        error = (share * (1 - share) / n) ** 0.5
        assert abs(found.ends[end] / n - share) < 4 * error, (end, found.ends[end] / n)
        low, high = found.interval(found.ends[end])
        assert low < found.ends[end] / n < high


def test_each_node_knows_who_came_who_left_and_how() -> None:
    found = study(1_000)
    of = found.of("main")
    assert of["ask"].entered == 1_000
    assert of["ask"].exits.total() + of["ask"].hung_up == 1_000
    assert of["tell"].entered == of["ask"].exits["1"] + of["ask"].exits["no_input"]
    assert of["wait"].entered == found.ends["queue a"]
    assert of["end"].entered == found.ends["completed"]
    assert (of["ask"].mean_ms, of["tell"].mean_ms) == (5_000, 3_000)
    assert found.contained == found.ends["completed"]
    assert sum(found.times_ms) == sum(node.spent_ms for node in of.values())


def test_equal_seeds_give_equal_callers() -> None:
    assert study(300).ends == study(300).ends
    assert study(300).ends != study(300, seed=4).ends


def test_nodes_of_another_version_are_left_out() -> None:
    traffic = Traffic({"main": flow(NODES)})
    traffic.add(
        [Visit("main", "gone", "start", 0), Visit("main", "tell", "next", 10)],
        "hungup",
        30,
        end="hungup",
        contained=False,
    )
    assert traffic.of("main")["tell"].hung_up == 1
    assert traffic.of("main")["tell"].spent_ms == 20
    assert ("main", "gone") not in traffic.nodes


def test_the_picture_says_how_many_came_were_lost_and_went_where() -> None:
    drawn = diagram(flow(NODES), None, study(1_000).of("main"))
    ElementTree.fromstring(drawn)
    text = re.sub(r"<[^>]+>", "", drawn)
    assert "1,000 came" in text
    assert re.search(r"\d %\s+lost", text)
    assert "stroke-width:" in drawn
    assert "stroke-width:" not in diagram(flow(NODES)).replace("stroke-width: ", "")


def test_the_command_prints_tables_and_draws(tmp_path: Path) -> None:
    scenario = BANK / "scenario.yaml"
    code, output = invoke("simulate", scenario, "--callers", 500, "-o", tmp_path)
    assert code == 0, output
    assert "500 callers" in output
    assert "in queue accounts" in output
    assert "flow identification" in output
    assert {path.name for path in tmp_path.iterdir()} == {"main.svg", "fraud.svg", "identification.svg"}
    told = json.loads(invoke("simulate", scenario, "--callers", 500, "--json")[1])
    assert told["callers"] == 500
    assert sum(end["callers"] for end in told["ends"].values()) == 500


def test_who_does_not_say_what_callers_press_is_told_where(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    text = (BANK / "scenario.yaml").read_text()
    scenario.write_text(re.sub(r"      main\.subject:.*\n", "", text).replace("centre: .", f"centre: {BANK}"))
    with pytest.raises(DocumentError, match=r"node 'main\.subject', and nothing says what callers press there"):
        invoke("simulate", scenario, "--callers", 100)


def test_a_scenario_without_numbers_has_nobody_to_send(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(
        "{name: x, duration_minutes: 60, policy: {queues: {a: {}}}, staff: [{group: g, count: 1}],"
        " kinds: {k: {queue: a, arrivals: {per_hour: 1}, handle_time_s: {distribution: constant, value: 1}}}}"
    )
    with pytest.raises(DocumentError, match="no kind of this scenario dials a number"):
        invoke("simulate", scenario)

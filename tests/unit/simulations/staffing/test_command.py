"""`switchboard staff` and `switchboard target`: what they refuse, and with which exit code. docs/planning.md shows them
at work, and a test holds it to that."""

import json
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from documents import DocumentError
from simulations.engines import replicate
from simulations.outcomes import Outcome
from simulations.places import PlaceLost
from simulations.setting import Setting
from switchboard.cli import staff

ROOT = Path(__file__).parents[4]
SMALL = {
    "name": "An hour",
    "duration_minutes": 60,
    "interval_minutes": 30,
    "replications": 4,
    "policy": {"queues": {"sales": {"skills": {"sales": 1}}}},
    "kinds": {"calls": {"queue": "sales", "arrivals": {"per_hour": 30}, "handle_time_s": 120, "patience_s": 200}},
    "staff": [{"group": "sellers", "count": 1, "skills": {"sales": 1}}],
}


HERE = ("--jobs", "1", "--engine", "simpy")


def run(*arguments: object) -> Result:
    app = typer.Typer()
    staff.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def written(path: Path, document: dict, name: str = "s.yaml") -> Path:
    (path / name).write_text(yaml.safe_dump(document))
    return path / name


def test_an_answer_as_json_and_in_files(tmp_path: Path) -> None:
    result = run("staff", written(tmp_path, SMALL), "--jobs", 1, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert len(found["counts"]["sellers"]) == 2
    assert 2 <= min(found["counts"]["sellers"]) <= max(found["counts"]["sellers"]) <= 4  # a load of one Erlang
    assert found["day"][0]["verdict"] != "missed"
    assert found == json.loads((tmp_path / "out/results.json").read_text())
    assert "<svg" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize("command", [("staff",), ("target", "--within", "20,60")])
def test_the_engine_is_named_and_changes_no_figure(command: tuple[str, ...], tmp_path: Path) -> None:
    scenario = written(tmp_path, SMALL)
    by_kernel, by_simpy = (
        run(*command, scenario, "--engine", engine, "--jobs", 2, "--out", tmp_path / engine, "--json")
        for engine in ("kernel", "simpy")
    )
    assert by_kernel.stderr == "Simulated by the compiled kernel.\n"
    assert by_simpy.stderr == "Simulated by the router under SimPy.\n"
    assert by_kernel.stdout == by_simpy.stdout
    assert json.loads(by_kernel.stdout)["scenario"] == "An hour"


def test_what_the_kernel_does_not_support_is_named_and_simulated_all_the_same(tmp_path: Path) -> None:
    wishes = {"calls": SMALL["kinds"]["calls"] | {"callbacks": {"share": 0.5}}}
    scenario = written(tmp_path, SMALL | {"kinds": wishes})
    by_kernel, by_simpy = (
        run("staff", scenario, "--engine", engine, "--jobs", 1, "--out", tmp_path / engine, "--json")
        for engine in ("kernel", "simpy")
    )
    assert "the kernel does not support all of 'An hour': kinds.calls.callbacks: not supported." in by_kernel.stderr
    assert by_kernel.stderr.endswith(by_simpy.stderr)
    assert by_kernel.stdout == by_simpy.stdout


def test_callers_who_come_through_the_real_flow(tmp_path: Path) -> None:
    """What reaches a queue is measured first: it depends on what callers press."""
    document = yaml.safe_load((ROOT / "examples/helpdesk/scenario.yaml").read_text())
    document["staff"] = [
        {"group": "soft", "count": 1, "skills": {"software": 5}},
        {"group": "duo", "count": 1, "skills": {"software": 4, "hardware": 4}},
    ]
    document |= {"centre": str(ROOT / "examples/helpdesk"), "duration_minutes": 60, "replications": 3}
    for kind in document["kinds"].values():
        if "per_interval" in kind["arrivals"]:
            kind["arrivals"]["per_interval"] = kind["arrivals"]["per_interval"][:2]
    result = run("staff", written(tmp_path, document), "--jobs", 1, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert all(sum(row[i] for row in found["counts"].values()) >= 2 for i in range(2))
    assert {check["goal"].partition(":")[0] for check in found["day"]} == {"software", "hardware"}


def test_an_interval_without_calls_needs_nobody(tmp_path: Path) -> None:
    kinds = {"calls": SMALL["kinds"]["calls"] | {"arrivals": {"per_interval": [0, 15]}}}  # type: ignore[index]
    result = run("staff", written(tmp_path, SMALL | {"kinds": kinds}), "--jobs", 1, "--out", tmp_path, "--json")
    assert json.loads(result.stdout)["counts"]["sellers"][0] == 0


def test_a_goal_that_no_staff_can_meet_is_a_no_and_nothing_is_written(tmp_path: Path) -> None:
    plan = written(tmp_path, {"groups": {"sellers": {"most": 1}}}, "plan.yaml")
    result = run("staff", written(tmp_path, SMALL), "--plan", plan, "--jobs", 1, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "No staff meets the goals: sales need" in result.stderr
    assert not list((tmp_path / "out").iterdir())


def ends_after(days: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a search does in its `days` + 1st simulated day."""
    done = 0

    def interrupted(setting: Setting, number: int) -> Outcome:
        nonlocal done
        done += 1
        if done > days:
            raise error
        return replicate(setting, number)

    monkeypatch.setattr("simulations.engines.replicate", interrupted)


SEARCHED = 10
"""The days of `SMALL` that the search looks at."""


def ends_at(number: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens when a replication with that number or a higher one is simulated."""

    def interrupted(setting: Setting, given: int) -> Outcome:
        if given >= number:
            raise error
        return replicate(setting, given)

    monkeypatch.setattr("simulations.engines.replicate", interrupted)


def test_ctrl_c_before_there_is_a_staff_writes_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_after(2, KeyboardInterrupt(), monkeypatch)
    result = run("staff", written(tmp_path, SMALL), *HERE, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "nothing was written" in result.stderr
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [(KeyboardInterrupt(), 130, "Interrupted"), (PlaceLost("the cluster at tcp://x has no workers"), 3, "The cluster")],
)
def test_ctrl_c_and_a_lost_cluster_keep_the_best_staff_so_far_and_say_that_it_is_not_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    whole = run("staff", written(tmp_path, SMALL), *HERE, "--out", tmp_path / "whole", "--json")
    ends_at(SEARCHED, error, monkeypatch)  # the first day of the proof
    result = run("staff", written(tmp_path, SMALL), *HERE, "--out", tmp_path / "out")
    assert result.exit_code == code, result.output
    assert f"{words}" in result.stderr
    assert "is the best so far and is not proved" in result.stderr
    assert "It is not proved, and a longer search may find a cheaper one." in result.stdout
    found = json.loads((tmp_path / "out/results.json").read_text())
    assert found["cost"] <= json.loads(whole.stdout)["cost"]  # a proof may add agents
    assert (found["replications"], found["proved"], bool(found["ended"])) == (SEARCHED, False, True)
    assert all(check["value"] >= 0.8 and check["verdict"] == "open" for check in found["day"])
    assert "It is not proved" in (tmp_path / "out/report.html").read_text()
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_ctrl_c_in_the_proof_keeps_what_it_could_tell_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends_at(SEARCHED + 4 + 4 + 3, KeyboardInterrupt(), monkeypatch)  # in the third look
    result = run("staff", written(tmp_path, SMALL), *HERE, "--out", tmp_path / "out")
    assert result.exit_code == 130, result.output
    found = json.loads((tmp_path / "out/results.json").read_text())
    assert (found["replications"], found["proved"], found["ended"]) == (8, True, "interrupted")
    assert "Interrupted before the end of the proof" in result.stdout
    assert "proved by 8 days that the search had not seen" in result.stdout
    assert "is proved by 8 days only" in result.stderr


def test_ctrl_c_in_a_frontier_keeps_the_promises_already_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promised = ("--within", "5,20,60", "--levels", "80%")
    whole = run("target", written(tmp_path, SMALL), *promised, *HERE, "--out", tmp_path / "whole", "--json")
    assert whole.exit_code == 0, whole.output
    ends_after(4, KeyboardInterrupt(), monkeypatch)
    result = run("target", written(tmp_path, SMALL), *promised, *HERE, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 130, result.output
    found = json.loads(result.stdout)
    assert found["points"] == json.loads(whole.stdout)["points"][: len(found["points"])]
    assert 1 <= len(found["points"]) <= 2
    assert found["missing"][-1] == [0.8, 60.0]
    assert f"{len(found['points'])} promises were looked at, {len(found['missing'])} were not" in result.stderr
    assert "not looked at: " in (tmp_path / "out/report.md").read_text()


def test_agents_without_skills_are_told_with_their_line(tmp_path: Path) -> None:
    document = SMALL | {"staff": [{"group": "temps", "count": 1}]}
    result = run("staff", written(tmp_path, document), "--out", tmp_path / "out")
    assert isinstance(result.exception, DocumentError)
    assert "s.yaml:" in str(result.exception)
    assert "agents of the group 'temps' have not the skills of any queue" in str(result.exception)


@pytest.mark.parametrize(("option", "value"), [("--levels", "80"), ("--levels", "100%"), ("--within", "soon")])
def test_promises_that_cannot_be_meant(tmp_path: Path, option: str, value: str) -> None:
    result = run("target", written(tmp_path, SMALL), option, value, "--out", tmp_path / "out")
    assert result.exit_code == 2

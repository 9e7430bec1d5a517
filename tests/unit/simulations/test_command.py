"""`switchboard simulate`: good answers, clear refusals, and nothing half-written."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from documents import DocumentError
from switchboard.cli import simulate
from tests.support.scenarios import changed

ROOT = Path(__file__).parents[3]


def run(*arguments: object) -> Result:
    app = typer.Typer()
    simulate.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def written(path: Path, changes: dict | None = None) -> Path:
    (path / "s.yaml").write_text(yaml.safe_dump(changed(changes or {})))
    return path / "s.yaml"


def test_prints_a_table_and_the_paths_of_the_report(tmp_path: Path) -> None:
    result = run(written(tmp_path), "--out", tmp_path / "out", "--jobs", 1)
    assert result.exit_code == 0
    assert re.search(r"sales +\d+\.\d ± \d+\.\d +80% in 20s +\d+\.\d % ± ", result.stdout)
    files = ("report.html", "report.md", "report.xlsx", "results.json", "metrics.csv", "metrics.parquet")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(files)
    for name in files:
        assert str(tmp_path / "out" / name) in result.stdout
        assert (tmp_path / "out" / name).stat().st_size > 500


def test_what_the_day_costs_is_printed_where_the_scenario_has_money(tmp_path: Path) -> None:
    money = {"money": {"currency": "EUR", "wage_per_hour": 20, "lost_contact": 5}}
    result = run(written(tmp_path, money), "--jobs", 1, "--out", tmp_path / "out")
    costs = result.stdout[result.stdout.index(" money ") :].split("\n\n")[0].splitlines()
    assert costs[1].startswith(" What the time costs")
    assert any(line.startswith(" Wages") and line.rstrip().endswith(" EUR") for line in costs)


def test_json_is_all_that_is_printed(tmp_path: Path) -> None:
    result = run(written(tmp_path), "--out", tmp_path, "--jobs", 1, "--json", "--replications", 2, "--seed", 9)
    found = json.loads(result.stdout)
    assert (found["replications"], found["seed"]) == (2, 9)
    assert found == json.loads((tmp_path / "results.json").read_text())


@pytest.mark.parametrize("example", ["helpdesk", "bank"])
def test_the_examples_play(example: str, tmp_path: Path) -> None:
    path = ROOT / "examples" / example / "scenario.yaml"
    result = run(path, "--out", tmp_path, "--jobs", 1, "--json", "--replications", 2)
    found = json.loads(result.stdout)
    assert all(queue["arrived"]["value"] > 0 for queue in found["whole"]["queues"].values())
    assert 0.5 < found["whole"]["all_queues"]["service_level_share"]["value"] < 1


def test_another_centre_takes_the_place_of_the_one_named(tmp_path: Path) -> None:
    scenario = yaml.safe_load((ROOT / "examples/helpdesk/scenario.yaml").read_text()) | {"centre": "nowhere"}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(scenario))
    options = ["--out", tmp_path, "--jobs", 1, "--replications", 1]
    assert isinstance(run(tmp_path / "s.yaml", *options).exception, DocumentError)
    assert run(tmp_path / "s.yaml", "--centre", ROOT / "examples/helpdesk", *options).exit_code == 0


def test_a_bad_scenario_leaves_nothing_behind(tmp_path: Path) -> None:
    result = run(written(tmp_path, {"kinds.buyers.arrivals.per_hour": -1}), "--out", tmp_path / "out")
    assert isinstance(result.exception, DocumentError)
    assert "kinds.buyers.arrivals.per_hour" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_directory_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(written(tmp_path), "--out", tmp_path / "file" / "out")
    assert result.exit_code == 3
    assert "The report cannot be written" in result.stderr


@pytest.mark.parametrize("option", [("--replications", 0), ("--jobs", 0), ("--seed", -1), ("--replications", "many")])
def test_wrong_options_are_wrong_usage(tmp_path: Path, option: tuple[str, object]) -> None:
    assert run(written(tmp_path), *option).exit_code == 2


def test_ctrl_c_reports_what_is_done_and_ends_with_130(tmp_path: Path) -> None:
    path = written(tmp_path, {"replications": 100_000})
    code = (
        "import typer; from switchboard.cli import simulate; app = typer.Typer(); simulate.register(app)\n"
        "if __name__ == '__main__': app()"
    )
    (tmp_path / "main.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FORCE_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "main.py", path, "--out", "out", "--jobs", "2", "--engine", "simpy"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    seen = b""
    while not re.search(rb"\b[1-9]\d*/100000", re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen)):
        piece = os.read(process.stderr.fileno(), 4_096)
        assert piece, seen.decode()
        seen += piece
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    output, told = process.communicate(timeout=30)
    assert process.returncode == 130, told.decode()
    assert "of 100000 replications were done" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.decode())
    assert b"Traceback" not in told
    assert b"sales" in output
    assert "Interrupted" in (tmp_path / "out" / "report.html").read_text()

"""`switchboard erlang`: three directions, clear refusals, the right exit code."""

import json
import re

import pytest
from typer.testing import CliRunner, Result

from switchboard.cli.erlang import app

LINE = ["--per", "30m", "--aht", "4m", "--within", "15"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def rows(*arguments: str) -> list[dict[str, float]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["intervals"]


def test_what_callers_meet() -> None:
    (found,) = rows("c", *LINE, "--calls", "360", "--agents", "55")
    assert found["service_level_share"] == pytest.approx(0.845883, abs=5e-7)
    shown = run("c", *LINE, "--calls", "360", "--agents", "55")
    assert "within 15 s  84.59 %" in shown.stdout
    assert "8.18 s" in shown.stdout


def test_large_numbers_are_written_out() -> None:
    many = ["--calls", "1000000", "--per", "1h", "--aht", "8m", "--patience", "2m", "--service-level", "0.8"]
    shown = run("a", *many, "--shrinkage", "0.35").stdout
    assert re.search(r"calls +1000000\b", shown)
    assert re.search(r"scheduled +\d{6}\b", shown)
    assert "e+" not in shown


def test_the_agents_needed_and_the_calls_that_can_be_taken() -> None:
    found = rows("c", *LINE, "--calls", "360,420,0", "--service-level", "80%", "--shrinkage", "0.3")
    assert [row["agents"] for row in found] == [55, 63, 0]
    assert found[0]["scheduled"] == pytest.approx(55 / 0.7)
    (most,) = rows("c", *LINE, "--agents", "55", "--service-level", "0.8")
    assert 360 < most["calls"] < 370
    (exact,) = rows("c", *LINE, "--calls", "360", "--service-level", "0.8", "--fractional")
    assert 54 < exact["agents"] < 55


@pytest.mark.parametrize(
    "arguments",
    [
        ["b", "--aht", "1h", "--calls", "5", "--agents", "10"],
        ["a", "--aht", "4m", "--patience", "3m", "--calls", "90", "--agents", "8"],
        ["x", "--aht", "4m", "--patience", "3m", "--redial", "0.4", "--calls", "90", "--agents", "6"],
        ["k", "--aht", "4m", "--lines", "12", "--calls", "90", "--agents", "6"],
        ["day", "--aht", "4m", "--patience", "3m", "--calls", "9,20,9", "--service-level", "0.8"],
        ["day", "--aht", "4m", "--calls", "9,20,9", "--agents", "4"],
    ],
)
def test_each_model_prints_all_within_80_columns_or_120(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 120
    assert "%" in result.stdout


def test_a_narrow_terminal_cuts_no_number() -> None:
    """Headings of several lines, and then a second table, before anything is left out."""
    arguments = ["x", *LINE, "--patience", "5m", "--redial", "0.4", "--calls", "20,90,200", "--service-level", "0.8"]
    wide = run(*arguments).stdout.split()
    for columns in (100, 80, 60):
        environment = {"COLUMNS": str(columns), "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm"}
        found = CliRunner().invoke(app, arguments, env=environment)
        shown = re.sub(r"\x1b\[[0-9;]*m", "", found.stdout)
        assert max(map(len, shown.splitlines())) <= columns
        assert "…" not in shown
        assert set(wide) <= set(shown.split())


def test_a_missed_goal_and_an_impossible_one_are_a_no() -> None:
    missed = run("c", *LINE, "--calls", "360", "--agents", "52", "--service-level", "0.8")
    assert missed.exit_code == 1
    assert "missed" in missed.stdout
    impossible = run("k", *LINE, "--calls", "360", "--lines", "40", "--blocked", "0.01")
    assert impossible.exit_code == 1
    assert "No number of agents meets the goal" in impossible.stderr
    assert "0.224" in impossible.stderr


def test_an_endless_queue_is_null_in_json() -> None:
    (found,) = rows("c", *LINE, "--calls", "360", "--agents", "40")
    assert found["asa_s"] is None
    assert found["service_level_share"] == 0
    assert "never" in run("c", *LINE, "--calls", "360", "--agents", "40").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["c", *LINE], "Give --calls, --agents, or both"),
        (["c", *LINE, "--calls", "360"], "how many are needed"),
        (["c", *LINE, "--agents", "5"], "how many calls can be taken"),
        (["c", *LINE, "--calls", "1,2,3", "--agents", "1,2"], "3 numbers of calls and 2 of agents"),
        (["c", *LINE, "--calls", "many"], "'many'"),
        (["c", "--aht", "4 parsecs", "--calls", "1"], "is no length of time"),
        (["c", *LINE, "--calls", "1", "--service-level", "80"], "write 0.8 or 80%"),
        (["c", *LINE, "--calls", "-3", "--agents", "2"], "The calls must be at least 0"),
        (["a", *LINE, "--patience", "0", "--calls", "3", "--agents", "2"], "patience must be above 0"),
        (["c", *LINE, "--calls", "3", "--service-level", "1"], "between 0 and 1"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("patience", [[], ["--patience", "3m"]])
def test_hours_without_calls_need_nobody(patience: list[str]) -> None:
    day = rows("day", "--calls", "0,0,50", "--per", "30m", "--aht", "4m", "--service-level", "0.8", *patience)
    assert [row["agents"] > 0 for row in day] == [False, False, True]
    assert [row["mean_wait_s"] for row in day[:2]] == [0, 0]

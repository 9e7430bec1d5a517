"""A planner's whole way with an export that nobody has tidied: import, calibrate, back-test, staff, what-if. Each
command must take what the one before it has written."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from switchboard.cli.areas import command_line

MAPPING = """\
columns:
  {arrived: {date: Datum, time: Uhrzeit}, queue: Schlange, wait: Warten, talk: Gespräch, agent: Wer, outcome: Was}
outcomes: {Angenommen: answered, Aufgelegt: abandoned}
"""
WHAT_IF = """\
name: One more
scenario: calibrated/scenario-monday.yaml
replications: 2
changes: {one more: [{add_agents: {group: Störung, count: 1}}]}
"""


def decimal(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")


def export() -> str:
    """Three weeks with an empty day, two agents and rows twice, without an answer before a minute, or negative."""
    dice, day = random.Random(3), datetime(2026, 3, 16)
    lines = ["Anrufe im März;;;;;;", "Datum;Uhrzeit;Schlange;Warten;Gespräch;Wer;Was"]
    while day < datetime(2026, 4, 4):
        free, at = {"Jörg": day.replace(hour=8), "Änne": day.replace(hour=8)}, day.replace(hour=8)
        while (
            day.weekday() < 5 and day.day != 18 and (at := at + timedelta(seconds=dice.expovariate(1 / 180))).hour < 11
        ):
            who = min(free, key=lambda name: free[name])
            wait, patience = max(0.0, (free[who] - at).total_seconds()), dice.expovariate(1 / 150)
            moment = f"{at:%d.%m.%Y};{at:%H:%M:%S};Störung"
            if wait > patience:
                lines.append(f"{moment};{decimal(patience)};;;Aufgelegt")
            else:
                talk = dice.lognormvariate(5.2, 0.7)
                free[who] = at + timedelta(seconds=wait + talk)
                lines.append(f"{moment};{decimal(wait)};{decimal(talk)};{who};Angenommen")
            if len(lines) % 90 == 0:
                lines += [lines[-1], f"{moment};-3,0;;;Aufgelegt"]
        day += timedelta(days=1)
    return "\n".join([*lines, "Summe;;;;;;", ""])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    (tmp_path / "calls.csv").write_text(export(), encoding="latin-1")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "what-if.yaml").write_text(WHAT_IF)

    def run(line: str) -> Result:
        arguments = line.split()
        result = CliRunner().invoke(command_line(arguments[0]), arguments)
        assert result.exit_code == 0, (line, result.output, result.exception)
        return result

    return run


def test_each_command_takes_what_the_one_before_has_written(run: Callable[..., Result]) -> None:
    imported = run("history import calls.csv --mapping mapping.yaml --to desk --time-zone Europe/Berlin")
    assert "a duplicate of another row" in imported.stdout
    assert "wait is negative" in imported.stdout
    assert "calls.csv:3: " not in imported.stdout
    assert "(Europe/Berlin), 1 queue, 2 agents" in imported.stdout
    calibrated = run("history calibrate desk --out calibrated")
    assert "14 days, 2026-03-16 to 2026-04-03" in calibrated.stdout  # not the empty one
    assert "the records have no callers' numbers" in " ".join(calibrated.stdout.split())
    tested = run("history backtest desk --out tested --replications 2 --jobs 1")
    assert "callers' numbers" not in tested.stdout
    staffed = run("staff calibrated/scenario-monday.yaml --jobs 1 --replications 4 --engine simpy")
    assert "Störung: service level at least 80 %" in staffed.stdout
    changed = run("what-if what-if.yaml --jobs 1 --engine simpy")
    assert "one more" in changed.stdout

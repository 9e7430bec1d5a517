"""What a planner may bring that is wrong, a test for each: the words, the exit code, and that nothing is half-written.

A cluster that dies in a sweep is in `tests/integration/test_cluster.py`, Ctrl-C in a terminal in
`tests/unit/simulations/test_command.py` and `tests/unit/what_if/test_command.py`, and in a search in
`tests/unit/simulations/staffing/test_command.py`.
"""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from simulations import memory
from simulations.traces import read_trace
from switchboard.cli import areas

SCENARIO: dict[str, Any] = {
    "name": "An hour",
    "duration_minutes": 60,
    "interval_minutes": 30,
    "replications": 4,
    "policy": {"queues": {"sales": {"skills": {"sales": 1}}}},
    "kinds": {"calls": {"queue": "sales", "arrivals": {"per_hour": 30}, "handle_time_s": 120, "patience_s": 200}},
    "staff": [{"group": "sellers", "count": 2, "skills": {"sales": 1}}],
}
HEADER = "arrived,queue,outcome,wait,talk,agent"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`switchboard ARGUMENTS` in a directory of its own, to its exit code."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Said:
        given = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["switchboard", *given])
        code = 0
        try:
            areas.run(given)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        told = capsys.readouterr()
        return Said(code, " ".join(told.out.split()), " ".join(told.err.split()))

    return command


def scenario(**changes: Any) -> str:
    Path("s.yaml").write_text(yaml.safe_dump(SCENARIO | changes, sort_keys=False))
    return "s.yaml"


def calls(days: Sequence[str], outcome: str = "answered") -> list[str]:
    """Twenty calls each day, one every ten minutes from nine."""
    rows = []
    for day in days:
        for number in range(20):
            at = datetime.fromisoformat(f"{day} 09:00:00") + timedelta(minutes=10 * number)
            agent = "ana" if outcome == "answered" else ""
            rows.append(f"{at},sales,{outcome},{5 + number},{90 if agent else ''},{agent}")
    return rows


def imported(run: Run, rows: Sequence[str]) -> Said:
    Path("calls.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    Path("map.yaml").write_text(
        "columns: {arrived: arrived, queue: queue, outcome: outcome, wait: wait, talk: talk, agent: agent}\n"
    )
    return run("history", "import", "calls.csv", "--mapping", "map.yaml", "--time-zone", "Europe/Madrid", "--to", "h")


def test_an_empty_history(run: Run) -> None:
    said = imported(run, [])
    assert said.code == 2
    assert "there is not a single contact in it" in said.err
    assert not Path("h").exists()
    said = run("history", "calibrate", "h", "--out", "c")
    assert said.code == 2
    assert "h" in said.err
    assert not Path("c").exists()


def test_one_day_only(run: Run) -> None:
    assert imported(run, calls(["2026-03-02"])).code == 0
    said = run("history", "calibrate", "h", "--out", "c")
    assert said.code == 0
    assert "there is one day only: nothing is known of how days differ, and rates are those of this day" in said.out
    said = run("history", "backtest", "h", "--out", "b")
    assert said.code == 2
    assert "there is one day only; a back-test needs days to learn from and others to test" in said.err
    assert not Path("b").exists()


def test_zero_arrivals(run: Run) -> None:
    nobody = {"calls": SCENARIO["kinds"]["calls"] | {"arrivals": {"per_hour": 0}}}
    for command in ("simulate", "staff", "target"):
        said = run(command, scenario(kinds=nobody), "--out", "o")
        assert said.code == 2
        assert "s.yaml:10: kinds: no contact ever arrives (give a rate above 0 or a trace with contacts)" in said.err
        assert not Path("o").exists()
    some = {"calls": SCENARIO["kinds"]["calls"] | {"arrivals": {"per_interval": [0, 0.01]}}}  # a day without any
    said = run("simulate", scenario(kinds=some), "--jobs", 1, "--replications", 2, "--seed", 1, "--out", "o")
    assert said.code == 0
    assert "sales 0.0 80% in 20s – – –" in said.out


def test_everybody_abandons(run: Run) -> None:
    assert imported(run, calls(["2026-03-02", "2026-03-03"], "abandoned")).code == 0
    said = run("history", "calibrate", "h", "--out", "c")
    assert said.code == 2
    assert "of the 40 contacts of 'sales' not one was answered, so nothing is known of the work" in said.err
    assert not Path("c").exists()
    impatient = {"calls": SCENARIO["kinds"]["calls"] | {"patience_s": 1, "handle_time_s": 90_000}}
    said = run("simulate", scenario(kinds=impatient, warm_up_minutes=30), "--jobs", 1, "--out", "o")
    assert said.code == 0
    assert "100.0 %" in said.out


def test_negative_times(run: Run) -> None:
    rows = calls(["2026-03-02"])
    rows[3] = rows[3].replace(",8,", ",-8,")
    said = imported(run, rows)
    assert said.code == 0
    assert "calls.csv csv 19 1" in said.out
    assert "calls.csv:5:" in said.out
    assert "-8" in Path("h/refused.csv").read_text()
    backwards = {"calls": SCENARIO["kinds"]["calls"] | {"handle_time_s": -120}}
    said = run("simulate", scenario(kinds=backwards), "--out", "o")
    assert said.code == 2
    assert "s.yaml:" in said.err
    assert "handle_time_s" in said.err
    assert "-120" in said.err
    assert not Path("o").exists()


def test_a_day_on_which_the_clock_was_changed(run: Run) -> None:
    rows = calls(["2026-03-27", "2026-03-28", "2026-03-29"])
    night = [row.replace("2026-03-29 09:", "2026-03-29 01:") for row in rows]
    twice = [row.replace("2026-03-29 10:", "2026-03-29 02:") for row in night]  # two to three was not, that night
    said = imported(run, twice)
    assert said.code == 0
    assert "calls.csv:" in said.out
    assert "this time does not exist in Europe/Madrid" in said.out
    said = run("history", "calibrate", "h", "--out", "c")
    assert said.code == 0
    assert "2026-03-29 does not count: the clock was changed within the hours that count" in said.out


def test_agents_without_skills(run: Run) -> None:
    for command in ("simulate", "staff", "target"):
        said = run(command, scenario(staff=[{"group": "temps", "count": 1}]), "--out", "o")
        assert said.code == 2
        assert "s.yaml:" in said.err
        assert "agents of the group 'temps' have not the skills of any queue" in said.err
        assert not Path("o").exists()


def test_a_goal_that_no_staff_can_meet(run: Run) -> None:
    Path("plan.yaml").write_text("groups: {sellers: {most: 1}}\n")
    said = run("staff", scenario(), "--plan", "plan.yaml", "--jobs", 1, "--out", "o")
    assert said.code == 1
    assert "No staff meets the goals: sales need" in said.err
    assert "(sellers) there are at most 1" in said.err
    assert not list(Path("o").iterdir())
    said = run("target", scenario(), "--plan", "plan.yaml", "--jobs", 1, "--out", "o", "--within", "5,10")
    assert said.code == 1
    assert "80 % within 5 s: sales need" in said.out
    said = run("erlang", "c", "--calls", 60, "--aht", "2m", "--asa", "0s")
    assert said.code == 2
    assert "A goal of 0 s for the ASA: it must be above 0." in said.err


def test_overlapping_shifts(run: Run) -> None:
    twice = [SCENARIO["staff"][0] | {"shifts": ["08:00-12:00", "11:30-16:00"]}]
    for command in ("simulate", "staff"):
        said = run(command, scenario(start="08:00", staff=twice), "--out", "o")
        assert said.code == 2
        assert "the shifts '08:00-12:00' and '11:30-16:00' overlap (an agent works once at a time)" in said.err
        assert "s.yaml:" in said.err
        assert not Path("o").exists()


def test_a_scenario_larger_than_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [SCENARIO["staff"][0] | {"count": 1_000_000_000}]
    said = run("simulate", scenario(staff=many), "--out", "o")
    assert said.code == 2
    assert "s.yaml:" in said.err
    assert "1,000,000,000 agents need about 8,800.0 GB of memory" in said.err
    assert "are free (one count may be a slip)" in said.err
    said = run(
        "simulate", scenario(duration_minutes=1_000_000, interval_minutes=0.5, replications=100_000), "--out", "o"
    )
    assert said.code == 2
    assert "the figures of 100,000 replications of 2,000,000 intervals need about" in said.err
    assert "(fewer replications, or longer intervals)" in said.err
    monkeypatch.setattr(memory, "_lines", lambda path: ["MemAvailable: 4000 kB"] if "meminfo" in path else [])
    traced = {"calls": SCENARIO["kinds"]["calls"] | {"arrivals": {"trace": "t.csv"}}}
    times = [1.0] * 20_000 + [0.5]  # not in order of time, so all of it has to be held
    Path("t.csv").write_text("at_s\n" + "".join(f"{at_s}\n" for at_s in times))
    pq.write_table(pa.table({"at_s": times}), "t.parquet")
    for file, line in (("t.csv", 20_002), ("t.parquet", 20_001)):
        traced["calls"]["arrivals"]["trace"] = file
        said = run("simulate", scenario(kinds=traced), "--out", "o")
        assert said.code == 2
        assert f"{file}:{line}: this contact comes at 0.5 s, before one above it (1 s)" in said.err
        assert "to hold all 20,001 contacts takes about 30.0 MB of memory; 4.1 MB are free" in said.err
        assert "(sort the rows by 'at_s', and its size does not matter)" in said.err
    assert not Path("o").exists()


def test_more_callers_than_memory_holds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = SCENARIO["kinds"]["calls"]
    slip = {"calls": calls | {"arrivals": {"per_hour": 6e12}}}
    said = run("simulate", scenario(kinds=slip), "--out", "o")
    assert said.code == 2
    assert "s.yaml:13: kinds.calls.arrivals: callers come faster than 2 agents can take them" in said.err
    assert "those who wait, 333,333,333,333 at once, need about 400,000.0 GB of memory" in said.err
    assert "one rate may be a slip; or give them a patience, or the queue a longest wait" in said.err
    assert not Path("o").exists()
    # 1,000 an hour, and 120 of them are taken: of those who never give up 880 wait at the end.
    monkeypatch.setattr(memory, "_lines", lambda path: ["MemAvailable: 1000 kB"] if "meminfo" in path else [])
    endless = {name: value for name, value in calls.items() if name != "patience_s"}
    many = endless | {"arrivals": {"per_hour": 1_000}, "handle_time_s": 60}
    said = run("simulate", scenario(kinds={"calls": many}, replications=1), "--out", "o")
    assert "880 at once, need about 1.1 MB of memory; 1.0 MB are free" in said.err
    patient = many | {"patience_s": 200}  # 56 at once
    assert run("simulate", scenario(kinds={"calls": patient}, replications=1), "--jobs", 1, "--out", "o").code == 0
    lines = {"lines": [{"count": 20}], "replications": 1}
    assert run("simulate", scenario(kinds={"calls": many}, **lines), "--jobs", 1, "--out", "o").code == 0


def test_the_memory_of_a_trace_is_not_underrated(tmp_path: Path) -> None:
    """What a process refuses must not have filled it before."""
    rows = "".join(
        f"{number / 10},sales,{number % 500}.5,{number % 300}.25,v{number % 7},w\n" for number in range(5_000)
    )
    (tmp_path / "t.csv").write_text("at_s,queue,handle_s,patience_s,tier,language\n" + rows)
    read_trace(tmp_path / "t.csv")  # what is made once
    tracemalloc.start()
    contacts = read_trace(tmp_path / "t.csv")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(contacts) <= memory.traced_bytes(2) / 1.1


def test_what_is_no_file_and_no_text(run: Run) -> None:
    Path("folder").mkdir()
    Path("wide.yaml").write_text("name: An hour\n", encoding="utf-16")
    for command in ("simulate", "staff", "target", "what-if"):
        what = "what-if file" if command == "what-if" else "scenario"
        assert run(command, "folder").err == f"folder: the {what} cannot be read: Is a directory"
        assert run(command, "nowhere.yaml").err == f"nowhere.yaml: the {what} cannot be read: No such file or directory"
        said = run(command, "wide.yaml")
        assert said.err == f"wide.yaml: the {what} cannot be read: it is not UTF-8 text (byte 0xff at place 0)"
        assert said.code == 2
    for command in ("calibrate", "backtest"):
        assert run("history", command, "wide.yaml", "--out", "o").err == (
            "wide.yaml: this is a file; a history is a directory"
        )
    assert imported(run, calls(["2026-03-02"])).code == 0
    said = run("history", "import", "calls.csv", "--mapping", "map.yaml", "--time-zone", "UTC", "--to", "/proc/h")
    assert said.err.endswith("/proc/h: nothing can be written there: No such file or directory")
    assert said.code == 3


@pytest.mark.parametrize("address", ["10.0.0.5:8786", "tcp://10.0.0.5", "foo://x:1"])
def test_an_address_that_no_scheduler_can_have(run: Run, address: str) -> None:
    said = run("simulate", scenario(), "--cluster", address, "--out", "o")
    assert said.code == 3
    assert f"'{address}' is no address of a Dask scheduler" in said.err
    assert "(write one such as tcp://10.0.0.5:8786). Not one replication was done" in said.err


def test_a_command_without_an_answer_leaves_no_directory(tmp_path: Path) -> None:
    text = yaml.safe_dump(SCENARIO)
    (tmp_path / "s.yaml").write_text(text)
    (tmp_path / "plan.yaml").write_text("goals: {queues: {sales: {asa_s: 0.01}}}\ngroups: {sellers: {most: 1}}\n")
    (tmp_path / "there").mkdir()
    command = [sys.executable, "-m", "switchboard.cli.entry", "staff", "s.yaml", "--plan", "plan.yaml", "--out"]
    for out in ("new", "there"):
        ran = subprocess.run([*command, out], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stderr[:23]) == (1, "No staff meets the goal")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.yaml", "s.yaml", "there"]

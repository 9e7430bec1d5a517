"""The back-test: days lie within the ranges of a right model (its bias is tested in tests/theory), a wrong one is found
out, and what cannot be tested is said."""

import json
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from documents import DocumentError
from simulations.engines import Engine
from simulations.history.backtest import BackTest, Verdict, back_test, split
from simulations.history.calibration import calibrate
from simulations.history.directory import write_history
from simulations.history.form import CONTACTS_SCHEMA, History
from simulations.history.refusals import Refusals
from simulations.outcomes import Outcome
from simulations.places import PlaceLost, local
from simulations.setting import Setting
from switchboard.cli.history import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, arguments)])


ENGINES: tuple[Engine, ...] = ("simpy", "kernel")


def played(history: History, learn: History | None = None) -> BackTest:
    everything = calibrate(history)
    days, test = split(everything, None)
    found = calibrate(learn or history, dates=days)
    return back_test(history, found, everything, test, local(1), replications=20)


def test_the_kernel_finds_the_same(shop: History) -> None:
    everything = calibrate(shop)
    days, test = split(everything, 2)
    found = calibrate(shop, dates=days)
    simpy, kernel = (
        back_test(shop, found, everything, test, local(1), replications=2, engine=engine) for engine in ENGINES
    )
    assert kernel.engine == "Simulated by the compiled kernel."
    assert (kernel.verdicts, kernel.cells) == (simpy.verdicts, simpy.cells)


def verdict(test: BackTest, metric: str) -> Verdict:
    (found,) = [each for each in test.verdicts if each.metric == metric]
    return found


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [(KeyboardInterrupt(), 130, "Interrupted"), (PlaceLost("a process was ended"), 3, "A process was ended")],
)
def test_what_ends_before_a_day_is_played_is_told_and_writes_nothing(
    shop: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def ends(setting: Setting, number: int) -> Outcome:
        raise error

    monkeypatch.setattr("simulations.engines.replicate", ends)
    write_history(shop, Refusals(), b"key", tmp_path / "history")
    result = run(tmp_path / "history", "--out", tmp_path / "out", "--jobs", 1, "--engine", "simpy")
    assert result.exit_code == code, result.output
    assert f"{words}. Not one replication was done: there is nothing to report." in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def of_shop(shop: History) -> BackTest:
    return played(shop)


@pytest.mark.parametrize("metric", ["service_level_share", "asa_ms", "abandon_share"])
def test_the_days_of_a_right_model_lie_within_its_ranges(of_shop: BackTest, metric: str) -> None:
    found = verdict(of_shop, metric)
    # 18 intervals, of which neighbours go together: of 90 %, fewer than 12 come by chance once in a thousand.
    assert found.judged == 18
    assert found.within >= 12


def test_the_real_figures_are_those_of_the_history(of_shop: BackTest, shop: History) -> None:
    days = set(of_shop.tested)
    rows = [
        row
        for row in shop.contacts.to_pylist()
        if date(1970, 1, 1) + timedelta(milliseconds=row["arrived_ms"] + 3_600_000) in days
    ]
    answered = [row for row in rows if row["outcome"] == "answered"]
    assert len(days) == 3
    assert verdict(of_shop, "asa_ms").real == pytest.approx(sum(row["wait_ms"] for row in answered) / len(answered))
    within = sum(row["wait_ms"] <= 20_000 for row in answered)
    assert verdict(of_shop, "service_level_share").real == pytest.approx(within / len(rows))
    assert verdict(of_shop, "abandon_share").real == pytest.approx(1 - len(answered) / len(rows))
    assert sum(cell.offered for cell in of_shop.cells["asa_ms"]) == len(rows)


def test_a_model_with_too_little_work_is_found_out(shop: History) -> None:
    rows = [row | {"talk_ms": row["talk_ms"] and row["talk_ms"] // 2} for row in shop.contacts.to_pylist()]
    easier = History(pa.Table.from_pylist(rows, schema=CONTACTS_SCHEMA), shop.agent_times, shop.choices, shop.about)
    found = verdict(played(shop, easier), "service_level_share")
    assert found.bias is not None
    assert found.bias_error
    assert found.bias > found.bias_error > 0
    assert found.bias > 0.15
    assert found.within < 12


def test_the_command_prints_a_table_and_writes_page_and_figures(shop_directory: Path, tmp_path: Path) -> None:
    options = ["--replications", 4, "--jobs", 1, "--days", 1, "--queue", "sales"]
    result = run(shop_directory, "--out", tmp_path / "out", *options)
    assert result.exit_code == 0, result.output
    assert (
        "Fitted on 8 days, 2026-03-02 to 2026-03-11; played on 1, 2026-03-12 to 2026-03-12, 4 times each"
        in result.stdout
    )
    said = run(shop_directory, "--out", tmp_path / "out", *options, "--json")
    figures = json.loads(said.stdout)
    assert figures == json.loads((tmp_path / "out/results.json").read_text())
    assert len(figures["intervals"]) == 3 * 6
    assert {"real", "model", "low", "high", "offered"} <= set(figures["intervals"][0])
    assert "what the model is worth" in (tmp_path / "out/report.html").read_text()
    names = {f"{name}.{kind}" for name in ("figures", "intervals") for kind in ("csv", "parquet")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names | {
        "report.html",
        "report.md",
        "report.xlsx",
        "results.json",
    }


def test_what_cannot_be_played(shop: History, shop_directory: Path, tmp_path: Path) -> None:
    everything = calibrate(shop)
    with pytest.raises(DocumentError, match="9 of 9 days to test on leave none"):
        split(everything, 9)
    first = shop.contacts.filter(pa.compute.less(shop.contacts["arrived_ms"], 1_772_500_000_000))
    write_history(History(first, shop.agent_times, shop.choices, shop.about), Refusals(), b"k" * 32, tmp_path / "h")
    result = run(tmp_path / "h", "--out", tmp_path / "out")
    assert "there is one day only" in str(result.exception)
    assert not (tmp_path / "out").exists()
    assert run(shop_directory, "--days", 0).exit_code == 2


def test_a_day_on_which_no_agent_is_known_is_told(shop: History) -> None:
    everything = calibrate(shop)
    days, test = split(everything, 1)
    none = shop.agent_times.filter(pa.compute.less(shop.agent_times["from_ms"], 1_773_270_000_000))
    without = History(shop.contacts, none, shop.choices, shop.about)
    found, everything = calibrate(without, dates=days), calibrate(without)
    with pytest.raises(DocumentError, match="2026-03-12 is not played: no agent was there"):
        back_test(without, found, everything, test, local(1), replications=2)


def test_a_queue_that_nobody_served_on_a_day_is_left_out_of_it_and_told(shop: History) -> None:
    rows = shop.contacts.to_pylist()
    learned = [
        row
        | {"queue": "vip", "agent": "vera", "contact": f"{row['contact']}v", "outcome": "answered", "talk_ms": 60_000}
        for row in rows[:40]
    ]
    lost = rows[-1] | {"queue": "vip", "agent": "", "contact": "late", "outcome": "abandoned", "talk_ms": None}
    ordered = sorted([*rows, *learned, lost], key=lambda row: row["arrived_ms"])
    history = History(
        pa.Table.from_pylist(ordered, schema=CONTACTS_SCHEMA), shop.agent_times.slice(0, 0), shop.choices, shop.about
    )
    everything = calibrate(history)
    days, test = split(everything, 1)
    result = back_test(history, calibrate(history, dates=days), everything, test, local(1), replications=2)
    assert f"on {test[0]} nobody was there who serves vip: left out" in result.notes
    assert {each.queue: each.real is not None for each in result.verdicts if each.metric == "abandon_share"} == {
        "": True,
        "sales": True,
        "vip": False,
    }

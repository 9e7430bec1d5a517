"""Recorded arrivals from CSV and Parquet."""

import pickle
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from documents import DocumentError
from simulations import traces
from simulations.arrivals import rates_per_hour
from simulations.kernel.engine import Kernel
from simulations.kernel.refusals import refusals
from simulations.replications import replicate
from simulations.setting import Setting, read_scenario, settle
from simulations.traced import HeldTrace
from simulations.traces import FileTrace, read_trace, whole_traces


def written(path: Path, text: str) -> Path:
    (path / "t.csv").write_text(text, encoding="utf-8")
    return path / "t.csv"


def test_known_columns_are_what_was_measured_and_the_others_attributes(tmp_path: Path) -> None:
    text = "\ufeffat_s,queue,handle_s,language,tier,level,account\n1.5,sales,60,es,gold,3,0071\n9,,,en,,,\n"
    first, second = read_trace(written(tmp_path, text))
    assert (first.at_s, first.queue, first.handle_s) == (1.5, "sales", 60)
    assert first.attributes == {"language": "es", "tier": "gold", "level": 3, "account": "0071"}
    assert (second.queue, second.handle_s, second.attributes) == (None, None, {"language": "en"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,queue\n1,a\n", r"t.csv:1: the column 'at_s' is missing"),
        ("at_s\n1\n-2\n", r"t.csv:3: at_s: .*greater than or equal to 0; it is '-2'"),
        ("at_s,handle_s\n1,soon\n", r"t.csv:2: handle_s: .*number"),
        ("at_s,handle_s\n1\n", r"t.csv:2: the row has more or fewer cells"),
        ("at_s\n1,2\n", r"t.csv:2: the row has more or fewer cells"),
        ("", r"the column 'at_s' is missing"),
    ],
)
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        read_trace(written(tmp_path, text))


def test_a_scenario_names_its_trace_relative_to_itself(tmp_path: Path) -> None:
    written(tmp_path, "at_s\n30\n2\n")
    (tmp_path / "s.yaml").write_text(
        "name: x\nduration_minutes: 30\nkinds: {k: {queue: q, handle_time_s: 5, arrivals: {trace: t.csv}}}\n"
    )
    _, scenario = read_scenario(tmp_path / "s.yaml")
    assert [contact.at_s for contact in scenario.kinds["k"].arrivals.traced] == [2, 30]
    (tmp_path / "t.csv").unlink()
    with pytest.raises(DocumentError, match=r"t.csv: the trace cannot be read"):
        read_scenario(tmp_path / "s.yaml")


# Streaming

ROWS = "at_s,queue,handle_s,patience_s,tier\n"


def rows(count: int, step_s: float = 1.0) -> str:
    """Contacts in order of time; every third has a measured handle time, and every fourth another patience."""
    found = []
    for number in range(count):
        handle_s, patience_s = 30 + number % 50, 10 + number % 70
        measured = f"{'' if number % 3 else handle_s},{'' if number % 4 else patience_s}"
        found.append(f"{number * step_s:g},,{measured},t{number % 7}\n")
    return ROWS + "".join(found)


def scenario_of(path: Path, file: str, minutes: int = 60, replications: int = 2) -> Setting:
    (path / "s.yaml").write_text(
        f"{{name: x, duration_minutes: {minutes}, replications: {replications}, policy: {{queues: {{q: {{}}}}}}, "
        f"kinds: {{k: {{queue: q, handle_time_s: {{distribution: exponential, mean: 40}}, patience_s: 60, "
        f"arrivals: {{trace: {file}}}}}}}, staff: [{{group: g, count: 30}}]}}"
    )
    return settle(*read_scenario(path / "s.yaml"), None)


def as_parquet(path: Path, text: str) -> None:
    """One row group: what is read of it at a time is not its size."""
    pq.write_table(csv.read_csv(pa.BufferReader(text.encode())), path / "t.parquet", row_group_size=1 << 30)


@pytest.mark.parametrize("file", ["t.csv", "t.parquet"])
def test_what_is_read_row_by_row_plays_as_what_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    written(tmp_path, rows(2_500))
    as_parquet(tmp_path, rows(2_500))
    held = scenario_of(tmp_path, file)
    monkeypatch.setattr(traces, "HELD_CONTACTS", 100)
    streamed = scenario_of(tmp_path, file)
    trace, in_memory = (each.scenario.kinds["k"].arrivals.traced for each in (streamed, held))
    assert isinstance(trace, FileTrace)
    assert isinstance(in_memory, HeldTrace)
    assert list(trace) == list(in_memory)
    assert list(trace.times_s()) == list(in_memory.times_s())
    assert trace.summary == in_memory.summary
    for number in range(2):
        outcome = replicate(held, number)
        assert replicate(streamed, number) == outcome
        assert outcome.whole.all_queues.arrived == 2_500
        assert not refusals(streamed)
        assert Kernel(streamed).replicate(number) == outcome
    assert rates_per_hour(streamed.scenario.kinds["k"].arrivals, streamed.scenario) == rates_per_hour(
        held.scenario.kinds["k"].arrivals, held.scenario
    )


def most_bytes(act: Callable[[], object]) -> int:
    """The most memory that this takes at any moment."""
    tracemalloc.start()
    act()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("file", ["t.csv", "t.parquet"])
def test_memory_of_reading_does_not_grow_with_the_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """Set beforehand: 12,000 contacts more take at most 200 kB more at any moment, where holding them takes 18 MB."""
    monkeypatch.setattr(traces, "HELD_CONTACTS", 100)
    most = []
    for count in (200, 6_000, 18_000):  # the first makes what is made once
        written(tmp_path, rows(count))
        as_parquet(tmp_path, rows(count))
        most.append(most_bytes(lambda: sum(1 for _ in read_trace(tmp_path / file))))
    assert most[2] - most[1] < 200_000, most


def test_memory_of_a_replication_does_not_grow_with_the_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set beforehand: 5,000 contacts more take at most 300 kB more at any moment; holding them takes 7.5 MB. Draws
    are forgotten every 4,096 contacts, so both have come to that."""
    monkeypatch.setattr(traces, "HELD_CONTACTS", 100)
    most = []
    for count in (200, 4_500, 9_500):
        setting = scenario_of(tmp_path, written(tmp_path, rows(count, 2)).name, minutes=330)
        most.append(most_bytes(partial(replicate, setting, 0)))
    assert most[2] - most[1] < 300_000, most


def test_contacts_in_no_order_are_held_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "HELD_CONTACTS", 1)
    trace = read_trace(written(tmp_path, "at_s\n5\n3\n9\n"))
    assert isinstance(trace, HeldTrace)
    assert list(trace.times_s()) == [3, 5, 9]


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "HELD_CONTACTS", 1)
    setting = scenario_of(tmp_path, written(tmp_path, rows(20)).name)
    written(tmp_path, rows(21))
    with pytest.raises(DocumentError, match=r"t.csv: the trace was changed while it was simulated"):
        replicate(setting, 0)
    (tmp_path / "t.csv").unlink()
    with pytest.raises(DocumentError, match=r"t.csv: the trace cannot be read: No such file"):
        replicate(setting, 0)


def test_what_the_kernel_does_not_know_it_refuses_without_having_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "HELD_CONTACTS", 1)
    setting = scenario_of(tmp_path, written(tmp_path, "at_s,preferred_agent\n1,\n2,g-1\n").name)
    assert refusals(setting) == ["kinds.k.arrivals.trace: preferred_agent: not supported"]


def test_processes_get_the_file_and_other_machines_the_contacts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "HELD_CONTACTS", 1)
    trace = read_trace(written(tmp_path, rows(3_000)))
    packed = pickle.dumps(trace)
    assert len(packed) < 1_000
    with whole_traces():
        whole = pickle.loads(pickle.dumps(trace))
    assert isinstance(whole, HeldTrace)
    assert list(pickle.loads(packed)) == list(whole) == list(trace)
    monkeypatch.setattr(traces, "free_bytes", lambda: 1e6)
    message = r"t.csv: a cluster gets the contacts themselves; to hold all 3,000 contacts takes about 4.\d MB"
    with whole_traces(), pytest.raises(DocumentError, match=message):
        pickle.dumps(trace)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("at_s,queue\n1,q\n2,qq\n", r"there is no queue 'qq'"),
        ("at_s\n1\n4000\n", r"a contact comes at 4000 s, after the end of the scenario"),
    ],
)
def test_what_does_not_fit_the_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setattr(traces, "HELD_CONTACTS", 1)
    with pytest.raises(DocumentError, match=message):
        scenario_of(tmp_path, written(tmp_path, text).name)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_trace_of_a_spreadsheet_of_another_country(tmp_path: Path, delimiter: str) -> None:
    text = "\ufeffat_s;queue;handle_s;tier\n10,5;sales;120,25;1,5\n30;sales;;gold\n".replace(";", delimiter)
    first, second = read_trace(written(tmp_path, text))
    assert (first.at_s, first.handle_s, first.attributes) == (10.5, 120.25, {"tier": "1,5"})
    assert (second.at_s, second.handle_s, second.attributes) == (30, None, {"tier": "gold"})

"""`switchboard history import`: a history as a whole or not at all, and clear words for what cannot be used."""

import csv
import gzip
import json
import os
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from documents import DocumentError
from simulations.history.directory import read_history
from switchboard.cli.history import app
from tests.support.histories import lines

LOG = lines((0, "c1|sales|NONE|ENTERQUEUE||600|1"), (9, "c1|sales|NONE|ABANDON|1|1|9"))
MORE = lines(
    (9, "c1|sales|NONE|ABANDON|1|1|9"), (20, "c2|sales|NONE|ENTERQUEUE||600|1"), (23, "c2|sales|NONE|ABANDON|1|1|3")
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def written(path: Path, text: str = LOG, name: str = "queue_log") -> Path:
    (path / name).write_text(text)
    return path / name


def test_each_reason_is_shown_with_a_row_those_passed_over_last(tmp_path: Path) -> None:
    header, right = "arrived,queue,agent,way", "2026-03-02 09:00:00,sales,anna,in"
    rows = ["2026-03-02 09:00:00,sales,anna,out", right, right, right, "soon,sales,anna,in", "late,sales,anna,in"]
    (tmp_path / "m.yaml").write_text("columns: {arrived: arrived, queue: queue, agent: agent}\nonly: {way: [in]}\n")
    calls = written(tmp_path, "\n".join([header, *rows]), "calls.csv")
    result = run(calls, "--mapping", tmp_path / "m.yaml", "--to", tmp_path / "h", "--time-zone", "UTC")
    shown = re.findall(r"calls\.csv:(\d+): (\w+)", result.stdout.replace("\n", ""))
    assert shown == [("4", "a"), ("6", "arrived"), ("2", "passed")]


def test_control_characters_of_damaged_rows_do_not_spoil_the_scenarios(tmp_path: Path) -> None:
    rows = [f"2026-03-02 09:{minute:02}:00,sa\x02les,an\x91na,5,60" for minute in range(9)]
    calls = written(tmp_path, "\n".join(["arrived,queue,agent,wait_s,talk_s", *rows]), "calls.csv")
    assert run(calls, "--to", tmp_path / "h", "--time-zone", "UTC").exit_code == 0
    assert set(read_history(tmp_path / "h").texts("queue")) == {"sa\ufffdles"}
    result = CliRunner().invoke(app, ["calibrate", str(tmp_path / "h"), "--out", str(tmp_path / "c")])
    assert result.exit_code == 0, result.output
    assert "an\ufffdna" in (tmp_path / "c/scenario-monday.yaml").read_text(encoding="utf-8")


def test_a_history_and_a_summary(tmp_path: Path) -> None:
    result = run(written(tmp_path, LOG + "broken\n"), "--to", tmp_path / "h", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["contacts"] == 1
    assert [(row["rows"], row["reason"]) for row in said["refused"]] == [
        (1, "the time is neither Unix time nor a date")
    ]
    with (tmp_path / "h/refused.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "line", "reason", "value"],
            [str(tmp_path / "queue_log"), "3", "the time is neither Unix time nor a date", "broken"],
        ]
    assert len(read_history(tmp_path / "h").contacts) == 1
    assert stat.S_IMODE((tmp_path / "h/.caller-key").stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["h", "queue_log"]


def test_more_is_added_and_what_overlaps_counts_once(tmp_path: Path) -> None:
    log, more, to = written(tmp_path), written(tmp_path, MORE, "queue_log.1"), tmp_path / "h"
    assert run(log, "--to", to).exit_code == 0
    assert isinstance(run(more, "--to", to).exception, DocumentError)
    assert run(more, "--to", to, "--add").exit_code == 0
    history = read_history(to)
    assert history.contacts["contact"].to_pylist() == ["c1", "c2"]
    assert len(set(history.contacts["caller"].to_pylist())) == 1, "the same key for the same caller"
    assert [source["source"] for source in history.about["sources"]] == [str(log), str(more)]
    assert run(more, "--to", to, "--replace").exit_code == 0
    assert len(read_history(to).contacts) == 2


CALLS = [
    (0, "c1|sales|NONE|ENTERQUEUE||600|1"),
    (4, "c2|sales|NONE|ENTERQUEUE||601|2"),
    (7, "c1|sales|ana|RINGNOANSWER|6000"),
    (12, "c1|sales|eva|CONNECT|12|x|4"),
    (30, "c2|sales|NONE|ABANDON|1|2|26"),
    (31, "c3|sales|NONE|ENTERQUEUE||602|1"),
    (33, "c3|sales|ana|CONNECT|2|y|2"),
    (75, "c1|sales|eva|COMPLETECALLER|12|63|1"),
    (93, "c3|sales|ana|COMPLETEAGENT|2|60|1"),
]


@pytest.mark.parametrize("cut", range(1, len(CALLS)))
@pytest.mark.parametrize("way", ["rotated", "later first", "grown"])
def test_a_call_that_the_end_of_a_file_cuts_is_one_call(tmp_path: Path, cut: int, way: str) -> None:
    """In imports one after the other. (Of one import all lines belong together.) A phone that rang in vain before the
    first line that tells when the call came is known to no file."""
    begin, end = lines(*CALLS[:cut]), lines(*(CALLS if way == "grown" else CALLS[cut:]))
    parts = [end, begin] if way == "later first" else [begin, end]
    for number, part in enumerate(parts):
        added = ["--add"] if number else []
        result = run(written(tmp_path, part, f"log.{number}"), "--to", tmp_path / "h", *added)
        assert result.exit_code == 0, result.output
    assert run(written(tmp_path, lines(*CALLS)), "--to", tmp_path / "whole").exit_code == 0

    def known(name: str) -> list[dict[str, object]]:
        rows = read_history(tmp_path / name).contacts.to_pylist()
        not_known = {"source", "caller", *(() if way == "grown" else ("offers", "refused"))}
        return [{field: row[field] for field in row if field not in not_known} for row in rows]

    assert known("h") == known("whole")
    assert "" not in read_history(tmp_path / "h").contacts["caller"].to_pylist()


def test_strict_writes_nothing_when_a_row_is_refused(tmp_path: Path) -> None:
    result = run(written(tmp_path, LOG + LOG), "--to", tmp_path / "h", "--strict")
    assert result.exit_code == 1
    assert "Nothing was written" in result.stderr
    assert not (tmp_path / "h").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("Start,Queue\n", "it has: Start, Queue"),
        ("arrived,agent\n", "there is not a single contact in it"),
        ("1772440000|NONE|NONE|NONE|QUEUESTART|\n", "there is not a single contact in it"),
    ],
)
def test_an_empty_history_is_none(tmp_path: Path, text: str, message: str) -> None:
    result = run(written(tmp_path, text, "calls"), "--to", tmp_path / "h")
    assert isinstance(result.exception, DocumentError)
    assert message in str(result.exception)
    assert not (tmp_path / "h").exists()


def test_other_directories_are_left_alone(tmp_path: Path) -> None:
    log = written(tmp_path)
    for to in (tmp_path, log):
        for option in ("--replace", "--add"):
            result = run(log, "--to", to, option)
            assert isinstance(result.exception, DocumentError), option
    assert log.read_text() == LOG


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--time-zone", "Europe/Madird"], r"did you mean 'Europe/Madrid'"),
        (["--mapping", "nowhere.yaml"], "the mapping cannot be read"),
        (["--encoding", "klingon", "--format", "csv"], "there is no encoding 'klingon'"),
    ],
)
def test_wrong_options(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run(written(tmp_path), "--to", tmp_path / "h", *arguments)
    assert isinstance(result.exception, DocumentError)
    assert message in str(result.exception)
    assert run(written(tmp_path), "--format", "excel").exit_code == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere", "--to", tmp_path / "h")
    assert "the file cannot be read: No such file" in str(result.exception)


def test_a_mapping_with_a_mistake_tells_the_line(tmp_path: Path) -> None:
    mapping = written(tmp_path, "columns:\n  arrived: Start\n  agnet: Who\n", "m.yaml")
    result = run(written(tmp_path, "Start,Who\n", "x.csv"), "--mapping", mapping)
    assert "m.yaml:3: columns.agnet" in str(result.exception)
    assert "did you mean 'agent'" in str(result.exception)


def test_a_packed_log_is_read_as_it_is(tmp_path: Path) -> None:
    """As log rotation leaves it; `queue_log*` names both."""
    packed = tmp_path / "queue_log.1.gz"
    packed.write_bytes(gzip.compress(LOG.encode()))
    result = run(written(tmp_path, MORE), packed, "--to", tmp_path / "h")
    assert result.exit_code == 0, result.output
    assert read_history(tmp_path / "h").contacts["contact"].to_pylist() == ["c1", "c2"]
    packed.write_bytes(gzip.compress(LOG.encode())[:-12])
    result = run(packed, "--to", tmp_path / "h2")
    assert isinstance(result.exception, DocumentError)
    assert "queue_log.1.gz: the file cannot be read: Compressed file ended before" in str(result.exception)


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        (b"PK\x03\x04\x14\x00", r"this is a workbook or a packed directory, and no text \(save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "this is an old workbook, and no text"),
        (b"%PDF-1.7\n", "this is a PDF document, and no text"),
        (b"PAR1\x15\x04", r"this is a Parquet file, and no text \(name it .parquet\)"),
    ],
)
def test_what_is_no_text_is_not_shown_as_text(tmp_path: Path, begin: bytes, message: str) -> None:
    (tmp_path / "calls").write_bytes(begin + bytes(range(256)) * 40)
    result = run(tmp_path / "calls", "--to", tmp_path / "h")
    assert isinstance(result.exception, DocumentError)
    assert re.search(message, str(result.exception))
    result = run(tmp_path, "--to", tmp_path / "h")
    assert "(name the files themselves)" in str(result.exception)

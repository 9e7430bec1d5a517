"""Recorded arrivals from CSV."""

from pathlib import Path

import pytest

from documents import DocumentError
from simulations.setting import read_scenario
from simulations.traces import read_trace


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

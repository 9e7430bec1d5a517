import csv
import io
import re

import msgspec
import openpyxl
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from documents import tables
from documents.tables import Sheet, as_csv, as_json, as_parquet, as_xlsx, safe_cell

DANGEROUS = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1+1",
    "\u00a0=1",
    "\uff1d1",
    "\x17-1",
    "\x1c \u2003\ufeff@a",
    '=HYPERLINK("http://evil","x")',
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_a_spreadsheet_would_run_is_quoted_in_csv_and_parquet(text: str) -> None:
    _, (cell, number) = csv.reader(io.StringIO(as_csv(["queue", "n"], [[text, -5]]).decode(), newline=""))
    assert cell.startswith("'")
    assert number == "-5"
    table = parquet.read_table(pyarrow.BufferReader(as_parquet(["queue", "n"], [[text, -5]])))
    assert table.to_pylist() == [{"queue": cell, "n": -5}]


@given(st.text())
def test_no_text_begins_a_formula_or_a_line(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.strip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in cell)


@given(st.lists(st.text(), min_size=1))
def test_every_cell_comes_back_as_it_was_made_safe(names: list[str]) -> None:
    lines = list(csv.reader(io.StringIO(as_csv(["name"], [[name] for name in names]).decode(), newline="")))
    assert [line[0] if line else "" for line in lines[1:]] == [safe_cell(name) for name in names]


def test_columns_of_parquet_have_types_and_missing_values() -> None:
    data = as_parquet(["name", "count", "share", "none"], [["a", 1, 0.5, None], ["b", None, None, None]])
    table = parquet.read_table(pyarrow.BufferReader(data))
    assert [str(field.type) for field in table.schema] == ["string", "int64", "double", "double"]
    assert table.to_pylist()[1] == {"name": "b", "count": None, "share": None, "none": None}


def test_whole_numbers_beside_fractions_are_numbers_with_a_fraction() -> None:
    table = parquet.read_table(pyarrow.BufferReader(as_parquet(["share"], [[1], [0.5]])))
    assert table.column("share").to_pylist() == [1.0, 0.5]


def test_a_report_without_lines_still_has_its_columns() -> None:
    assert as_csv(["a", "b"], []) == b"a,b\r\n"
    assert parquet.read_table(pyarrow.BufferReader(as_parquet(["a", "b"], []))).column_names == ["a", "b"]
    assert as_json(["a"], []) == b"[]"


def test_json_is_exactly_what_is_recorded() -> None:
    assert msgspec.json.decode(as_json(["intent", "n"], [["=1", None]])) == [{"intent": "=1", "n": None}]


@pytest.mark.parametrize("text", [*DANGEROUS, "http://evil", "007", "'quoted"])
def test_text_in_a_workbook_is_text_whatever_it_looks_like(text: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([Sheet("s", ["name", text], [[text, -5], [None, 0.5]])])))
    header, first, second = book["s"].iter_rows()
    assert [cell.data_type for cell in (*header, *first, *second)] == ["s", "s", "s", "n", "n", "n"]
    assert header[1].value == first[0].value == re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)
    assert (first[1].value, second[0].value, second[1].value) == (-5, None, 0.5)
    assert first[0].hyperlink is None


def test_the_same_content_is_the_same_workbook() -> None:
    sheets = [Sheet("a", ["x"], [[1]]), Sheet("b", [], [])]
    assert as_xlsx(sheets) == as_xlsx(sheets)


def test_a_sheet_that_no_workbook_can_hold_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_LINES", 5)
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([Sheet("s", ["n"], [[n] for n in range(10)])])))
    values = [cell.value for (cell,) in book["s"].iter_rows()]
    assert values == ["n", 0, 1, 2, "and 7 more lines, which no workbook can hold"]

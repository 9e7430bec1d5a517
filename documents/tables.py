"""Tables that others open: CSV, Parquet, XLSX and JSON.

Names of queues, agents, skills and above all intents may come from outside, and people open such files in
spreadsheets, which run what looks like a formula (OWASP, "CSV Injection"). So text that begins with `=`, `+`, `-`, `@`,
a tab or a line break gets an apostrophe before it, and control characters in it become spaces. Numbers stay numbers.
In a workbook every cell has a type, so text is written as text and needs no apostrophe.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
import pyarrow
from pyarrow import parquet

Format = Literal["csv", "parquet", "json"]
CONTENT_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}

# Behind what spreadsheets may pass over; control characters become spaces.
_FORMULA = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def safe_cell(value: Any) -> Any:
    """The value as a cell that no spreadsheet runs."""
    if not isinstance(value, str):
        return value
    quoted = f"'{value}" if _FORMULA.match(value) else value
    return _CONTROL.sub(" ", quoted)


def as_csv(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    """RFC 4180, UTF-8; an empty cell is no value."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([safe_cell(name) for name in header])
    for line in lines:
        writer.writerow(["" if value is None else safe_cell(value) for value in line])
    return out.getvalue().encode()


def as_parquet(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    """One row group with a typed column for each name."""
    columns = list(zip(*lines, strict=True)) if lines else [()] * len(header)
    arrays = [_array([safe_cell(value) for value in column]) for column in columns]
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(arrays, names=list(header)), sink)
    return bytes(sink.getvalue())


def as_json(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    """A list of objects, exactly as the records have it: JSON is read by programs."""
    return msgspec.json.encode([dict(zip(header, line, strict=True)) for line in lines])


class Sheet(NamedTuple):
    """A sheet of a workbook: its name (at most 31 characters, none of `[]:*?/\\`), a header, and lines of cells."""

    name: str
    header: Sequence[str]
    lines: Sequence[Sequence[Any]]


def as_xlsx(sheets: Sequence[Sheet]) -> bytes:
    """A workbook. Text is text, whatever it looks like: no formula, no link. A sheet longer than workbooks can be ends
    with a line that says so."""
    import xlsxwriter  # loaded only for this: the engine writes no workbooks

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": _ALWAYS})  # the same content is the same file
    bold = book.add_format({"bold": True, "bottom": 1})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        lines = [sheet.header, *sheet.lines[: _MOST_LINES - 2]]
        if len(sheet.lines) > _MOST_LINES - 2:
            lines.append([f"and {len(sheet.lines) - _MOST_LINES + 2:,} more lines, which no workbook can hold"])
        for row, line in enumerate(lines):
            for column, value in enumerate(line):
                if value is None:
                    continue
                if isinstance(value, bool):
                    page.write_boolean(row, column, value)
                elif isinstance(value, (int, float)):
                    page.write_number(row, column, value)
                else:
                    text = _CONTROL.sub(" ", str(value))[:_LONGEST_CELL]
                    page.write_string(row, column, text, bold if row == 0 else None)
        if any(sheet.header):
            page.freeze_panes(1, 0)
            page.autofilter(0, 0, len(lines) - 1, max(0, len(sheet.header) - 1))
        for column in range(max(map(len, lines))):
            longest = max(len(str(line[column])) for line in lines[:200] if column < len(line))
            page.set_column(column, column, min(60, max(8, longest + 2)))
    book.close()
    return out.getvalue()


_ALWAYS = datetime(2000, 1, 1)
_MOST_LINES = 1_048_576
_LONGEST_CELL = 32_767

WRITERS = {"csv": as_csv, "parquet": as_parquet, "json": as_json}


def _array(values: list[Any]) -> Any:
    """Text, whole numbers or, where there is one with a fraction, all numbers with one; no values at all: numbers."""
    if any(isinstance(value, str) for value in values):
        return pyarrow.array(values, pyarrow.string())
    whole = all(isinstance(value, int) for value in values if value is not None) and any(v is not None for v in values)
    return pyarrow.array(values, pyarrow.int64() if whole else pyarrow.float64())

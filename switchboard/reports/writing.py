"""Reports as CSV, Parquet and JSON.

Names of queues, agents, skills and above all intents may come from outside, and people open such files in
spreadsheets, which run what looks like a formula (OWASP, "CSV Injection"). So text that begins with `=`, `+`, `-`, `@`,
a tab or a line break gets an apostrophe before it, and control characters in it become spaces. Numbers stay numbers.
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any, Literal

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


WRITERS = {"csv": as_csv, "parquet": as_parquet, "json": as_json}


def _array(values: list[Any]) -> Any:
    """Text, whole numbers or, where there is one with a fraction, all numbers with one; no values at all: numbers."""
    if any(isinstance(value, str) for value in values):
        return pyarrow.array(values, pyarrow.string())
    whole = all(isinstance(value, int) for value in values if value is not None) and any(v is not None for v in values)
    return pyarrow.array(values, pyarrow.int64() if whole else pyarrow.float64())

"""Recorded arrivals from a CSV or Parquet file, row by row: the file itself is never in memory as a whole."""

import csv
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from documents import DocumentError, Problem, why
from simulations.memory import check_trace, free_bytes
from simulations.scenario import TracedContact

_COLUMNS = frozenset(TracedContact.model_fields) - {"attributes"}


_MOST_PROBLEMS = 100
_LOOK_EVERY = 4_096
_LOOK_AT_BYTES = 1 << 18


def read_trace(path: Path) -> tuple[TracedContact, ...]:
    """The contacts of a CSV or Parquet file: `at_s` (seconds since the start) and, where known, `queue`, `priority`,
    `preferred_agent`, `handle_s`, `patience_s`; every other column is an attribute. An empty cell is unknown.

    Raises DocumentError with the line of every row that is wrong (of the first hundred), and for more contacts than
    memory has room for: by the size of the file, before it is read.
    """
    free = free_bytes()
    contacts: list[TracedContact] = []
    problems: list[Problem] = []
    attributes = -1
    try:
        for line, row in _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path):
            if attributes < 0:
                attributes = len(row.keys() - _COLUMNS)
                check_trace(path, _rows_about(path), attributes, free, about=True)
            try:
                contacts.append(_contact(row))
            except ValidationError as error:
                for detail in error.errors(include_url=False):
                    where = ".".join(map(str, detail["loc"]))
                    problems.append(Problem(f"{where}: {detail['msg']}; it is {detail['input']!r}", str(path), line))
            except DocumentError as error:
                problems += [Problem(problem.message, str(path), line) for problem in error.problems]
            if len(problems) >= _MOST_PROBLEMS:
                break
            if len(contacts) % _LOOK_EVERY == 0:
                check_trace(path, len(contacts), attributes, free)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DocumentError([Problem(f"the trace cannot be read: {why(error)}", str(path))]) from None
    if problems:
        raise DocumentError(problems)
    return tuple(contacts)


def _rows_about(path: Path) -> int:
    """How many rows a file has: those of Parquet are known, those of CSV follow from the length of the first ones."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    with path.open("rb") as file:
        first = file.read(_LOOK_AT_BYTES)
    return round(path.stat().st_size * first.count(b"\n") / len(first)) if first else 0


def _contact(row: Mapping[Any, Any]) -> TracedContact:
    if None in row or None in row.values():
        raise DocumentError([Problem("the row has more or fewer cells than the header")])
    known = {name: cell for name, cell in row.items() if name in _COLUMNS and cell != ""}
    attributes = {
        name: _plain(cell) if isinstance(cell, str) else cell
        for name, cell in row.items()
        if name not in _COLUMNS and cell != ""
    }
    return TracedContact.model_validate(known | {"attributes": attributes})


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    """Each row with its line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        _has_times(path, rows.fieldnames or ())
        for row in rows:
            yield rows.line_num, row


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    """Each row with its number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _has_times(path, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(_LOOK_EVERY):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: "" if cell is None else cell for name, cell in row.items()}
    except pa.ArrowInvalid as error:
        raise DocumentError([Problem(f"the trace cannot be read: {why(error)}", str(path))]) from None


def _has_times(path: Path, columns: Collection[str]) -> None:
    if "at_s" not in columns:
        raise DocumentError([Problem("the column 'at_s' is missing", str(path), 1)])


def _plain(cell: str) -> str | int | float | bool:
    """A cell as the number or truth value that it looks like; `007` stays text."""
    if cell in ("true", "false"):
        return cell == "true"
    for kind in (int, float):
        try:
            value = kind(cell)
        except ValueError:
            continue
        if str(value) == cell:
            return value
    return cell

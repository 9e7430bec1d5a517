"""Recorded arrivals from a CSV or Parquet file.

A file is looked through once, row by row, before anything is simulated: what is wrong is told with its line. If it is
in order of time it is then read anew in every replication, so its size does not matter; small ones are held, since that
is faster. One that is in no order has to be held, and is refused if there is no room for it.
"""

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from documents import DocumentError, Problem, why
from simulations.memory import check_trace, free_bytes
from simulations.traced import HeldTrace, Summary, Trace, TracedContact, in_order

_COLUMNS = frozenset(TracedContact.model_fields) - {"attributes"}
_SECONDS = [name for name in TracedContact.model_fields if name.endswith("_s")]

HELD_CONTACTS = 20_000
"""So many contacts are held in memory."""
_MOST_PROBLEMS = 100
_AT_ONCE = 4_096
_READ_BYTES = 1 << 16

Stamp = tuple[int, int]
"""A file's size and time of change."""


@dataclass(slots=True)
class FileTrace:
    """The contacts of a file in order of time, of which only those in the simulation are in memory. Their counts and
    names are in the `summary`."""

    path: Path
    summary: Summary
    stamp: Stamp

    def __len__(self) -> int:
        return self.summary.contacts

    def __iter__(self) -> Iterator[TracedContact]:
        """Raises DocumentError when the file is another one by now."""
        self._check()
        with _readable(self.path):
            for _, row in _rows(self.path):
                yield _contact(row)

    def times_s(self) -> Iterator[float]:
        self._check()
        with _readable(self.path):
            for _, row in _rows(self.path, ("at_s",)):
                yield float(row["at_s"])

    def _check(self) -> None:
        with _readable(self.path):
            same = _stamp(self.path) == self.stamp
        if not same:
            raise DocumentError([Problem("the trace was changed while it was simulated", str(self.path))])

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if _travels:
            on_a_cluster = Problem(
                "a cluster gets the contacts themselves", str(self.path), hint="play it on this machine"
            )
            check_trace(self.path, len(self), self.summary.attributes, free_bytes(), on_a_cluster)
            return HeldTrace, (tuple(self),)
        return FileTrace, (self.path, self.summary, self.stamp)


_travels: list[bool] = []


@contextmanager
def whole_traces() -> Iterator[None]:
    """What is pickled meanwhile goes to machines that do not have the files, so it has the contacts themselves."""
    _travels.append(True)
    try:
        yield
    finally:
        _travels.pop()


def read_trace(path: Path) -> Trace:
    """The contacts of a CSV or Parquet file: `at_s` (seconds since the start) and, where known, `queue`, `priority`,
    `preferred_agent`, `handle_s`, `wrap_up_s`, `patience_s`, `waited_s`; every other column is an attribute. An empty
    cell is unknown.

    Raises DocumentError with the line of every row that is wrong (of the first hundred), and for contacts in no order
    that memory has no room for.
    """
    with _readable(path):
        stamp = _stamp(path)
        looked = _looked(path.resolve(), stamp)
    if looked.problems:
        raise DocumentError([Problem(problem.message, str(path), problem.line) for problem in looked.problems])
    found = FileTrace(path, looked.summary, stamp)
    if looked.disorder is None and len(found) > HELD_CONTACTS:
        return found
    if looked.disorder is not None:
        check_trace(path, len(found), looked.summary.attributes, free_bytes(), looked.disorder)
    return HeldTrace(in_order(found))


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a look through a file has brought. `disorder`: the first row that comes before the one above it."""

    summary: Summary
    problems: tuple[Problem, ...]
    disorder: Problem | None


@lru_cache(8)  # variants of a scenario have the same files
def _looked(path: Path, stamp: Stamp) -> _Looked:
    summary, problems, disorder = Summary(), [], None
    for line, row in _rows(path):
        try:
            contact = _contact(row)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                where = ".".join(map(str, detail["loc"]))
                problems.append(Problem(f"{where}: {detail['msg']}; it is {detail['input']!r}", str(path), line))
        except DocumentError as error:
            problems += [Problem(problem.message, str(path), line) for problem in error.problems]
        else:
            if disorder is None and contact.at_s < summary.last_s:
                said = f"this contact comes at {contact.at_s:g} s, before one above it ({summary.last_s:g} s)"
                disorder = Problem(said, str(path), line, hint="sort the rows by 'at_s', and its size does not matter")
            summary.add(contact)
        if len(problems) >= _MOST_PROBLEMS:
            break
    return _Looked(summary, tuple(problems), disorder)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DocumentError([Problem(f"the trace cannot be read: {why(error)}", str(path))]) from None


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


def _rows(path: Path, columns: Collection[str] | None = None) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    """Each row with its line, or number in a Parquet file; of these `columns` at least."""
    return _parquet_rows(path, columns) if path.suffix == ".parquet" else _csv_rows(path)


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    """Where semicolons or tabs are between the cells, numbers may have decimal commas."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline(_READ_BYTES)
        delimiter = max(",;\t", key=header.count)
        file.seek(0)
        rows = csv.DictReader(file, delimiter=delimiter)
        _has_times(path, rows.fieldnames or ())
        for row in rows:
            if delimiter != ",":
                row |= {name: row[name].replace(",", ".") for name in _SECONDS if row.get(name)}
            yield rows.line_num, row


def _parquet_rows(path: Path, columns: Collection[str] | None) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without a buffer of its own a row group would be read as a whole, and a file may have but one.
        with pq.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False) as file:
            _has_times(path, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(_AT_ONCE, columns=None if columns is None else list(columns)):
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

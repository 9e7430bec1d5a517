"""Rows of a text file: encodings, delimiters, quotes, and the line of each row.

A row is a line, or a few of them where a cell (a note, say) goes over several. A quote that nobody closed would swallow
the rest of the file; so a line whose quotes do not fit is refused alone, unless it makes a whole row with those behind.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from documents import DocumentError, Problem, why
from simulations.history.refusals import Refusals

AT_ONCE = 50_000
"""Rows in a block: all that is in memory of a file at a time."""
DELIMITERS = (",", ";", "\t", "|")
_LONGEST_LINE = 1_000_000
_MOST_LINES = 40
"""So many lines may belong to one row."""
HEADER_WITHIN = 20
"""A header is looked for in so many first lines: people write titles above it."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_WORKBOOK = "save the sheet as CSV, and import that"
_NO_TEXT = (
    (b"PK\x03\x04", "a workbook or a packed directory", _WORKBOOK),
    (b"\xd0\xcf\x11\xe0", "an old workbook", _WORKBOOK),
    (b"%PDF", "a PDF document", "ask your phone system for CSV"),
    (b"PAR1", "a Parquet file", "name it .parquet"),
)


class Block(NamedTuple):
    """Rows with their lines."""

    lines: list[int]
    rows: list[list[str]]


def opened(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """The bytes of a file, also of one that was packed with gzip (as rotated logs are). Raises OSError."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def encoding_of(path: Path) -> str:
    """By its byte order mark; else by where its zeros are (UTF-16), else UTF-8 if all of it is, else Windows-1252,
    which is Latin-1 with quotes and the euro in the place of control characters.

    Raises DocumentError when the file cannot be read.
    """
    try:
        with opened(path) as file:
            head = file.read(4096)
            for mark, name in _MARKS:
                if head.startswith(mark):
                    return name
            if head.count(0) > len(head) // 4:
                return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
            decoder, piece = codecs.getincrementaldecoder("utf-8")(), head
            while piece:
                decoder.decode(piece)
                piece = file.read(1 << 20)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    except (OSError, EOFError, zlib.error) as error:
        raise DocumentError([Problem(f"the file cannot be read: {why(error)}", str(path))]) from None
    return "utf-8"


def lines_of(path: Path, encoding: str) -> Iterator[list[str]]:
    """The file's lines without their ends, in blocks. What is not of the encoding becomes U+FFFD."""
    with io.TextIOWrapper(opened(path), encoding=encoding, errors="replace", newline=None) as file:
        while block := list(islice(file, AT_ONCE)):
            yield [line.rstrip("\n") for line in block]


def first_lines(path: Path, encoding: str) -> list[str]:
    """Raises DocumentError for an encoding that does not exist, and for a file that has no lines (which could not be
    read one after the other in bounded memory)."""
    with opened(path) as file:
        head = file.read(_LONGEST_LINE)
    for begin, what, hint in _NO_TEXT:
        if head.startswith(begin):
            raise DocumentError([Problem(f"this is {what}, and no text", str(path), hint=hint)])
    if len(head) == _LONGEST_LINE and not (b"\n" in head or b"\r" in head):
        raise DocumentError([Problem("its first line is longer than a million bytes: these are no rows", str(path))])
    try:
        return next(lines_of(path, encoding), [])[:200]
    except LookupError:
        raise DocumentError([Problem(f"there is no encoding {encoding!r}", str(path))]) from None


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line; none if its quotes do not fit."""
    try:
        found = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in found]


def delimiter_of(lines: Sequence[str]) -> str:
    """The one that cuts most of these lines into the same number of cells, more than one."""

    def fitness(delimiter: str) -> tuple[int, int]:
        counts = [len(cells(line, delimiter)) for line in lines if line.strip()]
        usual = max(set(counts), key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0), usual

    return max(DELIMITERS, key=fitness)


def header_of(lines: Sequence[str], delimiter: str, wanted: Sequence[str]) -> tuple[int, list[str]]:
    """The number of the header's line (from 1) and its cells: the first line with the most of the `wanted` names, and
    with none of them anywhere the first line with several cells."""
    names = {name.casefold() for name in wanted}
    rows = [cells(line, delimiter) for line in lines[:HEADER_WITHIN]]
    found = [len(names & {cell.casefold() for cell in row}) for row in rows]
    if max(found, default=0) > 0:
        place = found.index(max(found))
    else:
        place = next((number for number, row in enumerate(rows) if len(row) > 1), 0)
    return place + 1, rows[place] if rows else []


def blocks_of(
    path: Path, encoding: str, delimiter: str, widths: frozenset[int], behind: int, refusals: Refusals, file: int
) -> Iterator[Block]:
    """The rows behind line `behind` whose number of cells is one of `widths`; the others are refused."""
    number = 0
    for lines in lines_of(path, encoding):
        first, number = number + 1, number + len(lines)
        skip = min(len(lines), max(0, behind - first + 1))
        kept = Block([], [])
        for at, row in enumerate(_parsed(lines[skip:], delimiter, widths), start=first + skip):
            if row is None:
                refusals.add(file, at, "the quotes do not fit", lines[at - first])
            elif not row:
                pass  # an empty line is no row
            elif len(row) not in widths:
                if any(row):
                    expected = " or ".join(map(str, sorted(widths)))
                    refusals.add(file, at, f"{len(row)} cells instead of {expected}", lines[at - first])
            elif "\ufffd" in lines[at - first]:
                refusals.add(file, at, f"characters that are not {encoding}", lines[at - first])
            else:
                kept.lines.append(at)
                kept.rows.append(row)
        if kept.lines:
            yield kept


def _parsed(lines: list[str], delimiter: str, widths: frozenset[int]) -> Iterator[list[str] | None]:
    """One row for each line; None: its quotes do not fit. Fast as long as all of them do. A row of several lines stands
    at the first of them, and nothing at the others."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        rows = []
    if len(rows) == len(lines):
        yield from rows
        return
    within = 0
    for place, line in enumerate(lines):
        if within:
            within -= 1
            yield []
            continue
        row = _row(line, delimiter)
        if row is None:
            row, within = _longer_row(lines[place : place + _MOST_LINES], delimiter, widths)
        yield row


def _row(text: str, delimiter: str) -> list[str] | None:
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return (found or [[]])[0] if len(found) < 2 else None


def _longer_row(lines: list[str], delimiter: str, widths: frozenset[int]) -> tuple[list[str] | None, int]:
    """The row that begins with the first of these lines, and how many more it takes."""
    text = lines[0]
    for more, line in enumerate(lines[1:], start=1):
        text += "\n" + line
        # Only an even number of quotes can fit, and only a line with one can end the cell.
        if '"' in line and text.count('"') % 2 == 0:
            row = _row(text, delimiter)
            if row is not None and len(row) in widths:
                return row, more
    return None, 0

"""Tables out of a dump by mysqldump (or MariaDB's, or SQLite's `.dump`), from CSV and from SQLite: rows of text with
the line on which each began."""

import csv
import io
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from documents import DocumentError, Problem
from ivr.importing.format import SourceFile

MAX_ROWS = 200_000


@dataclass(slots=True)
class Row:
    """One row; what is NULL is empty."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(slots=True)
class Tables:
    """Rows by the name of their table; `unread` are the first rows of tables that lead callers but are not wanted."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    unread: dict[str, Row] = field(default_factory=dict)

    def __getitem__(self, table: str) -> list[Row]:
        return self.rows.get(table, [])

    def by(self, table: str, column: str) -> dict[str, Row]:
        """The rows by one column."""
        return {row[column]: row for row in self[table]}


_DESTINATION = re.compile(r"\b(?:ivr-\d+|ext-[a-z]+|app-[a-z]+(?:-\d+)?|timeconditions|from-[a-z-]+),[\w*]+,\w+")
"""How FreePBX writes where callers are led."""

SQLITE = b"SQLite format 3\x00"


def add_tables(file: SourceFile, tables: Tables, wanted: frozenset[str]) -> None:
    """Adds the wanted tables of this file. Raises DocumentError for what breaks off or is none of the three."""
    if file.content.startswith(SQLITE):
        _sqlite(file, tables, wanted)
    elif file.name.lower().endswith(".csv"):
        _csv(file, tables)
    else:
        _dump(file, tables, wanted)


def _sqlite(file: SourceFile, tables: Tables, wanted: frozenset[str]) -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(file.content)
        present = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        for table in sorted(present):
            if table not in wanted and not re.fullmatch(r"\w+", table):
                continue
            found = connection.execute(f'select * from "{table}"')  # noqa: S608 -- letters, digits and _
            names = [column[0] for column in found.description]
            for number, values in enumerate(found.fetchmany(MAX_ROWS), 1):
                if table not in wanted:
                    leads = next((text for value in values if _DESTINATION.fullmatch(text := str(value))), None)
                    if leads is not None:
                        tables.unread.setdefault(table, Row(f"{file.name}: {table}", number, {"leads to": leads}))
                        break
                    continue
                cells = {name: "" if value is None else str(value) for name, value in zip(names, values, strict=True)}
                tables.rows.setdefault(table, []).append(Row(f"{file.name}: {table}", number, cells))
    except sqlite3.Error as error:
        raise DocumentError([Problem(f"not a database of SQLite: {error}", file.name)]) from None
    finally:
        connection.close()


def _csv(file: SourceFile, tables: Tables) -> None:
    """The file's name is the table's."""
    table = re.sub(r"\.csv$", "", re.split(r"[/\\]", file.name)[-1], flags=re.IGNORECASE)
    reader = csv.reader(io.StringIO(file.text))
    try:
        header = [name.strip() for name in next(reader)]
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                message = f"{len(values)} cells, but {len(header)} columns"
                raise DocumentError([Problem(message, file.name, reader.line_num)])
            cells = {
                name: "" if value in ("NULL", "\\N") else value for name, value in zip(header, values, strict=True)
            }
            tables.rows.setdefault(table, []).append(Row(file.name, reader.line_num, cells))
    except csv.Error as error:
        raise DocumentError([Problem(f"not CSV: {error}", file.name, reader.line_num)]) from None


_STATEMENT = re.compile(
    r"^[ \t]*(?:(CREATE)\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?|(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+)"
    r"[`\"]?(\w+)[`\"]?",
    re.IGNORECASE | re.MULTILINE,
)
_COLUMN = re.compile(r"^\s*[`\"](\w+)[`\"]", re.MULTILINE)


def _dump(file: SourceFile, tables: Tables, wanted: frozenset[str]) -> None:
    text = file.text
    columns: dict[str, list[str]] = {}
    for statement in _STATEMENT.finditer(text):
        table = statement[2]
        if table not in wanted:
            if not statement[1] and table not in tables.unread:
                _unread(file, text, statement.end(), table, tables)
            continue
        if statement[1]:
            end = text.find(";", statement.end())
            columns[table] = _COLUMN.findall(text[statement.end() : end if end >= 0 else None])
        else:
            _insert(file, text, statement.end(), table, columns.get(table, []), tables)


def _unread(file: SourceFile, text: str, position: int, table: str, tables: Tables) -> None:
    """Notes a table that is not wanted if its rows lead callers somewhere."""
    end = text.find("\n", text.find(";", position))
    found = _DESTINATION.search(text, position, end if end >= 0 else len(text))
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        tables.unread[table] = Row(file.name, line, {"leads to": found[0]})


def _insert(file: SourceFile, text: str, position: int, table: str, columns: list[str], tables: Tables) -> None:
    values = re.compile(r"\s*(?:\(([^)]*)\))?\s*VALUES\s*", re.IGNORECASE).match(text, position)
    if values is None:
        return
    if values[1]:
        columns = [name.strip(' `"\n') for name in values[1].split(",")]
    for at, cells in _tuples(file, text, values.end()):
        line = text.count("\n", 0, at) + 1
        if not columns:
            hint = "dump with --complete-insert, or with the tables' structure"
            raise DocumentError([Problem(f"the columns of {table} are nowhere named", file.name, line, hint=hint)])
        if len(cells) != len(columns):
            message = f"{table} has {len(columns)} columns, this row {len(cells)} values"
            raise DocumentError([Problem(message, file.name, line)])
        tables.rows.setdefault(table, []).append(Row(file.name, line, dict(zip(columns, cells, strict=True))))


_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.|'')*)'|([^\s,()';]+(?:\([^)]*\))?)|([,();]))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "", "Z": ""}


def _tuples(file: SourceFile, text: str, position: int) -> Iterator[tuple[int, list[str]]]:
    """The tuples of an INSERT, and where each begins."""
    cells: list[str] | None = None
    begun = position
    while (token := _TOKEN.match(text, position)) is not None:
        position = token.end()
        if token[3] == "(" and cells is None:
            cells, begun = [], token.start(3)
        elif token[3] == ")" and cells is not None:
            yield begun, cells
            cells = None
        elif token[3] == ";":
            if cells is None:
                return
            break
        elif token[3] is None and cells is not None:
            cells.append(_unescaped(token[1]) if token[1] is not None else "" if token[2] == "NULL" else token[2])
        elif cells is None and token[3] != ",":
            return  # ON DUPLICATE KEY, and the like
    if cells is not None or position < len(text.rstrip()):
        line = text.count("\n", 0, begun) + 1
        raise DocumentError([Problem("the dump breaks off inside a row", file.name, line, hint="dump it again")])


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)|''", lambda m: _ESCAPES.get(m[1], m[1]) if m[1] else "'", text, flags=re.DOTALL)

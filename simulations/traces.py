"""Recorded arrivals from a CSV file."""

import csv
from pathlib import Path

from pydantic import ValidationError

from documents import DocumentError, Problem
from simulations.scenario import TracedContact

_COLUMNS = frozenset(TracedContact.model_fields) - {"attributes"}


def read_trace(path: Path) -> tuple[TracedContact, ...]:
    """The contacts of a CSV file: `at_s` (seconds since the start) and, where known, `queue`, `priority`,
    `preferred_agent`, `handle_s`, `patience_s`; every other column is an attribute. An empty cell is unknown.

    Raises DocumentError with the line of every row that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError([Problem(f"the trace cannot be read: {error}", str(path))]) from None
    rows = csv.DictReader(text.splitlines())
    contacts: list[TracedContact] = []
    problems: list[Problem] = []
    if "at_s" not in (rows.fieldnames or ()):
        problems.append(Problem("the column 'at_s' is missing", str(path), 1))
    for row in rows if not problems else ():
        if None in row or None in row.values():
            problems.append(Problem("the row has more or fewer cells than the header", str(path), rows.line_num))
            continue
        known = {name: cell for name, cell in row.items() if name in _COLUMNS and cell != ""}
        attributes = {name: _plain(cell) for name, cell in row.items() if name not in _COLUMNS and cell != ""}
        try:
            contacts.append(TracedContact.model_validate(known | {"attributes": attributes}))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                where = ".".join(map(str, detail["loc"]))
                message = f"{where}: {detail['msg']}; it is {detail['input']!r}"
                problems.append(Problem(message, str(path), rows.line_num))
    if problems:
        raise DocumentError(problems)
    return tuple(contacts)


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

"""A report in a directory: each file as a whole, and the new ones together or none of them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from documents.tables import Sheet, as_csv, as_parquet, as_xlsx
from simulations.reports.frame import Report
from simulations.reports.page import html
from simulations.reports.summary import markdown


def write(report: Report, directory: Path) -> dict[str, Path]:
    """Writes `report.html`, `report.md`, `report.xlsx`, `results.json`, and every table of the data as CSV and Parquet;
    returns their paths. Raises OSError when the directory cannot be written; what was there before is then still there.
    """
    texts = contents(report)
    directory.mkdir(parents=True, exist_ok=True)
    paths = {name: directory / name for name in texts}
    unfinished = {name: directory / f".{name}.{os.getpid()}" for name in texts}
    try:
        for name, content in texts.items():
            unfinished[name].write_bytes(content)
        for name, path in paths.items():
            unfinished[name].replace(path)
    finally:
        for path in unfinished.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    return paths


def contents(report: Report) -> dict[str, bytes]:
    """What is in each file of a report, by name."""
    return dict(_files(report))


def _files(report: Report) -> Iterator[tuple[str, bytes]]:
    yield "report.html", html(report).encode()
    yield "report.md", markdown(report).encode()
    yield "report.xlsx", workbook(report)
    yield "results.json", json_text(report.results).encode()
    for name, data in report.data.items():
        yield f"{name}.csv", as_csv(data.header, data.rows)
        yield f"{name}.parquet", as_parquet(data.header, data.rows)


def json_text(results: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(results), indent=1).decode()


def workbook(report: Report) -> bytes:
    """The summary as people read it, then a sheet for each table of the data."""
    lines: list[list[Any]] = [[report.about], *([sentence] for sentence in report.answer)]
    lines += [[warning] for warning in report.warnings]
    lines.append([])
    lines += [[tile.label, tile.text] for tile in report.tiles]
    for section in report.sections:
        if section.folded:
            continue
        if section.text:
            lines += [[], [section.title], *([paragraph] for paragraph in section.text)]
        for table in section.tables:
            lines += [[], [section.title], [column.head for column in table.columns]]
            lines += [[f"{cell.text} {cell.small}".strip() for cell in row] for row in table.rows]
    sheets = [Sheet(name, data.header, data.rows) for name, data in report.data.items()]
    return as_xlsx([Sheet("summary", [report.title], lines), *sheets])

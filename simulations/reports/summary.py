"""A report as Markdown: what goes into a mail, a ticket or a wiki. Plots are in the page."""

import re
from collections.abc import Iterator

from simulations.reports.frame import Cell, Report, Table

_MEANS = {"good": "✓ ", "bad": "✗ ", "open": "≈ ", "": ""}


def markdown(report: Report) -> str:
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {_text(report.title)}", "", _text(report.about), "")
    for sentence in report.answer:
        yield from (f"**{_text(sentence)}**", "")
    for warning in report.warnings:
        yield from (f"> **Note:** {_text(warning)}", "")
    if report.tiles:
        for tile in report.tiles:
            yield f"- {_text(tile.label)}: {_MEANS[tile.mark]}{_text(tile.text)}"
        yield ""
    for section in report.sections:
        if section.folded or not (section.text or section.tables):
            continue
        yield from (f"## {_text(section.title)}", "")
        for paragraph in section.text:
            yield from (_text(paragraph), "")
        for table in section.tables:
            yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(_text(column.head) for column in table.columns)} |"
    yield f"|{'|'.join('---' if column.text else '---:' for column in table.columns)}|"
    for position, row in enumerate(table.rows):
        cells = [_cell(cell) for cell in row]
        if position in table.strong:
            cells = [f"**{cell}**" if cell else "" for cell in cells]
        yield f"| {' | '.join(cells)} |"
    yield ""
    if table.note:
        yield from (_text(table.note), "")


def _cell(cell: Cell) -> str:
    return f"{_MEANS[cell.mark]}{_text(cell.text)}{' ' if cell.small else ''}{_text(cell.small)}"


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def _text(text: str) -> str:
    """Text that no reader of Markdown takes for anything else."""
    return _SPECIAL.sub(r"\\\1", re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text))

"""A report as data. Everything in it is text for people, but for `data` and `results`, which are for programs.

Names may come from anybody: whoever writes a report out sees to it that they stay text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Mark = Literal["", "good", "bad", "open"]
"""What a figure means to its goal: met, missed, or not known yet."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell of a table says: the figure, what stands small below it (the half-width), what it means, and the
    words for it that a pointer brings up."""

    text: str
    small: str = ""
    mark: Mark = ""
    title: str = ""


def cell(text: str, mark: Mark = "", title: str = "") -> Cell:
    """`88.8 % ± 1.2` as a cell, its half-width apart."""
    value, _, half_width = text.partition(" ± ")
    return Cell(value, f"± {half_width}" if half_width else "", mark, title)


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column; `text` columns stand to the left, others to the right."""

    head: str
    text: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as there are columns; `strong` are the positions of rows that sum up the others."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    strong: Sequence[int] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot: `svg` is the whole element, `legend` has colours with their names (names stay text of the page), which
    stand above it: so they cover nothing, and each plot can be cut out and shown alone."""

    title: str
    what: str
    svg: str
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Text, then tables, then plots; `wide` plots have a row of their own; `folded`: shown only when asked for."""

    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    wide: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the few figures that everybody wants to see first."""

    label: str
    text: str
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure means: its name in the data, in words, its formula, and its unit or what else there is to say."""

    name: str
    title: str
    formula: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """Numbers for spreadsheets and programs: one row for each thing, None where there is no value."""

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole of a report. `kind` is the command's word for it (`simulation`, `what-if`), `about` the line with the
    span of time, replications and seed, `answer` the verdict in plain words, sentence by sentence. `data` are tables by
    name, `results` is what `--json` prints."""

    kind: str
    title: str
    about: str
    answer: Sequence[str] = ()
    warnings: Sequence[str] = ()
    tiles: Sequence[Tile] = ()
    sections: Sequence[Section] = ()
    definitions: Sequence[Definition] = ()
    definitions_note: str = ""
    data: Mapping[str, Data] = field(default_factory=dict)
    results: Any = None

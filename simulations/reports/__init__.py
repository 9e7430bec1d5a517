"""What every planning command hands to people and programs: one frame for all of them.

    frame      the report as data: the answer, tiles, sections with tables and plots, and the numbers behind them
    figures    how people read estimates, money and times
    page       as one HTML file that needs nothing beside it
    summary    as Markdown
    files      all of it into a directory: HTML, Markdown, JSON, CSV, Parquet and XLSX, as a whole or not at all

A command makes a `Report` and calls `write`.
"""

from simulations.reports.files import write
from simulations.reports.frame import Cell, Column, Data, Definition, Figure, Report, Section, Table, Tile, cell
from simulations.reports.page import html
from simulations.reports.summary import markdown

__all__ = [
    "Cell",
    "Column",
    "Data",
    "Definition",
    "Figure",
    "Report",
    "Section",
    "Table",
    "Tile",
    "cell",
    "html",
    "markdown",
    "write",
]

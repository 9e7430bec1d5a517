"""Rows that are equal: found by 64-bit hashes, so that a million of them need little memory.

Python's hash of text is keyed anew in every process, so nobody can make two rows collide; by chance one pair in a
million rows does so in 1 of 40 million imports.
"""

from typing import Any

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from simulations.history.form import Ints
from simulations.history.refusals import Refusals

_AT_ONCE = 50_000


def hashes_of(*columns: Any) -> Ints:
    """A hash of these columns of text for each row."""
    count = len(columns[0])
    found = numpy.empty(count, numpy.int64)
    for begin in range(0, count, _AT_ONCE):
        parts = [pc.fill_null(column.slice(begin, _AT_ONCE).cast(pa.string()), "") for column in columns]
        joined = pc.binary_join_element_wise(*parts, "\x1f").to_pylist()
        found[begin : begin + len(joined)] = list(map(hash, joined))
    return found


def first_places(hashes: Ints) -> Ints:
    """The place of the first of each distinct one, in the order of places."""
    _, first = numpy.unique(hashes, return_index=True)
    found: Ints = numpy.sort(first)
    return found


def refuse_duplicates(table: Any, again: Any, refusals: Refusals) -> None:
    """The rows marked, by their columns `file` and `line`."""
    files, lines = table["file"].to_numpy(), table["line"].to_numpy()
    for file in numpy.unique(files[again]):
        refusals.add_many(int(file), lines[again & (files == file)], "a duplicate of another row")

"""Stays in a queue that two files know in part: where the one ends and the other begins.

A log that is rotated, or that has grown since it was imported last, ends in the middle of calls. Of such a stay the
earlier file has the beginning, and the later one the end, with an arrival that is reckoned back from rounded seconds.
"""

from typing import Any

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from simulations.history.equal import hashes_of
from simulations.history.form import FILE, Ints

NEAR_MS = 5_000
"""A wait, a talk and a clock, each rounded to seconds, do not differ by more."""
_OF_THE_END = (
    "outcome",
    "exit",
    "agent",
    "ring_ms",
    "talk_ms",
    "hold_ms",
    "wrap_up_ms",
    "ended_by",
    "transferred_to",
)

Row = dict[str, Any]


def joined(table: Any) -> tuple[Any, Ints]:
    """The table (READING_SCHEMA) with each stay that two files know once, and the places of the rows left out.

    The same stay: the same name and queue, in different files, arrivals not more than NEAR_MS apart, and one of the two
    knows a beginning or an end that the other does not. A row that knows both stays; of two halves one row is made.
    """
    places, rows = _pairs(table), dict[int, Row]()
    gone: set[int] = set()
    for earlier, later in places:
        first, second = (rows.get(each) or table.slice(each, 1).to_pylist()[0] for each in (earlier, later))
        stays, leaves = (earlier, later) if _knows(first) >= _knows(second) else (later, earlier)
        kept, other = (first, second) if stays == earlier else (second, first)
        if _ended(other) and not _ended(kept):
            kept = _whole(kept, other)
        elif _begun(other) and not _begun(kept):
            kept = _whole(other, kept)
        rows[stays] = kept
        gone.add(leaves)
    if not gone:
        return table, numpy.empty(0, numpy.int64)
    changed = [place for place in rows if place not in gone]
    stay = numpy.ones(len(table), bool)
    stay[[*gone, *changed]] = False
    made = pa.Table.from_pylist([rows[place] for place in changed], schema=table.schema)
    left = numpy.array(sorted(gone), dtype=numpy.int64)
    return pa.concat_tables([made, table.filter(pa.array(stay))]), left


def _pairs(table: Any) -> list[tuple[int, int]]:
    """Neighbours in time of which one knows more; chains in order."""
    files = table[FILE].to_numpy()
    if len(numpy.unique(files)) < 2:
        return []
    named = numpy.flatnonzero(pc.not_equal(table["contact"], "").to_numpy())
    keys = hashes_of(*(table[name].take(pa.array(named)) for name in ("contact", "queue")))
    arrived = table["arrived_ms"].to_numpy()
    order = named[numpy.lexsort((arrived[named], keys))]
    keys = keys[numpy.lexsort((arrived[named], keys))]
    begun = pc.or_(pc.is_valid(table["position"]), pc.not_equal(table["caller"], "")).to_numpy()
    ended = pc.and_(
        pc.not_equal(table["outcome"], "open"),
        pc.or_(pc.not_equal(table["outcome"], "answered"), pc.is_valid(table["talk_ms"])),
    ).to_numpy()
    one, two = order[:-1], order[1:]
    near = (keys[:-1] == keys[1:]) & (files[one] != files[two]) & (arrived[two] - arrived[one] <= NEAR_MS)
    differ = (begun[one] != begun[two]) | (ended[one] != ended[two])
    return [(int(one[place]), int(two[place])) for place in numpy.flatnonzero(near & differ)]


def _begun(row: Row) -> bool:
    return row["position"] is not None or row["caller"] != ""


def _ended(row: Row) -> bool:
    return row["outcome"] != "open" and (row["outcome"] != "answered" or row["talk_ms"] is not None)


def _knows(row: Row) -> int:
    return _begun(row) + _ended(row)


def _whole(beginning: Row, end: Row) -> Row:
    waited = end["wait_ms"] if beginning["outcome"] == "open" else beginning["wait_ms"]
    counts = {
        name: beginning[name] + end[name] if beginning["outcome"] == "open" else max(beginning[name], end[name])
        for name in ("offers", "refused")
    }
    of_the_end = {name: end[name] if end[name] not in ("", None) else beginning[name] for name in _OF_THE_END}
    return beginning | of_the_end | {"wait_ms": waited} | counts

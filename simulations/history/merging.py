"""Contacts of several sources as one history: overlaps counted once, in order of arrival."""

from collections.abc import Sequence
from typing import Any

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from simulations.history.edges import joined
from simulations.history.equal import first_places, hashes_of, refuse_duplicates
from simulations.history.form import CONTACTS_SCHEMA, FILE, LINE, READING_SCHEMA, Ints
from simulations.history.refusals import Refusals

PRESENT = -1
"""The `file` of contacts that a history has already."""
_SAYS = (
    "queue",
    "kind",
    "channel",
    "caller",
    "arrived_ms",
    "wait_ms",
    "outcome",
    "exit",
    "agent",
    "talk_ms",
    "hold_ms",
    "wrap_up_ms",
)


def merged(tables: Sequence[Any], refusals: Refusals, present: Any = None) -> Any:
    """The contacts of these tables (READING_SCHEMA) in CONTACTS_SCHEMA, each once, in order of arrival.

    A contact with a name is the same if name, queue and second of arrival are the same; without one, if all that is
    known of it is the same. The first stays: `present` (contacts of a history) before the tables, these in order. Of a
    contact that is cut by the end of a file, both halves make one (`simulations.history.edges`).
    """
    parts = [] if present is None else [_as_present(present)]
    table = pa.concat_tables([*parts, *tables]) if [*parts, *tables] else READING_SCHEMA.empty_table()
    if not len(table):
        return CONTACTS_SCHEMA.empty_table()
    whole, left = joined(table)
    if len(left):
        lost = numpy.zeros(len(table), bool)
        lost[left] = True
        refuse_duplicates(table, lost & (table[FILE].to_numpy() != PRESENT), refusals)
        table = whole
    first = first_places(_identities(table))
    again = numpy.ones(len(table), bool)
    again[first] = False
    files = table[FILE].to_numpy()
    refuse_duplicates(table, again & (files != PRESENT), refusals)
    arrived = table["arrived_ms"].to_numpy()
    order = first[numpy.argsort(arrived[first], kind="stable")]
    table = table.drop_columns([FILE, LINE])
    if len(order) == len(table) and not (numpy.diff(order) != 1).any():
        return table
    return table.take(pa.array(order))


def _identities(table: Any) -> Ints:
    second = pc.divide(table["arrived_ms"], 1000)
    named = hashes_of(table["contact"], table["queue"], second)
    nameless = pc.equal(table["contact"], "").to_numpy()
    if nameless.any():
        places = pa.array(numpy.flatnonzero(nameless))
        named[nameless] = hashes_of(*(table[name].take(places) for name in _SAYS))
    return named


def _as_present(contacts: Any) -> Any:
    count = len(contacts)
    return contacts.append_column(LINE, pa.array(numpy.zeros(count, numpy.int64))).append_column(
        FILE, pa.array(numpy.full(count, PRESENT, numpy.int32))
    )

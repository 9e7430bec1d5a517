"""Contacts of several sources as one history: overlaps counted once, in order of arrival."""

from collections.abc import Sequence
from typing import Any

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from simulations.history.cdr import first_places, refuse_duplicates
from simulations.history.form import CONTACTS_SCHEMA, FILE, LINE, READING_SCHEMA
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
    known of it is the same. The first stays: `present` (contacts of a history) before the tables, these in order.
    """
    parts = [] if present is None else [_as_present(present)]
    table = pa.concat_tables([*parts, *tables]) if [*parts, *tables] else READING_SCHEMA.empty_table()
    if not len(table):
        return CONTACTS_SCHEMA.empty_table()
    second = pc.divide(table["arrived_ms"], 1000).cast(pa.string())
    named = pc.binary_join_element_wise(table["contact"], table["queue"], second, "\x1f")
    whole = pc.binary_join_element_wise(*(pc.fill_null(table[name].cast(pa.string()), "") for name in _SAYS), "\x1f")
    first = first_places(pc.if_else(pc.equal(table["contact"], ""), whole, named))
    again = numpy.ones(len(table), bool)
    again[first] = False
    files = table[FILE].to_numpy()
    refuse_duplicates(table, again & (files != PRESENT), refusals)
    table = table.drop_columns([FILE, LINE])
    order = first[numpy.argsort(table["arrived_ms"].to_numpy()[first], kind="stable")]
    return table.take(pa.array(order)).combine_chunks()


def _as_present(contacts: Any) -> Any:
    count = len(contacts)
    return contacts.append_column(LINE, pa.array(numpy.zeros(count, numpy.int64))).append_column(
        FILE, pa.array(numpy.full(count, PRESENT, numpy.int32))
    )

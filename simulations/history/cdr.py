"""Asterisk's call detail records: `Master.csv` (cdr_csv) and the tables of the other backends.

Source: `cdr/cdr_csv.c` of Asterisk 22 and the page "CDR Specification" of its documentation. `Master.csv` has no
header; its 16 columns are followed by `uniqueid` and `userfield` (loguniqueid, loguserfield) and by `peeraccount`,
`linkedid` and `sequence` (newcdrcolumns), as cdr.conf says.

A call has one record for each pair of channels: in a queue one for each agent whose phone rang. Those of one `linkedid`
(or `uniqueid`) in one queue are one contact. It arrives with its first record's `start`, and is answered where a record
with a destination channel is ANSWERED, `duration` - `billsec` after that record's start. CDRs do not know more: what
the caller heard before the queue is in the wait, and if the dialplan answered the call itself, `billsec` begins there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from simulations.history.callers import CallerHashes
from simulations.history.equal import first_places, hashes_of, refuse_duplicates
from simulations.history.form import Ints, contacts_table
from simulations.history.mapped import EARLIEST_MS, LATEST_MS, LONGEST_MS
from simulations.history.refusals import PASSED_OVER, Refusals
from simulations.history.rows import Block, blocks_of, encoding_of
from simulations.history.units import FORMATS, wall_ms
from simulations.history.zones import LocalClock

BASE = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
)
_NEW = ("peeraccount", "linkedid", "sequence")
LAYOUTS = {
    16: BASE,
    17: (*BASE, "uniqueid"),
    18: (*BASE, "uniqueid", "userfield"),
    19: (*BASE, *_NEW),
    20: (*BASE, "uniqueid", *_NEW),
    21: (*BASE, "uniqueid", "userfield", *_NEW),
}
"""Columns of Master.csv by their number."""
USED = (
    "src",
    "dst",
    "dcontext",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "duration",
    "billsec",
    "disposition",
    "uniqueid",
    "linkedid",
    "sequence",
)
ANSWERED = "ANSWERED"
DISPOSITIONS = (ANSWERED, "NO ANSWER", "BUSY", "FAILED", "CONGESTION")
_FAILED = ("BUSY", "FAILED", "CONGESTION")

Records = tuple[Ints, dict[str, Any]]
"""Lines, and the columns USED as text."""


def records_of_file(path: Path, encoding: str | None, refusals: Refusals, file: int) -> Iterator[Records]:
    widths = frozenset(LAYOUTS)
    for block in blocks_of(path, encoding or encoding_of(path), ",", widths, 0, refusals, file):
        for width in sorted({len(row) for row in block.rows}):
            fits = [place for place, row in enumerate(block.rows) if len(row) == width]
            part = Block([block.lines[place] for place in fits], [block.rows[place] for place in fits])
            cells = dict(zip(LAYOUTS[width], zip(*part.rows, strict=True), strict=True))
            yield numpy.array(part.lines, dtype=numpy.int64), text_columns(cells, len(part.lines))


def text_columns(cells: Mapping[str, Sequence[str]], count: int) -> dict[str, Any]:
    nothing = pa.array([""] * count, pa.string())
    return {name: pa.array(cells[name], pa.string()) if name in cells else nothing for name in USED}


def read_cdrs(
    sources: Sequence[tuple[str, int, Iterable[Records]]],
    zone: ZoneInfo | None,
    hashes: CallerHashes,
    refusals: Refusals,
    notes: list[str],
    applications: Sequence[str] = ("Queue",),
    contexts: Sequence[str] = (),
) -> Any:
    """Contacts (READING_SCHEMA) of these records together. A source is a name, its number among the refusals, and
    records. Only records of these `applications` (and dialplan `contexts`, if any) are contacts."""
    parts = []
    names = {}
    for name, file, blocks in sources:
        names[file] = name
        clock = LocalClock(zone, name)
        for lines, columns in blocks:
            parts.append(_usable(lines, columns, file, clock, refusals, applications, contexts))
        clock.tell(notes)
    if not parts:
        return contacts_table({}, 0)
    table = _without_duplicates(pa.concat_tables(parts), refusals)
    return _contacts(table, names, hashes)


def _usable(
    lines: Ints,
    columns: dict[str, Any],
    file: int,
    clock: LocalClock,
    refusals: Refusals,
    applications: Sequence[str],
    contexts: Sequence[str],
) -> Any:
    right = numpy.ones(len(lines), bool)

    def refuse(wrong: Any, reason: str, values: Any) -> None:
        nonlocal right
        places = numpy.flatnonzero(right & wrong)
        refusals.add_many(file, lines[places], reason, values.take(pa.array(places)).to_pylist())
        right &= ~wrong

    walls, _ = wall_ms(columns["start"], FORMATS[0])
    refuse(_bools(pc.is_null(walls)), "start is no date and time", columns["start"])
    numbers = {}
    for name in ("duration", "billsec"):
        text = columns[name]
        good = pc.match_substring_regex(text, r"^\d{1,6}$")
        refuse(~_bools(good), f"{name} is no number of seconds", text)
        numbers[name] = pc.fill_null(pc.if_else(good, text, None).cast(pa.int64()), 0).to_numpy() * 1000
    refuse(numbers["duration"] > LONGEST_MS, "duration is longer than a week", columns["duration"])
    refuse(numbers["billsec"] > numbers["duration"], "billsec is longer than duration", columns["billsec"])
    disposition = pc.utf8_upper(columns["disposition"])
    refuse(~_bools(pc.is_in(disposition, pa.array(DISPOSITIONS))), "disposition is not known", columns["disposition"])
    application = pc.utf8_lower(columns["lastapp"])
    wanted = pc.is_in(application, pa.array([name.casefold() for name in applications]))
    refuse(~_bools(wanted), f"{PASSED_OVER}the application is not {' or '.join(applications)}", columns["lastapp"])
    if contexts:
        inside = pc.is_in(columns["dcontext"], pa.array(list(contexts)))
        refuse(~_bools(inside), f"{PASSED_OVER}the context is not {' or '.join(contexts)}", columns["dcontext"])
    places = numpy.flatnonzero(right)
    known = pc.fill_null(walls, 0).to_numpy(zero_copy_only=False)
    start = numpy.zeros(len(lines), numpy.int64)
    if len(places):
        start[places], missing = clock.to_utc(known[places])
        gone = numpy.zeros(len(lines), bool)
        gone[places[missing]] = True
        refuse(gone, clock.refusal, columns["start"])
        refuse((start < EARLIEST_MS) | (start > LATEST_MS), "a time before 1990 or after 2100", columns["start"])
    places = numpy.flatnonzero(right)
    is_queue = pc.equal(application, "queue")
    queue = pc.if_else(is_queue, pc.replace_substring_regex(columns["lastdata"], ",.*$", ""), columns["dst"])
    linked = pc.if_else(pc.equal(columns["linkedid"], ""), columns["uniqueid"], columns["linkedid"])
    # A record that names no call is a call of its own.
    own_start = pc.if_else(pc.equal(linked, ""), columns["start"], "")
    made = {
        "contact": linked,
        "queue": queue,
        "src": columns["src"],
        "key": hashes_of(pc.if_else(pc.equal(linked, ""), columns["src"], linked), queue, own_start),
        "dstchannel": columns["dstchannel"],
        "record": hashes_of(*(columns[name] for name in USED)),
        "answered": pc.and_(pc.equal(disposition, ANSWERED), pc.not_equal(columns["dstchannel"], "")),
        "failed": pc.is_in(disposition, pa.array(_FAILED)),
        "start_ms": start,
        "duration_ms": numbers["duration"],
        "billsec_ms": numbers["billsec"],
        "line": lines,
        "file": numpy.full(len(lines), file, numpy.int32),
    }
    return pa.table(made).take(pa.array(places))


def _without_duplicates(table: Any, refusals: Refusals) -> Any:
    first = first_places(table["record"].to_numpy())
    again = numpy.ones(len(table), bool)
    again[first] = False
    refuse_duplicates(table, again, refusals)
    table = table.drop_columns(["record"])
    return table if not again.any() else table.filter(pa.array(~again))


def _contacts(table: Any, names: dict[int, str], hashes: CallerHashes) -> Any:
    """The records of one call in one queue as one contact, a whole table at once."""
    if not len(table):
        return contacts_table({}, 0)
    _, codes = numpy.unique(table["key"].to_numpy(), return_inverse=True)
    ints = {name: table[name].to_numpy() for name in ("start_ms", "duration_ms", "billsec_ms", "line", "file")}
    answered, failed = (_bools(table[name]) for name in ("answered", "failed"))
    order = numpy.lexsort((ints["start_ms"], codes))
    begins = numpy.flatnonzero(numpy.diff(codes[order], prepend=-1))
    count = len(begins)
    first = order[begins]
    owner = numpy.repeat(numpy.arange(count), numpy.diff(numpy.append(begins, len(order))))
    arrived = ints["start_ms"][first]
    end = numpy.maximum.reduceat((ints["start_ms"] + ints["duration_ms"])[order], begins)
    rung = numpy.add.reduceat(_bools(pc.not_equal(table["dstchannel"], ""))[order].astype(numpy.int64), begins)
    taken = answered[order]
    # The record that was answered; the last one, if a call was answered twice. Others keep their first record.
    main = first.copy()
    main[owner[taken]] = order[taken]
    was_answered = numpy.zeros(count, bool)
    was_answered[owner[taken]] = True
    at = ints["start_ms"][main] + ints["duration_ms"][main] - ints["billsec_ms"][main]
    wait = numpy.where(was_answered, at, end) - arrived
    all_failed = numpy.logical_and.reduceat(failed[order], begins)
    outcome = numpy.where(was_answered, "answered", numpy.where(all_failed, "failed", "abandoned"))
    taken_from = pa.array(first)
    agent = pc.replace_substring_regex(table["dstchannel"].take(pa.array(main)), r"-[0-9a-fA-F]+(;[12])?$", "")
    callers = table["src"].take(taken_from).to_pylist()
    return contacts_table(
        {
            "contact": table["contact"].take(taken_from).combine_chunks(),
            "queue": table["queue"].take(taken_from).combine_chunks(),
            "caller": pa.array(list(map(hashes, callers)), pa.string()),
            "arrived_ms": arrived,
            "wait_ms": wait,
            "outcome": pa.array(outcome.tolist(), pa.string()),
            "agent": pc.if_else(pa.array(was_answered), agent, ""),
            "talk_ms": pa.array(ints["billsec_ms"][main], pa.int64(), mask=~was_answered),
            "offers": rung.astype(numpy.int32),
            "refused": numpy.maximum(0, rung - was_answered).astype(numpy.int32),
            "source": [names[int(file)] for file in ints["file"][first]],
            "line": ints["line"][first],
            "file": ints["file"][first],
        },
        count,
    )


def _bools(values: Any) -> Any:
    return values.to_numpy() if isinstance(values, pa.ChunkedArray) else values.to_numpy(zero_copy_only=False)

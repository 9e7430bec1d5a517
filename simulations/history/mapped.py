"""CSV and Parquet files of any phone system, by their mapping."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from documents import DocumentError, Problem, nearest
from simulations.history.callers import CallerHashes
from simulations.history.form import OUTCOMES, Ints, contacts_table
from simulations.history.mapping import (
    COUNTS,
    DURATIONS,
    MOMENTS,
    TEXTS,
    Columns,
    Duration,
    Mapping,
    Moment,
    Text,
    outcomes_known,
)
from simulations.history.parquet import columns_of, is_parquet, opened
from simulations.history.refusals import PASSED_OVER, Refusals
from simulations.history.rows import blocks_of, delimiter_of, encoding_of, first_lines, header_of
from simulations.history.units import FORMATS, TimeFormat, decimal_of, durations_ms, format_of, guess_format, wall_ms
from simulations.history.zones import LocalClock

LONGEST_MS = 7 * 86_400_000
DAY_MS = 86_400_000
EARLIEST_MS, LATEST_MS = 631_152_000_000, 4_102_444_800_000
"""1990 and 2100: a moment outside of it is a mistake."""


def read_mapped(
    path: Path, mapping: Mapping, zone: ZoneInfo | None, hashes: CallerHashes, refusals: Refusals, notes: list[str]
) -> Iterator[Any]:
    """Contacts (READING_SCHEMA) in blocks. Raises DocumentError for a file that the mapping does not fit."""
    file = refusals.file(str(path))
    reader = _Columns(str(path), file, mapping, zone, hashes, refusals)
    blocks = _of_parquet if is_parquet(path) else _of_csv
    for lines, columns in blocks(path, mapping, refusals, file):
        yield reader.contacts(lines, columns)
    reader.clock.tell(notes)


def header_of_file(path: Path, encoding: str | None) -> list[str]:
    """The names of the file's columns. Raises DocumentError when it cannot be read."""
    if is_parquet(path):
        with opened(path) as parquet:
            return list(parquet.schema_arrow.names)
    head = first_lines(path, encoding or encoding_of(path))
    return header_of(head, delimiter_of(head), list(Columns.model_fields))[1]


def _of_csv(path: Path, mapping: Mapping, refusals: Refusals, file: int) -> Iterator[tuple[Ints, dict[str, Any]]]:
    encoding = mapping.encoding or encoding_of(path)
    head = first_lines(path, encoding)
    wanted = [*mapping.columns.named().values(), *mapping.only]
    delimiter = mapping.delimiter or _delimiter(head, wanted)
    line, header = header_of(head, delimiter, wanted)
    places = {name: place for place, name in enumerate(header) if name}
    found = _found(str(path), line, mapping, list(places))
    for block in blocks_of(path, encoding, delimiter, frozenset({len(header)}), line, refusals, file):
        cells = list(zip(*block.rows, strict=True))
        yield (
            numpy.array(block.lines, dtype=numpy.int64),
            {name: pa.array(cells[places[column]], pa.string()) for name, column in found.items()},
        )


def _delimiter(head: list[str], wanted: list[str]) -> str:
    """The one with which most of the names wanted are found; else the one that cuts lines evenly."""

    def known(delimiter: str) -> int:
        names = {name.casefold() for name in wanted}
        return len(names & {cell.casefold() for cell in header_of(head, delimiter, wanted)[1]})

    best = max((",", ";", "\t", "|"), key=known)
    return best if known(best) > 0 else delimiter_of(head)


def _of_parquet(path: Path, mapping: Mapping, refusals: Refusals, file: int) -> Iterator[tuple[Ints, dict[str, Any]]]:
    with opened(path) as parquet:
        found = _found(str(path), None, mapping, parquet.schema_arrow.names)
        yield from columns_of(parquet, found, path)


def _found(file: str, line: int | None, mapping: Mapping, present: list[str]) -> dict[str, str]:
    """The file's own column for each field of the mapping, whatever its capitals."""
    folded = {name.casefold(): name for name in present}
    problems: list[Problem] = []
    found: dict[str, str] = {}
    wanted = mapping.columns.named() | {f"only:{column}": column for column in mapping.only}
    for field, column in wanted.items():
        name = column if column in present else folded.get(column.strip().casefold())
        if name is None:
            what = field if not field.startswith("only:") else "only"
            problems.append(
                Problem(
                    f"there is no column {column!r} for {what!r}",
                    file,
                    line,
                    "",
                    nearest(column, [each for each in present if each]),
                )
            )
        else:
            found[field] = name
    if problems:
        raise DocumentError(problems)
    return found


class _Columns:
    """Converts blocks of one file. What the file does not say of itself is decided by its first block."""

    def __init__(
        self, name: str, file: int, mapping: Mapping, zone: ZoneInfo | None, hashes: CallerHashes, refusals: Refusals
    ) -> None:
        self.clock = LocalClock(zone, name)
        self._name, self._file, self._mapping = name, file, mapping
        self._hashes, self._refusals = hashes, refusals
        self._outcomes = outcomes_known(mapping)
        self._decimal: str | None = mapping.decimal
        self._formats: dict[str, TimeFormat] = {}

    def contacts(self, lines: Ints, columns: dict[str, Any]) -> Any:
        count = len(lines)
        for moment in MOMENTS:
            if f"{moment}.date" in columns:
                columns[moment] = joined(columns[f"{moment}.date"], columns[f"{moment}.time"])
        if self._decimal is None:
            # Clocks such as 1:35,5 do not tell, so only plain numbers vote.
            self._decimal = decimal_of([columns[name] for name in DURATIONS if name in columns])
        right = self._chosen(lines, columns, numpy.ones(count, bool))
        made: dict[str, Any] = {}
        made["arrived_ms"], right = self._arrived(lines, columns, right)
        for duration in DURATIONS:
            if duration in columns:
                made[duration], right = self._duration(duration, lines, columns[duration], right)
        for moment in MOMENTS[1:]:
            if moment in columns:
                made[moment], right = self._later(moment, lines, columns[moment], made["arrived_ms"], right)
        for counted in COUNTS:
            if counted in columns:
                made[counted], right = self._count(counted, lines, columns[counted], right)
        for text in TEXTS:
            made[text] = self._text(text, columns, count)
        made["outcome"], right = self._outcome(lines, made, columns, right)
        table = contacts_table(self._normal(made, lines), count)
        return table.filter(pa.array(right))

    def _refuse(self, lines: Ints, wrong: Any, reason: str, values: Any) -> None:
        places = numpy.flatnonzero(wrong)
        if len(places):
            texts = [str(values[int(place)].as_py()) for place in places]
            self._refusals.add_many(self._file, lines[places], reason, texts)

    def _chosen(self, lines: Ints, columns: dict[str, Any], right: Any) -> Any:
        for column, kept in self._mapping.only.items():
            cells = pc.utf8_trim_whitespace(_as_text(columns[f"only:{column}"]))
            fits = pc.is_in(pc.utf8_lower(cells), pa.array([value.casefold() for value in kept]))
            other = right & ~_bools(fits)
            self._refuse(lines, other, f"{PASSED_OVER}{column} is not {' or '.join(kept)}", cells)
            right = right & ~other
        return right

    def _arrived(self, lines: Ints, columns: dict[str, Any], right: Any) -> tuple[Any, Any]:
        cells = columns["arrived"]
        walls, offsets = self._walls("arrived", cells)
        right = self._readable(lines, "arrived", cells, walls, right)
        known = pc.fill_null(walls, 0).to_numpy(zero_copy_only=False)
        local = right & ~_bools(pc.is_valid(offsets))
        utc = known - pc.fill_null(offsets, 0).to_numpy(zero_copy_only=False)
        places = numpy.flatnonzero(local)
        if len(places):
            converted, missing = self.clock.to_utc(known[places])
            utc[places] = converted
            gone = numpy.zeros(len(lines), bool)
            gone[places[missing]] = True
            self._refuse(lines, gone, self.clock.refusal, cells)
            right = right & ~gone
        odd = right & ((utc < EARLIEST_MS) | (utc > LATEST_MS))
        self._refuse(lines, odd, "a time before 1990 or after 2100", cells)
        return utc, right & ~odd

    def _later(self, name: Moment, lines: Ints, cells: Any, arrived: Ints, right: Any) -> tuple[Any, Any]:
        walls, offsets = self._walls(name, cells)
        empty = _empty(cells)
        right = self._readable(lines, name, cells, walls, right, empty)
        known = pc.fill_null(walls, 0).to_numpy(zero_copy_only=False)
        local = ~_bools(pc.is_valid(offsets)) & ~empty
        utc = self._utc_later(known, offsets, local, arrived)
        if self._mapping.columns.of_the_arrivals_day(name):
            next_day = numpy.where(arrived - utc > DAY_MS // 2, DAY_MS, 0)
            utc = self._utc_later(known + next_day, offsets, local, arrived)
        before = right & ~empty & (utc < arrived)
        self._refuse(lines, before, f"{name} before it arrived", cells)
        return pa.array(utc, pa.int64(), mask=empty), right & ~before

    def _utc_later(self, walls: Ints, offsets: Any, local: Any, arrived: Ints) -> Ints:
        utc = walls - pc.fill_null(offsets, 0).to_numpy(zero_copy_only=False)
        found: Ints = numpy.where(local, self.clock.later(walls, arrived) if local.any() else utc, utc)
        return found

    def _walls(self, name: str, cells: Any) -> tuple[Any, Any]:
        if pa.types.is_timestamp(cells.type):
            at = cells.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
            return at, pc.if_else(pc.is_valid(at), 0, None).cast(pa.int64()) if cells.type.tz else pa.nulls(
                len(at), pa.int64()
            )
        if name not in self._formats:
            self._formats[name] = self._format(name, cells)
        return wall_ms(cells, self._formats[name])

    def _format(self, name: str, cells: Any) -> TimeFormat:
        if self._mapping.time_format is not None:
            return format_of(self._mapping.time_format)
        known = [cell for cell in cells.to_pylist() if cell.strip()]
        found = guess_format(pa.array(known, pa.string())) if known else FORMATS[0]
        if found is None:
            shown = ", ".join(repr(cell) for cell in list(dict.fromkeys(known))[:3])
            column = " and ".join(map(repr, self._mapping.columns.names(name).values()))
            message = f"the times of column {column} cannot be told: {shown}"
            hint = "write time_format into the mapping, such as '%d/%m/%Y %H:%M:%S'"
            raise DocumentError([Problem(message, self._name, hint=hint)])
        return found

    def _readable(self, lines: Ints, name: str, cells: Any, values: Any, right: Any, but: Any = False) -> Any:
        wrong = right & ~_bools(pc.is_valid(values)) & ~numpy.asarray(but)
        empty = _empty(cells)
        self._refuse(lines, wrong & empty, f"{name} is empty", cells)
        self._refuse(lines, wrong & ~empty, f"{name} is not understood", cells)
        return right & ~wrong

    def _duration(self, name: Duration, lines: Ints, cells: Any, right: Any) -> tuple[Any, Any]:
        assert self._decimal is not None
        values = durations_ms(_as_text(cells), self._mapping.columns.unit(name), self._decimal)
        right = self._readable(lines, name, cells, values, right, _empty(cells))
        known = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
        self._refuse(lines, right & (known < 0), f"{name} is negative", cells)
        self._refuse(lines, right & (known > LONGEST_MS), f"{name} is longer than a week", cells)
        return values, right & (known >= 0) & (known <= LONGEST_MS)

    def _count(self, name: str, lines: Ints, cells: Any, right: Any) -> tuple[Any, Any]:
        trimmed = pc.utf8_trim_whitespace(_as_text(cells))
        whole = pc.replace_substring_regex(trimmed, r"\.0+$", "")
        values = pc.if_else(pc.match_substring_regex(whole, r"^\d{1,9}$"), whole, None).cast(pa.int32())
        return values, self._readable(lines, name, cells, values, right, _empty(cells))

    def _text(self, name: Text, columns: dict[str, Any], count: int) -> Any:
        if name not in columns:
            return pa.array([self._mapping.fixed.get(name, "voice" if name == "channel" else "")] * count, pa.string())
        cells = pc.utf8_trim_whitespace(_as_text(columns[name]))
        if name == "caller":
            return pa.array(list(map(self._hashes, cells.to_pylist())), pa.string())
        if renamed := self._mapping.values.get(name):
            cells = pa.array([renamed.get(cell, cell) for cell in cells.to_pylist()], pa.string())
        return pc.if_else(
            pc.equal(cells, ""), self._mapping.fixed.get(name, "voice" if name == "channel" else ""), cells
        )

    def _outcome(self, lines: Ints, made: dict[str, Any], columns: dict[str, Any], right: Any) -> tuple[Any, Any]:
        if "outcome" in columns or "outcome" in self._mapping.fixed:
            folded = pc.utf8_lower(made["outcome"])
            distinct = pc.unique(folded).to_pylist()
            meaning = pa.array([self._outcomes.get(word) for word in distinct], pa.string())
            found = meaning.take(pc.index_in(folded, pa.array(distinct, pa.string())))
            unknown = right & ~_bools(pc.is_valid(found))
            self._refuse(lines, unknown, "outcome is not known; add it to 'outcomes' of the mapping", made["outcome"])
            return pc.fill_null(found, OUTCOMES[0]), right & ~unknown
        told = pa.array(numpy.zeros(len(lines), bool))
        if "agent" in columns:
            told = pc.or_(told, pc.not_equal(made["agent"], ""))
        if "answered" in columns:
            told = pc.or_(told, pc.is_valid(made["answered"]))
        if "agent" not in columns and "answered" not in columns:
            told = pc.greater(pc.fill_null(made["talk"], 0), 0)
        return pc.if_else(told, "answered", "abandoned"), right

    def _normal(self, made: dict[str, Any], lines: Ints) -> dict[str, Any]:
        """The columns of the normal form: durations from moments where they are not given, and the other way round."""
        arrived, outcome = made["arrived_ms"], made["outcome"]
        answered = pc.equal(outcome, "answered")
        nothing = pa.nulls(len(lines), pa.int64())
        at, end = made.get("answered", nothing), made.get("ended", nothing)
        hold, wrap_up, ring = (made.get(name, nothing) for name in ("hold", "wrap_up", "ring"))
        wait = pc.coalesce(made.get("wait", nothing), pc.subtract(pc.if_else(answered, at, end), pa.array(arrived)))
        talk = made.get("talk", nothing)
        if "handle" in made:
            parts = pc.add(pc.fill_null(hold, 0), pc.fill_null(wrap_up, 0))
            talk = pc.max_element_wise(pc.subtract(made["handle"], parts), 0)
        begin = pc.coalesce(at, pc.add(pa.array(arrived), wait))
        talk = pc.coalesce(
            talk, pc.max_element_wise(pc.subtract(pc.subtract(end, begin), pc.fill_null(hold, 0)), 0, skip_nulls=False)
        )
        names = ("contact", "queue", "kind", "channel", "caller", "exit", "ended_by", "transferred_to")
        offers, refused = made.get("offers"), made.get("refused")
        zero = pa.array(numpy.zeros(len(lines), numpy.int32))
        refused = zero if refused is None else pc.fill_null(refused, 0)
        offers = pc.add(refused, answered.cast(pa.int32())) if offers is None else pc.fill_null(offers, 0)
        return {
            **{name: made[name] for name in names},
            "arrived_ms": arrived,
            "agent": pc.if_else(answered, made["agent"], ""),
            "outcome": outcome,
            "wait_ms": wait,
            "ring_ms": ring,
            "talk_ms": pc.if_else(answered, talk, None),
            "hold_ms": pc.if_else(answered, hold, None),
            "wrap_up_ms": pc.if_else(answered, wrap_up, None),
            "offers": offers,
            "refused": refused,
            "position": made.get("position"),
            "source": pa.array([self._name] * len(lines), pa.string()),
            "line": lines,
            "file": numpy.full(len(lines), self._file, numpy.int32),
        }


def joined(dates: Any, times: Any) -> Any:
    """The moments of a column of dates and one of times, as text; empty where both are. Where one is missing it says
    so, and is no time that could be read."""
    # Spreadsheets put midnight behind a date, and their first day before a time.
    date = pc.replace_substring_regex(_trimmed(dates), r"[T ]0?0:00(:00(\.0+)?)?Z?$", "")
    time = pc.replace_substring_regex(_trimmed(times), r"^(1899-12-3[01]|3[01][./]12[./]1899|12/3[01]/1899)[T ]", "")
    no_date, no_time = pc.equal(date, ""), pc.equal(time, "")
    text = pc.binary_join_element_wise(
        pc.if_else(no_date, "(no date)", date), pc.if_else(no_time, "(no time)", time), " "
    )
    return pc.if_else(pc.and_(no_date, no_time), "", text)


def _trimmed(cells: Any) -> Any:
    return pc.fill_null(pc.utf8_trim_whitespace(_as_text(cells)), "")


def _as_text(cells: Any) -> Any:
    return cells.cast(pa.string()) if pa.types.is_timestamp(cells.type) else cells


def _bools(values: Any) -> Any:
    return values.to_numpy(zero_copy_only=False)


def _empty(cells: Any) -> Any:
    if pa.types.is_timestamp(cells.type):
        return _bools(pc.is_null(cells))
    return _bools(pc.equal(pc.utf8_trim_whitespace(cells), ""))

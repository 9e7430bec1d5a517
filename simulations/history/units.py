"""Cells as times and durations, a whole column at once: what people's exports write, and what is none of it.

Everything here takes a column of text (pyarrow) and gives milliseconds with nulls where the text is not understood;
the caller says what an empty cell means.
"""

import re
from typing import Any, NamedTuple

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from simulations.history.form import Ints

UNIT_MS = {"ms": 1.0, "s": 1_000.0, "min": 60_000.0, "h": 3_600_000.0}

_PLAIN = {".": r"^-?\d+(\.\d+)?$", ",": r"^-?\d+(,\d+)?$"}
_GROUPED = {".": r"^-?\d{1,3}([, '’]\d{3})+(\.\d+)?$", ",": r"^-?\d{1,3}([. '’]\d{3})+(,\d+)?$"}
_CLOCK = r"^(?P<sign>-?)(?:(?P<h>\d+):)?(?P<m>\d+):(?P<s>[0-5]?\d(?:[.,]\d+)?)$"


def decimal_of(columns: list[Any]) -> str:
    """The decimal sign of these columns of numbers: the one by which more cells are numbers; a point if both."""
    counts = dict.fromkeys(_PLAIN, 0)
    for column in columns:
        cleaned = _without_odd_spaces(column)
        for sign in counts:
            fits = pc.or_(
                pc.match_substring_regex(cleaned, _PLAIN[sign]), pc.match_substring_regex(cleaned, _GROUPED[sign])
            )
            counts[sign] += pc.sum(fits).as_py() or 0
    return "," if counts[","] > counts["."] else "."


def durations_ms(column: Any, unit: str, decimal: str) -> Any:
    """`95`, `1,234.5`, `1.234,5` (by the decimal sign) in the unit, or `1:35` and `0:01:35` (minutes and hours)."""
    cleaned = _without_odd_spaces(column)
    grouped = pc.match_substring_regex(cleaned, _GROUPED[decimal])
    plain = pc.match_substring_regex(cleaned, _PLAIN[decimal])
    number = pc.if_else(grouped, pc.replace_substring_regex(cleaned, _separators(decimal), ""), cleaned)
    number = pc.replace_substring(number, ",", ".") if decimal == "," else number
    values = pc.if_else(pc.or_(grouped, plain), number, None).cast(pa.float64())
    found = pc.multiply(values, UNIT_MS[unit])
    if pc.any(pc.match_substring(cleaned, ":")).as_py():
        found = pc.coalesce(found, _clock_ms(cleaned))
    return pc.round(found).cast(pa.int64(), safe=False)


def _separators(decimal: str) -> str:
    return r"[, '’]" if decimal == "." else r"[. '’]"


def _clock_ms(cleaned: Any) -> Any:
    parts = pc.extract_regex(cleaned, _CLOCK)
    hours = pc.coalesce(_number(pc.struct_field(parts, "h")), 0.0)
    seconds = pc.replace_substring(pc.struct_field(parts, "s"), ",", ".")
    minutes = _number(pc.struct_field(parts, "m"))
    total = pc.add(pc.multiply(hours, 3600.0), pc.add(pc.multiply(minutes, 60.0), _number(seconds)))
    negative = pc.equal(pc.struct_field(parts, "sign"), "-")
    return pc.multiply(pc.if_else(negative, pc.negate(total), total), 1000.0)


def _number(text: Any) -> Any:
    return pc.if_else(pc.equal(text, ""), None, text).cast(pa.float64())


def _without_odd_spaces(column: Any) -> Any:
    """Non-breaking and thin spaces, which spreadsheets put between thousands, as plain ones; none at the ends."""
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(column, "[\u00a0\u2009\u202f]", " "))


class TimeFormat(NamedTuple):
    """A way to write moments: its name for people, and a pattern with the groups y, b or m, d, h, min, s, f, p, z."""

    name: str
    pattern: str


_TIME = r"(?:[T ,]+(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?(?: ?(?P<p>[AaPp][Mm]))?)?"
_ZONE = r"(?: ?(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
EPOCH_S, EPOCH_MS = "Unix time in seconds", "Unix time in milliseconds"
_ISO = TimeFormat("2026-03-29 14:05:00", rf"^(?P<y>\d{{4}})[-/](?P<m>\d{{1,2}})[-/](?P<d>\d{{1,2}}){_TIME}{_ZONE}$")
_DAY_FIRST = TimeFormat(
    "29/03/2026 14:05:00", rf"^(?P<d>\d{{1,2}})[./-](?P<m>\d{{1,2}})[./-](?P<y>\d{{4}}|\d{{2}}){_TIME}{_ZONE}$"
)
_MONTH_FIRST = TimeFormat(
    "03/29/2026 14:05:00", rf"^(?P<m>\d{{1,2}})[/-](?P<d>\d{{1,2}})[/-](?P<y>\d{{4}}|\d{{2}}){_TIME}{_ZONE}$"
)
_EPOCH_S = TimeFormat(EPOCH_S, r"^(?P<epoch>\d{9,10}(?:\.\d+)?)$")
_EPOCH_MS = TimeFormat(EPOCH_MS, r"^(?P<epoch>\d{12,13})$")
FORMATS = (_ISO, _DAY_FIRST, _MONTH_FIRST, _EPOCH_S, _EPOCH_MS)

_DIRECTIVES = {
    "%Y": r"(?P<y>\d{4})",
    "%y": r"(?P<y>\d{2})",
    "%m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{1,2})",
    "%H": r"(?P<h>\d{1,2})",
    "%I": r"(?P<h>\d{1,2})",
    "%M": r"(?P<min>\d{1,2})",
    "%S": r"(?P<s>\d{1,2})",
    "%f": r"(?P<f>\d{1,9})",
    "%p": r"(?P<p>[AaPp][Mm])",
    "%z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "%s": r"(?P<epoch>\d{9,10}(?:\.\d+)?)",
    "%%": "%",
}


def format_of(text: str) -> TimeFormat:
    """The format that is written with the directives of `strptime`. Raises ValueError for one not known here."""
    pattern = ""
    for piece in re.findall(r"%.|[^%]+", text):
        if piece.startswith("%") and piece not in _DIRECTIVES:
            raise ValueError(f"{piece!r} is not understood; there are {', '.join(_DIRECTIVES)}")
        pattern += _DIRECTIVES.get(piece) or re.escape(piece)
    return TimeFormat(text, f"^{pattern}$")


def guess_format(column: Any) -> TimeFormat | None:
    """The format that most cells have; None if they have none, or if nothing tells days from months (03/04/2026).

    Dates with points are always day first.
    """
    cleaned = pc.utf8_trim_whitespace(column)
    counts = [pc.sum(pc.is_valid(wall_ms(cleaned, each)[0])).as_py() or 0 for each in FORMATS]
    best = max(counts)
    if best == 0:
        return None
    if counts[1] == counts[2] == best and not pc.any(pc.match_substring(cleaned, ".")).as_py():
        return None
    return FORMATS[counts.index(best)]


def wall_ms(column: Any, how: TimeFormat) -> tuple[Any, Any]:
    """Wall time as milliseconds since 1970, and the offset from UTC in milliseconds where one is written (Unix time
    has the offset 0). Null where the cell is no such time or no day of the calendar."""
    parts = pc.extract_regex(pc.utf8_trim_whitespace(column), how.pattern)
    if "(?P<epoch>" in how.pattern:
        scale = 1.0 if how.name == EPOCH_MS else 1000.0
        found = pc.round(pc.multiply(_number(pc.struct_field(parts, "epoch")), scale)).cast(pa.int64())
        return found, pc.if_else(pc.is_valid(found), 0, None).cast(pa.int64())
    names = {field.name for field in parts.type}

    def ints(name: str) -> tuple[Ints, Any]:
        if name not in names:
            return numpy.zeros(len(column), numpy.int64), None
        numbers = _number(pc.struct_field(parts, name))
        return pc.fill_null(numbers, 0).cast(pa.int64()).to_numpy(zero_copy_only=False), numbers

    (year, known), (month, _), (day, _) = ints("y"), ints("m"), ints("d")
    (hour, _), (minute, _), (second, _) = ints("h"), ints("min"), ints("s")
    year = numpy.where(year < 100, year + numpy.where(year < 70, 2000, 1900), year)
    if "p" in names:
        half = pc.utf8_lower(pc.fill_null(pc.struct_field(parts, "p"), ""))
        pm = pc.equal(half, "pm").to_numpy(zero_copy_only=False)
        written = pc.not_equal(half, "").to_numpy(zero_copy_only=False)
        hour = numpy.where(written, hour % 12 + numpy.where(pm, 12, 0), hour)
    fraction = numpy.zeros(len(column), numpy.int64)
    if "f" in names:
        padded = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(pc.struct_field(parts, "f"), ""), 3, "0"), 0, 3)
        fraction = _number(padded).cast(pa.int64()).to_numpy(zero_copy_only=False)
    right = pc.is_valid(known).to_numpy(zero_copy_only=False) if known is not None else numpy.zeros(len(column), bool)
    right &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 61)
    months = (numpy.where(right, year, 1970) - 1970) * 12 + numpy.where(right, month, 1) - 1
    first = months.astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(numpy.int64)
    right &= day <= length
    days = first.astype("datetime64[D]").astype(numpy.int64) + day - 1
    found = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction
    offset = pa.nulls(len(column), pa.int64())
    if "z" in names:
        offset = _offset_ms(pc.struct_field(parts, "z"))
    return pa.array(found, pa.int64(), mask=~right), offset


def _offset_ms(zone: Any) -> Any:
    digits = pc.extract_regex(zone, r"^(?P<sign>[+-])(?P<h>\d{2}):?(?P<m>\d{2})$")
    hours, minutes = _number(pc.struct_field(digits, "h")), _number(pc.struct_field(digits, "m"))
    size = pc.multiply(pc.add(pc.multiply(hours, 60.0), minutes), 60_000.0)
    signed = pc.if_else(pc.equal(pc.struct_field(digits, "sign"), "-"), pc.negate(size), size)
    named = pc.if_else(pc.is_in(zone, pa.array(["Z", "UTC", "GMT"])), 0.0, None)
    return pc.coalesce(signed, named).cast(pa.int64())

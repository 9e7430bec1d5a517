"""Local time to UTC, with the days on which the clock is changed.

An hour that comes twice (in autumn) is told apart by the order of the rows: as long as times do not go back it is the
first; after they have gone back it is the second. Where the newest rows come first it is the other way round. An hour
that does not exist (in spring) is refused.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy
from numpy.typing import NDArray

from documents import DocumentError, Problem, nearest
from simulations.history.form import Ints

QUARTER_MS = 900_000
"""Clocks are changed at whole quarters of an hour."""
_JUMP_MS = 900_000
"""Rows may be out of order by less than this without the clock having been put back."""
_NIGHT_MS = 4 * 3_600_000
"""Rows further apart than this are of two nights."""
_EPOCH = datetime(1970, 1, 1)

Bools = NDArray[numpy.bool_]


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name. Raises DocumentError with the nearest one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, available_timezones())
        raise DocumentError([Problem(f"there is no time zone {name!r}", hint=hint)]) from None


class LocalClock:
    """Converts the times of the source `name`, in the order of its rows."""

    def __init__(self, zone: ZoneInfo | None, name: str) -> None:
        self._zone, self._name = zone, name
        self._twice = 0
        self._last_ms = -(1 << 62)
        self._second = False
        self._later = self._earlier = 0
        self._offsets: dict[int, tuple[int, int]] = {}

    @property
    def zone(self) -> ZoneInfo:
        """Raises DocumentError when nobody said which."""
        if self._zone is None:
            hint = "give --time-zone, such as Europe/Madrid, or UTC"
            raise DocumentError([Problem("its times have no zone", self._name, hint=hint)])
        return self._zone

    @property
    def refusal(self) -> str:
        """Why a time that `to_utc` finds missing cannot be used."""
        return f"this time does not exist in {self.zone.key}: the clock was put forward"

    def tell(self, notes: list[str]) -> None:
        """Adds what people should know of how these times were read."""
        if self._twice:
            notes.append(
                f"{self._name}: {self._twice} rows are in an hour that came twice in {self.zone.key} (the clock was "
                "put back); they were told apart by the order of the rows"
            )

    def to_utc(self, local_ms: Ints) -> tuple[Ints, Bools]:
        """UTC milliseconds, and which of these wall times do not exist."""
        quarters, places = numpy.unique(local_ms // QUARTER_MS, return_inverse=True)
        offsets = numpy.array([self._of_quarter(int(quarter)) for quarter in quarters], dtype=numpy.int64)
        if not len(quarters):
            return local_ms.copy(), numpy.zeros(0, bool)
        first, second = offsets[places, 0], offsets[places, 1]
        missing, twice = first < second, first > second
        chosen = first.copy()
        steps = numpy.diff(local_ms)
        self._later += int((steps > 0).sum())
        self._earlier += int((steps < 0).sum())
        newest_first = self._earlier > 3 * self._later  # a few rows may be out of order
        for row in numpy.flatnonzero(twice):
            at_ms = int(local_ms[row])
            later_by = at_ms - self._last_ms
            if abs(later_by) > _NIGHT_MS:
                self._second = newest_first
            elif abs(later_by) > _JUMP_MS and (later_by > 0) == newest_first:
                self._second = not newest_first
            self._last_ms = at_ms
            if self._second:
                chosen[row] = second[row]
        self._twice += int(twice.sum())
        return local_ms - chosen, missing

    def later(self, local_ms: Ints, than_utc_ms: Ints) -> Ints:
        """UTC of times that are known to be at or behind others: in an hour that comes twice, the first that fits."""
        quarters, places = numpy.unique(local_ms // QUARTER_MS, return_inverse=True)
        offsets = numpy.array([self._of_quarter(int(quarter)) for quarter in quarters], dtype=numpy.int64)
        if not len(quarters):
            return local_ms.copy()
        first, second = local_ms - offsets[places, 0], local_ms - offsets[places, 1]
        found: Ints = numpy.where(first >= than_utc_ms, first, numpy.maximum(first, second))
        return found

    def _of_quarter(self, quarter: int) -> tuple[int, int]:
        found = self._offsets.get(quarter)
        if found is None:
            at = _EPOCH + timedelta(milliseconds=quarter * QUARTER_MS)
            found = self._offsets[quarter] = (_offset_ms(at, 0, self.zone), _offset_ms(at, 1, self.zone))
        return found


def _offset_ms(at: datetime, fold: int, zone: ZoneInfo) -> int:
    offset = at.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() * 1000)


def local_ms(utc_ms: Ints, zone: ZoneInfo) -> Ints:
    """Wall time as milliseconds since 1970 without a zone, of UTC moments."""
    quarters, places = numpy.unique(utc_ms // QUARTER_MS, return_inverse=True)
    if not len(quarters):
        return utc_ms.copy()
    moments = [datetime.fromtimestamp(int(quarter) * QUARTER_MS / 1000, UTC).astimezone(zone) for quarter in quarters]
    offsets = numpy.array([round((at.utcoffset() or timedelta()).total_seconds() * 1000) for at in moments])
    found: Ints = utc_ms + offsets[places].astype(numpy.int64)
    return found

"""The lines of `queue_log` files and tables, all together in the order of their time.

TIME is Unix time in seconds, with a fraction or not, or a date as the real-time tables have it.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy

from simulations.history.refusals import Refusals
from simulations.history.rows import AT_ONCE, encoding_of, lines_of
from simulations.history.zones import LocalClock

_SECONDS = re.compile(r"\d{9,10}(\.\d{1,9})?")


def lines_of_file(path: Path, encoding: str | None) -> Iterable[list[str]]:
    return lines_of(path, encoding or encoding_of(path))


def moment_ms(text: str) -> tuple[int, bool]:
    """TIME of a line, and whether it is that of a wall clock. Raises ValueError."""
    if _SECONDS.fullmatch(text):
        return int(text) * 1000 if text.isdigit() else round(float(text) * 1000), False
    at = datetime.fromisoformat(text)
    return round(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000), at.tzinfo is None


class LogLines:
    """Every line with its time. One that cannot be used has an empty text, so that a place tells the line."""

    def __init__(self, refusals: Refusals) -> None:
        self.names: list[str] = []
        self.files: list[int] = []
        """By which number rows of each log are refused."""
        self._refusals = refusals
        self._begins: list[int] = []
        self._times = array("q")
        self._texts: list[str] = []

    def read(self, name: str, blocks: Iterable[list[str]], zone: ZoneInfo | None, notes: list[str]) -> None:
        """Takes in a log. Raises DocumentError where it has times of a wall clock and nobody said of which zone."""
        file, clock = self._refusals.file(name), LocalClock(zone, name)
        self.names.append(name)
        self.files.append(file)
        self._begins.append(len(self._times))
        line = 0
        for block in blocks:
            local = []
            for text in block:
                line += 1
                at, _, _ = text.partition("|")
                at_ms = 0
                try:
                    if len(at) == 10 and at.isdecimal():
                        at_ms = int(at) * 1000
                    elif text:
                        at_ms, is_local = moment_ms(at)
                        if is_local:
                            local.append(len(self._times))
                except ValueError:
                    self._refusals.add(file, line, "the time is neither Unix time nor a date", text)
                    text = ""
                self._times.append(at_ms)
                self._texts.append(text)
            if local:
                self._to_utc(local, clock)
        clock.tell(notes)

    def _to_utc(self, places: list[int], clock: LocalClock) -> None:
        found, missing = clock.to_utc(numpy.array([self._times[place] for place in places], dtype=numpy.int64))
        for place, at_ms, is_missing in zip(places, found.tolist(), missing.tolist(), strict=True):
            self._times[place] = at_ms
            if is_missing:
                line = place - self._begins[-1] + 1
                self._refusals.add(self.files[-1], line, clock.refusal, self._texts[place])
                self._texts[place] = ""

    def in_order(self) -> Iterator[tuple[int, str, int, int]]:
        """Each line that can be used, by its time: the time, the text, which log it is of, and its number there."""
        order = numpy.argsort(numpy.frombuffer(self._times, dtype=numpy.int64), kind="stable")
        begins = numpy.array(self._begins, dtype=numpy.int64)
        for first in range(0, len(order), AT_ONCE):
            places = order[first : first + AT_ONCE]
            owners = numpy.searchsorted(begins, places, side="right") - 1
            lines = places - begins[owners] + 1
            for place, owner, line in zip(places.tolist(), owners.tolist(), lines.tolist(), strict=True):
                if text := self._texts[place]:
                    yield self._times[place], text, owner, line

    def forget(self) -> None:
        """The texts are needed no more."""
        self._texts.clear()

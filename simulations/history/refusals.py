"""Every row that does not become part of the history, with its line and the reason: nothing is dropped silently."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy

from simulations.history.form import Ints

PASSED_OVER = "passed over: "
"""So begins the reason of rows that are no mistakes, but are not wanted."""


class Refusals:
    """Rows refused, in the order of their finding. A reason is short and the same for equal mistakes; `value` is what
    stood there."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self._single: list[tuple[int, int, str, str]] = []
        self._many: list[tuple[int, Ints, str]] = []

    def file(self, name: str) -> int:
        """The number by which rows of the file `name` are refused from now on."""
        self.files.append(name)
        return len(self.files) - 1

    def add(self, file: int, line: int, reason: str, value: str = "") -> None:
        self.counts[self.files[file], reason] += 1
        self._single.append((file, line, reason, value[:200]))

    def add_many(self, file: int, lines: Iterable[int], reason: str, values: Iterable[str] | None = None) -> None:
        if values is not None:
            for line, value in zip(lines, values, strict=True):
                self.add(file, int(line), reason, value)
            return
        found = numpy.asarray(list(lines) if not isinstance(lines, numpy.ndarray) else lines, dtype=numpy.int64)
        if len(found):
            self.counts[self.files[file], reason] += len(found)
            self._many.append((file, found, reason))

    def __len__(self) -> int:
        return self.counts.total()

    def first(self, most: int) -> list[tuple[str, int, str, str]]:
        """The first rows of the list: file, line, reason, value."""
        return self._rows()[:most]

    def examples(self, most: int) -> list[tuple[str, int, str, str]]:
        """The first row of each reason, for people; what was only passed over comes last."""
        found = list({row[2]: row for row in reversed(self._rows())}.values())
        return sorted(found, key=lambda row: (row[2].startswith(PASSED_OVER), row[0], row[1]))[:most]

    def of_file(self, file: str) -> int:
        return sum(count for (name, _), count in self.counts.items() if name == file)

    def by_reason(self) -> list[tuple[str, str, int]]:
        """File, reason and how many, the most frequent first."""
        return [(file, reason, count) for (file, reason), count in self.counts.most_common()]

    def write(self, path: Path) -> None:
        """All of them as CSV: file, line, reason, value. A cell never begins like a formula (OWASP, CSV injection)."""
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["file", "line", "reason", "value"])
            for file, line, reason, value in self._rows():
                writer.writerow([_safe(file), line, reason, _safe(value)])

    def _rows(self) -> list[tuple[str, int, str, str]]:
        rows = [*self._single]
        for file, lines, reason in self._many:
            rows += [(file, int(line), reason, "") for line in lines]
        rows.sort(key=lambda row: row[:2])
        return [(self.files[file], line, reason, value) for file, line, reason, value in rows]


def _safe(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

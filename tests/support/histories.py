"""Records of phone systems for tests: written by hand, and made from days of the simulator."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from simulations.history.callers import CallerHashes
from simulations.history.form import READING_SCHEMA
from simulations.history.mapped import read_mapped
from simulations.history.mapping import Mapping as Document
from simulations.history.merging import merged
from simulations.history.queue_log import read_queue_logs
from simulations.history.refusals import Refusals

HASHES = CallerHashes(b"a key of the tests")
MADRID = ZoneInfo("Europe/Madrid")
BEGIN_S = 1_772_440_000
"""2026-03-02 08:26:40 UTC, a Monday."""


class Logged:
    """What the lines of one or several `queue_log` files become."""

    def __init__(self, *logs: str) -> None:
        self.refusals = Refusals()
        sources = [(f"log{number}", [text.splitlines()]) for number, text in enumerate(logs, start=1)]
        contacts, self.agent_times = read_queue_logs(sources, None, HASHES, self.refusals)
        self.contacts: list[dict[str, Any]] = merged([contacts], self.refusals).to_pylist()

    @property
    def refused(self) -> list[tuple[int, str]]:
        return [(line, reason) for _, line, reason, _ in self.refusals.first(1_000)]


def lines(*events: tuple[int, str]) -> str:
    """`(seconds since BEGIN_S, "CALLID|QUEUE|AGENT|EVENT|DATA")` as a log."""
    return "".join(f"{BEGIN_S + at}|{rest}\n" for at, rest in events)


class Read:
    """What a CSV or Parquet file becomes by its mapping."""

    def __init__(self, path: Path, mapping: Mapping[str, Any], zone: ZoneInfo | None = MADRID) -> None:
        self.refusals, self.notes = Refusals(), []
        document = Document.model_validate(mapping)
        tables = list(read_mapped(path, document, zone, HASHES, self.refusals, self.notes))
        self.rows = [row for table in tables for row in table.to_pylist()]
        self.contacts = merged(tables, self.refusals).to_pylist()
        assert all(table.schema == READING_SCHEMA for table in tables)

    @property
    def refused(self) -> list[tuple[int, str]]:
        return [(line, reason) for _, line, reason, _ in self.refusals.first(1_000)]


def only(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)

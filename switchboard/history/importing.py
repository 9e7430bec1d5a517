"""Importing: what each source is, its reader, and all of them together as one history."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import URL

from documents import DocumentError, Problem, read, validate, why
from simulations.history.callers import CallerHashes
from simulations.history.cdr import LAYOUTS, read_cdrs, records_of_file
from simulations.history.directory import ABOUT, caller_key, read_history, write_history
from simulations.history.form import AGENT_TIMES_SCHEMA, CHOICES_SCHEMA, History, readable
from simulations.history.log_lines import lines_of_file
from simulations.history.mapped import header_of_file, read_mapped
from simulations.history.mapping import Mapping, mapping_of_header
from simulations.history.merging import merged
from simulations.history.queue_log import read_queue_logs
from simulations.history.refusals import Refusals
from simulations.history.rows import cells, encoding_of, first_lines
from simulations.history.zones import zone_of
from switchboard.centre import load_centre
from switchboard.history.own import read_journals, read_records
from switchboard.history.tables import DatabaseTable, open_table
from switchboard.store.database import StoreError, open_centre_store, open_store

Format = Literal["queue-log", "cdr", "csv", "parquet", "records", "journal"]
FORMATS: tuple[Format, ...] = ("queue-log", "cdr", "csv", "parquet", "records", "journal")
_QUEUE_LOG_LINE = re.compile(r"[^|]{10,32}\|[^|]*\|[^|]*\|[^|]*\|[A-Z]+(\||$)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Options:
    """How sources are to be read where they do not say it themselves."""

    format: Format | None = None
    mapping: Path | None = None
    time_zone: str | None = None
    encoding: str | None = None
    table: str | None = None
    applications: Sequence[str] = ("Queue",)
    contexts: Sequence[str] = ()


@dataclass(slots=True)
class Import:
    """A history as it was read, and what people should be told about the reading."""

    history: History
    refusals: Refusals
    key: bytes
    notes: list[str] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)

    def write(self, directory: Path) -> None:
        write_history(self.history, self.refusals, self.key, directory)


def import_history(
    sources: Sequence[str], directory: Path, options: Options, *, add: bool = False, replace: bool = False
) -> Import:
    """Reads all sources; nothing is written yet. `add`: together with the history in the directory.

    Raises DocumentError for anything that cannot be used as a whole.
    """
    _may_be_written(directory, add, replace)
    present = read_history(directory) if add else None
    key = caller_key(directory)
    reader = _Reader(options, CallerHashes(key))
    for source in sources:
        reader.take(source)
    reader.finish()
    contacts = merged(reader.contacts, reader.refusals, present.contacts if present else None)
    if not len(contacts):
        problems = [Problem(f"{count} rows: {reason}", file) for file, reason, count in reader.refusals.by_reason()[:8]]
        raise DocumentError([Problem("there is not a single contact in it", ", ".join(sources)), *problems])
    agents = _together(reader.agent_times, AGENT_TIMES_SCHEMA, present.agent_times if present else None)
    choices = _together(reader.choices, CHOICES_SCHEMA, present.choices if present else None)
    told = _told(sources, reader, contacts)
    about = {
        "time_zone": reader.zone_name or (present.about.get("time_zone") if present else None),
        "sources": [*(present.about.get("sources", []) if present else []), *told],
        "notes": reader.notes,
    }
    history = History(readable(contacts), readable(agents), readable(choices), about)
    return Import(history, reader.refusals, key, reader.notes, told)


def _may_be_written(directory: Path, add: bool, replace: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise DocumentError([Problem("this is a file; a history is a directory", str(directory))])
    is_history = (directory / ABOUT).exists()
    if directory.exists() and not is_history and any(directory.iterdir()):
        raise DocumentError([Problem("this directory has something else in it", str(directory), hint="name a new one")])
    if is_history and not (add or replace):
        hint = "--add puts more into it, --replace makes it anew"
        raise DocumentError([Problem("there is a history here already", str(directory), hint=hint)])


def _together(tables: list[Any], schema: Any, present: Any) -> Any:
    table = pa.concat_tables([*([] if present is None else [present]), *tables]) if tables else present
    if table is None:
        return schema.empty_table()
    return (
        table.group_by(schema.names)
        .aggregate([])
        .select(schema.names)
        .sort_by([(name, "ascending") for name in schema.names if name.endswith("_ms")])
    )


def _told(sources: Sequence[str], reader: "_Reader", contacts: Any) -> list[dict[str, Any]]:
    counts = {row["values"]: row["counts"] for row in contacts["source"].value_counts().to_pylist()}
    return [
        {
            "source": name,
            "format": kind,
            "contacts": counts.get(name, 0),
            "refused": reader.refusals.of_file(name),
        }
        for name, kind in reader.kinds.items()
    ]


class _Reader:
    """Takes one source after the other. Logs and CDRs wait until all are there: their files belong together."""

    def __init__(self, options: Options, hashes: CallerHashes) -> None:
        self._options, self._hashes = options, hashes
        self.refusals = Refusals()
        self.notes: list[str] = []
        self.kinds: dict[str, str] = {}
        self.contacts: list[Any] = []
        self.agent_times: list[Any] = []
        self.choices: list[Any] = []
        self.mapping = read_mapping(options.mapping) if options.mapping else None
        self.zone_name = options.time_zone or (self.mapping.time_zone if self.mapping else None)
        self._zone: ZoneInfo | None = zone_of(self.zone_name) if self.zone_name else None
        self._logs: list[tuple[str, Any]] = []
        self._cdrs: list[tuple[str, int, Any]] = []

    def take(self, source: str) -> None:
        if "://" in source:
            self._table(open_table(source, self._options.table))
            return
        path = Path(source)
        kind = self._options.format or format_of(path)
        self.kinds[source] = kind
        match kind:
            case "queue-log":
                self._logs.append((source, lines_of_file(path, self._options.encoding)))
            case "cdr":
                file = self.refusals.file(source)
                records = records_of_file(path, self._options.encoding, self.refusals, file)
                self._cdrs.append((source, file, records))
            case "records" | "journal":
                self._own(path, kind)
            case _:
                self._mapped(path)

    def finish(self) -> None:
        if self._logs:
            contacts, agents = read_queue_logs(self._logs, self._zone, self._hashes, self.refusals, self.notes)
            self.contacts.append(contacts)
            self.agent_times.append(agents)
        if self._cdrs:
            made = read_cdrs(
                self._cdrs,
                self._zone,
                self._hashes,
                self.refusals,
                self.notes,
                self._options.applications,
                self._options.contexts,
            )
            self.contacts.append(made)

    def _table(self, found: DatabaseTable) -> None:
        self.kinds[found.name] = found.kind
        if found.kind == "queue-log":
            self._logs.append((found.name, found.lines()))
        else:
            self._cdrs.append((found.name, self.refusals.file(found.name), found.records()))

    def _own(self, path: Path, kind: str) -> None:
        try:
            if kind == "journal":
                directory = path if path.is_dir() else path.parent
                tables = read_journals(directory, str(path), self._hashes, self.refusals)
            elif path.is_dir():
                centre = load_centre(path)
                self.zone_name = self.zone_name or centre.zone.key
                store = open_centre_store(centre, read_only=True)
                tables = read_records(store, str(path), self._hashes, self.refusals)
            else:
                store = open_store(URL.create("sqlite", database=str(path)), read_only=True)
                tables = read_records(store, str(path), self._hashes, self.refusals)
        except StoreError as error:
            raise DocumentError([Problem(str(error))]) from None
        for table, kept in zip(tables, (self.contacts, self.agent_times, self.choices), strict=True):
            kept.append(table)

    def _mapped(self, path: Path) -> None:
        mapping = self.mapping or mapping_of_header(str(path), header_of_file(path, self._options.encoding))
        self.contacts += read_mapped(path, mapping, self._zone, self._hashes, self.refusals, self.notes)


def read_mapping(path: Path) -> Mapping:
    """Raises DocumentError with every problem and its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError([Problem(f"the mapping cannot be read: {why(error)}", str(path))]) from None
    return validate(read(text, str(path)), Mapping)


def format_of(path: Path) -> Format:
    """What a file or directory is, by what stands in it. Raises DocumentError when it is not there."""
    if path.is_dir():
        if any(path.glob("journal-*.jsonl")) and not (path / "centre.yaml").exists():
            return "journal"
        if (path / "centre.yaml").exists():
            return "records"
        message, hint = "neither a centre nor an engine's journals are in this directory", "name the files themselves"
        raise DocumentError([Problem(message, str(path), hint=hint)])
    if path.suffix.lower() in (".parquet", ".pq"):
        return "parquet"
    if path.name.startswith("journal-") and path.suffix == ".jsonl":
        return "journal"
    encoding = encoding_of(path)
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            return "records"
    head = [line for line in first_lines(path, encoding) if line.strip()][:20]
    if head and sum(_QUEUE_LOG_LINE.match(line) is not None for line in head) > len(head) / 2:
        return "queue-log"
    rows = [row for row in (cells(line, ",") for line in head) if row]
    if rows and sum(len(row) in LAYOUTS and _DATE.fullmatch(row[9]) is not None for row in rows) > len(rows) / 2:
        return "cdr"
    return "csv"

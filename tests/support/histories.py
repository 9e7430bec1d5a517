"""Records of phone systems for tests: written by hand, and made from days of the simulator."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from documents import Source
from router.core.decisions import Connect, ContactFinished, Offer, OfferEnded
from router.core.events import ContactLeft
from simulations.driver import Replication
from simulations.history.callers import CallerHashes
from simulations.history.form import READING_SCHEMA, History, agent_times_table, choices_table
from simulations.history.mapped import read_mapped
from simulations.history.mapping import Mapping as Document
from simulations.history.merging import merged
from simulations.history.queue_log import read_queue_logs
from simulations.history.refusals import Refusals
from simulations.scenario import Scenario
from simulations.setting import settle

HASHES = CallerHashes(b"a key of the tests")
MADRID = ZoneInfo("Europe/Madrid")
BEGIN_S = 1_772_440_000
"""2026-03-02 08:26:40 UTC, a Monday."""


class Logged:
    """What the lines of one or several `queue_log` files become."""

    def __init__(self, *logs: str) -> None:
        self.refusals, self.notes = Refusals(), list[str]()
        sources = [(f"log{number}", [text.splitlines()]) for number, text in enumerate(logs, start=1)]
        contacts, self.agent_times = read_queue_logs(sources, MADRID, HASHES, self.refusals, self.notes)
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


def history_of_days(document: dict[str, Any], dates: Sequence[date], zone: ZoneInfo = MADRID) -> History:
    """What a phone system would have recorded of these days at a centre that is exactly the scenario `document`: one
    replication is one day. Callers are not known."""
    source = Source("day", document, {})
    contacts: list[dict[str, Any]] = []
    agent_times: list[tuple[str, str, str, str, int, int]] = []
    for number, day in enumerate(dates):
        setting = settle(source, Scenario.model_validate(document), None)
        at = setting.scenario.started.replace(year=day.year, month=day.month, day=day.day, tzinfo=zone)
        begin_ms = round(at.timestamp() * 1000)
        replication = Replication(setting, number, keep_log=True)
        replication.run()
        found = _contacts(replication.log, begin_ms)
        contacts.extend(contact | {"contact": f"{day}/{contact['contact']}"} for contact in found)
        for worker in setting.workers:
            agent_times += [(worker.name, "", "available", "", begin_ms + a, begin_ms + b) for a, b in worker.shifts_ms]
    table = pa.Table.from_pylist(contacts, schema=READING_SCHEMA)
    about = {"time_zone": zone.key}
    return History(merged([table], Refusals()), agent_times_table(agent_times), choices_table([]), about)


def _contacts(log: Sequence[Any], begin_ms: int) -> Iterator[dict[str, Any]]:
    offered: dict[str, int] = {}
    rung: dict[str, int] = {}
    keys: dict[str, str] = {}
    offers: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for at_ms, event, decisions in log:
        if isinstance(event, ContactLeft):
            keys[event.contact] = event.key
        for decision in decisions:
            if isinstance(decision, Offer):
                offered[decision.offer] = at_ms
                offers[decision.contact] += 1
            elif isinstance(decision, OfferEnded):
                refused[decision.contact] += decision.cause in ("no_answer", "declined")
            elif isinstance(decision, Connect):
                rung[decision.contact] = at_ms - offered[decision.offer]
            elif isinstance(decision, ContactFinished):
                answered = decision.outcome == "answered"
                yield {
                    "contact": decision.contact,
                    "queue": decision.queue,
                    "kind": "",
                    "channel": "voice",
                    "caller": "",
                    "arrived_ms": begin_ms + decision.arrived_ms,
                    "wait_ms": decision.wait_ms,
                    "outcome": decision.outcome,
                    "exit": keys.get(decision.contact, "") if decision.outcome == "left" else "",
                    "agent": decision.agent or "",
                    "ring_ms": rung.get(decision.contact) if answered else None,
                    "talk_ms": decision.talk_ms if answered else None,
                    "hold_ms": 0 if answered else None,
                    "wrap_up_ms": None,
                    "offers": offers[decision.contact],
                    "refused": refused[decision.contact],
                    "ended_by": "",
                    "transferred_to": "",
                    "source": "simulated",
                    "line": 0,
                    "file": 0,
                }


def days_from(first: date, count: int) -> list[date]:
    """So many weekdays (Monday to Friday) from this day on."""
    found, day = [], first
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day += timedelta(days=1)
    return found

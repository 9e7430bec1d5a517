"""How fast the records follow the journal, and what the engine's event loop feels of it.

`python benchmarks/store.py [--contacts 5000] [--seconds 10] [--rate 60]` prints

* the records of a journal stored per second in SQLite, beside the same rows written by the bare `sqlite3` module with
  nothing to be worked out (what a projection without any cost would reach), and the contacts per second that this is;
* how late a timer of the event loop fires (p50, p99, maximum) with nothing else going on, while the records follow
  `rate` calls a second, and while they make up for an hour's arrears as fast as they can.

Each contact arrives, waits, is offered, talks for a minute and is wrapped up, as a caller with a flow of two nodes.
"""

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from sqlalchemy import URL, Engine

from ivr.flow.session import Caller, Session, Visit
from router.core.events import AgentSignedIn, ContactArrived, ContactEnded, Event, OfferAccepted, TimePassed
from router.core.policy import Agent, Goal, LastAction, Policy, Queue, Step
from router.core.router import Router
from router.live.journal import FORMAT, NOTHING, Handled, Header, Journal, Record, SessionSaved, policy_hash
from switchboard.store.database import open_store
from switchboard.store.projector import Projector

AGENTS = 100
TALK_MS, WRAP_UP_MS, RING_MS = 60_000, 10_000, 4_000
_TICK_S = 0.001


class Calls:
    """A journal of a centre at work: `one` more caller comes every `gap_ms`, served at once."""

    def __init__(self, directory: Path, gap_ms: int) -> None:
        queue = Queue("help", Goal(20_000, 0.8), (Step("all"),), LastAction("exit", "bye"), wrap_up_ms=WRAP_UP_MS)
        policy = Policy(1, (queue,), tuple(Agent(f"agent{number}") for number in range(AGENTS)))
        self.router = Router(policy, 0)
        self.journal = Journal(directory / f"journal-{time.time_ns()}.jsonl", "never")
        self.written = 0
        self._gap_ms = gap_ms
        self._now_ms = 1_780_000_000_000
        self._count = 0
        self._ends: list[tuple[int, Event]] = []
        self._write(Header(self._now_ms, FORMAT, "bench", "", 0, policy_hash(policy), policy))
        for agent in policy.agents:
            self._feed(AgentSignedIn(agent.name))

    def one(self) -> None:
        self._count += 1
        contact = f"{self._now_ms}.{self._count}"
        trace = (Visit("main", "menu", "", self._now_ms), Visit("main", "help", "1", self._now_ms + 3_000))
        session = Session(
            Caller("600100200", "5551000"), "main", "f", "help", "en", self._now_ms, entered=2, trace=trace
        )
        self._write(SessionSaved(self._now_ms, contact, msgspec.Raw(session.to_json())))
        self._feed(ContactArrived(contact, "help", attributes={"intent": "invoice"}, caller="600100200"))
        if (known := self.router.contact(contact)) and known.offer:
            self._ends += [(self._now_ms + RING_MS, OfferAccepted(known.offer))]
            self._ends += [(self._now_ms + RING_MS + TALK_MS, ContactEnded(contact, "caller"))]
        self._write(SessionSaved(self._now_ms, contact, NOTHING))
        self._until(self._now_ms + self._gap_ms)

    def _until(self, at_ms: int) -> None:
        due = sorted((end for end in self._ends if end[0] <= at_ms), key=lambda end: end[0])
        self._ends = [end for end in self._ends if end[0] > at_ms]
        for end_ms, event in due:
            self._timers(end_ms)
            self._now_ms = end_ms
            self._feed(event)
        self._timers(at_ms)
        self._now_ms = at_ms

    def _timers(self, at_ms: int) -> None:
        while (deadline_ms := self.router.next_deadline_ms()) is not None and deadline_ms <= at_ms:
            self._now_ms = max(self._now_ms, deadline_ms)
            self._feed(TimePassed())

    def _feed(self, event: Event) -> None:
        self._write(Handled(self._now_ms, event, tuple(self.router.handle(event, self._now_ms))))

    def _write(self, record: Record) -> None:
        self.journal.append(record)
        self.written += 1


def sqlite(directory: Path) -> Callable[[], Engine]:
    return lambda: open_store(URL.create("sqlite", database=str(directory / "records.db")))


def throughput(contacts: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        calls = Calls(directory, gap_ms=800)
        for _ in range(contacts):
            calls.one()
        projector = Projector(sqlite(directory), directory)
        begun = time.perf_counter()
        projector.catch_up()
        took_s = time.perf_counter() - begun
        projector.close()
        size = calls.journal.path.stat().st_size
        print(f"{calls.written} records of {contacts} contacts, {size / 1e6:.1f} MB of journal")
        print(f"  projection         {calls.written / took_s:8,.0f} records/s   {contacts / took_s:6,.0f} contacts/s")
        rows, bare_s = bare_sqlite(directory)
        print(f"  bare sqlite3       {calls.written / bare_s:8,.0f} records/s   (the same {rows} rows)")


def bare_sqlite(directory: Path) -> tuple[int, float]:
    """How long the rows of the records take without working them out."""
    source = sqlite3.connect(directory / "records.db")
    tables = [name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    made = [sql for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    rows = {name: source.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    target = sqlite3.connect(directory / "bare.db", isolation_level=None)
    target.execute("PRAGMA journal_mode = WAL")
    target.execute("PRAGMA synchronous = NORMAL")
    for sql in made:
        target.execute(sql)
    begun = time.perf_counter()
    for name, several in rows.items():
        for first in range(0, len(several), 1000):
            part = several[first : first + 1000]
            target.execute("BEGIN IMMEDIATE")
            target.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(part[0]))})", part)
            target.execute("COMMIT")
    return sum(map(len, rows.values())), time.perf_counter() - begun


async def lateness(seconds: float, rate: float, arrears: int, records: bool) -> list[float]:
    """How late the loop's timer fired each time, in ms, while calls are written at `rate`."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        calls = Calls(directory, gap_ms=max(1, round(1000 / rate)))
        for _ in range(arrears):
            calls.one()
        projector = Projector(sqlite(directory), directory)
        if records:
            projector.start()
        loop = asyncio.get_running_loop()
        begun, dice, late, made_calls = loop.time(), random.Random(0), [], 0
        while (now := loop.time()) - begun < seconds:
            while made_calls < (now - begun) * rate:
                calls.one()
                made_calls += 1
            due = loop.time() + _TICK_S * (1 + dice.random())
            await asyncio.sleep(due - loop.time())
            late.append((loop.time() - due) * 1000)
        if records:
            await asyncio.to_thread(projector.stop, 60)
        return sorted(late)


def show(title: str, late: list[float]) -> None:
    p50, p99 = (late[int(len(late) * share)] for share in (0.5, 0.99))
    print(f"  {title:34} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   maximum {late[-1]:6.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=60)
    asked = parser.parse_args()
    throughput(asked.contacts)
    print(f"timers of the event loop at {asked.rate:g} calls/s")
    hour = round(asked.contacts)
    for title, arrears, records in (
        ("without records", 0, False),
        ("with records", 0, True),
        (f"with records {hour} contacts behind", hour, True),
    ):
        show(title, asyncio.run(lateness(asked.seconds, asked.rate, arrears, records)))


if __name__ == "__main__":
    main()

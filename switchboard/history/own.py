"""Our own records and journals as a history."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import URL, Connection, Engine, Row, func, select

from documents import DocumentError, Problem
from router.live.journal import JournalError
from simulations.history.callers import CallerHashes
from simulations.history.form import READING_SCHEMA, agent_times_table, choices_table
from simulations.history.refusals import Refusals
from switchboard.store.database import StoreError, open_store, require_records
from switchboard.store.projector import Projector
from switchboard.store.queue_log import callid, safe
from switchboard.store.schema import agent_states, calls, contacts, offers, queue_log, visits

_AT_ONCE = 20_000
_OUTCOMES = {
    "answered": "answered",
    "abandoned": "abandoned",
    "left": "left",
    "merged": "left",
    "moved": "moved",
    "overflowed": "overflowed",
    "called_back": "left",
    "lost": "open",
    "": "open",
}
CALLBACK = "callback"
"""The channel of contacts who are rung: their wait is no wait on the line."""
HUNG_UP = "hang up"


def read_records(store: Engine, name: str, hashes: CallerHashes, refusals: Refusals) -> tuple[Any, Any, Any]:
    """Contacts (READING_SCHEMA), agent times and choices. A contact's line is the id of its row.

    Raises StoreError when the records cannot be read. Consultations between agents are no contacts.
    """
    require_records(store)
    file = refusals.file(name)
    with store.connect() as connection:
        rung, keys = _rings(connection), _keys(connection)
        until_ms = _until_ms(connection)
        tables = list(_contacts(connection, name, file, hashes, refusals, rung, keys, until_ms))
        agents = agent_times_table(_agent_times(connection, until_ms))
        choices = choices_table(list(_choices(connection)))
    return pa.concat_tables(tables) if tables else READING_SCHEMA.empty_table(), agents, choices


def read_journals(directory: Path, name: str, hashes: CallerHashes, refusals: Refusals) -> tuple[Any, Any, Any]:
    """As `read_records`, of the journals in `directory`, by way of records that are thrown away afterwards.

    Raises DocumentError for a journal that cannot be read.
    """
    with tempfile.TemporaryDirectory() as made:
        store = open_store(URL.create("sqlite", database=str(Path(made) / "records.db")))
        projector = Projector(lambda: store, directory)
        try:
            projector.catch_up()
            return read_records(store, name, hashes, refusals)
        except (JournalError, StoreError, OSError) as error:
            raise DocumentError([Problem(str(error))]) from None
        finally:
            projector.close()


def _until_ms(connection: Connection) -> int:
    moments = [contacts.c.queued_ms, contacts.c.ended_ms, agent_states.c.from_ms, agent_states.c.to_ms]
    return max((connection.execute(select(func.max(moment))).scalar() or 0) for moment in moments)


def _rings(connection: Connection) -> dict[int, int]:
    """How long the phone rang that was answered, by the stay."""
    query = select(offers.c.contact_id, offers.c.accepted_ms - offers.c.offered_ms).where(
        offers.c.accepted_ms.is_not(None)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _keys(connection: Connection) -> dict[tuple[str, str, int], str]:
    """By which key contacts left: the queue_log that we keep has it."""
    log = queue_log.c
    query = select(log.callid, log.queuename, log.at_ms, log.data1).where(log.event == "EXITWITHKEY")
    return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}


def _contacts(
    connection: Connection,
    name: str,
    file: int,
    hashes: CallerHashes,
    refusals: Refusals,
    rung: dict[int, int],
    keys: dict[tuple[str, str, int], str],
    until_ms: int,
) -> Iterator[Any]:
    query = select(contacts).order_by(contacts.c.id).execution_options(yield_per=_AT_ONCE)
    for rows in connection.execute(query).partitions(_AT_ONCE):
        found = []
        for row in rows:
            if row.consult:
                refusals.add(file, row.id, "passed over: an agent who asks another", row.contact)
            else:
                found.append(_contact(row, name, file, hashes, rung, keys, until_ms))
        yield pa.Table.from_pylist(found, schema=READING_SCHEMA)


def _contact(
    row: Row[Any],
    name: str,
    file: int,
    hashes: CallerHashes,
    rung: dict[int, int],
    keys: dict[tuple[str, str, int], str],
    until_ms: int,
) -> dict[str, Any]:
    answered = row.answered_ms is not None
    left_ms = row.answered_ms if answered else row.ended_ms if row.ended_ms is not None else until_ms
    ended = row.ended_ms is not None
    key = keys.get((callid(row.contact), safe(row.queue), row.ended_ms), "") if row.outcome == "left" else ""
    return {
        "contact": row.contact,
        "queue": row.queue,
        "kind": row.intent,
        "channel": CALLBACK if row.callback else row.channel,
        "caller": hashes(row.caller),
        "arrived_ms": row.queued_ms,
        "wait_ms": max(0, left_ms - row.queued_ms),
        "outcome": "answered" if answered else _OUTCOMES.get(row.outcome, "failed"),
        "exit": key or (row.outcome if _OUTCOMES.get(row.outcome) != row.outcome else ""),
        "agent": row.agent if answered else "",
        "ring_ms": rung.get(row.id),
        "talk_ms": row.talk_ms if answered and ended else None,
        "hold_ms": row.hold_ms if answered and ended else None,
        "wrap_up_ms": row.wrap_up_ms if answered and ended else None,
        "offers": row.offers,
        "refused": row.declined + row.no_answer + row.offer_failed,
        "position": row.entry_position,
        "ended_by": "transfer" if row.transferred_to else row.ended_by,
        "transferred_to": row.transferred_to,
        "source": name,
        "line": row.id,
        "file": file,
    }


def _agent_times(connection: Connection, until_ms: int) -> list[tuple[str, str, str, str, int, int]]:
    """States in which an agent takes contacts, or could, are one; pauses are the others."""
    found: list[tuple[str, str, str, str, int, int]] = []
    query = select(agent_states).order_by(agent_states.c.agent, agent_states.c.from_ms, agent_states.c.id)
    for row in connection.execute(query):
        to_ms = until_ms if row.to_ms is None else row.to_ms
        state, reason = ("paused", row.reason) if row.state == "paused" else ("available", "")
        last = found[-1] if found else None
        if last and (last[0], last[2], last[3], last[5]) == (row.agent, state, reason, row.from_ms):
            found[-1] = (*last[:5], to_ms)
        elif to_ms > row.from_ms:
            found.append((row.agent, "", state, reason, row.from_ms, to_ms))
    return found


def _choices(connection: Connection) -> Iterator[tuple[str, int, str, str, str]]:
    """At each node the exit by which the caller went on is noted with the node after it. At the last one the caller may
    have hung up."""
    queued = select(contacts.c.contact)  # they hung up while they waited, or after the talk
    query = select(calls.c.contact).where(calls.c.outcome == "hungup", calls.c.contact.not_in(queued))
    hung_up = set(connection.execute(query).scalars())
    before: Row[Any] | None = None
    for row in connection.execute(select(visits).order_by(visits.c.contact, visits.c.id)):
        if before is not None and before.contact != row.contact:
            if before.contact in hung_up:
                yield before.contact, before.at_ms, before.flow, before.node, HUNG_UP
            before = None
        if before is not None and row.via:
            yield before.contact, row.at_ms, before.flow, before.node, row.via
        before = row
    if before is not None and before.contact in hung_up:
        yield before.contact, before.at_ms, before.flow, before.node, HUNG_UP

"""What callers did in the flows, from the records: the same counts as of simulated ones (`ivr.flow.traffic`), and
version by version."""

from collections.abc import Mapping
from itertools import groupby

import msgspec
from sqlalchemy import Connection, and_, exists, select

from ivr.flow.document import Flow
from ivr.flow.session import Missed, Visit
from ivr.flow.traffic import FAILED, HUNG_UP, Traffic
from switchboard.store.schema import calls, contacts, visits


class VersionTraffic(msgspec.Struct):
    """The calls of one version of the flows (0: not published) that are over. `hung_up` in the IVR: before any queue.
    `no_input` and `no_match` count how often keys were waited for in vain, or did not fit."""

    version: int
    calls: int = 0
    contained: int = 0
    hung_up: int = 0
    failed: int = 0
    no_input: int = 0
    no_match: int = 0


def traffic_by_version(connection: Connection, from_ms: int, until_ms: int) -> list[VersionTraffic]:
    """Of the calls that began then (Unix ms), the newest version first."""
    entered_queue = exists().where(
        contacts.c.contact == calls.c.contact, contacts.c.queued_ms.between(calls.c.started_ms, calls.c.ended_ms)
    )
    query = (
        select(calls.c.version, calls.c.outcome, calls.c.contained, calls.c.missed, entered_queue.label("queued"))
        .where(calls.c.started_ms >= from_ms, calls.c.started_ms < until_ms, calls.c.ended_ms.is_not(None))
        .execution_options(yield_per=5_000)
    )
    found: dict[int, VersionTraffic] = {}
    for row in connection.execute(query):
        of = found.setdefault(row.version, VersionTraffic(row.version))
        of.calls += 1
        of.contained += row.contained
        of.hung_up += row.outcome == HUNG_UP and not row.queued
        of.failed += row.outcome.startswith(FAILED)
        for nodes in _missed(row.missed).values():
            of.no_input += sum(counts.no_input for counts in nodes.values())
            of.no_match += sum(counts.no_match for counts in nodes.values())
    return [found[version] for version in sorted(found, reverse=True)]


def recorded_traffic(
    connection: Connection, flows: Mapping[str, Flow], from_ms: int, until_ms: int, version: int | None = None
) -> tuple[Traffic, int]:
    """The callers whose call began at `from_ms` or later and before `until_ms` (Unix ms), and how many of these
    calls are not over, which are not counted; with a `version` only those that began with it.

    They are counted over `flows`: nodes that these do not have are left out. Times at an enqueue node are those of the
    whole stay, with the talk.
    """
    counted, under_way = Traffic(flows), 0
    query = (
        select(calls.c.id, calls.c.outcome, calls.c.contained, calls.c.started_ms, calls.c.ended_ms, calls.c.missed)
        .add_columns(visits.c.flow, visits.c.node, visits.c.via, visits.c.at_ms)
        .join(
            visits,
            # A contact that comes again under its id has a call of its own, with the visits of its time.
            and_(
                visits.c.contact == calls.c.contact,
                visits.c.at_ms >= calls.c.started_ms,
                (visits.c.at_ms <= calls.c.ended_ms) | calls.c.ended_ms.is_(None),
            ),
            isouter=True,
        )
        .where(calls.c.started_ms >= from_ms, calls.c.started_ms < until_ms)
        .order_by(calls.c.id, visits.c.id)
    )
    if version is not None:
        query = query.where(calls.c.version == version)
    rows = connection.execution_options(yield_per=5_000).execute(query)
    for _, of_call in groupby(rows, key=lambda row: row.id):
        way = list(of_call)
        call = way[0]
        if call.ended_ms is None:
            under_way += 1
            continue
        came = [Visit(row.flow, row.node, row.via, row.at_ms) for row in way if row.node is not None]
        end = call.outcome.partition(":")[0] or "unknown"
        missed = _missed(call.missed)
        counted.add(came, call.outcome, call.ended_ms, end=end, contained=call.contained, missed=missed)
    return counted, under_way


def _missed(data: object) -> dict[str, dict[str, Missed]]:
    return msgspec.convert(data, dict[str, dict[str, Missed]])

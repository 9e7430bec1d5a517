"""What callers did in the flows, from the records: the same counts as of simulated ones (`ivr.flow.traffic`)."""

from collections.abc import Mapping
from itertools import groupby

from sqlalchemy import Connection, and_, select

from ivr.flow.document import Flow
from ivr.flow.session import Visit
from ivr.flow.traffic import Traffic
from switchboard.store.schema import calls, visits


def recorded_traffic(
    connection: Connection, flows: Mapping[str, Flow], from_ms: int, until_ms: int
) -> tuple[Traffic, int]:
    """The callers whose call began at `from_ms` or later and before `until_ms` (Unix ms), and how many of these
    calls are not over, which are not counted.

    They are counted over `flows` as they are now: nodes that an older version had are left out. Times at an enqueue
    node are those of the whole stay, with the talk.
    """
    counted, under_way = Traffic(flows), 0
    query = (
        select(calls.c.id, calls.c.outcome, calls.c.contained, calls.c.started_ms, calls.c.ended_ms)
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
    rows = connection.execution_options(yield_per=5_000).execute(query)
    for _, of_call in groupby(rows, key=lambda row: row.id):
        way = list(of_call)
        call = way[0]
        if call.ended_ms is None:
            under_way += 1
            continue
        came = [Visit(row.flow, row.node, row.via, row.at_ms) for row in way if row.node is not None]
        end = call.outcome.partition(":")[0] or "unknown"
        counted.add(came, call.outcome, call.ended_ms, end=end, contained=call.contained)
    return counted, under_way

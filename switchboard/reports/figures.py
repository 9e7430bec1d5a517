"""Tallies from the rows of the records, by the rules of `router.core.metrics`: a contact counts in the period in which
it arrived, whatever becomes of it and whenever; agents' time, queue lengths and flows count in the period in which they
pass. So a report equals what the engine counted while it happened."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, and_, or_, select

from router.core.tallies import AgentTally, ContactTally
from switchboard.reports.periods import Period, Spans
from switchboard.store.schema import agent_states, calls, contacts, offers, waits

Of = Literal["queues", "skills", "intents"]
TOTAL = ""
"""The name under which all queues, agents or intents are pooled."""

ContactTallies = dict[tuple[int, str], ContactTally]
AgentTallies = dict[tuple[int, str], AgentTally]

_NAMES: dict[Of, Callable[[Row[Any]], Iterable[str]]] = {
    "queues": lambda row: (row.queue,),
    "skills": lambda row: row.skills,
    "intents": lambda row: (row.intent,) if row.intent else (),
}


def contact_tallies(connection: Connection, of: Of, periods: Sequence[Period], now_ms: int) -> ContactTallies:
    """The tallies by period and name; under TOTAL a contact counts once, where it ended. `now_ms`: the end of what is
    still going on."""
    names, spans = _NAMES[of], Spans(periods)
    start_ms, end_ms = periods[0].start_ms, periods[-1].end_ms
    tallies: ContactTallies = defaultdict(ContactTally)

    def of_row(row: Row[Any], index: int | None) -> list[ContactTally]:
        return [] if index is None else [tallies[index, name] for name in {TOTAL, *names(row)}]

    arrived = select(contacts).where(contacts.c.arrived_ms >= start_ms, contacts.c.arrived_ms < end_ms)
    for row in _stream(connection, arrived):
        for tally in of_row(row, spans.at(row.arrived_ms)):
            _count_contact(tally, row)
    for row in _stream(connection, _waits(start_ms, end_ms)):
        for index, span_ms in spans.parts(row.from_ms, now_ms if row.to_ms is None else row.to_ms):
            for tally in of_row(row, index):
                tally.waiting_ms += span_ms
    for row in _stream(connection, _wrap_ups_under_way()):
        for tally in of_row(row, spans.at(row.arrived_ms)):
            tally.wrap_up_ms += max(0, now_ms - row.from_ms)
    ended = select(calls).where(calls.c.ended_ms >= start_ms, calls.c.ended_ms < end_ms, calls.c.outcome != "")
    for row in _stream(connection, ended):
        for name in {TOTAL, *(names(row) if of == "intents" else ())}:
            if (ended_in := spans.at(row.ended_ms)) is not None:
                tallies[ended_in, name].flows += 1
                tallies[ended_in, name].contained += row.contained
    for (index, name), tally in tallies.items():
        period = periods[index]
        tally.span_ms = max(0, min(period.end_ms, now_ms) - period.start_ms)
        if name == TOTAL:
            tally.arrived -= tally.moved_in
            tally.moved_out = 0
    return tallies


def agent_tallies(connection: Connection, periods: Sequence[Period], now_ms: int) -> AgentTallies:
    """The tallies by period and agent, and under TOTAL those of all."""
    spans = Spans(periods)
    start_ms, end_ms = periods[0].start_ms, periods[-1].end_ms
    tallies: AgentTallies = defaultdict(AgentTally)

    def of_agent(agent: str, index: int | None) -> list[AgentTally]:
        return [] if index is None or not agent else [tallies[index, TOTAL], tallies[index, agent]]

    present = and_(agent_states.c.from_ms < end_ms, _until(agent_states.c.to_ms, start_ms))
    for row in _stream(connection, select(agent_states).where(present)):
        field = f"{row.state}_ms"
        for index, span_ms in spans.parts(row.from_ms, now_ms if row.to_ms is None else row.to_ms):
            for tally in of_agent(row.agent, index):
                setattr(tally, field, getattr(tally, field) + span_ms)
    offered = select(offers.c.agent, offers.c.offered_ms).where(
        offers.c.offered_ms >= start_ms, offers.c.offered_ms < end_ms
    )
    for row in _stream(connection, offered):
        for tally in of_agent(row.agent, spans.at(row.offered_ms)):
            tally.offers += 1
    ended = select(offers.c.agent, offers.c.ended_ms, offers.c.cause).where(
        offers.c.ended_ms >= start_ms, offers.c.ended_ms < end_ms, offers.c.cause.not_in(("accepted", "cancelled"))
    )
    for row in _stream(connection, ended):
        for tally in of_agent(row.agent, spans.at(row.ended_ms)):
            if row.cause == "declined":
                tally.declined += 1
            elif row.cause == "no_answer":
                tally.no_answer += 1
            else:
                tally.offer_failed += 1
    answered = select(contacts.c.agent, contacts.c.answered_ms).where(
        contacts.c.answered_ms >= start_ms, contacts.c.answered_ms < end_ms
    )
    for row in _stream(connection, answered):
        for tally in of_agent(row.agent, spans.at(row.answered_ms)):
            tally.answered += 1
    return tallies


def _count_contact(tally: ContactTally, row: Row[Any]) -> None:
    tally.arrived += 1
    tally.moved_in += row.moved_from != ""
    tally.offers += row.offers
    tally.declined += row.declined
    tally.no_answer += row.no_answer
    tally.offer_failed += row.offer_failed
    tally.wrap_up_ms += row.wrap_up_ms
    match row.outcome:
        case "answered" | "" if row.answered_ms is not None:
            tally.answered += 1
            tally.wait_answered_ms += row.wait_ms
            tally.answered_within += row.wait_ms <= row.answered_within_ms
            tally.finished += row.outcome == "answered"
            tally.talk_ms += row.talk_ms
        case "abandoned":
            tally.abandoned += 1
            tally.short_abandons += row.wait_ms < row.short_abandon_ms
        case "left":
            tally.left += 1
        case "moved":
            tally.moved_out += 1
            return
        case "" | "lost":
            return
        case _:
            tally.overflowed += 1
    tally.count_wait(row.wait_ms)


def _until(end: Any, start_ms: int) -> Any:
    return or_(end.is_(None), end > start_ms)


def _waits(start_ms: int, end_ms: int) -> Select[Any]:
    """What of the contacts' waiting lies within these times."""
    within = and_(waits.c.from_ms < end_ms, _until(waits.c.to_ms, start_ms))
    return (
        select(contacts, waits.c.from_ms, waits.c.to_ms)
        .join(waits, waits.c.contact_id == contacts.c.id)
        .where(within, contacts.c.consult.is_(False))
    )


def _wrap_ups_under_way() -> Select[Any]:
    """The wrap-ups that are not over: they are not in the contact's row yet."""
    return (
        select(contacts, agent_states.c.from_ms)
        .join(agent_states, agent_states.c.handled_id == contacts.c.id)
        .where(agent_states.c.to_ms.is_(None), agent_states.c.state == "wrap_up")
    )


def _stream(connection: Connection, query: Select[Any]) -> Iterable[Row[Any]]:
    """The rows a few at a time: a month of a large centre need not fit into memory."""
    return connection.execution_options(yield_per=2000).execute(query)

"""Tallies from the rows of the records, by the rules of `router.core.metrics`: a contact counts in the period in which
it arrived, whatever becomes of it and whenever; agents' time, queue lengths and flows count in the period in which they
pass. So a report equals what the engine counted while it happened."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import merge
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, and_, or_, select

from router.core.repeats import WITHIN_MS, Repeats
from router.core.tallies import AgentTally, ContactTally
from router.core.tallying import count_answer, count_unanswered
from switchboard.facts import SURVEY
from switchboard.reports.periods import Period, Spans
from switchboard.store.schema import agent_states, calls, contacts, facts, offers, waits

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


def contact_tallies(
    connection: Connection,
    of: Of,
    periods: Sequence[Period],
    now_ms: int,
    escalations: Mapping[str, str] = MappingProxyType({}),
) -> ContactTallies:
    """The tallies by period and name; under TOTAL a contact counts once, where it ended. `now_ms`: the end of what is
    still going on. `escalations`: the second level of each queue that has one."""
    names, spans = _NAMES[of], Spans(periods)
    start_ms, end_ms = periods[0].start_ms, periods[-1].end_ms
    tallies: ContactTallies = defaultdict(ContactTally)

    def of_row(row: Row[Any], index: int | None) -> list[ContactTally]:
        return [] if index is None else [tallies[index, name] for name in {TOTAL, *names(row)}]

    arrived = _customers().where(contacts.c.arrived_ms >= start_ms, contacts.c.arrived_ms < end_ms)
    for row in _stream(connection, arrived):
        for tally in of_row(row, spans.at(row.arrived_ms)):
            _count_contact(tally, row, escalations)
    _count_repeats(connection, start_ms, end_ms, lambda row: of_row(row, spans.at(row.arrived_ms)))
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
    answered = select(facts).where(facts.c.kind == SURVEY, facts.c.at_ms >= start_ms, facts.c.at_ms < end_ms)
    for row in _stream(connection, answered):
        said = row.data
        of_whom = {"queues": said.get("queue"), "intents": said.get("intent"), "skills": ""}[of]
        for name in {TOTAL, of_whom or TOTAL}:
            if (given_in := spans.at(row.at_ms)) is not None:
                tallies[given_in, name].count_survey(said["question"], said["score"])
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
    accepted = select(offers.c.agent, offers.c.accepted_ms).where(
        offers.c.accepted_ms >= start_ms, offers.c.accepted_ms < end_ms, offers.c.cause == "accepted"
    )
    for row in _stream(connection, accepted):
        for tally in of_agent(row.agent, spans.at(row.accepted_ms)):
            tally.answered += 1
    return tallies


def _customers() -> Select[Any]:
    """All stays but consultations, which are no customer's."""
    return select(contacts).where(contacts.c.consult.is_(False))


def _count_contact(tally: ContactTally, row: Row[Any], escalations: Mapping[str, str]) -> None:
    tally.arrived += 1
    tally.moved_in += row.moved_from != ""
    tally.offers += row.offers
    tally.declined += row.declined
    tally.no_answer += row.no_answer
    tally.offer_failed += row.offer_failed
    tally.wrap_up_ms += row.wrap_up_ms
    tally.talk_ms += row.talk_ms
    tally.hold_ms += row.hold_ms
    tally.handed_over += row.handed_over
    match row.outcome:
        case "answered" | "" if row.answered_ms is not None:
            count_answer(tally, row.wait_ms, row.answered_within_ms, row.callback)
            tally.finished += row.outcome == "answered"
            tally.transferred += row.transferred_to != ""
            tally.escalated += bool(row.transferred_to) and escalations.get(row.queue) == row.transferred_to
        case "moved":
            tally.moved_out += 1
        case "" | "lost":
            pass
        case _:
            count_unanswered(tally, row.outcome, row.wait_ms, row.short_abandon_ms, row.callback)


def _count_repeats(
    connection: Connection, start_ms: int, end_ms: int, of_row: Callable[[Row[Any]], list[ContactTally]]
) -> None:
    """Who came again: the stays around the period, each at its beginning and at its end."""
    near = _customers().where(
        contacts.c.caller != "",
        contacts.c.arrived_ms >= start_ms - 2 * WITHIN_MS,
        contacts.c.arrived_ms < end_ms + WITHIN_MS,
    )
    ended = near.where(contacts.c.ended_ms.is_not(None))
    happenings = merge(
        ((row.queued_ms, row.id, 0, row) for row in _stream(connection, near.order_by("queued_ms", "id"))),
        ((row.ended_ms, row.id, 1, row) for row in _stream(connection, ended.order_by("ended_ms", "id"))),
        key=lambda happening: happening[:3],
    )
    repeats: Repeats[Row[Any]] = Repeats()
    sent_on: set[str] = set()
    for at_ms, _, ended_here, row in happenings:
        if ended_here:
            if row.transferred_to:
                sent_on.add(row.contact)
            elif row.outcome not in ("moved", "lost"):
                for tally in of_row(row):
                    tally.identified_answered += row.outcome == "answered"
                repeats.ended(row.contact, row.caller, at_ms, row)
        elif row.contact in sent_on:
            sent_on.remove(row.contact)
        elif not row.moved_from:
            earlier = repeats.arrived(row.contact, row.caller, at_ms)
            for tally in of_row(row):
                tally.identified += 1
                tally.repeated += earlier is not None
            if earlier is not None:
                for tally in of_row(earlier):
                    tally.followed += earlier.outcome == "answered"


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

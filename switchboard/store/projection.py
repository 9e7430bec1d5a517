"""From the journal's records to rows: what every record means to each table."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from router.core import decisions
from router.core.events import Event, PolicyPublished, TimePassed
from router.core.snapshot import SavedAgent, SavedContact
from router.live.journal import NOTHING, Fact, Handled, Header, Note, Record, SessionSaved
from switchboard.facts import FLOW_ENDED
from switchboard.operations.base import AUDIT
from switchboard.store import schema
from switchboard.store.agents import AgentStates
from switchboard.store.batch import TABLE_OF, Batch
from switchboard.store.calls import Calls
from switchboard.store.contacts import Stays
from switchboard.store.policies import PolicyView
from switchboard.store.rows import AgentState, Call, OfferRow, Row, Stay, Wait

NOTE = "note"
"""The kind of the facts that are the journal's notes: starts, stops, what a recovery found."""

_encode = msgspec.json.Encoder().encode


class _Snapshot(msgspec.Struct):
    """Of the router's snapshot what the rows must agree with."""

    contacts: list[SavedContact] = []
    agents: list[SavedAgent] = []


class Projection:
    """Feed it every record in order, and write its batch now and then. It is made anew, from the rows that are open in
    the database (`restored`), whenever something went wrong: so the rows are its whole memory."""

    def __init__(self, next_id: int = 1) -> None:
        self.batch = Batch(next_id)
        self.policy = PolicyView()
        self._stays = Stays(self.batch, self.policy)
        self._agents = AgentStates(self.batch, self.policy)
        self._calls = Calls(self.batch)
        self._observers: dict[type, Callable[[Any, int], object]] = {
            decisions.ContactQueued: self._stays.queued,
            decisions.StepEntered: self._stays.step_entered,
            decisions.Offer: self._stays.offered,
            decisions.OfferEnded: self._stays.offer_ended,
            decisions.Connect: self._stays.connected,
            decisions.CustomerReached: self._stays.reached,
            decisions.ContactParked: self._stays.parked,
            decisions.ContactReleased: self._stays.released,
            decisions.ContactFinished: self._finished,
            decisions.HandOver: self._handed_over,
            decisions.AgentChanged: self._agents.changed,
        }

    @classmethod
    def restored(cls, connection: Connection, next_id: int) -> "Projection":
        """As the rows in the database have it."""
        projection = cls(next_id)
        stays, states = _open_rows(connection, Stay), _open_rows(connection, AgentState)
        handled = {stay.id: stay for stay in stays}
        missing = {state.handled_id for state in states} - handled.keys() - {None}
        query = select(schema.contacts).where(schema.contacts.c.id.in_(missing))
        handled |= {stay.id: stay for stay in _rows(connection, Stay, query)}
        projection._stays.restore(stays, _open_rows(connection, Wait), _open_rows(connection, OfferRow))
        projection._agents.restore(states, handled)
        projection._calls.restore(_open_rows(connection, Call))
        return projection

    def policy_only(self, record: Record) -> None:
        """A record that is stored already: only the policy in force is taken from it."""
        match record:
            case Header(policy=policy) | Handled(event=PolicyPublished(policy=policy)):
                self.policy.published(policy)
            case _:
                pass

    def take(self, record: Record) -> None:
        """The next record of the journal."""
        match record:
            case Handled():
                self._handled(record)
            case SessionSaved():
                self._calls.saved(record)
            case Fact(kind=kind):
                if kind == AUDIT:
                    self._audited(record)
                elif kind == FLOW_ENDED:
                    self._calls.ended(record)
                else:
                    self._fact(record)
            case Note(at_ms=at_ms, text=text):
                self._fact(Fact(at_ms, NOTE, data={"text": text}))
            case Header():
                self._begins(record)

    def _handled(self, record: Handled) -> None:
        at_ms, event = record.at_ms, record.event
        if isinstance(event, PolicyPublished):
            self.policy.published(event.policy)
            self._fact(Fact(at_ms, NOTE, data={"text": f"policy {event.policy.version} is in force"}))
        elif not isinstance(event, TimePassed):
            self._tell(at_ms, "event", event)
        self._stays.begin(event)
        for decision in record.decisions:
            self._tell(at_ms, "decision", decision)
            if observe := self._observers.get(type(decision)):
                observe(decision, at_ms)

    def _finished(self, decision: decisions.ContactFinished, now_ms: int) -> None:
        if stay := self._stays.finished(decision, now_ms):
            self._agents.handled(stay.agent, stay)

    def _handed_over(self, decision: decisions.HandOver, now_ms: int) -> None:
        if stay := self._stays.handed_over(decision, now_ms):
            self._agents.handled(decision.from_agent, stay)

    def _tell(self, at_ms: int, kind: str, what: Event | decisions.Decision) -> None:
        offer = self._stays.offer(getattr(what, "offer", ""))  # answers to offers name nothing else
        self.batch.add(
            schema.story,
            at_ms=at_ms,
            kind=kind,
            name=type(what).__name__,
            contact=getattr(what, "contact", None) or (offer.contact if offer else ""),
            agent=getattr(what, "agent", None) or (offer.agent if offer else ""),
            data=_encode(what).decode(),
        )

    def _fact(self, fact: Fact) -> None:
        self.batch.add(
            schema.facts,
            at_ms=fact.at_ms,
            kind=fact.kind,
            contact=fact.contact,
            agent=fact.agent,
            actor=fact.actor,
            data=fact.data,
        )

    def _audited(self, fact: Fact) -> None:
        said = fact.data
        self.batch.add(
            schema.audit,
            at_ms=fact.at_ms,
            actor=fact.actor,
            door=str(said.get("door", "")),
            operation=str(said.get("operation", "")),
            agent=fact.agent,
            contact=fact.contact,
            refused=str(said.get("refused", "")),
            asked=said.get("asked", {}),
            before=said.get("before", {}),
            after=said.get("after", {}),
        )

    def _begins(self, header: Header) -> None:
        self.policy.published(header.policy)
        snapshot = _Snapshot() if header.snapshot == NOTHING else msgspec.json.decode(header.snapshot, type=_Snapshot)
        self._stays.reconcile({contact.id: contact for contact in snapshot.contacts}, header.at_ms)
        self._agents.reconcile({agent.name: agent for agent in snapshot.agents}, header.at_ms)
        self._fact(Fact(header.at_ms, NOTE, data={"text": f"the engine starts; policy {header.policy.version}"}))


_END: dict[type[Row], str] = {
    Stay: "ended_ms",
    Wait: "to_ms",
    OfferRow: "ended_ms",
    AgentState: "to_ms",
    Call: "ended_ms",
}


def _open_rows(connection: Connection, kind: type) -> list[Any]:
    table = TABLE_OF[kind]
    return _rows(connection, kind, select(table).where(table.c[_END[kind]].is_(None)).order_by(table.c.id))


def _rows(connection: Connection, kind: type, query: Select[Any]) -> list[Any]:
    return [kind(**row) for row in connection.execute(query).mappings()]

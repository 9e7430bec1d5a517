"""Callers' ways through the flows, from the sessions that the journal keeps and the facts of their ends."""

from typing import Any

import msgspec

from ivr.flow.session import Caller, Missed, Visit
from router.live.journal import NOTHING, Fact, SessionSaved
from switchboard.store import schema
from switchboard.store.batch import Batch
from switchboard.store.rows import Call


class _Session(msgspec.Struct):
    """What the records take of a session."""

    caller: Caller
    flow: str
    node: str
    language: str
    started_ms: int
    attributes: dict[str, Any] = {}
    entered: int = 0
    version: int = 0
    trace: tuple[Visit, ...] = ()


_decoder = msgspec.json.Decoder(_Session)


class FlowEnded(msgspec.Struct):
    """The data of the fact `switchboard.facts.FLOW_ENDED`, with the nodes since the last saved session."""

    outcome: str
    contained: bool
    entered_queue: bool
    entered: int
    trace: tuple[Visit, ...]
    version: int = 0
    started_ms: int = 0
    errors: int = 0
    missed: dict[str, dict[str, Missed]] = {}


class Calls:
    """The calls in progress."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._open: dict[str, Call] = {}

    def restore(self, calls: list[Call]) -> None:
        """Goes on with what the database has as open."""
        self._open = {call.contact: call for call in calls}

    def saved(self, record: SessionSaved) -> None:
        """The caller has come further, or (NOTHING) the session is over, whose end a fact has told."""
        if record.session == NOTHING:
            self._close(record.contact, record.at_ms)
            return
        session = _decoder.decode(record.session)
        call = self._open.get(record.contact)
        if call is None:
            call = self._open[record.contact] = Call(self._batch.new_id(), record.contact, session.started_ms)
            call.caller, call.dialled = session.caller.number, session.caller.dialled
        call.flow, call.node, call.language = session.flow, session.node, session.language
        call.version = session.version
        call.attributes, call.intent = session.attributes, str(session.attributes.get("intent", ""))
        self._visited(call, session.entered, session.trace)
        self._batch.change(call)

    def ended(self, fact: Fact) -> None:
        """The flow has ended with this outcome."""
        end = msgspec.convert(fact.data, FlowEnded)
        if call := self._open.get(fact.contact):
            call.outcome, call.contained = end.outcome, end.contained
            call.missed = msgspec.to_builtins(end.missed)
            self._visited(call, end.entered, end.trace)
            self._close(fact.contact, fact.at_ms)

    def _visited(self, call: Call, entered: int, trace: tuple[Visit, ...]) -> None:
        """Of the last nodes of the session those that are new."""
        new = entered - call.entered
        for visit in trace[-new:] if new > 0 else ():
            self._batch.add(
                schema.visits,
                at_ms=visit.at_ms,
                contact=call.contact,
                flow=visit.flow,
                node=visit.node,
                via=visit.via,
            )
        call.entered = max(entered, call.entered)

    def _close(self, contact: str, now_ms: int) -> None:
        if call := self._open.pop(contact, None):
            call.ended_ms = now_ms
            self._batch.change(call)

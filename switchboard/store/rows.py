"""Rows that change after they were written first: a stay in a queue, an offer, an agent's state, a call."""

from typing import Any

import msgspec


class Row(msgspec.Struct):
    """A row of the table of the same fields; `id` is its place in the order of all happenings."""

    id: int

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__struct_fields__}


class Stay(Row):
    """A contact's stay in a queue (table `contacts`). `arrived_ms` is when the wait that is counted began, `queued_ms`
    when it came to this queue. The goal is that of the queue then. `consult`: an agent who asks another."""

    contact: str
    queue: str
    arrived_ms: int
    queued_ms: int
    channel: str = "voice"
    caller: str = ""
    callback: bool = False
    consult: bool = False
    moved_from: str = ""
    step: str = ""
    entry_position: int = 0
    offered_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    outcome: str = ""
    ended_by: str = ""
    transferred_to: str = ""
    agent: str = ""
    wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    handed_over: int = 0
    offers: int = 0
    declined: int = 0
    no_answer: int = 0
    offer_failed: int = 0
    answered_within_ms: int = 0
    short_abandon_ms: int = 0
    language: str = ""
    intent: str = ""
    skills: list[str] = []
    attributes: dict[str, Any] = {}


class Wait(Row):
    """A time in which the contact of this stay waited."""

    contact_id: int
    from_ms: int
    to_ms: int | None = None


class OfferRow(Row):
    """An offer; open while it rings, and while its talk may still fail to begin."""

    offer: str
    contact: str
    contact_id: int
    queue: str
    step: str
    agent: str
    offered_ms: int
    accepted_ms: int | None = None
    ended_ms: int | None = None
    cause: str = ""


class AgentState(Row):
    """What an agent does since `from_ms`; `handled_id` is the stay whose wrap-up would follow."""

    agent: str
    state: str
    from_ms: int
    reason: str = ""
    contact: str = ""
    handled_id: int | None = None
    to_ms: int | None = None


class Call(Row):
    """A caller's way through the flows. `entered` counts the nodes, as the session does."""

    contact: str
    started_ms: int
    caller: str = ""
    dialled: str = ""
    flow: str = ""
    node: str = ""
    language: str = ""
    intent: str = ""
    ended_ms: int | None = None
    outcome: str = ""
    contained: bool = False
    entered: int = 0
    version: int = 0
    missed: dict[str, Any] = {}
    attributes: dict[str, Any] = {}

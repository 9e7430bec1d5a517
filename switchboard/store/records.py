"""Reading the records: a contact's whole story, the list of contacts, the audit log."""

from typing import Any

import msgspec
from sqlalchemy import Connection, func, or_, select

from router.core.decisions import AnyDecision
from router.core.events import AnyEvent
from switchboard.store.schema import audit, calls, contacts, facts, story, visits

MOST = 1000

_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_decisions: msgspec.json.Decoder[AnyDecision] = msgspec.json.Decoder(AnyDecision)


class Happening(msgspec.Struct, frozen=True):
    """Something in a contact's story. `what` is the event, decision, node, fact or change itself, `id` its place."""

    id: int
    at_ms: int
    kind: str
    name: str
    what: Any


class Whole(msgspec.Struct, frozen=True):
    """All that the records have of a contact: its stays in queues, its calls, and what happened, in order."""

    contact: str
    stays: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    happenings: list[Happening]


def find_contacts(connection: Connection, part: str) -> list[str]:
    """The ids of the contacts whose id contains `part`, the newest first, a few at most; the very one alone."""
    found: dict[str, int] = {}
    for table in (contacts, calls):
        query = (
            select(table.c.contact, func.max(table.c.id))
            .where(table.c.contact.contains(part, autoescape=True))
            .group_by(table.c.contact)
            .order_by(func.max(table.c.id).desc())
            .limit(20)
        )
        for contact, newest in connection.execute(query):
            found[contact] = max(newest, found.get(contact, 0))
    return [part] if part in found else sorted(found, key=lambda contact: -found[contact])


def whole_contact(connection: Connection, contact: str) -> Whole | None:
    """The story of the contact of this id; None if the records do not know it."""
    stays = connection.execute(select(contacts).where(contacts.c.contact == contact).order_by(contacts.c.id))
    made = connection.execute(select(calls).where(calls.c.contact == contact).order_by(calls.c.id))
    whole = Whole(contact, [dict(row) for row in stays.mappings()], [dict(row) for row in made.mappings()], [])
    for row in connection.execute(select(story).where(story.c.contact == contact)):
        whole.happenings.append(Happening(row.id, row.at_ms, row.kind, row.name, _typed(row.kind, row.data)))
    for row in connection.execute(select(visits).where(visits.c.contact == contact)):
        what = {"flow": row.flow, "node": row.node, "via": row.via}
        whole.happenings.append(Happening(row.id, row.at_ms, "node", row.node, what))
    for row in connection.execute(select(facts).where(facts.c.contact == contact)):
        what = {"agent": row.agent, "actor": row.actor, "data": row.data}
        whole.happenings.append(Happening(row.id, row.at_ms, "fact", row.kind, what))
    for row in connection.execute(select(audit).where(audit.c.contact == contact)):
        what = {"actor": row.actor, "door": row.door, "asked": row.asked, "refused": row.refused}
        whole.happenings.append(Happening(row.id, row.at_ms, "change", row.operation, what))
    whole.happenings.sort(key=lambda happening: (happening.at_ms, happening.id))
    return whole if whole.happenings or whole.stays or whole.calls else None


def _typed(kind: str, data: str) -> Any:
    """The event or decision; as plain data if it is of a version of Switchboard that had others."""
    try:
        return _events.decode(data) if kind == "event" else _decisions.decode(data)
    except msgspec.ValidationError:
        return msgspec.json.decode(data)


def audit_log(
    connection: Connection, *, from_ms: int, to_ms: int, actor: str = "", about: str = "", most: int = MOST
) -> list[dict[str, Any]]:
    """The changes of this time, the newest first; of one actor, about one agent or contact."""
    query = select(audit).where(audit.c.at_ms >= from_ms, audit.c.at_ms < to_ms)
    if actor:
        query = query.where(audit.c.actor == actor)
    if about:
        query = query.where(or_(audit.c.agent == about, audit.c.contact == about))
    rows = connection.execute(query.order_by(audit.c.id.desc()).limit(min(most, MOST))).mappings()
    return [dict(row) for row in rows]

"""The centre's records: reports, a contact's whole story, the audit log, and how the records stand."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import Field
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from switchboard.centre.secrets import SecretError
from switchboard.operations.base import Answer, Ask, ContactId, OperationRefused, Request, operation
from switchboard.operations.centre import Nothing
from switchboard.publishing.versions import VersionsUnavailable
from switchboard.reports.flows import recorded_traffic, traffic_by_version
from switchboard.reports.periods import Interval, bounds_ms
from switchboard.reports.report import ReportError, Subject, check_days, make_report
from switchboard.store.database import StoreError, open_centre_store, reason, require_records
from switchboard.store.records import MOST, audit_log, find_contacts, whole_contact
from switchboard.store.words import story_lines

Result = TypeVar("Result")

_one_at_a_time = asyncio.Semaphore(1)
"""Reading shares the processor with the calls, so no more than one report is made at once."""


class AskedReport(Ask):
    """Which figures, of which days."""

    subject: Subject
    """Of what: queues, agents, skills or intents."""
    first_day: date
    """The first day, by the centre's clock."""
    last_day: date
    """The last day, included."""
    interval: Interval = "day"
    """Minutes of each interval, or whole days."""
    names: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """Only these queues (agents, skills, intents); by default all that there are."""


class AskedTraffic(Ask):
    """Of which days, and of which version of the flows."""

    first_day: date
    """The first day, by the centre's clock."""
    last_day: date
    """The last day, included."""
    version: Annotated[int, Field(ge=1, le=2_000_000_000)] | None = None
    """Only the calls that began with this version, node by node; by default all, at the nodes in force now."""


class ReportLine(Answer):
    """The figures of one queue (agent, skill, intent), or of all together, in one interval."""

    start: datetime
    end: datetime
    name: str
    """`(all)` is all together."""
    values: dict[str, float | int | None]
    """By the names of the reference of metrics; null where the formula divides by nothing."""


class VersionCounts(Answer):
    """The calls of one version of the flows that are over."""

    version: int
    """0: the flows were not published."""
    calls: int
    contained: int
    """Served to the end without an agent."""
    hung_up: int
    """By the caller in the IVR, before any queue."""
    failed: int
    """For a fault of the flow."""
    no_input: int
    """How often keys were waited for in vain."""
    no_match: int
    """How often keys did not fit."""


class NodeCounts(Answer):
    """What happened at a node; `hung_up` and `failed` at visits that were the caller's last."""

    flow: str
    node: str
    entered: int
    hung_up: int
    failed: int
    no_input: int
    no_match: int
    mean_s: float
    exits: dict[str, int]


class FlowTraffic(Answer):
    """What callers did in the flows."""

    versions: list[VersionCounts]
    """The newest first."""
    nodes: list[NodeCounts]
    """To which somebody came."""
    under_way: int
    """Calls that are not over, which are not counted."""


class ReportAnswer(Answer):
    """A report."""

    subject: Subject
    interval: Interval
    lines: list[ReportLine]


class AskedContact(Ask):
    """One contact."""

    contact: ContactId


class StoryLine(Answer):
    """Something that happened to the contact."""

    at: datetime
    kind: str
    """`event`, `decision`, `node` (of a flow), `fact` or `change` (by somebody)."""
    text: str


class ContactStory(Answer):
    """All that the records have of a contact."""

    contact: str
    stays: list[dict[str, Any]]
    """Its stays in queues, as the table `contacts` has them."""
    calls: list[dict[str, Any]]
    """Its ways through the flows, as the table `calls` has them."""
    story: list[StoryLine]


class AskedAudit(Ask):
    """Which changes."""

    since: datetime
    until: datetime | None = None
    """By default now."""
    actor: Annotated[str, Field(max_length=200)] = ""
    """Only changes by this person."""
    about: Annotated[str, Field(max_length=200)] = ""
    """Only changes of this agent or contact."""
    most: Annotated[int, Field(ge=1, le=MOST)] = 100


class Change(Answer):
    """A change that somebody made, or was refused."""

    at: datetime
    actor: str
    door: str
    operation: str
    agent: str
    contact: str
    refused: str
    asked: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


class Changes(Answer):
    """Changes, the newest first."""

    changes: list[Change]


class RecordsStatus(Answer):
    """How the records stand behind the journal, which is the truth."""

    records: int
    """How many records of the journal are stored."""
    behind_bytes: int
    """How much of the journal is not."""
    behind_ms: int
    """For how long."""
    failures: int
    """How often storing has failed since the engine's start."""
    error: str
    """What keeps it from it now; empty when nothing does."""


@operation("GET", "/reports/{subject}", roles=("supervisor", "planner", "auditor"))
async def report(request: Request, ask: AskedReport) -> ReportAnswer:
    """Figures per interval or day, of queues, agents, skills or intents."""
    centre = request.engine.centre
    now_ms = time.time_ns() // 1_000_000

    def make(connection: Connection) -> ReportAnswer:
        made = make_report(
            connection,
            ask.subject,
            ask.first_day,
            ask.last_day,
            centre.zone,
            ask.interval,
            now_ms,
            ask.names,
            centre.escalations,
        )
        lines = [
            ReportLine(start=row.period.start, end=row.period.end, name=row.name, values=row.values)
            for row in made.rows
        ]
        return ReportAnswer(subject=made.subject, interval=made.interval, lines=lines)

    return await _read(request, make)


@operation("GET", "/reports/flow-traffic", roles=("supervisor", "planner", "auditor"))
async def flow_traffic(request: Request, ask: AskedTraffic) -> FlowTraffic:
    """What callers did in the flows on these days, by version and by node: where they came through, and got lost."""
    engine = request.engine
    try:
        check_days(ask.first_day, ask.last_day)
    except ReportError as error:
        raise OperationRefused(str(error), "invalid") from None
    start_ms, end_ms = bounds_ms(ask.first_day, ask.last_day, engine.centre.zone)

    def read(connection: Connection) -> FlowTraffic:
        flows = engine.centre.flows
        if ask.version is not None:
            try:
                flows = engine.releases.versions.load(ask.version, checked=False).flows
            except VersionsUnavailable as error:
                raise OperationRefused(str(error), "unknown") from None
        counted, under_way = recorded_traffic(connection, flows, start_ms, end_ms, ask.version)
        versions = traffic_by_version(connection, start_ms, end_ms)
        return FlowTraffic(
            versions=[VersionCounts(**msgspec.to_builtins(of)) for of in versions],
            nodes=[
                NodeCounts(
                    flow=flow,
                    node=name,
                    entered=node.entered,
                    hung_up=node.hung_up,
                    failed=node.failed,
                    no_input=node.no_input,
                    no_match=node.no_match,
                    mean_s=node.mean_ms / 1000,
                    exits=dict(node.exits),
                )
                for flow in flows
                for name, node in counted.visited(flow).items()
            ],
            under_way=under_way,
        )

    return await _read(request, read)


@operation("GET", "/contacts/{contact}/story", roles=("supervisor", "auditor"))
async def contact_story(request: Request, ask: AskedContact) -> ContactStory:
    """The whole story of a contact: every leg, state and decision, nodes, recordings, dispositions."""

    def read(connection: Connection) -> ContactStory:
        whole = whole_contact(connection, ask.contact)
        if whole is None:
            like = ", ".join(find_contacts(connection, ask.contact)[:5])
            raise OperationRefused(
                f"the records have no contact {ask.contact!r}" + (f"; do you mean {like}?" if like else ""), "unknown"
            )
        lines = [StoryLine(at=_utc(line.at_ms), kind=line.kind, text=line.text) for line in story_lines(whole)]
        return ContactStory(contact=whole.contact, stays=whole.stays, calls=whole.calls, story=lines)

    return await _read(request, read)


@operation("GET", "/audit", roles=("auditor",))
async def audit(request: Request, ask: AskedAudit) -> Changes:
    """The changes that people and programs made, with what was before and after."""

    def read(connection: Connection) -> Changes:
        from_ms, to_ms = (round((at or datetime.now(UTC)).timestamp() * 1000) for at in (ask.since, ask.until))
        rows = audit_log(connection, from_ms=from_ms, to_ms=to_ms, actor=ask.actor, about=ask.about, most=ask.most)
        return Changes(changes=[Change(at=_utc(row.pop("at_ms")), **row) for row in rows])

    return await _read(request, read)


@operation("GET", "/records", roles=("supervisor", "auditor"))
async def records_status(request: Request, ask: Nothing) -> RecordsStatus:
    """Whether the records keep up with the journal."""
    status = request.engine.records.status
    return RecordsStatus(
        records=status.records,
        behind_bytes=status.behind_bytes,
        behind_ms=status.behind_ms,
        failures=status.failures,
        error=status.error,
    )


async def _read(request: Request, read: Callable[[Connection], Result]) -> Result:
    """Reads in a thread of its own. Raises OperationRefused when the records cannot be read now."""

    def in_thread() -> Result:
        store = open_centre_store(request.engine.centre, read_only=True)
        try:
            require_records(store)
            with store.connect() as connection:
                return read(connection)
        finally:
            store.dispose()

    async with _one_at_a_time:
        try:
            return await asyncio.to_thread(in_thread)
        except ReportError as error:
            raise OperationRefused(str(error), "invalid") from None
        except (StoreError, SecretError) as error:
            raise OperationRefused(str(error)) from None
        except DBAPIError as error:
            raise OperationRefused(f"the records cannot be read now: {reason(error)}") from None


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)

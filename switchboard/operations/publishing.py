"""Publishing the flows: look first, publish, roll back; versions, drafts, canaries and schedules."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from switchboard.operations.base import Answer, Ask, Done, FreeText, OperationRefused, Request, operation
from switchboard.publishing.canary import Arm
from switchboard.publishing.plan import Plan
from switchboard.publishing.releases import ReleaseRefused

T = TypeVar("T")
VersionNumber = Annotated[int, Field(ge=1, le=2_000_000_000, description="The version's number.")]
Base = Annotated[int, Field(ge=0, le=2_000_000_000)]
Author = Annotated[FreeText, Field(min_length=1, max_length=64)]
DialledNumber = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\+?[0-9*#]+$")]
Moment = Annotated[datetime, Field(description="By the centre's clock, as `2026-12-24T08:00`.")]


class Nothing(Ask):
    """Nothing needs to be said."""


class Look(Ask):
    """When it is to be published."""

    at: Moment | None = None
    """From then on; by default at once."""


class OfVersion(Ask):
    """Concerns one version."""

    version: VersionNumber


class Withdrawal(OfVersion):
    """Which version is withdrawn, and why."""

    reason: Annotated[FreeText, Field(max_length=500)] = ""
    """For the records."""


class Publication(Ask):
    """What is published: the centre's directory as it is now."""

    base: Base
    """The version in force when you looked (0: none): if it is another one by now, nothing is done."""
    hash: Annotated[str, Field(max_length=64)] = ""
    """That of the content you have looked at; by default whatever the directory has now."""
    note: Annotated[FreeText, Field(max_length=500)] = ""
    """What is new; for people."""
    at: Moment | None = None
    """From then on; by default at once."""
    number: DialledNumber | None = None
    """As a draft, for the calls to this number only."""
    share: Annotated[float, Field(gt=0, le=0.5)] | None = None
    """As a canary, for this share of all calls."""
    author: Author | None = None
    """Who publishes, for the local control socket; over HTTP it is who asks."""


class Rollback(Ask):
    """Which version is to be in force again."""

    version: VersionNumber | None = None
    """By default the one that the present one was made from."""
    at: Moment | None = None
    """From then on; by default at once."""


class Comparison(Ask):
    """Two versions; without a number it is the centre's directory as it is now."""

    before: VersionNumber | None = None
    """The older one."""
    after: VersionNumber | None = None
    """The newer one."""


class InProgress(Answer):
    """Calls in the flows at this moment. They stay in their version."""

    version: int
    """Of the flows; 0: they were not published."""
    flow: str
    calls: int


class Preview(Answer):
    """What publishing the directory now would do."""

    base: int
    """The version against which it was compared: the one in force, now or by then (0: none)."""
    hash: str
    """Of the content that was looked at."""
    changes: list[str]
    """What is different from the version in force, by meaning."""
    besides: list[str]
    """Queues and agents whose documents are new too: they are taken at the same time."""
    queues: list[str]
    """To which the changed flows lead."""
    calls: list[InProgress]
    """In progress: they finish on the version they began with."""
    tests: int
    """Flow tests that passed."""
    warnings: list[str]
    """Of lint."""
    render: list[str]
    """Prompts that are said by speech synthesis first."""
    silent: list[str]
    """Prompts that nobody has recorded and no voice can say."""
    pending: list[str]
    """Versions that stand in the way: a canary, or a schedule that would come to nothing."""


class VersionAnswer(Answer):
    """A version."""

    version: int
    base: int
    """The version it was made from."""
    created: datetime
    author: str
    note: str
    states: list[Literal["in force", "scheduled", "draft", "canary", "halted", ""]]
    said: list[str]
    """The same with its particulars: since when, on which number, for which share, why it was halted."""


class Published(Answer):
    """What was done."""

    version: int
    message: str
    """For the person who asked."""


class Changes(Answer):
    """What is different."""

    changes: list[str]


@operation("GET", "/flows/preview", roles=())
async def preview_publication(request: Request, ask: Look) -> Preview:
    """What publishing the directory would change, whom it would touch; nothing is done."""
    releases = request.engine.releases
    base, prepared = await _do(releases.look(ask.at))
    plan = releases.plan
    return Preview(
        base=base,
        hash=prepared.hash,
        changes=prepared.changes,
        besides=prepared.besides,
        queues=prepared.queues,
        calls=[
            InProgress(version=version, flow=flow, calls=calls)
            for (version, flow), calls in sorted(releases.in_ivr().items())
        ],
        tests=prepared.tests,
        warnings=prepared.warnings,
        render=[f"{one.prompt} ({one.language})" for one in prepared.unsaid],
        silent=[f"{one.prompt} ({one.language})" for one in prepared.silent],
        pending=[
            f"version {version}: {words}" for version in sorted(plan.pending()) for words in _said(request, version)
        ],
    )


@operation("POST", "/flows/versions", roles=())
async def publish(request: Request, ask: Publication) -> Published:
    """Publish the centre's directory as a new version of its flows, prompts, hours and recordings.

    It is checked, its flow tests are run and missing prompts are rendered first; if anything fails, nothing is changed.
    Calls in progress finish on the version they began with. Queues, agents and settings are taken from the directory
    at the same time, as by a reload.
    """
    if sum(said is not None for said in (ask.at, ask.number, ask.share)) > 1:
        raise OperationRefused("one of these: a moment, a number for a draft, a share for a canary", "invalid")
    author = ask.author if ask.author and request.actor.door == "control" else request.actor.name
    before = _in_short(request)
    info = await _do(
        request.engine.releases.publish(
            ask.base,
            author=author,
            note=ask.note,
            expected=ask.hash,
            at=ask.at,
            number=ask.number,
            share=ask.share,
        )
    )
    request.changed(before, _in_short(request))
    return Published(version=info.number, message=f"Version {info.number}: {'; '.join(_said(request, info.number))}.")


@operation("GET", "/flows/versions", roles=("auditor",))
async def versions(request: Request, ask: Nothing) -> list[VersionAnswer]:
    """All versions of the flows, the newest first, and what each is at present."""
    releases = request.engine.releases
    found = await releases.all_versions()
    return [
        VersionAnswer(
            version=info.number,
            base=info.base,
            created=_moment(request, info.created_ms),
            author=info.author,
            note=info.note,
            states=releases.plan.states(info.number),
            said=_said(request, info.number),
        )
        for info in sorted(found.values(), key=lambda info: -info.number)
    ]


@operation("GET", "/flows/changes", roles=("auditor",))
async def compare_versions(request: Request, ask: Comparison) -> Changes:
    """What is different between two versions, or a version and the directory, by meaning."""
    return Changes(changes=await _do(request.engine.releases.compare(ask.before, ask.after)))


@operation("POST", "/flows/rollback", roles=())
async def rollback(request: Request, ask: Rollback) -> Published:
    """Put an earlier version of the flows in force again; a canary ends.

    Versions never change: it is the same version as then, under its own number. The directory is left as it is.
    """
    before = _in_short(request)
    number = await _do(request.engine.releases.roll_back(ask.version, request.actor.name, ask.at))
    request.changed(before, _in_short(request))
    return Published(version=number, message=f"Version {number}: {'; '.join(_said(request, number))}.")


@operation("POST", "/flows/versions/{version}/promote", roles=())
async def promote(request: Request, ask: OfVersion) -> Done:
    """Put a version in force for all calls that was a canary, a draft or scheduled."""
    before = _in_short(request)
    await _do(request.engine.releases.promote(ask.version, request.actor.name))
    request.changed(before, _in_short(request))
    return Done(message=f"Version {ask.version} is in force.")


@operation("POST", "/flows/versions/{version}/withdraw", roles=())
async def withdraw(request: Request, ask: Withdrawal) -> Done:
    """Take a version back that is a canary, a draft or scheduled; calls in it finish on it."""
    before = _in_short(request)
    halted = ask.reason if request.actor.door == "engine" else ""
    await _do(request.engine.releases.withdraw(ask.version, request.actor.name, halted))
    request.changed(before, _in_short(request))
    return Done(message=f"Version {ask.version} is withdrawn.")


def _in_short(request: Request) -> dict[str, object]:
    """The plan, for the audit log."""
    plan: Plan = request.engine.releases.plan
    return {
        "in_force": plan.in_force,
        "scheduled": {str(one.version): _moment(request, one.at_ms).isoformat() for one in plan.scheduled},
        "drafts": {draft.number: draft.version for draft in plan.drafts},
        "canary": {"version": plan.canary.version, "share": plan.canary.share} if plan.canary else None,
        "halted": plan.halted.version if plan.halted else None,
    }


def _said(request: Request, version: int) -> list[str]:
    """What a version is at present, in words."""
    plan: Plan = request.engine.releases.plan
    words = ["in force"] if plan.in_force == version else []
    if plan.canary and plan.canary.version == version:
        since = _moment(request, plan.canary.since_ms)
        trial = request.engine.releases.trial
        words.append(f"canary for {100 * plan.canary.share:g} % of the calls since {since:%Y-%m-%d %H:%M}")
        if trial.canary.calls or trial.in_force.calls:
            words.append(f"over by now: {_arm(trial.canary)}; in version {plan.in_force}: {_arm(trial.in_force)}")
    words += [
        f"in force from {_moment(request, one.at_ms):%Y-%m-%d %H:%M} on, if {one.base or 'nothing else'} is until then"
        for one in plan.scheduled
        if one.version == version
    ]
    words += [f"draft on {draft.number}" for draft in plan.drafts if draft.version == version]
    if plan.halted and plan.halted.version == version:
        words.append(f"halted on {_moment(request, plan.halted.at_ms):%Y-%m-%d %H:%M}: {plan.halted.reason}")
    return words


def _arm(arm: Arm) -> str:
    return f"{arm.calls} calls, {arm.errors} with errors, {arm.abandons} abandoned in the IVR"


def _moment(request: Request, at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, request.engine.centre.zone).replace(microsecond=0)


async def _do(work: Awaitable[T]) -> T:
    try:
        return await work
    except ReleaseRefused as error:
        raise OperationRefused(str(error), "conflict" if error.conflict else "invalid") from error

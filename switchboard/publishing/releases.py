"""The part of a live engine that publishes: calls get the version that the plan has for them, and keep it.

Loading, testing, rendering and the store are done in a thread; calls go on meanwhile. What changes for calls changes at
one stroke, after everything that can fail has been done.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from documents import DocumentError
from ivr.flow.machine import Machine
from ivr.flow.session import Session
from router.live.journal import Fact
from switchboard.centre import Centre
from switchboard.facts import CANARY_CARRIED, FLOW_ENDED
from switchboard.opening import EmergencyHours
from switchboard.publishing import plan as plans
from switchboard.publishing.canary import Trial
from switchboard.publishing.plan import Canary, Plan, PlanRefused
from switchboard.publishing.preparing import NotFit, Prepared, compared, content_of, prepare, said
from switchboard.publishing.schedule import Schedule, moment, now_ms
from switchboard.publishing.versions import Versions, VersionsUnavailable
from switchboard.store.calls import FlowEnded
from switchboard.store.versions import OutOfDate, VersionInfo, content_hash

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)

_UNMADE = -1
"""For a version that is not made before its plan is known to be possible."""


class ReleaseRefused(Exception):
    """It is not done, and nothing has changed; the message says why."""

    def __init__(self, message: str, *, conflict: bool = False) -> None:
        super().__init__(message)
        self.conflict = conflict


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version that calls may begin with."""

    machine: Machine
    numbers: Mapping[str, str]


class Releases:
    """Versions and plan of a live engine. Changes are made one after the other."""

    def __init__(self, engine: "Engine", versions: Versions) -> None:
        self._engine = engine
        self.versions = versions
        self._changing = asyncio.Lock()
        self.schedule = Schedule(engine, versions, self._changing)
        self._loaded: dict[int, Loaded] = {}
        self._halting: asyncio.Task[None] | None = None
        self.trial = Trial()
        """Of the canary, if there is one."""

    @property
    def plan(self) -> Plan:
        return self.versions.plan

    # For calls

    def begin(self, contact: str, number: str) -> tuple[Machine, str] | None:
        """The flows and the flow with which this call begins; None: the number is not one of this centre's."""
        version = self._loaded.get(self.plan.version_for(number, contact)) or self._loaded[self.plan.in_force]
        flow = version.numbers.get(number)
        return (version.machine, flow) if flow is not None else None

    def machine_of(self, session: Session) -> Machine:
        """The flows with which an earlier engine has begun this session; those in force where they are no more."""
        in_force = self._loaded[self.plan.in_force].machine
        if session.version in self._loaded or not session.version:
            return self._loaded[session.version].machine if session.version in self._loaded else in_force
        try:
            return self._machine(self.versions.load(session.version, checked=False))
        except (VersionsUnavailable, DocumentError) as error:
            log.warning("version %d of the flows is lost, its calls go on in another: %s", session.version, error)
            return in_force

    def renew(self, centre: Centre) -> None:
        """This centre is the one in force, for all calls that begin from now on."""
        kept = {number: loaded for number, loaded in self._loaded.items() if number in self.plan.live()}
        self._loaded = {**kept, centre.version: Loaded(self._machine(centre), centre.numbers)}

    def open(self) -> None:
        """At the start of an engine: the versions besides the one in force. One that cannot be loaded is passed over,
        and its callers meet the one in force."""
        self.renew(self._engine.centre)
        for number in self.plan.live() - {self._engine.centre.version}:
            try:
                self._load(number)
            except (VersionsUnavailable, DocumentError) as error:
                log.error("version %d of the flows cannot be used: %s", number, error)

    def _load(self, number: int) -> None:
        """Raises VersionsUnavailable, DocumentError."""
        centre = self.versions.load(number)
        self._loaded[number] = Loaded(self._machine(centre), centre.numbers)

    def _machine(self, centre: Centre) -> Machine:
        """The flows of this centre, which know of emergencies."""
        emergencies = EmergencyHours(self._engine.live, lambda: self._engine.centre.queue_hours)
        return Machine(replace(centre.library, emergencies=emergencies))

    def in_ivr(self) -> Counter[tuple[int, str]]:
        """The calls in progress by version and flow."""
        calls = self._engine.calls
        sessions = (calls.session(contact) for contact in calls.contacts())
        return Counter((session.version, session.flow) for session in sessions if session)

    # The canary

    def call_ended(self, end: FlowEnded) -> None:
        """A call counts for its version if it began since there is a canary; one that does worse is halted."""
        if (canary := self._counts(end)) is None:
            return
        if end.version == canary.version and (reason := self.trial.verdict()) and self._halting is None:
            self._halting = asyncio.create_task(self._halt(canary.version, reason))

    def remember(self, fact: Fact) -> None:
        """What an earlier engine has written down of the trial."""
        if fact.kind == FLOW_ENDED:
            self._counts(msgspec.convert(fact.data, FlowEnded))
        elif fact.kind == CANARY_CARRIED:
            canary = self.plan.canary
            if canary and (canary.version, canary.since_ms) == (fact.data["version"], fact.data["since_ms"]):
                self.trial = msgspec.convert(fact.data["trial"], Trial)

    def carry_over(self) -> None:
        """For the next engine, at the beginning of a journal."""
        if canary := self.plan.canary:
            trial = msgspec.to_builtins(self.trial)
            data = {"version": canary.version, "since_ms": canary.since_ms, "trial": trial}
            self._engine.fact(CANARY_CARRIED, data=data)

    def _counts(self, end: FlowEnded) -> Canary | None:
        """Counts a call that is over; the canary, if it has one to count for."""
        canary = self.plan.canary
        arms = {canary.version: self.trial.canary, self.plan.in_force: self.trial.in_force} if canary else {}
        if canary is None or end.started_ms < canary.since_ms or (arm := arms.get(end.version)) is None:
            return None
        error = end.errors > 0 or end.outcome.startswith("failed")
        arm.add(error=error, abandon=end.outcome == "hungup" and not end.entered_queue)
        return canary

    async def _halt(self, version: int, reason: str) -> None:
        from switchboard.operations import Actor, OperationRefused, perform

        itself = Actor("the watch on the canary", frozenset({"admin"}), "engine")
        try:
            await perform(self._engine, itself, "withdraw", {"version": version, "reason": reason})
            log.warning("the canary, version %d of the flows, is halted: %s", version, reason)
        except OperationRefused as refusal:  # somebody has ended it this instant
            log.warning("the canary, version %d of the flows, is not halted: %s", version, refusal)
        finally:
            self._halting = None

    # Looking

    async def look(self, at: datetime | None = None) -> tuple[int, Prepared]:
        """The directory as it is now, looked at beside the version in force now, or by then; and which one that is.
        Raises ReleaseRefused."""
        base = self.plan.base_at(self._moment(at)) if at else self.plan.in_force
        return base, await self._prepare(base)

    async def _prepare(self, base: int) -> Prepared:
        engine, now = self._engine, self._engine.centre

        def work() -> Prepared:
            before = now if base == now.version else self.versions.load(base, checked=False)
            return prepare(now.directory, before, engine.overrides.applied)

        try:
            return await asyncio.to_thread(work)
        except (NotFit, DocumentError, VersionsUnavailable) as error:
            raise ReleaseRefused(f"nothing is changed; this cannot be published:\n{error}") from error

    async def compare(self, before: int | None, after: int | None) -> list[str]:
        """What is different, in words; None: the directory. Raises ReleaseRefused."""

        def work() -> list[str]:
            centres = [self.versions.load(number or 0, checked=False) for number in (before, after)]
            return compared(*centres)

        try:
            return await asyncio.to_thread(work)
        except (DocumentError, VersionsUnavailable) as error:
            raise ReleaseRefused(str(error)) from error

    async def all_versions(self) -> dict[int, VersionInfo]:
        """By number; without the store those that are known here."""
        return await asyncio.to_thread(self.versions.all)

    def was_in_force_before(self) -> int | None:
        """The version that the one in force was made from."""
        info = self.versions.info(self.plan.in_force)
        return info.base if info and info.base else None

    # Changing

    async def publish(
        self,
        base: int,
        *,
        author: str,
        note: str = "",
        expected: str = "",
        at: datetime | None = None,
        number: str | None = None,
        share: float | None = None,
    ) -> VersionInfo:
        """Makes a version of the directory and puts it in force: at once, `at` a moment, for the callers of one dialled
        `number`, or for a `share` of all calls. `expected` is the content's hash that its author has looked at. Raises
        ReleaseRefused."""
        async with self._changing:
            at_ms = self._moment(at) if at else 0
            stands_on = self.plan.base_at(at_ms) if at else self.plan.in_force
            if base != stands_on and number is None:
                raise await self._outdated(base, stands_on)
            prepared = await self._prepare(stands_on)
            if expected and prepared.hash != expected:
                raise ReleaseRefused("nothing is changed; the directory has changed since it was looked at: look again")
            if number is not None and number not in prepared.centre.numbers:
                known = ", ".join(prepared.centre.numbers)
                raise ReleaseRefused(f"nothing is changed; {number} is not one of the centre's numbers ({known})")
            in_force = self.versions.info(self.plan.in_force)
            if in_force and in_force.hash == prepared.hash and not at:
                raise ReleaseRefused(f"nothing is to be published: the directory is as version {in_force.number}")

            def planned(version: int) -> Plan:
                if at:
                    return plans.scheduled(self.plan, version, at_ms, base, author)
                if number is not None:
                    return plans.drafted(self.plan, version, number, author)
                if share is not None:
                    return plans.tried(self.plan, version, share, base, now_ms(), author)
                return plans.published(self.plan, version, base)

            def make() -> VersionInfo:
                centre = said(prepared)
                if content_hash(centre.content) != prepared.hash:
                    raise NotFit("the directory has changed while it was looked at; look again")
                content = content_of(centre)
                return self.versions.publish(
                    content, centre.content, base=base, created_ms=now_ms(), author=author, note=note
                )

            try:
                planned(_UNMADE)  # refused before anything is rendered or written
                info = await asyncio.to_thread(make)
            except PlanRefused as error:
                raise ReleaseRefused(f"nothing is changed; {error}", conflict=error.outdated) from error
            except (NotFit, VersionsUnavailable, OutOfDate, OSError, DocumentError) as error:
                raise ReleaseRefused(f"nothing is changed; {error}") from error
            what = f"publish {info.number}" + (
                f" at {at:%Y-%m-%d %H:%M}"
                if at
                else f" on {number}"
                if number
                else f" for {share:.0%}"
                if share
                else ""
            )
            await self._change(lambda: planned(info.number), author, what)
            return info

    async def roll_back(self, number: int | None, actor: str, at: datetime | None = None) -> int:
        """An earlier version is in force again: by default the one that the present one was made from. Needs no store.
        Raises ReleaseRefused."""
        async with self._changing:
            wanted = number if number is not None else self.was_in_force_before()
            if not wanted:
                raise ReleaseRefused("there is no earlier version to go back to; `switchboard versions` lists them")
            if at:
                at_ms = self._moment(at)
                base = self.plan.base_at(at_ms)
                what = f"roll back to {wanted} at {at:%Y-%m-%d %H:%M}"
                await self._change(lambda: plans.scheduled(self.plan, wanted, at_ms, base, actor), actor, what)
            else:
                await self._change(
                    lambda: plans.rolled_back(self.plan, wanted), actor, f"roll back to {wanted}", at_once=True
                )
            return wanted

    async def promote(self, number: int, actor: str) -> None:
        """A pending version is in force for all. Raises ReleaseRefused."""
        async with self._changing:
            info = self.versions.info(number)
            base = info.base if info else 0
            if (canary := self.plan.canary) is None or canary.version != number:
                first = self.plan.next_of(number)
                base = first.base if first else base
                if number in self.plan.pending() and base != self.plan.in_force:
                    raise await self._outdated(base, self.plan.in_force)
            await self._change(
                lambda: plans.promoted(self.plan, number, base), actor, f"promote {number}", at_once=True
            )

    async def withdraw(self, number: int, actor: str, halted: str = "") -> None:
        """A version is pending no more; `halted` says why a canary is not. Raises ReleaseRefused."""
        async with self._changing:
            what = f"halt {number}: {halted}" if halted else f"withdraw {number}"
            await self._change(lambda: plans.withdrawn(self.plan, number, now_ms(), halted), actor, what, at_once=True)

    async def _change(self, planned: Callable[[], Plan], actor: str, what: str, *, at_once: bool = False) -> None:
        """From the present plan to the next one: loaded, then written, then in effect. Raises ReleaseRefused."""
        canary = self.plan.canary
        try:
            plan = planned()
            centre = None
            if plan.in_force != self.plan.in_force:
                centre = await asyncio.to_thread(self.versions.load, plan.in_force)
                self._engine.overrides.applied(centre)
            for number in plan.live() - {plan.in_force} - self._loaded.keys():
                await asyncio.to_thread(self._load, number)
            await asyncio.to_thread(self.versions.change, plan, actor, what, at_once=at_once)
        except PlanRefused as error:
            raise ReleaseRefused(f"nothing is changed; {error}", conflict=error.outdated) from error
        except OutOfDate as error:
            await asyncio.to_thread(self.versions.look)
            raise ReleaseRefused(f"nothing is changed; {error}; look again", conflict=True) from error
        except DocumentError as error:
            lines = "\n".join(str(problem) for problem in error.problems)
            raise ReleaseRefused(f"nothing is changed; that version does not go with the centre:\n{lines}") from error
        except (VersionsUnavailable, OSError) as error:
            raise ReleaseRefused(f"nothing is changed; {error}") from error
        if plan.canary != canary:
            self.trial = Trial()
        if centre is not None:
            self._engine.take(self._engine.overrides.applied(centre))
            log.info("version %d of the flows is in force (%s, by %s)", plan.in_force, what, actor)

    async def _outdated(self, base: int, now: int) -> ReleaseRefused:
        """Told by name: who published what since, and what it changed."""
        info = self.versions.info(now)
        lines = [f"nothing is changed; you looked at version {base}, but version {now} is in force by now"]
        if base == 0:
            lines[0] = (
                f"nothing is changed; when you looked nothing was published, but version {now} is in force by now"
            )
        if info is not None:
            when = datetime.fromtimestamp(info.created_ms / 1000, self._engine.centre.zone)
            note = f" ({info.note})" if info.note else ""
            lines.append(f"It was made by {info.author} on {when:%Y-%m-%d at %H:%M}{note}, and changed:")
        try:
            lines += [f"  {line}" for line in await self.compare(base, now)] if base else ["  everything"]
        except ReleaseRefused as error:
            lines.append(f"  {error}")
        lines.append("Your directory is as it was. Take these changes into it and look again.")
        return ReleaseRefused("\n".join(lines), conflict=True)

    def _moment(self, at: datetime) -> int:
        """Unix ms of a time by the centre's clock. Raises ReleaseRefused."""
        try:
            return moment(at, self._engine.centre.zone)
        except PlanRefused as error:
            raise ReleaseRefused(f"nothing is changed; {error}") from error

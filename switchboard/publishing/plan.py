"""Which version of the flows is in force for whom. Pure: plans go in, plans come out.

Rules
- Exactly one version is in force (0: none was ever published, the centre's directory counts). A call keeps the version
  that it began with to its end, whatever becomes of the plan.
- Besides, versions may be pending: `scheduled` for a moment, a `draft` for the callers of one dialled number, or one
  `canary` for a share of all calls. A pending version is put in force by `promote` and taken back by `withdraw`.
- Compare and set: whoever puts a version in force names the version that it was made from, its base. If another one is
  in force by now, nothing is changed: what that one brought would be lost.
- While a canary is out, no other version is put in force, because the two would no longer be compared with one another;
  only `rollback` may, and it ends the canary.
"""

import hashlib
from typing import Literal

import msgspec

State = Literal["in force", "scheduled", "draft", "canary", "halted", ""]


class PlanRefused(Exception):
    """The plan cannot be changed so; the message says why. `outdated`: another version is in force than was said."""

    def __init__(self, message: str, *, outdated: bool = False) -> None:
        super().__init__(message)
        self.outdated = outdated


class Scheduled(msgspec.Struct, frozen=True):
    """A version that is to be in force from `at_ms` (Unix ms) on, if `base` is until then. `by`: who said so."""

    version: int
    at_ms: int
    base: int
    by: str


class Draft(msgspec.Struct, frozen=True):
    """A version for the calls to one number."""

    version: int
    number: str
    by: str


class Canary(msgspec.Struct, frozen=True):
    """A version for a share of all calls, since `since_ms`."""

    version: int
    share: float
    since_ms: int
    by: str

    def takes(self, contact: str) -> bool:
        """Whether this call is among them: by a hash, so that the same call always is, or is not. The seed is the trial
        itself (version and beginning), so that a second trial takes other calls."""
        seed = f"{self.version}/{self.since_ms}/{contact}"
        digest = hashlib.sha256(seed.encode("utf-8", "replace")).digest()
        return int.from_bytes(digest[:8], "big") < self.share * 2**64


class Halted(msgspec.Struct, frozen=True):
    """A canary that was ended for what it did to callers: `reason` has the figures."""

    version: int
    at_ms: int
    reason: str


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in force and what is pending. `revision` counts the changes, `scheduled` is in the order of time,
    `halted` is the last canary that was."""

    revision: int = 0
    in_force: int = 0
    scheduled: tuple[Scheduled, ...] = ()
    drafts: tuple[Draft, ...] = ()
    canary: Canary | None = None
    halted: Halted | None = None

    def version_for(self, number: str, contact: str) -> int:
        """The version for a call that begins now to this dialled number."""
        for draft in self.drafts:
            if draft.number == number:
                return draft.version
        if self.canary and self.canary.takes(contact):
            return self.canary.version
        return self.in_force

    def live(self) -> set[int]:
        """The versions that calls may begin with."""
        canary = {self.canary.version} if self.canary else set()
        return {self.in_force} | {draft.version for draft in self.drafts} | canary

    def pending(self) -> set[int]:
        """The versions that are scheduled, a draft or the canary; the one in force may be scheduled for later too."""
        canary = {self.canary.version} if self.canary else set()
        return {one.version for one in self.scheduled} | {draft.version for draft in self.drafts} | canary

    def states(self, version: int) -> list[State]:
        """What this version is at present."""
        found: dict[State, bool] = {
            "in force": version == self.in_force,
            "canary": self.canary is not None and self.canary.version == version,
            "scheduled": any(one.version == version for one in self.scheduled),
            "draft": any(one.version == version for one in self.drafts),
            "halted": self.halted is not None and self.halted.version == version,
        }
        return [state for state, so in found.items() if so]

    def next_of(self, version: int) -> Scheduled | None:
        """When this version is scheduled for, the first time."""
        return next((one for one in self.scheduled if one.version == version), None)

    def due(self, now_ms: int) -> Scheduled | None:
        """The first version whose moment has come."""
        return next((one for one in self.scheduled if one.at_ms <= now_ms), None)

    def base_at(self, at_ms: int) -> int:
        """The version that will be in force just before this moment, as things are planned."""
        earlier = [one.version for one in self.scheduled if one.at_ms <= at_ms]
        return earlier[-1] if earlier else self.in_force


def published(plan: Plan, version: int, base: int) -> Plan:
    """This version is in force for all new calls."""
    _on_base(plan, base)
    _no_canary(plan)
    return _next(plan, in_force=version, halted=None)


def rolled_back(plan: Plan, version: int) -> Plan:
    """An earlier version is in force again; a canary ends."""
    if version == plan.in_force:
        raise PlanRefused(f"version {version} is in force")
    return _next(plan, in_force=version, canary=None, halted=None)


def scheduled(plan: Plan, version: int, at_ms: int, base: int, by: str) -> Plan:
    """This version is to be in force from that moment on. It stands on the one that will be in force just before."""
    if base != (wanted := plan.base_at(at_ms)):
        raise PlanRefused(f"version {wanted} will be in force just before that, not {base}", outdated=True)
    if version == base:
        raise PlanRefused(f"version {version} will be in force by then")
    if any(one.at_ms >= at_ms for one in plan.scheduled):
        raise PlanRefused("another version is scheduled for that moment or later; withdraw it first")
    return _next(plan, scheduled=(*plan.scheduled, Scheduled(version, at_ms, base, by)))


def drafted(plan: Plan, version: int, number: str, by: str) -> Plan:
    """Calls to this number meet this version; a draft that the number had ends."""
    others = tuple(draft for draft in plan.drafts if draft.number != number)
    return _next(plan, drafts=(*others, Draft(version, number, by)))


def tried(plan: Plan, version: int, share: float, base: int, now_ms: int, by: str) -> Plan:
    """This share of the calls meet this version."""
    _on_base(plan, base)
    _no_canary(plan)
    if not plan.in_force:
        raise PlanRefused("there is no published version to compare a canary with; publish one for all first")
    return _next(plan, canary=Canary(version, share, now_ms, by), halted=None)


def promoted(plan: Plan, version: int, base: int) -> Plan:
    """A version that is pending is in force for all. `base` is the version that it was made from."""
    _pending(plan, version)
    if plan.canary and plan.canary.version == version:
        return rolled_back(plan, version)
    if first := plan.next_of(version):
        rest = tuple(one for one in plan.scheduled if one is not first)
        return msgspec.structs.replace(published(plan, version, first.base), scheduled=rest)
    drafts = tuple(draft for draft in plan.drafts if draft.version != version)
    return msgspec.structs.replace(published(plan, version, base), drafts=drafts)


def withdrawn(plan: Plan, version: int, now_ms: int, halted: str = "") -> Plan:
    """A version is pending no more: its schedule, draft or canary ends. `halted`: because of this."""
    _pending(plan, version)
    return _next(
        plan,
        scheduled=tuple(one for one in plan.scheduled if one.version != version),
        drafts=tuple(draft for draft in plan.drafts if draft.version != version),
        canary=None if plan.canary and plan.canary.version == version else plan.canary,
        halted=Halted(version, now_ms, halted) if halted else plan.halted,
    )


def _on_base(plan: Plan, base: int) -> None:
    if base != plan.in_force:
        raise PlanRefused(f"version {plan.in_force} is in force by now, not {base}", outdated=True)


def _no_canary(plan: Plan) -> None:
    if plan.canary:
        raise PlanRefused(f"version {plan.canary.version} is being tried as a canary; promote it or withdraw it first")


def _pending(plan: Plan, version: int) -> None:
    if version not in plan.pending():
        raise PlanRefused(f"version {version} is neither scheduled, nor a draft, nor a canary")


def _next(plan: Plan, **changes: object) -> Plan:
    return msgspec.structs.replace(plan, revision=plan.revision + 1, **changes)

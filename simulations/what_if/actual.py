"""Yesterday's real contacts through a changed configuration or staffing, and what really happened beside it.

From a router's journal come the contacts, when they came and all that is known of them, the agents and when they were
there (`simulations.compare`). The present is the model of that day: the journal's own policy and staff. Changes are
made to the centre's documents; the staff that is theirs to change is whoever worked that day, at the times of that day.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import msgspec

from documents import DocumentError, Problem, Source
from router.core.policy import Policy
from simulations.clock import shift_minutes
from simulations.compare import Measured, same_staff, scenario_of
from simulations.scenario import Scenario
from simulations.setting import MINUTE_MS, Setting
from simulations.what_if.documents import Documents
from simulations.what_if.plan import Plan
from simulations.what_if.variants import Base, LoadCentre, Variant

DAY_MS = 1_440 * MINUTE_MS
AS_CONFIGURED = "the centre as it is configured now"


def actual_base(
    plan: Plan, measured: Measured, centre: Mapping[str, Any], load: LoadCentre | None, directory: Path, zone: tzinfo
) -> Base:
    """The day that was measured as the base of changes. Raises ValueError when nobody was answered that day."""
    scenario = scenario_of(measured, plan.replications or 20, plan.seed or 1)
    scenario = scenario.model_copy(update={"name": plan.name, "confidence": plan.confidence or scenario.confidence})
    document = {
        "name": plan.name,
        "kinds": {queue: {"arrivals": {"trace": "recorded"}} for queue in measured.contacts},
        "staff": [{"agents": [name]} for name in measured.shifts_ms],
    }
    source = Source(str(directory), document, {})
    settle = _settler(measured, scenario, load, source, zone)
    return Base(source, directory, centre, load, settle, same_staff(measured, scenario))


def as_configured(measured: Measured, base: Base) -> list[Variant]:
    """The centre's configuration of now, if it is another than that of the day."""
    if base.load is None or base.settle is None:
        return []
    setting = base.settle(base.documents())
    now, then = (msgspec.structs.replace(policy, version=0) for policy in (setting.policy, measured.policy))
    return [Variant(AS_CONFIGURED, setting)] if now != then else []


def _settler(
    measured: Measured, scenario: Scenario, load: LoadCentre | None, source: Source, zone: tzinfo
) -> Callable[[Documents], Setting]:
    def settle(documents: Documents) -> Setting:
        if load is None:
            raise DocumentError([source.problem((), "changes need the centre's documents", "give --centre")])
        if {**documents.scenario, "staff": 0} != {**source.data, "staff": 0}:
            message = "of what was recorded only the staff can be changed, besides queues and agents"
            raise DocumentError([Problem(message, source.file)])
        policy = load({"queues.yaml": documents.routing, "agents.yaml": documents.staff_file}).policy
        policy, shifts = _staffed(measured, documents, policy, scenario, zone)
        _refuse_missing(measured, policy, shifts, source)
        return same_staff(replace(measured, policy=policy, shifts_ms=shifts), scenario)

    return settle


def _staffed(
    measured: Measured, documents: Documents, policy: Policy, scenario: Scenario, zone: tzinfo
) -> tuple[Policy, dict[str, list[tuple[int, int]]]]:
    """Who works when: as measured, unless a change says otherwise; who was added works as the agent they are like."""
    agents = {agent.name: agent for agent in policy.agents}
    shifts: dict[str, list[tuple[int, int]]] = {}
    for entry in documents.staff():
        changed = entry.get("shifts") and list(_by_the_clock(entry["shifts"], measured, scenario, zone))
        for name in entry.get("agents") or ():
            shifts[name] = changed or measured.shifts_ms.get(name, [])
        if group := entry.get("group"):
            like = group.removeprefix("more like ")
            for number in range(1, entry["count"] + 1):
                name = f"{group}-{number}"
                agents[name] = msgspec.structs.replace(agents[like], name=name)
                shifts[name] = changed or measured.shifts_ms.get(like, [])
    return msgspec.structs.replace(policy, agents=tuple(agents.values())), shifts


def _by_the_clock(shifts: list[str], measured: Measured, scenario: Scenario, zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Shifts of every day of the recording, in its time."""
    end_ms = measured.duration_ms + round(scenario.run_off_minutes * MINUTE_MS)
    began = datetime.fromtimestamp(measured.start_ms / 1000, zone)
    day = began.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while (midnight_ms := round((day - began).total_seconds() * 1000)) < end_ms:
        for first, last in sorted(map(shift_minutes, shifts)):
            begin, finish = midnight_ms + first * MINUTE_MS, midnight_ms + last * MINUTE_MS
            if begin < end_ms and finish > 0:
                yield max(0, begin), min(finish, end_ms)
        day += timedelta(days=1)


def _refuse_missing(
    measured: Measured, policy: Policy, shifts: Mapping[str, list[tuple[int, int]]], source: Source
) -> None:
    queues, agents = {queue.name for queue in policy.queues}, {agent.name for agent in policy.agents}
    problems = [
        Problem(f"contacts came for the queue {name!r} that day, and the centre has none of this name", source.file)
        for name in measured.contacts
        if name not in queues
    ]
    problems += [
        Problem(f"agent {name!r} worked that day and is not in the centre", source.file, hint="use that day's centre")
        for name in shifts
        if name not in agents
    ]
    if problems:
        raise DocumentError(problems)

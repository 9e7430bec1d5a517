"""Queues at run time: open, close, emergency; settings and skills without a restart."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from pydantic import AwareDatetime, Field

from documents import nearest
from router.core.events import QueueState
from switchboard.operations.agents import OfAgent, known_agent
from switchboard.operations.base import Answer, Ask, Done, FreeText, OperationRefused, QueueName, Request, operation
from switchboard.overrides import CannotChange, QueueSettings

Positive = Annotated[float, Field(ge=0.1, le=7 * 86_400)]


class Nothing(Ask):
    """Nothing needs to be said."""


class SwitchQueues(Ask):
    """What queues become, why, and until when."""

    state: Literal["open", "closed", "emergency", "hours"]
    """`hours`: as the opening hours say again; without hours, open."""
    reason: Annotated[FreeText, Field(max_length=200)] = ""
    until: AwareDatetime | None = None
    """Until then; without it until the opening hours change the next time, and an emergency until it is ended."""


class SwitchQueue(SwitchQueues):
    """What one queue becomes."""

    queue: QueueName


class QueueOpening(Answer):
    """Whether a queue is open, and why."""

    queue: str
    state: QueueState
    reason: str
    hours: str | None
    """The opening hours that it follows (hours.yaml)."""
    by: str | None
    """Who switched it by hand, if that still holds."""
    until: datetime | None


@operation("GET", "/openings", roles=("supervisor", "planner", "auditor"))
async def openings(request: Request, ask: Nothing) -> list[QueueOpening]:
    """Which queues are open, closed or in an emergency, and why."""
    return [_opening(request, queue) for queue in request.engine.live.router.queues()]


@operation("POST", "/queues/{queue}/switch", roles=("supervisor",))
async def switch_queue(request: Request, ask: SwitchQueue) -> Done:
    """Open or close a queue, or close it in an emergency."""
    known_queue(request, ask.queue)
    _switch(request, ask.queue, ask)
    return Done(message=_in_words(_opening(request, ask.queue)))


@operation("POST", "/openings", roles=("supervisor",))
async def switch_queues(request: Request, ask: SwitchQueues) -> Done:
    """Open or close all queues, or close them in an emergency."""
    queues = request.engine.live.router.queues()
    for queue in queues:
        _switch(request, queue, ask)
    return Done(message="\n".join(_in_words(_opening(request, queue)) for queue in queues))


class SetQueue(Ask):
    """What changes; everything else stays. The names are those of queues.yaml."""

    queue: QueueName
    ring_s: Positive | None = None
    wrap_up_s: Annotated[float, Field(ge=0, le=7 * 86_400)] | None = None
    longest_wait_s: Positive | None = None
    preferred_agent_s: Annotated[float, Field(ge=0, le=7 * 86_400)] | None = None
    directed_s: Positive | None = None
    full_at: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    weight: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None = None
    priority_per_minute: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    answered_within_s: Positive | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    for_waiting: bool = True
    """Also for the contacts that wait already; otherwise they finish on what they began with."""


class SetSkill(OfAgent):
    """What an agent can do from now on."""

    skill: Annotated[str, Field(min_length=1, max_length=64)]
    level: Annotated[int, Field(ge=1, le=10)] | None
    """`null`: the agent no longer has the skill."""


class OverridesNow(Answer):
    """What is laid over the centre's files."""

    skills: dict[str, dict[str, int | None]]
    """By agent: the level of each skill, `null` where it was taken away."""
    queues: dict[str, dict[str, float]]
    """By queue: the settings, named as in queues.yaml."""
    passed_over: list[str]
    """Agents and queues that the centre no longer has."""


@operation("PATCH", "/queues/{queue}", roles=("supervisor",))
async def set_queue(request: Request, ask: SetQueue) -> Done:
    """Change a queue's settings at once; nobody who waits is dropped, and the order stays.

    The change holds over reloads and restarts until the overrides are cleared.
    """
    known_queue(request, ask.queue)
    settings = ask.model_dump(exclude={"queue", "for_waiting"}, exclude_none=True)
    if not settings:
        raise OperationRefused("nothing is to be changed", "invalid")
    engine = request.engine
    before = _settings(request).get(ask.queue, {})
    try:
        wanted = engine.overrides.set_queue(engine.centre, ask.queue, QueueSettings(**settings))
        engine.publish(wanted, migrate=ask.for_waiting)
    except (CannotChange, OSError) as error:
        raise OperationRefused(f"nothing is changed: {error}", "invalid") from error
    request.changed(before, _settings(request)[ask.queue])
    done = ", ".join(f"{name} = {value:g}" for name, value in settings.items())
    return Done(message=f"{ask.queue}: {done} (policy {engine.live.router.policy.version}).")


@operation("PUT", "/agents/{agent}/skills/{skill}", roles=("supervisor",))
async def set_skill(request: Request, ask: SetSkill) -> Done:
    """Give an agent a skill, change its level, or take it away; at once, also for those who wait.

    The change holds over reloads and restarts until the overrides are cleared.
    """
    engine = request.engine
    known_agent(request, ask.agent)
    if ask.skill not in engine.centre.skills:
        raise OperationRefused(f"no skill {ask.skill!r} ({nearest(ask.skill, engine.centre.skills)})", "unknown")
    spec = next((agent for agent in engine.centre.policy.agents if agent.name == ask.agent), None)
    if spec is None:
        raise OperationRefused(f"{ask.agent} is no longer an agent of the centre")
    try:
        engine.publish(engine.overrides.set_skill(engine.centre, ask.agent, ask.skill, ask.level))
    except (CannotChange, OSError) as error:
        raise OperationRefused(f"nothing is changed: {error}", "invalid") from error
    request.changed({"level": spec.skills.get(ask.skill)}, {"level": ask.level})
    now = "no longer has" if ask.level is None else f"has, at level {ask.level},"
    return Done(message=f"{ask.agent} {now} the skill {ask.skill}.")


@operation("GET", "/overrides", roles=("supervisor", "planner", "auditor"))
async def overrides(request: Request, ask: Nothing) -> OverridesNow:
    """What has been changed at run time and is laid over the centre's files."""
    kept = request.engine.overrides
    return OverridesNow(skills=kept.kept.skills, queues=_settings(request), passed_over=kept.passed_over)


@operation("DELETE", "/overrides", roles=("supervisor",))
async def clear_overrides(request: Request, ask: Nothing) -> Done:
    """Forget what has been changed at run time: the centre's files alone count again, at once."""
    engine = request.engine
    before = {"skills": engine.overrides.kept.skills, "queues": _settings(request)}
    try:
        engine.overrides.clear()
    except OSError as error:
        raise OperationRefused(f"nothing is changed: {error}") from error
    request.changed(before, {"skills": {}, "queues": {}})
    engine.reload()
    return Done(message="The centre's files alone count again.")


def known_queue(request: Request, name: str) -> str:
    """The queue's name, if there is one of that name."""
    known = request.engine.live.router.queues()
    if name not in known:
        raise OperationRefused(f"no queue {name!r} ({nearest(name, known)})", "unknown")
    return name


def _settings(request: Request) -> dict[str, dict[str, float]]:
    """What is changed of queues, as people write it."""
    kept: dict[str, dict[str, float]] = msgspec.to_builtins(request.engine.overrides.kept.queues)
    return kept


def _switch(request: Request, queue: str, ask: SwitchQueues) -> None:
    opening = request.engine.opening
    before = _opening(request, queue)
    if ask.state == "hours":
        opening.follow_hours(queue)
    else:
        if ask.until and ask.until <= datetime.now(ask.until.tzinfo):
            raise OperationRefused(f"{ask.until} is past", "invalid")
        until_ms = round(ask.until.timestamp() * 1000) if ask.until else None
        opening.switch(queue, ask.state, ask.reason, request.actor.name, until_ms)
    after = _opening(request, queue)
    request.changed({queue: before.state}, {queue: after.state})


def _opening(request: Request, queue: str) -> QueueOpening:
    engine = request.engine
    current, by_hand = engine.live.router.switch(queue), engine.opening.switched(queue)
    until = None
    if by_hand and by_hand.until_ms is not None:
        until = datetime.fromtimestamp(by_hand.until_ms / 1000, engine.centre.zone)
    return QueueOpening(
        queue=queue,
        state=current.state if current else "open",
        reason=current.reason if current else (by_hand.reason if by_hand else ""),
        hours=engine.centre.queue_hours.get(queue),
        by=by_hand.by if by_hand else None,
        until=until,
    )


def _in_words(opening: QueueOpening) -> str:
    text = f"{opening.queue} is {'in an emergency' if opening.state == 'emergency' else opening.state}"
    text += f": {opening.reason}" if opening.reason else ""
    return text + (f" (until {opening.until:%Y-%m-%d %H:%M})" if opening.until else "")

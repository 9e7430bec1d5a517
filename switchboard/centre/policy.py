"""The router's policy, made from what people wrote: seconds become milliseconds, names become keys."""

from collections.abc import Iterable, Mapping

from documents import Problem, Source
from documents.source import Path, dotted
from router.core.policy import (
    AfterFailure,
    Agent,
    CallbackRules,
    Channel,
    Condition,
    Goal,
    KeySpec,
    LastAction,
    Policy,
    Queue,
    Reentry,
    Step,
    Until,
)
from switchboard.centre.model import (
    AfterFailureDocument,
    AgentDocument,
    AgentsDocument,
    CallbackDocument,
    ChannelDocument,
    Consequence,
    GoalDocument,
    LastActionDocument,
    PauseAfterDocument,
    QueueDocument,
    QueuesDocument,
    RankingKey,
    ReentryDocument,
    StepDocument,
    UntilDocument,
)


def make_policy(queues: QueuesDocument, agents: AgentsDocument, version: int = 1) -> Policy:
    """The policy that these two documents describe; `router.core` checks what it means."""
    return Policy(
        version=version,
        queues=tuple(_queue(name, queue) for name, queue in queues.queues.items()),
        agents=tuple(_agent(name, agent) for name, agent in agents.agents.items()),
        contact_ranking=_ranking(queues.contact_ranking),
        after_failure=_after_failure(agents.after_failure),
        pause_reasons=tuple(agents.pause_reasons),
        short_busy_retry_ms=_ms(queues.busy_retry_s),
        channels=_channels(queues.channels),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _ms_or_none(seconds: float | None) -> int | None:
    return None if seconds is None else _ms(seconds)


def _queue(name: str, queue: QueueDocument) -> Queue:
    return Queue(
        name=name,
        goal=_goal(queue.goal),
        steps=tuple(_step(step) for step in queue.steps),
        last_action=_action(queue.last_action),
        channel=queue.channel,
        floor=Condition(queue.skills, queue.where),
        priority=queue.priority.base,
        priority_per_minute=queue.priority.per_minute,
        priority_cap=queue.priority.cap,
        weight=queue.weight,
        ring_ms=_ms(queue.ring_s),
        wrap_up_ms=_ms(queue.wrap_up_s),
        preferred_agent_ms=_ms(queue.preferred_agent_s),
        longest_wait_ms=_ms_or_none(queue.longest_wait_s),
        full_at=queue.full_at,
        when_full=_action_or_none(queue.when_full),
        agent_ranking=_ranking(queue.agent_ranking),
        when_closed=_action_or_none(queue.when_closed),
        at_closing=_action_or_none(queue.at_closing),
        when_unstaffed=_action_or_none(queue.when_unstaffed),
        callback=_callback(queue.callback),
        reentry=_reentry(queue.reentry),
        directed_ms=_ms(queue.directed_s),
    )


def _goal(goal: GoalDocument) -> Goal:
    return Goal(
        answered_within_ms=_ms(goal.answered_within_s),
        share=goal.share,
        short_abandon_ms=_ms(goal.short_abandon_s),
        window_ms=_ms(goal.window_s),
        margin=goal.margin,
    )


def _callback(callback: CallbackDocument | None) -> CallbackRules | None:
    if callback is None:
        return None
    return CallbackRules(
        tries=callback.tries,
        retry_ms=_ms(callback.retry_s),
        ring_ms=_ms(callback.ring_s),
        expires_ms=_ms_or_none(callback.expires_s),
    )


def _reentry(reentry: ReentryDocument | None) -> Reentry | None:
    return Reentry(_ms(reentry.within_s), reentry.place, reentry.agent) if reentry else None


def _channels(written: Mapping[str, ChannelDocument]) -> tuple[Channel, ...]:
    """Those that are written, and `voice` in any case."""
    channels = {"voice": ChannelDocument(), **written}
    return tuple(
        Channel(name, tuple(channel.beside), tuple(channel.interrupts), channel.auto_accept)
        for name, channel in channels.items()
    )


def _step(step: StepDocument) -> Step:
    return Step(
        name=step.name,
        condition=Condition(step.skills, step.where),
        combine=step.combine,
        until=_until(step.until),
        agent_ranking=None if step.agent_ranking is None else _ranking(step.agent_ranking),
        keep_free=step.keep_free,
        lent_by=tuple(step.lent_by),
    )


def _until(until: UntilDocument) -> Until:
    return Until(
        after_ms=_ms_or_none(until.after_s),
        clock=until.clock,
        none_logged_in=until.none_logged_in,
        none_available=until.none_available,
        refusals=until.refusals,
        ewt_over_ms=_ms_or_none(until.ewt_over_s),
        below_goal=until.below_goal,
    )


def _action(action: LastActionDocument) -> LastAction:
    if action.queue is not None:
        return LastAction("queue", action.queue)
    return LastAction("exit", str(action.exit))


def _action_or_none(action: LastActionDocument | None) -> LastAction | None:
    return _action(action) if action else None


def _agent(name: str, agent: AgentDocument) -> Agent:
    return Agent(
        name=name,
        skills=agent.skills,
        team=agent.team or "",
        site=agent.site or "",
        queues=None if agent.queues is None else tuple(agent.queues),
        capacity=agent.capacity,
        cost_per_hour=agent.cost_per_hour,
    )


def _ranking(keys: Iterable[RankingKey]) -> tuple[KeySpec, ...]:
    """`longest_idle`, or with parameters `{least_occupied: {step: 0.05}}`."""
    specs = []
    for key in keys:
        if isinstance(key, str):
            specs.append(KeySpec(key))
        else:
            specs.extend(KeySpec(name, parameters) for name, parameters in key.items())
    return tuple(specs)


def _after_failure(after: AfterFailureDocument) -> AfterFailure:
    """Each cause with the reason that the pause is shown with, and how many failures in a row it takes."""

    def reason(consequence: Consequence, shown: str) -> str | None:
        return None if consequence == "ready" else shown

    def limit(consequence: Consequence) -> int:
        return consequence.pause_after if isinstance(consequence, PauseAfterDocument) else 1

    return AfterFailure(
        no_answer=reason(after.no_answer, "no answer"),
        declined=reason(after.declined, "declined"),
        unreachable=reason(after.unreachable, "unreachable"),
        busy=reason(after.busy, "busy"),
        no_answer_limit=limit(after.no_answer),
        declined_limit=limit(after.declined),
        unreachable_limit=limit(after.unreachable),
        busy_limit=limit(after.busy),
    )


def place(problem: Problem, documents: Mapping[str, Source]) -> Problem:
    """A problem of the policy at its line in the documents.

    `documents` are the sources by their first key (`queues`, `agents`, `contact_ranking`). The router's paths are those
    of the documents but for times (`after_ms`) and the grouping of conditions.
    """
    wanted = _parts(problem.path)
    source = documents.get(str(wanted[0]) if wanted else "")
    if source is None:
        return problem
    written: Path = ()
    for part in wanted:
        names = [part, f"{part[:-3]}_s"] if isinstance(part, str) and part.endswith("_ms") else [part]
        written = next(((*written, name) for name in names if (*written, name) in source.lines), written)
    return Problem(problem.message, source.file, source.line(written), dotted(written), problem.hint, problem.severity)


def _parts(path: str) -> Path:
    """`queues.billing.steps[1]` as `("queues", "billing", "steps", 1)`; the names of a policy have no dots."""
    parts: Path = ()
    for piece in path.split("."):
        name, *indices = piece.replace("]", "").split("[")
        parts = (*parts, name, *(int(index) if index.isdigit() else index for index in indices))
    return parts

"""The router's policy for a scenario that needs no centre."""

from collections.abc import Mapping, Sequence

from router.core.policy import CallbackRules, Channel, Condition, Goal, KeySpec, LastAction, Policy, Queue, Step, Until
from simulations.scenario import RankingKey, StandalonePolicy, StandaloneQueue

OVERFLOW = "overflow"
"""The exit of those who waited longest, or found the queue full."""


def policy_of(written: StandalonePolicy) -> Policy:
    """The policy that is written into a scenario, without agents."""
    queues = tuple(_queue(name, queue) for name, queue in written.queues.items())
    channels = {name: Channel(name, *_rules(written, name)) for name in ("voice", *written.channels)}
    return Policy(1, queues, (), _ranking(written.contact_ranking), channels=tuple(channels.values()))


def _ranking(keys: Sequence[RankingKey]) -> tuple[KeySpec, ...]:
    written = [(key, {}) if isinstance(key, str) else next(iter(key.items())) for key in keys]
    return tuple(KeySpec(name, dict(parameters)) for name, parameters in written)


def _rules(written: StandalonePolicy, name: str) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    channel = written.channels.get(name)
    return ((), (), False) if channel is None else (channel.beside, channel.interrupts, channel.auto_accept)


def _queue(name: str, queue: StandaloneQueue) -> Queue:
    overflow = LastAction("exit", OVERFLOW) if queue.overflow_to is None else LastAction("queue", queue.overflow_to)
    rules = queue.callback
    return Queue(
        name=name,
        goal=Goal(_ms(queue.answered_within_s), queue.share, _ms(queue.short_abandon_s)),
        steps=_steps(queue),
        last_action=overflow,
        channel=queue.channel,
        priority=queue.priority,
        priority_per_minute=queue.priority_per_minute,
        priority_cap=queue.priority_cap,
        weight=queue.weight,
        ring_ms=_ms(queue.ring_s),
        wrap_up_ms=_ms(queue.wrap_up_s),
        longest_wait_ms=None if queue.longest_wait_s is None else _ms(queue.longest_wait_s),
        full_at=queue.full_at,
        when_full=None if queue.full_at is None else overflow,
        agent_ranking=_ranking(queue.agent_ranking),
        callback=None
        if rules is None
        else CallbackRules(
            rules.tries,
            _ms(rules.retry_s),
            _ms(rules.ring_s),
            None if rules.expires_s is None else _ms(rules.expires_s),
        ),
    )


def _steps(queue: StandaloneQueue) -> tuple[Step, ...]:
    """Each lasts until the next one begins."""
    ends = [Until(after_ms=_ms(step.after_s), clock="age", **dict.fromkeys(step.sooner, True)) for step in queue.steps]
    end, *others = [*ends, Until()]
    later = [
        Step(
            f"from {step.after_s:g} s",
            Condition(step.skills, step.where),
            step.combine,
            until,
            keep_free=step.keep_free,
            lent_by=step.lent_by,
        )
        for step, until in zip(queue.steps, others, strict=True)
    ]
    first = Step("all", Condition(queue.skills, queue.where), until=end, keep_free=queue.keep_free)
    return (first, *later)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def any_queue(policy: StandalonePolicy, skills: Mapping[str, int]) -> bool:
    """Whether somebody with these skills may take a contact of any queue, as far as skills alone decide it."""
    return any(
        all(skills.get(skill, 0) >= level for skill, level in asked.items())
        for queue in policy.queues.values()
        for asked in (queue.skills, *(step.skills for step in queue.steps))
    )

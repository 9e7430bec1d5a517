"""What is wrong with a policy, all of it at once, each problem with its place (`queues.billing.steps[1].where`).

The configuration loader asks before anything is published, and the router accepts no policy with an error.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import msgspec
from pydantic import ValidationError

from documents import Expression, ExpressionError, Problem, nearest
from router.core.channel_check import check_channels
from router.core.eligibility import DYNAMIC, Chain, agent_view
from router.core.policy import Agent, CallbackRules, Condition, KeySpec, LastAction, Policy, Queue, Step, Until
from router.core.strategies import registry

LEAST_RETRY_MS = 100
"""An agent whose phone was busy may not be rung in a hot loop."""

LEAST_WINDOW_MS = 60_000
"""A goal is not looked at over less than a minute: one call would decide."""

LEVELS = range(1, 11)
VARIABLES = ("agent", "contact")
AGENT_FIELDS = tuple(agent_view(Agent("anybody")))


def check_policy(policy: Policy) -> list[Problem]:
    """Every problem of the policy; it can be used if none of them is an error."""
    return list(_problems(policy))


def _problems(policy: Policy) -> Iterator[Problem]:
    yield from _twice("agents", [agent.name for agent in policy.agents])
    yield from _twice("queues", [queue.name for queue in policy.queues])
    if not policy.queues:
        yield Problem("there is no queue", path="queues")
    if policy.short_busy_retry_ms < LEAST_RETRY_MS:
        yield Problem(f"must be at least {LEAST_RETRY_MS}", path="short_busy_retry_ms")
    limits = ("no_answer_limit", "declined_limit", "unreachable_limit", "busy_limit")
    yield from _at_least("after_failure", {name: getattr(policy.after_failure, name) for name in limits}, 1)
    yield from _ranking("contact_ranking", policy.contact_ranking, "contact")
    queues = {queue.name: queue for queue in policy.queues}
    for agent in policy.agents:
        yield from _agent(f"agents.{agent.name}", agent, queues)
    for queue in policy.queues:
        yield from _queue(f"queues.{queue.name}", queue, queues, policy.agents)
    yield from check_channels(policy)
    yield from _circles(queues)


def _twice(path: str, names: list[str]) -> Iterator[Problem]:
    for name in dict.fromkeys(names):
        if not name:
            yield Problem("a name is empty", path=path)
        elif names.count(name) > 1:
            yield Problem(f"{name!r} is there {names.count(name)} times", path=f"{path}.{name}")


def _at_least(path: str, values: Mapping[str, float | None], least: float) -> Iterator[Problem]:
    for name, value in values.items():
        if value is not None and value < least:
            yield Problem(f"must be at least {least:g}, not {value:g}", path=f"{path}.{name}")


def _agent(path: str, agent: Agent, queues: Iterable[str]) -> Iterator[Problem]:
    for name, level in agent.skills.items():
        if level not in LEVELS:
            yield Problem(f"a level is from 1 to 10, not {level}", path=f"{path}.skills.{name}")
    for name in agent.queues or ():
        if name not in queues:
            yield Problem(f"there is no queue {name!r}", path=f"{path}.queues", hint=nearest(name, queues))
    yield from _at_least(f"{path}.capacity", agent.capacity, 0)
    yield from _at_least(path, {"cost_per_hour": agent.cost_per_hour}, 0)


def _queue(path: str, queue: Queue, queues: Mapping[str, Queue], agents: tuple[Agent, ...]) -> Iterator[Problem]:
    yield from _at_least(
        path,
        {
            "goal.answered_within_ms": queue.goal.answered_within_ms,
            "goal.short_abandon_ms": queue.goal.short_abandon_ms,
            "priority_per_minute": queue.priority_per_minute,
            "wrap_up_ms": queue.wrap_up_ms,
            "preferred_agent_ms": queue.preferred_agent_ms,
            "directed_ms": queue.directed_ms,
        },
        0,
    )
    yield from _at_least(
        path, {"ring_ms": queue.ring_ms, "longest_wait_ms": queue.longest_wait_ms, "full_at": queue.full_at}, 1
    )
    if not 0 <= queue.goal.share <= 1:
        yield Problem(f"a share is from 0 to 1, not {queue.goal.share:g}", path=f"{path}.goal.share")
    if (queue.full_at is None) != (queue.when_full is None):
        yield Problem("full_at and when_full belong together: one of them is missing", path=f"{path}.full_at")
    if queue.at_closing is not None and queue.when_closed is None:
        message = "at closing those who wait are sent away, but without when_closed those who come are let in"
        yield Problem(message, path=f"{path}.at_closing")
    for name, action in _actions(queue):
        yield from _action(f"{path}.{name}", action, queue, queues)
    if queue.callback is not None:
        yield from _callback(f"{path}.callback", queue.callback)
    if queue.reentry is not None:
        yield from _at_least(f"{path}.reentry", {"within_ms": queue.reentry.within_ms}, 1)
    yield from _ranking(f"{path}.agent_ranking", queue.agent_ranking, "agent")
    yield from _at_least(f"{path}.goal", {"window_ms": queue.goal.window_ms}, LEAST_WINDOW_MS)
    if not 0 <= queue.goal.margin <= 1:
        yield Problem(f"a share is from 0 to 1, not {queue.goal.margin:g}", path=f"{path}.goal.margin")
    conditions = list(_condition(f"{path}.floor", queue.floor))
    if not queue.steps:
        yield Problem("there is no step, so nobody could take a contact", path=f"{path}.steps")
    else:
        yield from _twice(f"{path}.steps", [step.name for step in queue.steps])
    for i, step in enumerate(queue.steps):
        conditions += _condition(f"{path}.steps[{i}]", step.condition)
        yield from _step(f"{path}.steps[{i}]", step, first=i == 0)
        yield from _reserving(f"{path}.steps[{i}]", step, queue, queues)
    for i, (step, _) in enumerate(pairwise(queue.steps)):
        if step.until == Until():
            message = f"the step {step.name!r} never ends, so the steps after it are never reached"
            yield Problem(message, path=f"{path}.steps[{i}].until")
    yield from conditions
    if not conditions and agents:
        yield from _dead_steps(path, queue, agents)
        yield from _kept_for_ever(path, queue, agents)


def _actions(queue: Queue) -> Iterator[tuple[str, LastAction]]:
    """Everything that may become of a contact in this queue but an agent, each by its field."""
    for name in ("last_action", "when_full", "when_closed", "at_closing", "when_unstaffed"):
        action: LastAction | None = getattr(queue, name)
        if action is not None:
            yield name, action


def _callback(path: str, rules: CallbackRules) -> Iterator[Problem]:
    values = {"tries": rules.tries, "retry_ms": rules.retry_ms, "ring_ms": rules.ring_ms}
    yield from _at_least(path, {**values, "expires_ms": rules.expires_ms}, 1)


def _action(path: str, action: LastAction, queue: Queue, queues: Mapping[str, Queue]) -> Iterator[Problem]:
    if not action.target:
        yield Problem("has no target", path=path)
    elif action.kind == "queue":
        target = queues.get(action.target)
        if target is None:
            yield Problem(f"there is no queue {action.target!r}", path=path, hint=nearest(action.target, queues))
        elif target.channel != queue.channel:
            yield Problem(f"{action.target!r} takes {target.channel} contacts, not {queue.channel}", path=path)


def _step(path: str, step: Step, *, first: bool) -> Iterator[Problem]:
    if first and step.combine != "replace":
        yield Problem(f"the first step has nothing before it to {step.combine}", path=f"{path}.combine")
    until = step.until
    yield from _at_least(f"{path}.until", {"after_ms": until.after_ms, "ewt_over_ms": until.ewt_over_ms}, 0)
    yield from _at_least(f"{path}.until", {"refusals": until.refusals}, 1)
    if step.agent_ranking is not None:
        yield from _ranking(f"{path}.agent_ranking", step.agent_ranking, "agent")


def _reserving(path: str, step: Step, queue: Queue, queues: Iterable[str]) -> Iterator[Problem]:
    yield from _at_least(path, {"keep_free": step.keep_free}, 1)
    for name in step.lent_by:
        if name not in queues:
            yield Problem(f"there is no queue {name!r}", path=f"{path}.lent_by", hint=nearest(name, queues))
        elif name == queue.name:
            yield Problem(f"{name!r} cannot lend agents to itself", path=f"{path}.lent_by")
    if step.reserves and step.combine == "narrow":
        field = "keep_free" if step.keep_free is not None else "lent_by"
        message = f"the step {step.name!r} narrows and so lets nobody in: there is nobody whom it could reserve"
        yield Problem(message, path=f"{path}.{field}")


def _condition(path: str, condition: Condition) -> Iterator[Problem]:
    for name, level in condition.skills.items():
        if level not in LEVELS:
            yield Problem(f"a level is from 1 to 10, not {level}", path=f"{path}.skills.{name}")
        if name == DYNAMIC:
            yield Problem("which attribute of the contact names the skill?", path=f"{path}.skills.{name}")
    if condition.where is None:
        return
    try:
        where = Expression(condition.where)
    except ExpressionError as error:
        yield Problem(f"not an expression: {error}", path=f"{path}.where")
        return
    for name in sorted(where.names - set(VARIABLES)):
        yield Problem(f"{name!r} is not known here", path=f"{path}.where", hint=nearest(name, VARIABLES))
    for field in sorted((where.fields("agent") or frozenset()) - set(AGENT_FIELDS)):
        yield Problem(f"an agent has no {field!r}", path=f"{path}.where", hint=nearest(field, AGENT_FIELDS))


def _ranking(path: str, specs: tuple[KeySpec, ...], side: str) -> Iterator[Problem]:
    keys = {name: key for name, key in registry().items() if side in key.sides}
    yield from _twice(path, [spec.key for spec in specs])
    for i, spec in enumerate(specs):
        key = keys.get(spec.key)
        if key is None:
            yield Problem(f"no key {spec.key!r} ranks {side}s", path=f"{path}[{i}]", hint=nearest(spec.key, keys))
            continue
        try:
            key(spec.parameters)
        except ValidationError as error:
            known = key.Parameters.model_fields
            for detail in error.errors(include_url=False):
                name = str(detail["loc"][0]) if detail["loc"] else ""
                hint = "" if name in known else nearest(name, known)
                message = detail["msg"] if name in known else f"{spec.key!r} has no parameter {name!r}"
                yield Problem(message, path=f"{path}[{i}].parameters.{name}", hint=hint)


def _dead_steps(path: str, queue: Queue, agents: tuple[Agent, ...]) -> Iterator[Problem]:
    """Steps in which, whatever the contact, no agent of the policy could ever take it."""
    for i, step in enumerate(queue.steps):
        chain = Chain(queue, i)
        if not any(chain.could_hold(agent) for agent in agents):
            yield Problem(
                f"no agent could ever take a contact in the step {step.name!r}",
                path=f"{path}.steps[{i}]",
                hint="compare its condition and the queue's floor with the agents' skills and queues",
            )


def _kept_for_ever(path: str, queue: Queue, agents: tuple[Agent, ...]) -> Iterator[Problem]:
    """Steps that keep so many free that they never let anybody in."""
    for i, step in enumerate(queue.steps):
        alone = Chain(msgspec.structs.replace(queue, steps=(msgspec.structs.replace(step, combine="replace"),)), 0)
        most = sum(alone.could_hold(agent) for agent in agents)
        if step.keep_free is not None and most <= step.keep_free:
            message = f"keeps {step.keep_free} free of {most} agents, so it never lets anybody in"
            yield Problem(message, path=f"{path}.steps[{i}].keep_free", severity="warning")


def _circles(queues: Mapping[str, Queue]) -> Iterator[Problem]:
    """Overflow must come to an end: the queues that contacts go on to may not lead back."""
    onward = {
        name: [action.target for _, action in _actions(queue) if action.kind == "queue" and action.target in queues]
        for name, queue in queues.items()
    }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> Iterator[Problem]:
        if name in way:
            circle = " -> ".join([*way[way.index(name) :], name])
            yield Problem(f"overflow goes round in a circle: {circle}", path=f"queues.{way[-1]}")
        elif name not in done:
            for target in onward[name]:
                yield from visit(target, (*way, name))
            done.add(name)

    for name in onward:
        yield from visit(name, ())

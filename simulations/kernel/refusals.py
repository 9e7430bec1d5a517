"""What the kernel does not do, found by name: a setting is refused for every field that is not known to be supported.

`SUPPORTED` lists the fields that the kernel obeys, or that change nothing for contacts who enter a queue without a
flow. Whatever is not in it must have its default value. So a field that is added somewhere is refused until the kernel
has learnt it, without anybody having to think of this file.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import msgspec
from pydantic import BaseModel

from router.core.policy import (
    AfterFailure,
    Agent,
    CallbackRules,
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
from router.core.strategies import AgentKey, ContactKey, FitKey, PreferredKey, registry
from simulations.distributions import Distribution
from simulations.features.announcement import Announcement
from simulations.features.busyness import Busyness
from simulations.features.late import Late
from simulations.features.lines import Lines
from simulations.features.outages import Outage
from simulations.features.pauses import Pauses
from simulations.features.redials import Redial, Redials
from simulations.features.self_service import SelfService
from simulations.features.speed import Speed
from simulations.features.tenure import Tenure
from simulations.features.waiting_keys import WaitingKey
from simulations.kernel.paths import entered, go_round, reached
from simulations.money import Money
from simulations.scenario import (
    Answering,
    Arrivals,
    Ivr,
    Kind,
    QueueTimes,
    Scenario,
    Staff,
    StandalonePolicy,
)
from simulations.setting import MINUTE_MS, Centre, Setting, Worker
from simulations.stopping import UntilHalfWidth
from simulations.traced import TracedContact

LONGEST_MS = 1 << 35
"""The kernel's clock ends after this time, a little more than a year."""

Rule = Callable[[Any], str | None]
"""What is wrong with a value, or None."""


def _anything(value: Any) -> str | None:
    return None


def _no_flow(value: Any) -> str | None:
    return None if value is None else "contacts go through a flow"


def _voice(value: Any) -> str | None:
    return None if value == "voice" else f"the channel is {value!r}, not 'voice'"


def _one_call(value: Any) -> str | None:
    return None if value.get("voice", 0) == 1 else "an agent must take one call at a time"


def _estimated(value: Any) -> str | None:
    return "the last caller's wait is told" if value == "last" else None


def _known_key(value: Any) -> str | None:
    known = issubclass(registry()[value], (AgentKey, ContactKey, FitKey, PreferredKey))
    return None if known else f"the ranking key {value!r} is of a new kind"


def _supported(names: str, **rules: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), _anything) | rules


SUPPORTED: dict[type, dict[str, Rule]] = {
    Setting: _supported("scenario centre workers file"),
    Centre: _supported("policy library numbers"),
    Worker: _supported(
        "name group site shifts_ms handle_time_factor answering breaks_ms speed absence late tenure shift_end"
    ),
    Scenario: _supported(
        "name centre policy start duration_minutes interval_minutes warm_up_minutes run_off_minutes replications seed "
        "confidence until_half_width control_variates busyness kinds queues staff answering ivr money "
        "lines outages"
    ),
    Lines: _supported("count kinds"),
    WaitingKey: _supported("share after_s when_wait_over_s queue to_queue"),
    Announcement: _supported("from_s leave_at_once leaving_by_wait patience_factor patience_s", tells=_estimated),
    SelfService: _supported("takes_s served"),
    Redials: _supported("abandoned blocked overflowed cut_off answered most"),
    Redial: _supported("share delay_s"),
    Kind: _supported(
        "arrivals queue attributes handle_time_s patience_s priority redials announcement waiting_keys self_service",
        number=_no_flow,
    ),
    Arrivals: _supported("per_hour per_interval trace interarrival"),
    TracedContact: _supported("at_s queue attributes priority handle_s wrap_up_s patience_s waited_s"),
    QueueTimes: _supported("handle_time_s patience_s wrap_up_s"),
    Answering: _supported("delay_s no_answer declined back_after_s"),
    Staff: _supported(
        "agents group count skills team queues shifts handle_time_factor answering breaks pauses speed absence late "
        "tenure site capacity cost_per_hour shift_end",  # which become the agents' own
    ),
    Outage: _supported("site group during talks"),
    Pauses: _supported("share each_minutes"),
    Late: _supported("share by_s"),
    Speed: _supported("factor handle_time_s"),
    Tenure: _supported("days days_ahead learning leave_per_year replaced_after_days"),
    # Nobody is called back or switches queues, and no phone fails, in what the kernel simulates.
    Policy: _supported(
        "version queues agents contact_ranking after_failure pause_reasons short_busy_retry_ms channels"
    ),
    Queue: _supported(
        "name goal steps last_action floor priority priority_per_minute priority_cap weight ring_ms wrap_up_ms "
        "preferred_agent_ms longest_wait_ms full_at when_full agent_ranking when_closed at_closing when_unstaffed "
        "callback reentry directed_ms",
        channel=_voice,
    ),
    Step: _supported("name condition combine until agent_ranking"),
    Until: _supported("after_ms clock none_logged_in none_available refusals"),
    Condition: _supported("skills where"),
    # The last two matter only to what looks at goals, which is refused.
    Goal: _supported("answered_within_ms share short_abandon_ms window_ms margin"),
    LastAction: _supported("kind target"),
    KeySpec: _supported("parameters", key=_known_key),
    Agent: _supported("name skills team site queues cost_per_hour", capacity=_one_call),
    AfterFailure: _supported(
        "no_answer declined unreachable busy no_answer_limit declined_limit unreachable_limit busy_limit"
    ),
}

HARMLESS = (Distribution, Busyness, Ivr, Money, UntilHalfWidth, CallbackRules, Reentry, StandalonePolicy)
"""Documents within supported fields whose own fields make no difference to the kernel. What a scenario's own policy
says is in the setting's, which is looked at field by field."""


def refusals(setting: Setting) -> list[str]:
    """Why the kernel cannot simulate the setting, each reason with its place; empty if it can."""
    found = list(dict.fromkeys(_reasons(setting)))
    scenario = setting.scenario
    if (scenario.duration_minutes + scenario.run_off_minutes) * MINUTE_MS >= LONGEST_MS:
        found.append("duration_minutes: the scenario is longer than a year")
    return found


def _reasons(setting: Setting) -> Iterator[str]:
    yield from _of(setting, "setting", deep=False)
    yield from _of(setting.centre, "centre", deep=False)
    for worker in setting.workers:
        yield from _of(worker, f"staff.{worker.name}", deep=False)
    yield from _of(setting.scenario, "")
    for name, kind in setting.scenario.kinds.items():
        if isinstance(kind.arrivals.trace, str):  # the contacts are in a file
            for field in kind.arrivals.traced.summary.known:
                if field not in SUPPORTED[TracedContact]:
                    yield f"kinds.{name}.arrivals.trace: {field}: not supported"
    policy = setting.policy
    yield from _of(policy, "policy", deep=False)
    yield from _of(policy.after_failure, "policy.after_failure")
    for number, spec in enumerate(policy.contact_ranking):
        yield from _of(spec, f"policy.contact_ranking[{number}]")
    for agent in policy.agents:
        yield from _of(agent, f"policy.agents.{agent.name}")
    in_use = set(reached(setting, entered(setting)))
    if any(kind.redials is not None for kind in setting.scenario.kinds.values()):
        for queue in policy.queues:
            if queue.reentry is not None and queue.name in in_use:
                yield f"policy.queues.{queue.name}.reentry: not supported together with redials"
    for name, kind in setting.scenario.kinds.items():
        if kind.announcement is not None and hands_back(setting):
            yield f"kinds.{name}.announcement: not supported together with talks that are handed back"
        if kind.waiting_keys and hands_back(setting):
            yield f"kinds.{name}.waiting_keys: not supported together with talks that are handed back"
        if kind.waiting_keys and go_round(setting):
            yield f"kinds.{name}.waiting_keys: not supported where callers could come back to a queue"
    for queue in policy.queues:  # all, because one queue may look at another
        reachable = queue if queue.name in in_use else msgspec.structs.replace(queue, channel="voice")
        yield from _of(reachable, f"policy.queues.{queue.name}")


def hands_back(setting: Setting) -> bool:
    """Whether talks may be handed back."""
    return any(worker.shift_end == "hand_back" for worker in setting.workers) or any(
        outage.talks == "handed_back" for outage in setting.scenario.outages
    )


def _of(thing: Any, path: str, deep: bool = True) -> Iterator[str]:
    """What is wrong with an object of a listed type, and, if `deep`, with those in it."""
    known = SUPPORTED.get(type(thing))
    if known is None:
        yield f"{path}: {type(thing).__name__} is not supported"
        return
    for name, value, default in _fields(thing):
        place = f"{path}.{name}" if path else name
        if name in known:
            reason = known[name](value)
            if reason is not None:
                yield f"{place}: {reason}"
            elif deep:
                yield from _within(value, place)
        elif value != default:
            yield f"{place}: not supported"


def _within(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, HARMLESS):
        return
    if isinstance(value, (BaseModel, msgspec.Struct)):
        yield from _of(value, path)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _within(item, f"{path}.{name}")
    elif isinstance(value, (tuple, list)):
        for number, item in enumerate(value):
            yield from _within(item, f"{path}[{number}]")


_NO_DEFAULT = object()


def _fields(thing: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and default of every field."""
    if isinstance(thing, BaseModel):
        for name, field in type(thing).model_fields.items():
            yield name, getattr(thing, name), field.get_default(call_default_factory=True, validated_data={})
    elif isinstance(thing, msgspec.Struct):
        for given in msgspec.structs.fields(thing):
            default = given.default if given.default is not msgspec.NODEFAULT else _NO_DEFAULT
            if given.default_factory is not msgspec.NODEFAULT:
                default = given.default_factory()
            yield given.name, getattr(thing, given.name), default
    elif is_dataclass(thing):
        for field_ in fields(thing):
            default = _NO_DEFAULT if field_.default is MISSING else field_.default
            yield field_.name, getattr(thing, field_.name), default

"""The ranking keys, compiled: the very formulas of `router.core.strategies`, called by number.

A number is the place of the key in the registry. What is called with which facts is written out here as source from
the names of each formula's parameters, so that a new strategy stays one new file.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from numba import njit, uint64

from router.core.policy import KeySpec
from router.core.strategies import AgentFacts, AgentKey, ContactKey, FitKey, Key, PreferredKey, registry
from router.core.strategies._base import Word

PARAMETERS = 4
"""At most so many parameters has a key."""
FIT = 1 << 20
"""Added to the code of a contact key that depends on the agent's fit."""

CONTACT_FACTS = {
    "priority": "line.priority",
    "priority_per_minute": "queue.priority_per_minute",
    "priority_cap": "queue.priority_cap",
    "weight": "queue.weight",
    "answered_within_ms": "queue.answered_within_ms",
    "arrived_ms": "arrived_ms",
    "now_ms": "now_ms",
}
"""What the formulas of contact keys may ask for, and where the kernel has it."""

AGENT_FACTS = {name: f"agent.{name}" for name in AgentFacts.__struct_fields__} | {
    "occupancy": "occupancy(agent)",
    "seed": "seed",
}


@njit(forceinline=True)
def occupancy(agent):  # type: ignore[no-untyped-def]
    """The share of the time since the sign-in that the agent has worked; asked when the agent becomes free."""
    total_ms = agent.handled_ms + agent.ready_ms
    return agent.handled_ms / total_ms if total_ms else 0.0


def codes() -> dict[str, int]:
    """The number of every key."""
    return {name: number for number, name in enumerate(registry())}


def parameter_names(key: type[Key]) -> list[str]:
    """In the order in which the kernel has their values."""
    return list(key.Parameters.model_fields)


def parameter_values(spec: KeySpec) -> list[float]:
    """The key's parameters, those that were not given too."""
    given = registry()[spec.key](spec.parameters).parameters
    return [float(getattr(given, name)) for name in parameter_names(type(registry()[spec.key](spec.parameters)))]


def _arguments(key: type[Key], facts: dict[str, str]) -> Iterable[str]:
    parameters = parameter_names(key)
    for name, parameter in inspect.signature(key.formula).parameters.items():
        if name in parameters:
            yield f"parameters[{parameters.index(name)}]"
        elif name in facts:
            yield f"uint64({facts[name]})" if parameter.annotation == Word else facts[name]
        else:
            known = ", ".join([*facts, *parameters])
            raise TypeError(f"the formula of {key.name!r} asks for {name!r}; it may ask for {known}")


def _dispatcher(name: str, signature: str, base: type[Key], facts: dict[str, str]) -> Callable[..., Any]:
    """`name(code, ...)`: the value of the key with this number."""
    scope: dict[str, Any] = {"uint64": uint64, "occupancy": occupancy, "__name__": __name__}
    lines = [f"def {name}(code, {signature}):"]
    for key_name, key in registry().items():
        if issubclass(key, base):
            code = codes()[key_name]
            scope[f"formula_{code}"] = njit(key.formula)
            lines.append(f"    if code == {code}:")
            lines.append(f"        return float(formula_{code}({', '.join(_arguments(key, facts))}))")
    lines.append("    return 0.0")
    exec("\n".join(lines), scope)  # noqa: S102 - of our own files
    return njit(scope[name], forceinline=True)  # type: ignore[no-any-return]


agent_value = _dispatcher("agent_value", "agent, seed, parameters", AgentKey, AGENT_FACTS)
contact_value = _dispatcher("contact_value", "line, queue, arrived_ms, now_ms, parameters", ContactKey, CONTACT_FACTS)
fit_value = _dispatcher("fit_value", "fit, parameters", FitKey, {"fit": "fit"})
preferred_value = _dispatcher("preferred_value", "preferred, parameters", PreferredKey, {"preferred": "preferred"})

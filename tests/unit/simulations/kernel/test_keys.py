"""A strategy is one file: the core and the kernel run the same formula, for every key of the registry."""

import inspect
from random import Random
from typing import Any

import numpy
import pytest

from router.core.policy import Goal, KeySpec, LastAction, Queue
from router.core.strategies import AgentFacts, AgentKey, ContactFacts, ContactKey, FitKey, Key, PreferredKey, registry
from simulations.kernel.machine import keys, layout

NAMES = pytest.mark.parametrize("name", list(registry()))


def parameters_of(key: type[Key], dice: Random) -> dict[str, float]:
    return {name: dice.choice((0.0, 0.05, 0.3)) for name in key.Parameters.model_fields}


@NAMES
def test_the_formula_asks_only_for_what_the_kernel_has(name: str) -> None:
    key = registry()[name]
    asked = set(inspect.signature(key.formula).parameters)
    facts = {AgentKey: keys.AGENT_FACTS, ContactKey: keys.CONTACT_FACTS, FitKey: {"fit"}, PreferredKey: {"preferred"}}
    known = next(set(found) for base, found in facts.items() if issubclass(key, base))
    assert asked <= known | set(key.Parameters.model_fields)
    assert len(key.Parameters.model_fields) <= keys.PARAMETERS


@NAMES
def test_the_compiled_formula_gives_the_value_of_the_core(name: str) -> None:
    dice, code = Random(name), keys.codes()[name]
    key = registry()[name]
    for _ in range(200):
        given = parameters_of(key, dice)
        made: Any = key(given)
        values = numpy.array([*keys.parameter_values(KeySpec(name, dict(given))), *[0.0] * keys.PARAMETERS])
        if isinstance(made, AgentKey):
            handled_ms, ready_ms = dice.randrange(10**6), dice.randrange(10**6)
            facts = AgentFacts(
                order=dice.randrange(500),
                idle_since_ms=dice.randrange(10**9),
                occupancy=handled_ms / (handled_ms + ready_ms),
                contacts=dice.randrange(100),
                levels=dice.randrange(60),
                cost_per_hour=dice.random() * 50,
                last_offer=dice.randrange(10**6),
                turn=dice.randrange(1000),
                seed=dice.randrange(2**63),
                load=dice.randrange(3),
            )
            agents = numpy.zeros(1, dtype=layout.AGENT)
            agents[0]["handled_ms"], agents[0]["ready_ms"] = handled_ms, ready_ms
            for field in ("order", "idle_since_ms", "contacts", "levels", "cost_per_hour"):
                agents[0][field] = getattr(facts, field)
            agents[0]["last_offer"], agents[0]["turn"], agents[0]["load"] = facts.last_offer, facts.turn, facts.load
            found = keys.agent_value(code, agents[0], numpy.uint64(facts.seed), values)
            assert found == made.value(facts)
        elif isinstance(made, FitKey):
            assert keys.fit_value(code, 17, values) == made.value(17)
        elif isinstance(made, PreferredKey):
            for preferred in (True, False):
                assert keys.preferred_value(code, preferred, values) == made.value(preferred)
        else:
            queue = Queue(
                "q",
                Goal(dice.randrange(60_000), 0.8),
                (),
                LastAction("exit", "x"),
                priority_per_minute=dice.choice((0.0, 0.3, 2.5)),
                priority_cap=dice.choice((None, 4)),
                weight=dice.randrange(1, 9),
            )
            lines, queues = numpy.zeros(1, dtype=layout.LINE), numpy.zeros(1, dtype=layout.QUEUE)
            lines[0]["priority"], queues[0]["weight"] = dice.randrange(9), queue.weight
            queues[0]["priority_per_minute"] = queue.priority_per_minute
            queues[0]["priority_cap"] = numpy.inf if queue.priority_cap is None else queue.priority_cap
            queues[0]["answered_within_ms"] = queue.goal.answered_within_ms
            arrived_ms = dice.randrange(10**8)
            now_ms = arrived_ms + dice.randrange(10**7)
            found = keys.contact_value(code, lines[0], queues[0], arrived_ms, now_ms, values)
            assert found == made.value(ContactFacts(queue, int(lines[0]["priority"])), arrived_ms, now_ms)

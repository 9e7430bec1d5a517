"""Every ranking key has all that belongs to one: documentation, example, fixture, and the order of the fixture."""

import re
from collections.abc import Iterator

import pytest
import yaml

from router.core.policy import Goal, KeySpec, LastAction, Policy, Queue
from router.core.policy_check import check_policy
from router.core.strategies import AgentFacts, AgentKey, ContactFacts, ContactKey, FitKey, Key, PreferredKey, registry
from tests.support.routing import agents, queue

KEYS = list(registry().values())
names = pytest.mark.parametrize("key", KEYS, ids=[key.name for key in KEYS])


def test_the_registry_has_the_keys_that_users_were_promised() -> None:
    promised = "longest_idle least_occupied fewest_contacts best_fit least_skilled preferred_agent cheapest round_robin"
    promised += " random priority age time_to_goal queue_weight"
    assert set(promised.split()) <= set(registry())


@names
def test_the_fixture_comes_out_in_its_order(key: type[Key]) -> None:
    made = key(key.fixture.parameters)
    assert isinstance(made, (AgentKey, FitKey, PreferredKey, ContactKey))
    candidates = key.fixture.candidates
    assert len(candidates) >= 2
    assert tuple(sorted(candidates, key=lambda name: made.value(*candidates[name]))) == key.fixture.expected


@names
def test_the_docstring_states_value_tie_break_and_source(key: type[Key]) -> None:
    doc = key.__doc__ or ""
    for part in ("Value:", "Tie-break:", "Source:"):
        assert part in doc, f"{key.name} does not state its {part}"


@names
def test_the_example_is_a_ranking_that_the_policy_check_accepts(key: type[Key]) -> None:
    ((setting, entries),) = yaml.safe_load(key.example).items()
    specs = tuple(spec for entry in entries for spec in _specs(entry))
    assert key.name in [spec.key for spec in specs]
    rankings = {setting: specs}
    contact_ranking = {name: value for name, value in rankings.items() if name == "contact_ranking"}
    agent_ranking = {name: value for name, value in rankings.items() if name == "agent_ranking"}
    policy = Policy(1, (queue(**agent_ranking),), agents("anna"), **contact_ranking)
    assert check_policy(policy) == []


def _specs(entry: str | dict[str, dict[str, float]]) -> Iterator[KeySpec]:
    if isinstance(entry, str):
        yield KeySpec(entry)
    else:
        for name, parameters in entry.items():
            yield KeySpec(name, parameters)


@names
def test_parameters_that_the_key_does_not_know_are_refused(key: type[Key]) -> None:
    with pytest.raises(ValueError, match=re.escape("colour")):
        key({"colour": "blue"})


def test_least_occupied_leaves_near_occupancies_to_the_next_key() -> None:
    key = registry()["least_occupied"]({"step": 0.1})
    assert isinstance(key, AgentKey)
    assert key.value(AgentFacts(0, occupancy=0.52)) == key.value(AgentFacts(1, occupancy=0.58))
    assert key.value(AgentFacts(0, occupancy=0.52)) < key.value(AgentFacts(1, occupancy=0.61))


def test_random_order_changes_from_turn_to_turn_and_with_the_seed() -> None:
    key = registry()["random"]({})
    assert isinstance(key, AgentKey)

    def order(turn: int, seed: int) -> list[int]:
        return sorted(range(8), key=lambda agent: key.value(AgentFacts(agent, turn=turn, seed=seed)))

    orders = {tuple(order(turn, seed)) for turn in range(5) for seed in range(5)}
    assert len(orders) == 25


@pytest.mark.parametrize("name", [key.name for key in KEYS if issubclass(key, ContactKey)])
def test_a_contact_key_never_puts_the_younger_of_two_alike_first(name: str) -> None:
    key = registry()[name]({})
    assert isinstance(key, ContactKey)
    ageing = Queue("q", Goal(20_000, 0.8), (), LastAction("exit", "x"), priority_per_minute=2.0, priority_cap=5)
    values = [key.value(ContactFacts(ageing, 1), arrived_ms, 600_000) for arrived_ms in range(0, 600_000, 7_000)]
    assert values == sorted(values)

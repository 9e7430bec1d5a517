"""What a scenario may say beyond callers, agents and a day, found by looking through this package: a new one is a new
file, and its field in the scenario. Those who play scenarios by other means (the compiled kernel) ask `used` which are
there, and refuse those that they do not know.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from typing import Any

from simulations.features.base import Feature


def _found() -> dict[str, Feature]:
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    features = [vars(module)["FEATURE"] for module in modules if "FEATURE" in vars(module)]
    return {feature.name: feature for feature in features}


FEATURES = _found()

BASE = """\
name: A sales line
start: 08:00
duration_minutes: 240
interval_minutes: 30
replications: 20
policy:
  queues:
    sales: {answered_within_s: 20, share: 0.8}
kinds:
  calls:
    queue: sales
    arrivals: {per_hour: 100}
    handle_time_s: {distribution: lognormal, mean: 240, scv: 1}
    patience_s: {distribution: exponential, mean: 180}
staff:
  - {group: agents, count: 7, shifts: ["08:00-12:00"]}
"""
"""The scenario over which the examples are laid."""


def used(scenario: object) -> list[str]:
    """The names of the features that this scenario has, in alphabetical order."""
    return [name for name, feature in FEATURES.items() if any(map(_is_set, _at(scenario, feature.place)))]


def _at(document: Any, place: tuple[str, ...]) -> Iterable[Any]:
    if not place:
        return [document]
    if document is None:
        return []
    first, rest = place[0], place[1:]
    if first != "*":
        return _at(getattr(document, first), rest)
    inside = document.values() if isinstance(document, Mapping) else document
    return [found for part in inside for found in _at(part, rest)]


def _is_set(value: object) -> bool:
    return value is not None and value != ()

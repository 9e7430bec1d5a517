"""Rankings made ready for the kernel: keys are codes (`machine.keys`), equal rankings are one.

Keys that depend on the agent alone make an *order*, in which free agents can be kept whatever contact comes. In a
ranking of agents NONE stands for the next key of its order; between them are those that depend on the contact, too.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy

from router.core.policy import KeySpec
from router.core.strategies import AgentKey, ContactKey, FitKey, registry
from simulations.kernel.machine import layout
from simulations.kernel.machine.keys import FIT, PARAMETERS, codes, parameter_values
from simulations.kernel.machine.layout import NONE

T = TypeVar("T")
Row = list[tuple[int, list[float]]]
"""Codes of keys, each with its parameters."""


class Rankings:
    """Those of agents, numbered as they are asked for; and the one of contacts."""

    def __init__(self) -> None:
        self._orders: list[Row] = []
        self._rankings: list[tuple[Row, int]] = []

    def number(self, specs: Sequence[KeySpec]) -> int:
        """The number of a ranking of agents."""
        keys: Row = []
        own: Row = []
        for spec in specs:
            key, values = registry()[spec.key], parameter_values(spec)
            if issubclass(key, AgentKey):
                keys.append((NONE, values))
                own.append((codes()[spec.key], values))
            elif issubclass(key, FitKey):
                keys.append((codes()[spec.key], values))
        return _place((keys, _place(own, self._orders)), self._rankings)

    def arrays(self, arrays: dict[str, Any], of_contacts: Sequence[KeySpec]) -> None:
        longest = max(1, *(len(keys) for keys, _ in self._rankings)) + 1
        orders, order_parameters = _table(self._orders, longest)
        keys, parameters = _table([row for row, _ in self._rankings], longest)
        rankings = numpy.zeros(len(self._rankings), dtype=layout.RANKING)
        for number, (row, order) in enumerate(self._rankings):
            rankings[number] = (len(row), order)
        contact_row = [
            (codes()[spec.key] + (0 if issubclass(registry()[spec.key], ContactKey) else FIT), parameter_values(spec))
            for spec in of_contacts
            if issubclass(registry()[spec.key], (ContactKey, FitKey))
        ]
        contact_keys, contact_parameters = _table([contact_row], len(contact_row) + 1)
        arrays |= {
            "orders": orders,
            "order_parameters": order_parameters,
            "rankings": rankings,
            "ranking_keys": keys,
            "ranking_parameters": parameters,
            "contact_keys": contact_keys[0],
            "contact_parameters": contact_parameters[0],
        }


def _place(wanted: T, known: list[T]) -> int:
    """Where it is in the list, to which it is added if it is new."""
    if wanted not in known:
        known.append(wanted)
    return known.index(wanted)


def _table(rows: Sequence[Row], width: int) -> tuple[Any, Any]:
    """The codes of each row, NONE behind the last one, and their parameters."""
    keys = numpy.full((len(rows), width), NONE, dtype=numpy.int64)
    parameters = numpy.zeros((len(rows), width, PARAMETERS))
    for number, row in enumerate(rows):
        for k, (code, values) in enumerate(row):
            keys[number, k] = code
            parameters[number, k, : len(values)] = values
    return keys, parameters

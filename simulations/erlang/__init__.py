"""The closed forms of planning, found by looking through this package: a new model is a new file and nothing else.

`ErlangC().figures(Traffic.of(calls=360, aht_s=240, per_s=1800), agents=55, within_s=15)` says what callers meet;
`agents_for` and `traffic_for` are the inverse questions.
"""

import importlib
import inspect
import pkgutil

from simulations.erlang.abandonment import ErlangA
from simulations.erlang.base import Figures, Model, Traffic
from simulations.erlang.delay import ErlangC
from simulations.erlang.finite import FiniteLines
from simulations.erlang.goals import Goals, Unreachable, agents_for, scheduled, traffic_for
from simulations.erlang.loss import ErlangB
from simulations.erlang.redials import ErlangX


def _found() -> dict[str, type[Model]]:
    models: dict[str, type[Model]] = {}
    for module in pkgutil.iter_modules(__path__):
        for member in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if inspect.isclass(member) and issubclass(member, Model) and member is not Model:
                models[member.name] = member
    return dict(sorted(models.items()))


MODELS = _found()

__all__ = [
    "MODELS",
    "ErlangA",
    "ErlangB",
    "ErlangC",
    "ErlangX",
    "Figures",
    "FiniteLines",
    "Goals",
    "Model",
    "Traffic",
    "Unreachable",
    "agents_for",
    "scheduled",
    "traffic_for",
]

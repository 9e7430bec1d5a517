"""Distributions of times, found by looking through this package: a new one is a new file and nothing else.

In a scenario a distribution is written `{distribution: NAME, ...}`; a bare number is a constant.
"""

import importlib
import inspect
import pkgutil
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from documents import nearest
from simulations.distributions.base import Distribution, NotNegative


def _found() -> dict[str, type[Distribution]]:
    types: dict[str, type[Distribution]] = {}
    for module in pkgutil.iter_modules(__path__):
        members = vars(importlib.import_module(f"{__name__}.{module.name}")).values()
        for member in members:
            if inspect.isclass(member) and issubclass(member, Distribution) and "name" in vars(member):
                types[member.name] = member
    return dict(sorted(types.items()))


DISTRIBUTIONS = _found()


def _written(value: Any) -> Any:
    """A bare number is a constant; a wrong name gets the nearest right one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"distribution": "constant", "value": value}
    if isinstance(value, dict):
        name = value.get("distribution")
        if name is None:
            raise ValueError(f"'distribution' is missing; it is one of {', '.join(DISTRIBUTIONS)}")
        if name not in DISTRIBUTIONS:
            raise ValueError(f"{name!r} is no distribution ({nearest(name, DISTRIBUTIONS)})")
    elif not isinstance(value, Distribution):
        raise ValueError("a number or {distribution: NAME, ...} is needed")
    return value


if TYPE_CHECKING:
    AnyDistribution = Distribution
else:
    _Any = Annotated[reduce(or_, DISTRIBUTIONS.values()), Field(discriminator="distribution")]
    AnyDistribution = Annotated[_Any, BeforeValidator(_written, json_schema_input_type=NotNegative | _Any)]

__all__ = ["DISTRIBUTIONS", "AnyDistribution", "Distribution"]

"""Kinds of changes, found by looking through this package: a new one is a new file and nothing else.

In a what-if file a change is written `{KIND: {...}}`.
"""

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, Any

from pydantic import create_model, model_validator

from simulations.fields import Model
from simulations.what_if.changes.base import Change


def _found() -> dict[str, type[Change]]:
    types: dict[str, type[Change]] = {}
    for module in pkgutil.iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        for member in vars(importlib.import_module(name)).values():
            own = inspect.isclass(member) and member.__module__ == name
            if own and issubclass(member, Change) and module.name != "base":
                types[member.name] = member
    return dict(sorted(types.items()))


CHANGES = _found()


class _OneOf(Model):
    @model_validator(mode="after")
    def _just_one(self) -> Any:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"a change is one of {', '.join(CHANGES)}, each after a dash of its own")
        if self.change is None:
            raise ValueError("the change says nothing")
        return self

    @property
    def change(self) -> Change:
        (name,) = self.model_fields_set
        found: Change = getattr(self, name)
        return found

    @property
    def kind(self) -> str:
        (name,) = self.model_fields_set
        return name


if TYPE_CHECKING:
    AnyChange = _OneOf
else:
    AnyChange = create_model(
        "AnyChange",
        __base__=_OneOf,
        __doc__="One change, by its kind.",
        **{name: (kind | None, None) for name, kind in CHANGES.items()},
    )

__all__ = ["CHANGES", "AnyChange", "Change"]

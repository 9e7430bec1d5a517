"""Who first: the ranking keys, one file each, and their registry.

A key lives in the module of its name and is found by scanning this package (modules that begin with an underscore
are not keys). A new key is one new file: its docstring states algorithm, symbols, tie-break and source, its
`Parameters` their schema, its `example` how it is written in a policy, its `fixture` a small input with the order
that must come out. Every key yields a number; the smaller is served first, so a ranking compares tuples.
"""

import importlib
import pkgutil
from functools import cache

from router.core.strategies._base import (
    AgentFacts,
    AgentKey,
    ContactFacts,
    ContactKey,
    FitKey,
    Fixture,
    Key,
    PreferredKey,
)

__all__ = [
    "AgentFacts",
    "AgentKey",
    "ContactFacts",
    "ContactKey",
    "FitKey",
    "Fixture",
    "Key",
    "PreferredKey",
    "registry",
]


@cache
def registry() -> dict[str, type[Key]]:
    """Every key by name, in alphabetical order."""
    keys: dict[str, type[Key]] = {}
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")):
        key: type[Key] = importlib.import_module(f"{__name__}.{module}").KEY
        if key.name != module:
            raise TypeError(f"the ranking key {key.name!r} belongs in the file {key.name}.py, not {module}.py")
        keys[key.name] = key
    return keys

"""How two versions of plain data (mappings, lists, scalars) differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

ABSENT: Final = object()
"""Stands for what is not there; None is a value that people write."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which they differ; `before` or `after` is ABSENT where the other has something new."""

    path: tuple[str | int, ...]
    before: Any
    after: Any


def differences(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> Iterator[Difference]:
    """The innermost places that differ, in the order of the keys of `before`, then the new ones.

    Lists of equal length are compared item by item; of others the whole list differs, as nothing says which item
    became which.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for position, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, (*path, position))
    elif type(before) is not type(after) or before != after:
        yield Difference(path, before, after)

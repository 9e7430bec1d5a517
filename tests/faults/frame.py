"""What a fault is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.faults import Scene


@dataclass(frozen=True, slots=True)
class Fault:
    """`happen` does the harm and mends it again. `disk`: the engine's directory is a file system of this size.
    `environment`: that of the engine's process. `expected_errors`: what its log may say."""

    happen: Callable[[Scene], Awaitable[None]]
    disk: str | None = None
    environment: Callable[[Path], dict[str, str]] | None = None
    expected_errors: tuple[str, ...] = ()

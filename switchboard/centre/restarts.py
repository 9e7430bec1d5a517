"""Which settings a reload cannot take: what sockets, files and connections were opened with."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from switchboard.centre.settings import Settings

AT_START: Final = (
    ("engine",),
    ("asterisk",),
    ("api",),
    ("store",),
    ("voicemail", "directory"),
    ("recordings", "directory"),
    ("speech", "directory"),
)
"""The settings that are read when the engine starts, with all that is below them. Every other takes effect at once."""


def want_restart(started: Settings, now: Settings) -> list[str]:
    """The settings that have changed since the start and are still as they were then, as paths in centre.yaml."""
    before, after = started.model_dump(mode="json"), now.model_dump(mode="json")
    return [
        ".".join(("settings", *path, *below))
        for path in AT_START
        for below in _changed(_at(before, path), _at(after, path))
    ]


def _at(settings: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        settings = settings[name]
    return settings


def _changed(before: Any, after: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before.keys() | after.keys()):
            for below in _changed(before.get(name), after.get(name)):
                yield (name, *below)
    elif before != after:
        yield ()

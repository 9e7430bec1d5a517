"""Finite lines: who finds all of them busy does not come in."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from simulations.features.base import Feature
from simulations.fields import Model


class Lines(Model):
    """A group of `count` lines, for the calls of these `kinds`, or of all."""

    count: Annotated[int, Field(ge=1)]
    kinds: tuple[str, ...] | None = None


class Group:
    """A group of lines in use."""

    __slots__ = ("_free",)

    def __init__(self, lines: Lines) -> None:
        self._free = lines.count

    def take(self) -> bool:
        """Takes a line, if there is one."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        self._free += 1


class Trunk:
    """All lines of a centre in one replication."""

    def __init__(self, lines: Iterable[Lines], kinds: Iterable[str]) -> None:
        groups = [(Group(group), group.kinds) for group in lines]
        self._groups = {kind: tuple(group for group, only in groups if only is None or kind in only) for kind in kinds}

    def take(self, kind: str) -> tuple[bool, Group | None]:
        """Whether a call of this kind comes in, and whose line it has; with no group for it, none is needed."""
        groups = self._groups[kind]
        for group in groups:
            if group.take():
                return True, group
        return not groups, None


FEATURE = Feature(
    name="lines",
    place=("lines",),
    text="""\
A call needs a free line from the moment it comes in until it is over, through flow, wait and talk. With all lines of
its groups busy it is `blocked`: it hears the busy tone and never reaches flow or queue. A group is for the kinds that
it names, or for all; a kind takes a line of the first group that has one, and a kind without any group needs none. A
caller who asks for a callback gives the line back. Chats and e-mails need no lines.""",
    example="""\
lines: [{count: 9}]
""",
)

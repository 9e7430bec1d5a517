"""Where a call is in a dialplan, and what is known there."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a Gosub or a Macro goes back to."""

    context: str
    extension: str
    priority: int
    macro: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A priority, with the values of the variables that are followed. `extension` is a pattern's name where a pattern
    matched what was dialled. `inline` is an application that an ExecIf at the priority chose."""

    context: str
    extension: str
    priority: int = 1
    stack: tuple[Frame, ...] = ()
    known: tuple[tuple[str, str | None], ...] = ()
    inline: tuple[str, str] | None = None

    def value(self, name: str) -> str | None:
        return dict(self.known).get(name)

    def with_values(self, **values: str | None) -> "Place":
        return replace(self, known=tuple(sorted({**dict(self.known), **values}.items())))

    def at(self, context: str, extension: str, priority: int = 1) -> "Place":
        return replace(self, context=context, extension=extension, priority=priority, inline=None)

    @property
    def next(self) -> "Place":
        return replace(self, priority=self.priority + 1, inline=None)

"""What every node type is: a model of what people write, its behaviour, an example for the docs, and fixtures.

To add a type, add one file to `ivr/flow/nodes/` with one subclass of `Node`. The registry finds it; loader, lint,
JSON Schema, docs and editor read the class; a test runs its example and fixtures, and fails while one is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from documents import Expression
from ivr.flow.effects import Effect
from ivr.flow.inputs import Input
from ivr.flow.names import Name, Target, TextTemplate
from ivr.flow.session import Caller

if TYPE_CHECKING:
    from ivr.flow.turn import Turn

Path = tuple[str | int, ...]


class NodeError(Exception):
    """A node cannot do its work (a value is missing, say); its `error` exit is taken."""


@dataclass(frozen=True, slots=True)
class Call:
    """Run another flow; the exit by which it returns becomes this node's exit."""

    flow: str


@dataclass(frozen=True, slots=True)
class Return:
    """This flow is done; go back to the calling one by `exit`."""

    exit: str


Result = str | Effect | Call | Return
"""What a node makes of its turn: leave by the exit of this name, wait for this effect's answer (or hang up), call a
flow, or return from one."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Something outside the node that it names: `kind` is `node`, `prompt`, `queue`, `flow`, `hours`, `language`,
    `currency`, `database`, `webhook` or `expression`; `path` is where inside the node."""

    kind: str
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Advice:
    """What a node type finds unwise in a node that is allowed; `path` is where inside the node."""

    path: Path
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Fixture:
    """How the node of the type's `example` behaves: each input with the effects it leads to, the first being the
    start (input None). A target that the example lacks is a hangup node whose reason is the target's id."""

    title: str
    turns: tuple[tuple[Input | None, tuple[Effect, ...]], ...]
    caller: Caller = field(default=Caller("+15550100", "100"))
    attributes: tuple[tuple[str, str | int | float | bool], ...] = ()
    now_ms: int = 1_767_607_200_000  # Monday, 5 January 2026, 10:00 UTC


@dataclass(frozen=True, slots=True)
class WrongInput(Fixture):
    """A fixture in which a caller, a server or a value does what it should not. Every type has one, unless nothing from
    outside decides what it does."""


class Part(BaseModel):
    """Base of everything in a flow document: unknown fields are errors, loaded things do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Node(Part):
    """Base of all node types. A subclass sets `type` to a Literal of its name."""

    example: ClassVar[str] = ""
    """YAML of one or more nodes, the first of them of this type."""

    fixtures: ClassVar[tuple[Fixture, ...]] = ()

    waits: ClassVar[bool] = False
    """Whether the caller (or an agent) has a part in it; a loop of nodes without one spins until it is stopped."""

    takes_keys: ClassVar[bool] = False
    """Whether the caller presses keys at every node of this type."""

    plays: ClassVar[bool] = False
    """Whether something is only played here, so that the flow says whether its `operator` key counts."""

    from_outside: ClassVar[bool] = True
    """Whether anything that is not in the flow (keys, answers, values) decides what it does."""

    error: Target | None = Field(
        None, description="Where to go when this node cannot do its work; by default the flow's on_error."
    )

    time_limit_s: float | None = Field(
        None,
        gt=0,
        le=86_400,
        description="How long a caller may be at this node, over all tries; then it asks no more and fails.",
    )

    @property
    def asks(self) -> bool:
        """Whether the caller presses keys here, and so can ask for a person by the flow's `operator` key."""
        return self.takes_keys

    def own_keys(self) -> str:
        """Single keys that mean something here, besides those that are exits."""
        return ""

    def exits(self) -> Mapping[str, str]:
        """The ways out, and the node each leads to."""
        return {"error": self.error} if self.error else {}

    def may_end(self) -> bool:
        """Whether the call, or the flow, may end here."""
        return self.exits().keys() <= {"error"}

    def returns(self) -> str | None:
        """The exit by which the flow goes back to the one that called it, if it does so here."""
        return None

    def decides(self) -> Sequence[tuple[str, Expression]]:
        """The exits that are tried in this order, each taken if its condition holds, and `otherwise` if none does.
        Empty where the node decides in another way."""
        return ()

    def sets(self) -> Iterator[str]:
        """What later expressions may find because of this node: `contact.NAME` or `secret.NAME`."""
        return iter(())

    def advice(self) -> Iterator[Advice]:
        """What the lint should say besides what it says of every node."""
        return iter(())

    def enter(self, turn: "Turn") -> Result:
        """What to do on arrival. Called again after a restart, with the `turn.memory` that was left: to ask again."""
        raise NotImplementedError

    def take(self, turn: "Turn", answer: Any) -> Result:
        """What to make of the answer to the effect that `enter` (or `take`) returned."""
        raise NodeError(f"{type(self).__name__} waits for no answer")

    def failed(self, turn: "Turn", detail: str) -> Result:
        """What to do when the shell could not do the effect."""
        raise NodeError(detail)

    def refers(self) -> Iterator[Reference]:
        """All that the node names."""
        return _references(self, ())


def _references(value: object, path: Path) -> Iterator[Reference]:
    if isinstance(value, Name):
        yield Reference(value.kind, str(value), path)
    elif isinstance(value, Expression):
        yield Reference("expression", value.text, path)
    elif isinstance(value, TextTemplate):
        for expression in value.expressions:
            yield Reference("expression", expression.text, path)
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from _references(getattr(value, name), (*path, info.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _references(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _references(item, (*path, position))

"""The frame of all operations: who asks, what is asked, whether it is allowed, and what is written down of it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from switchboard.logs import about, without_cards, without_secrets

if TYPE_CHECKING:
    from switchboard.engine import Engine

Role = Literal["agent", "supervisor", "admin", "planner", "auditor"]
Door = Literal["control", "api", "phone", "engine"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

AUDIT = "audit"
"""The kind of the journal's facts about changes: actor, operation, what was asked, before and after."""


class OperationRefused(Exception):
    """The engine will not do this; the message is for the person who asked. `kind` says what is wrong with it: nothing
    of that name, a state in which it cannot be, not allowed, or a request that makes no sense."""

    def __init__(
        self, message: str, kind: Literal["unknown", "conflict", "forbidden", "invalid", "limited"] = "conflict"
    ) -> None:
        super().__init__(message)
        self.kind = kind


class Ask(BaseModel):
    """Base of what operations take; nothing unknown is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Answer(BaseModel):
    """Base of what operations return."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Done(Answer):
    """What was done, in words."""

    message: str
    """For the person who asked."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and through which door. `agent` is the agent that this person is, if any."""

    name: str
    roles: frozenset[Role]
    door: Door
    agent: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.door})"


@dataclass(slots=True)
class Request:
    """One asking of an operation. A change notes what it changed (`changed`), for the audit log."""

    engine: Engine
    actor: Actor
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self.before |= before
        self.after |= after


Perform = Callable[[Request, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `path` is that of the HTTP API below its version; names in braces are fields of `ask`.

    `roles` may ask it. `own`: an agent may ask it too, of itself: the field `agent` of what is asked must name it.
    `changes`: it is written to the audit log.
    """

    name: str
    area: str
    method: Method
    path: str
    summary: str
    description: str
    ask: type[Ask]
    answer: Any
    roles: frozenset[Role]
    own: bool
    changes: bool
    perform: Perform

    def allows(self, actor: Actor, ask: Ask) -> bool:
        """Whether this actor may ask this."""
        if actor.roles & self.roles:
            return True
        return self.own and actor.agent is not None and getattr(ask, "agent", None) == actor.agent


_table: dict[str, Operation] = {}


@cache
def table() -> Mapping[str, Operation]:
    """All operations by name, area by area. They are loaded when they are first asked for, and not with the package:
    they import much that imports this frame."""
    for module in iter_modules([str(Path(__file__).parent)]):
        import_module(f"{__package__}.{module.name}")
    return MappingProxyType(dict(sorted(_table.items(), key=lambda item: item[1].area)))


@cache
def answer_adapter(asked: Operation) -> TypeAdapter[Any]:
    """What turns the operation's answer into JSON, and knows its schema."""
    return TypeAdapter(asked.answer)


def operation(
    method: Method, path: str, *, roles: tuple[Role, ...], own: bool = False, changes: bool | None = None
) -> Callable[[Perform], Perform]:
    """Makes an operation of `async def name(request: Request, ask: SomeAsk) -> SomeAnswer`, whose docstring begins with
    the summary. An admin may ask everything. What is not read by GET is a change unless it is said otherwise."""

    def register(perform: Perform) -> Perform:
        name = perform.__name__
        if name in _table:
            raise ValueError(f"two operations are called {name!r}")
        hints = get_type_hints(perform)
        summary, _, description = (inspect.getdoc(perform) or "").partition("\n")
        _table[name] = Operation(
            name=name,
            area=perform.__module__.rpartition(".")[2],
            method=method,
            path=path,
            summary=summary.rstrip("."),
            description=description.strip(),
            ask=hints["ask"],
            answer=hints["return"],
            roles=frozenset({*roles, "admin"}),
            own=own,
            changes=method != "GET" if changes is None else changes,
            perform=perform,
        )
        return perform

    return register


async def perform(engine: Engine, actor: Actor, name: str, arguments: Mapping[str, Any]) -> Any:
    """Does what is asked, if it may be; every change and every refused attempt at one goes to the audit log.

    Raises OperationRefused, with words for the person who asked.
    """
    asked = table().get(name)
    if asked is None:
        raise OperationRefused(f"there is no operation {name!r}", "unknown")
    try:
        ask = asked.ask.model_validate(arguments)
    except ValidationError as error:
        raise OperationRefused(in_words(error), "invalid") from None
    if not asked.allows(actor, ask):
        _audit(engine, asked, actor, ask, refused="not allowed")
        raise OperationRefused(f"{actor.name} may not do this ({name}); it takes {_one_of(asked)}", "forbidden")
    request = Request(engine, actor)
    try:
        with about(contact=str(getattr(ask, "contact", "") or ""), agent=str(getattr(ask, "agent", "") or "")):
            answer = await asked.perform(request, ask)
    except OperationRefused as refusal:
        _audit(engine, asked, actor, ask, refused=str(refusal))
        raise
    _audit(engine, asked, actor, ask, before=request.before, after=request.after)
    return answer


def _audit(engine: Engine, asked: Operation, actor: Actor, ask: Ask, **what: Any) -> None:
    if asked.changes:
        # Fields that are secret (`exclude=True`) are not in it, nor numbers of cards that somebody typed elsewhere.
        data = {"operation": asked.name, "door": actor.door, "asked": ask.model_dump(mode="json"), **what}
        agent, contact = (str(getattr(ask, of, "") or "") for of in ("agent", "contact"))
        engine.fact(AUDIT, contact=contact, agent=agent, actor=actor.name, data=_kept(data))


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {name: _kept(inner) for name, inner in value.items()}
    return [_kept(inner) for inner in value] if isinstance(value, list) else value


def _one_of(asked: Operation) -> str:
    return "the role " + " or ".join(sorted(asked.roles)) + (", or the agent itself" if asked.own else "")


def in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'the request'}: {problem['msg']}" for problem in error.errors()
    )


FreeText = Annotated[str, AfterValidator(without_cards)]
"""What a person writes. Numbers that could be those of payment cards are not kept, here nor where it goes."""
AgentName = Annotated[str, Field(min_length=1, max_length=64, description="The agent's short name.")]
QueueName = Annotated[str, Field(min_length=1, max_length=64, description="The queue's name.")]
ContactId = Annotated[str, Field(min_length=1, max_length=150, description="The contact's id.")]

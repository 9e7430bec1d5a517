"""What a node may see and do while it has the turn: a working copy of the session, made anew for each input."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

from documents import Expression, ExpressionError
from ivr.flow.document import Flow
from ivr.flow.effects import Effect, Play, SetLanguage, Spoken
from ivr.flow.library import Library
from ivr.flow.node import NodeError
from ivr.flow.session import Attribute, Frame, Missed, Place, Session, Visit
from ivr.flow.speak import SayItem, spoken

MAX_ATTRIBUTES_BYTES = 3_000
TRACE_LENGTH = 40


class AskAgain(Exception):
    """A secret is needed that a restart has forgotten; the node `node` asks for it."""

    def __init__(self, node: str) -> None:
        self.node = node


class Turn:
    """One run between two waits. Nodes read `now_ms`, `language`, `attributes` and `memory`, evaluate expressions and
    set attributes; the machine moves `flow`, `node` and `frames` on."""

    __slots__ = (
        "_asked_at",
        "_contact",
        "_secrets",
        "_session",
        "_size",
        "_visits",
        "_wall",
        "alone",
        "asked",
        "attributes",
        "caller",
        "effects",
        "entered",
        "errors",
        "flow",
        "flow_at",
        "frames",
        "language",
        "last_error",
        "late",
        "library",
        "memory",
        "missed",
        "node",
        "node_at",
        "now_ms",
        "place",
        "spent_ms",
    )

    def __init__(self, library: Library, session: Session, flow: Flow, now_ms: int) -> None:
        self.library = library
        self.flow = flow
        self.now_ms = now_ms
        self.caller = session.caller
        self.node = session.node
        self.frames = session.frames
        self.language = session.language
        self.attributes = session.attributes
        self.memory = dict(session.memory)
        self.missed = session.missed
        self.alone = session.alone
        self.errors = session.errors
        self.last_error = session.last_error
        self.place = session.place
        self.spent_ms = session.spent_ms
        self.node_at = session.node_at
        self.flow_at = session.flow_at
        self.late = session.late
        self.entered = session.entered
        self.asked = session.asked
        self.effects: list[Effect] = []
        self._session = session
        self._visits: list[Visit] = []
        self._secrets = session.secrets
        self._asked_at = session.asked_at
        self._contact: dict[str, Any] | None = None
        self._size: int | None = None
        self._wall: datetime | None = None

    # Time

    @property
    def wall(self) -> datetime:
        """The centre's wall clock."""
        if self._wall is None:
            self._wall = self.library.local(self.now_ms)
        return self._wall

    # Expressions

    def contact(self) -> dict[str, Attribute]:
        """What expressions see as `contact`, and what routing conditions will see."""
        if self._contact is None:
            own = {"language": self.language, "number": self.caller.number, "dialled": self.caller.dialled}
            self._contact = {**self.attributes, **own}
        return self._contact

    def holds(self, condition: Expression) -> bool:
        """Missing things make a condition false."""
        return condition.holds(self._variables(condition))

    def value(self, expression: Expression, more: dict[str, Any] | None = None) -> Attribute:
        """The value of `expression`, text, number or boolean; `more` are further variables.

        Raises NodeError when it has none.
        """
        variables = self._variables(expression)
        try:
            value = expression.value({**variables, **more} if more else variables)
        except ExpressionError as error:
            # The library's message may quote the value that did not fit, which is a secret here.
            hidden = expression.names & {"secret", "pin"}
            raise NodeError("a secret has no value here" if hidden else str(error)) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise NodeError(f"{expression.text!r} is not a finite number")
        if not isinstance(value, str | int | float):
            raise NodeError(f"{expression.text!r} is neither text nor number nor true or false")
        return value

    def _variables(self, expression: Expression) -> dict[str, Any]:
        variables: dict[str, Any] = {}
        for name in expression.names:
            if name == "contact":
                variables[name] = self.contact()
            elif name == "caller":
                variables[name] = msgspec.structs.asdict(self.caller)
            elif name == "now":
                variables[name] = clock(self.wall)
            elif name == "secret":
                variables[name] = self._known_secrets(expression)
        return variables

    def play(self, items: Iterable[SayItem]) -> Play:
        """These to their end, or to the flow's `operator` key where it counts. Raises NodeError as `speak` does."""
        operator = self.flow.operator
        return Play(self.speak(items), operator.key if operator and operator.at_prompts else "")

    def speak(self, items: Iterable[SayItem]) -> tuple[Spoken, ...]:
        """Prompts and values as effects carry them. Raises NodeError for an unknown prompt or a missing value."""
        return tuple([spoken(self, item) for item in items])

    # Attributes

    def set(self, name: str, value: Attribute) -> None:
        """Raises NodeError for text that is no text, and when the attributes would grow too large to be kept."""
        before = self.attributes
        if self._size is None:
            self._size = sum(map(_bytes, before, before.values()))
        try:
            size = self._size + _bytes(name, value) - (_bytes(name, before[name]) if name in before else 0)
        except (UnicodeEncodeError, ValueError):
            raise NodeError(f"the value of {name!r} cannot be written down") from None
        if size > MAX_ATTRIBUTES_BYTES:
            raise NodeError(f"with {name!r} the attributes would exceed {MAX_ATTRIBUTES_BYTES:,} bytes")
        self.attributes, self._contact, self._size = {**before, name: value}, None, size

    def unset(self, name: str) -> None:
        if name in self.attributes:
            self.attributes = {key: value for key, value in self.attributes.items() if key != name}
            self._contact = self._size = None

    def set_language(self, language: str) -> None:
        """From now on, for expressions and for what the caller hears."""
        self.language, self._contact = language, None
        self.effects.append(SetLanguage(language))

    def keep_place(self, queue: str) -> None:
        """The caller goes elsewhere in the flow, and still waits in `queue` at this node."""
        self.place = Place(
            queue, self.flow.name, self.flow.fingerprint, self.node, self.frames, self.memory, self.flow_at, self.late
        )

    # Secrets: each belongs to the flow that asked, and is forgotten when that flow returns

    def keep_secret(self, name: str, value: str) -> None:
        key = f"{len(self.frames)}/{name}"
        self._secrets = {**self._secrets, key: value}
        self._asked_at = {**self._asked_at, key: self.node}

    def forget_secrets(self, depth: int) -> None:
        """Forgets those of the flows at `depth` and deeper."""
        if self._asked_at:
            self._secrets = {key: value for key, value in self._secrets.items() if int(key.partition("/")[0]) < depth}
            self._asked_at = {key: node for key, node in self._asked_at.items() if int(key.partition("/")[0]) < depth}

    def _known_secrets(self, expression: Expression) -> dict[str, str]:
        prefix = f"{len(self.frames)}/"
        used = expression.fields("secret")
        for key, node in self._asked_at.items():
            name = key.removeprefix(prefix)
            if key.startswith(prefix) and key not in self._secrets and (used is None or name in used):
                raise AskAgain(node)
        return {key.removeprefix(prefix): value for key, value in self._secrets.items() if key.startswith(prefix)}

    # For the machine

    def go(self, flow: Flow, node: str, frames: tuple[Frame, ...], via: str) -> None:
        """Enters a node."""
        self.flow, self.node, self.frames, self.memory = flow, node, frames, {}
        self.alone += 1
        self.entered += 1
        self.asked = 0
        self.node_at = self.spent_ms
        self._visits.append(Visit(flow.name, node, via, self.now_ms))

    def miss(self, why: Literal["no_input", "no_match"]) -> None:
        """The caller said nothing at the present node, or something that does not fit."""
        nodes = self.missed.get(self.flow.name, {})
        before = nodes.get(self.node, Missed())
        now = msgspec.structs.replace(before, **{why: getattr(before, why) + 1})
        self.missed = {**self.missed, self.flow.name: {**nodes, self.node: now}}

    def frame(self) -> Frame:
        """Where the flow goes on that calls another one now."""
        return Frame(self.flow.name, self.flow.fingerprint, self.node, self.flow_at, self.late)

    def over_time(self) -> str:
        """Which time limit has passed, in words; empty: none."""
        node_s, flow_s = self.flow.nodes[self.node].time_limit_s, self.flow.time_limit_s
        if node_s is not None and self.spent_ms - self.node_at > node_s * 1000:
            return f"the node's {node_s:g} s are over"
        if flow_s is not None and self.spent_ms - self.flow_at > flow_s * 1000:
            return f"the flow's {flow_s:g} s are over"
        return ""

    def session(self, waiting_for: str) -> Session:
        """The session as this turn leaves it."""
        before = self._session
        trace = (*before.trace, *self._visits)[-TRACE_LENGTH:] if self._visits else before.trace
        return Session(
            caller=before.caller,
            flow=self.flow.name,
            fingerprint=self.flow.fingerprint,
            node=self.node,
            language=self.language,
            started_ms=before.started_ms,
            waiting_for=waiting_for,
            attributes=self.attributes,
            memory=self.memory,
            frames=self.frames,
            asked_at=self._asked_at,
            entered=self.entered,
            alone=self.alone,
            errors=self.errors,
            last_error=self.last_error,
            trace=trace,
            missed=self.missed,
            place=None if waiting_for == "Enqueue" else self.place,
            asked=self.asked,
            since_ms=self.now_ms,
            spent_ms=self.spent_ms,
            node_at=self.node_at,
            flow_at=self.flow_at,
            late=self.late,
            version=self.library.version,
            secrets=self._secrets,
        )


def _bytes(name: str, value: Attribute) -> int:
    return len(name) + (len(value.encode()) if type(value) is str else len(str(value)))


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def clock(wall: datetime) -> dict[str, Any]:
    """What expressions see as `now`."""
    return {
        "date": wall.date().isoformat(),
        "time": f"{wall:%H:%M}",
        "datetime": wall.isoformat(timespec="seconds"),
        "weekday": _WEEKDAYS[wall.weekday()],
        "year": wall.year,
        "month": wall.month,
        "day": wall.day,
        "hour": wall.hour,
        "minute": wall.minute,
    }


CLOCK_FIELDS = frozenset(clock(datetime.min))
"""The fields of `now`."""

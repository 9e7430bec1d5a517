"""One caller's way through the flows, as far as it has come: plain data that survives a restart of the engine."""

from typing import Any

import msgspec

Attribute = str | int | float | bool


class MachineError(Exception):
    """The shell used the machine wrongly (an answer nobody waits for, an unknown flow); the session is as it was."""


class Caller(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who calls (`number`, possibly empty), what they dialled, and their display name if the network sent one."""

    number: str = ""
    dialled: str = ""
    name: str = ""


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """A subflow node that waits for the flow it called; `fingerprint` is that of the calling flow, and `flow_at` and
    `late` are as in its session."""

    flow: str
    fingerprint: str
    node: str
    flow_at: int = 0
    late: bool = False


class Place(msgspec.Struct, frozen=True):
    """Where a caller waits who has gone elsewhere in the flow and keeps the place: the enqueue node, as it was left."""

    queue: str
    flow: str
    fingerprint: str
    node: str
    frames: tuple[Frame, ...] = ()
    memory: dict[str, Any] = {}
    flow_at: int = 0
    late: bool = False


class Visit(msgspec.Struct, frozen=True, array_like=True):
    """One node entered, at what time (Unix ms), and by which exit of the node before it."""

    flow: str
    node: str
    via: str
    at_ms: int


class Missed(msgspec.Struct, frozen=True, array_like=True):
    """How often a caller at one node said nothing, or something that did not fit."""

    no_input: int = 0
    no_match: int = 0


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a caller is. Immutable: each call of the machine returns the next one.

    `waiting_for` names the effect whose answer is awaited (`Play`, `Enqueue`, ...), and is empty when the session has
    ended with `outcome`: `completed`, `hungup` or `failed: WHY`. `fingerprint` pins the version of the flow, `version`
    is the number under which it was published (0: it was not). `memory` is what the present node keeps (its count of
    tries). `trace` holds the last nodes entered, `entered` counts all,
    `alone` those since the caller (or an agent) last had a part in it, `asked` what was waited for at the present node.
    `errors` counts nodes that could not do their work, `last_error` says of the last one why. `missed`: by flow and
    node, how often keys were waited for in vain. `place`: where the caller still waits meanwhile.

    Time: `since_ms` is when what is waited for was asked (Unix ms), `spent_ms` how long the caller has been in the
    flows, without waits for a person and talks; `node_at` and `flow_at` are how much that was when the present node
    and flow began. `late`: the flow's time limit has passed once.

    `secrets` are sensitive digits: they are in neither `to_json` nor `repr`, so a restart forgets them. `asked_at`
    remembers which node asked, and the machine goes back there when a lost one is needed. Keys: `DEPTH/NAME`.
    """

    caller: Caller
    flow: str
    fingerprint: str
    node: str
    language: str
    started_ms: int
    waiting_for: str = ""
    outcome: str = ""
    attributes: dict[str, Attribute] = {}
    memory: dict[str, Any] = {}
    frames: tuple[Frame, ...] = ()
    asked_at: dict[str, str] = {}
    entered: int = 0
    alone: int = 0
    errors: int = 0
    last_error: str = ""
    trace: tuple[Visit, ...] = ()
    missed: dict[str, dict[str, Missed]] = {}
    place: Place | None = None
    asked: int = 0
    since_ms: int = 0
    spent_ms: int = 0
    node_at: int = 0
    flow_at: int = 0
    late: bool = False
    version: int = 0
    secrets: dict[str, str] = {}

    @property
    def finished(self) -> bool:
        return self.outcome != ""

    def ended(self, outcome: str) -> "Session":
        """The same, ended; what only a call under way needs is dropped, secrets first of all."""
        return msgspec.structs.replace(
            self, waiting_for="", outcome=outcome, memory={}, frames=(), asked_at={}, place=None, secrets={}
        )

    def back_in_place(self) -> "Session":
        """The same, waiting at the enqueue node whose place was kept. Raises MachineError when none was."""
        if (place := self.place) is None:
            raise MachineError(f"{self!r} keeps no place in a queue")
        return msgspec.structs.replace(
            self,
            flow=place.flow,
            fingerprint=place.fingerprint,
            node=place.node,
            frames=place.frames,
            memory=place.memory,
            flow_at=place.flow_at,
            late=place.late,
            waiting_for="Enqueue",
            place=None,
        )

    def to_json(self) -> bytes:
        return msgspec.json.encode(msgspec.structs.replace(self, secrets={}) if self.secrets else self)

    @classmethod
    def from_json(cls, data: bytes | str) -> "Session":
        """Raises MachineError when `data` is not a session."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise MachineError(f"not a session: {error}") from None

    def __repr__(self) -> str:
        return f"Session({self.flow}.{self.node}, {self.outcome or self.waiting_for})"

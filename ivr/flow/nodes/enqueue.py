from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from ivr.flow import effects
from ivr.flow.effects import HangUp
from ivr.flow.inputs import Dequeued, EffectFailed, WayOut
from ivr.flow.names import AttributeName, Computed, ExitName, Matching, QueueName, Target
from ivr.flow.node import Fixture, Node, NodeError, Part, Result, WrongInput
from ivr.flow.turn import Turn

RESERVED = frozenset({"answered", "otherwise", "error"})

_WAIT = effects.Enqueue(
    "billing",
    {"reason": "card lost", "language": "en", "number": "+15550100", "dialled": "100"},
    priority=5,
    keys="12",
    keep_place="1",
)

WayKey = Annotated[str, Matching(r"^[0-9*#]$", "a way out is one key: 0-9, * or #")]


class Way(Part):
    """Where a key leads that is pressed while waiting."""

    to: Target = Field(description="The node to go on at.")
    keeps_place: bool = Field(False, description="The caller still waits meanwhile; an agent who answers takes over.")


def _kind(item: Any) -> str:
    return "(way)" if isinstance(item, dict | Way) else "(node)"


WayOfKey = Annotated[Annotated[Target, Tag("(node)")] | Annotated[Way, Tag("(way)")], Discriminator(_kind)]


class Enqueue(Node):
    """Lets the caller wait for an agent. Afterwards the flow goes on: after a talk by `answered`, otherwise by the
    exit that the queue's last action names (`exits`), or by `otherwise` when it is not listed.

    By one of `keys` the caller leaves while waiting: to a node, giving up the place (`"2": NODE`), or keeping it
    (`"1": {to: NODE, keeps_place: true}`): an agent who answers then takes the caller out of there, an enqueue node of
    the same queue goes on waiting, one of another queue moves the caller there with the time already waited.

    Routing conditions see all attributes set so far, those set here, and `language`, `number` and `dialled`.
    """

    type: Literal["enqueue"]
    queue: QueueName | None = Field(None, description="The name of the queue.")
    queue_from: Computed | None = Field(None, description="Instead of `queue`: the queue's name as an expression.")
    attributes: dict[AttributeName, Computed] = Field(
        default_factory=dict, description="Set first; values are expressions."
    )
    priority: Computed | None = Field(None, description="A whole number in place of the queue's own priority.")
    preferred_agent: Computed | None = Field(None, description="The agent to try first; a missing value means none.")
    keys: dict[WayKey, WayOfKey] = Field(
        default_factory=dict, description="Ways out while waiting: a node, or `{to: NODE, keeps_place: true}`."
    )
    answered: Target | None = Field(None, description="After a talk; by default the call ends.")
    exits_by_name: dict[ExitName, Target] = Field(
        default_factory=dict, alias="exits", description="By the exits that the queue's last actions name."
    )
    otherwise: Target = Field(description="When the caller comes back by any other exit.")

    waits: ClassVar[bool] = True
    example: ClassVar[str] = """
        to-billing:
          type: enqueue
          queue: billing
          attributes: {reason: "'card lost'"}
          priority: 5
          keys: {"1": {to: offer-callback, keeps_place: true}, "2": leave-message}
          answered: survey
          exits: {voicemail: to-voicemail}
          otherwise: sorry
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = tuple(
        (WrongInput if isinstance(answer, EffectFailed) else Fixture)(
            title, ((None, (_WAIT,)), (answer, (HangUp(where),)))
        )
        for title, answer, where in (
            ("goes on after the talk", Dequeued("answered"), "survey"),
            ("takes the exit that the queue names", Dequeued("voicemail"), "to-voicemail"),
            ("takes `otherwise` for an exit it does not know", Dequeued("full"), "sorry"),
            ("leaves by a key", WayOut("2"), "leave-message"),
            ("leaves by a key and keeps the place", WayOut("1"), "offer-callback"),
            ("hangs up when queueing fails and nobody cares", EffectFailed("gone"), "error"),
        )
    )

    @model_validator(mode="after")
    def _one_queue(self) -> Self:
        if (self.queue is None) == (self.queue_from is None):
            raise ValueError("either 'queue' or 'queue_from' is needed")
        for name in sorted(RESERVED & self.exits_by_name.keys()):
            raise ValueError(f"{name!r} is a field of its own, not one of 'exits'")
        return self

    def exits(self) -> dict[str, str]:
        answered = {"answered": self.answered} if self.answered else {}
        by_key = {f"key {key}": way.to if isinstance(way, Way) else way for key, way in self.keys.items()}
        return {**answered, **self.exits_by_name, **by_key, "otherwise": self.otherwise, **super().exits()}

    def may_end(self) -> bool:
        return self.answered is None

    def sets(self) -> Iterator[str]:
        return (f"contact.{name}" for name in self.attributes)

    def enter(self, turn: Turn) -> Result:
        if "queue" not in turn.memory:
            for name, expression in self.attributes.items():
                turn.set(name, turn.value(expression))
            # Kept, so that after a restart the caller waits in the same place even if the clock has moved on.
            turn.memory = {"queue": self._queue(turn), "priority": self._priority(turn), "agent": self._agent(turn)}
        memory = turn.memory
        return effects.Enqueue(
            memory["queue"],
            turn.contact(),
            memory["priority"],
            memory["agent"],
            "".join(self.keys),
            "".join(key for key in self.keys if self._keeps_place(key)),
        )

    def _keeps_place(self, key: str) -> bool:
        way = self.keys.get(key)
        return isinstance(way, Way) and way.keeps_place

    def _queue(self, turn: Turn) -> str:
        if self.queue_from is None:
            return str(self.queue)
        name = turn.value(self.queue_from)
        if not isinstance(name, str) or not name:
            raise NodeError(f"{self.queue_from.text!r} is no queue's name")
        return name

    def _priority(self, turn: Turn) -> int | None:
        if self.priority is None:
            return None
        value = turn.value(self.priority)
        if isinstance(value, bool) or not isinstance(value, int):
            raise NodeError(f"{self.priority.text!r} is not a whole number")
        return value

    def _agent(self, turn: Turn) -> str | None:
        if self.preferred_agent is None:
            return None
        try:
            return str(turn.value(self.preferred_agent)) or None
        except NodeError:
            return None

    def take(self, turn: Turn, answer: Dequeued | WayOut) -> Result:
        if isinstance(answer, WayOut):
            if self._keeps_place(answer.key):
                turn.keep_place(turn.memory["queue"])
            return f"key {answer.key}"
        if answer.exit == "answered" and self.answered is None:
            return HangUp()
        return answer.exit if answer.exit not in ("error", "otherwise") else "otherwise"

from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow import effects
from ivr.flow.effects import HangUp
from ivr.flow.inputs import DialEnded, EffectFailed
from ivr.flow.names import Computed, Target
from ivr.flow.node import Fixture, Node, NodeError, Result, WrongInput
from ivr.flow.turn import Turn

_DIAL = effects.Dial("+15550199", ring_ms=20_000, max_ms=1_800_000)


class Dial(Node):
    """Connects the caller with an outside number: a partner, a branch office, somebody on call.

    Only numbers that `settings.outbound` of centre.yaml allows are dialled, within its hours and caps; any other is
    `refused`. The flow goes on when the outside party hangs up. Nobody is recorded, and no agent has a part in it.
    """

    type: Literal["dial"]
    number: Computed = Field(description="The number, as an expression: `\"'+15550199'\"` or `contact.on_call`.")
    ring_s: float = Field(30, ge=1, le=120, description="How long it rings.")
    max_min: float = Field(60, gt=0, le=480, description="The talk is ended after so long.")
    answered: Target | None = Field(None, description="After the talk; by default the call ends.")
    busy: Target | None = Field(None, description="It is busy; by default as `otherwise`.")
    no_answer: Target | None = Field(None, description="Nobody answers; by default as `otherwise`.")
    refused: Target | None = Field(None, description="The centre does not dial it; by default as `otherwise`.")
    otherwise: Target = Field(description="It cannot be reached.")

    waits: ClassVar[bool] = True
    example: ClassVar[str] = """
        to-the-garage:
          type: dial
          number: "'+15550199'"
          ring_s: 20
          max_min: 30
          busy: ring-back
          otherwise: operator
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = tuple(
        (WrongInput if isinstance(answer, EffectFailed) else Fixture)(
            title, ((None, (_DIAL,)), (answer, (HangUp(where),)))
        )
        for title, answer, where in (
            ("ends after the talk", DialEnded("answered", 60_000), "normal"),
            ("busy has an exit of its own here", DialEnded("busy"), "ring-back"),
            ("nobody answers", DialEnded("no_answer"), "operator"),
            ("not on the list", DialEnded("refused"), "operator"),
            ("a shell that cannot dial", EffectFailed("no trunk"), "error"),
        )
    )

    def exits(self) -> dict[str, str]:
        own = {"answered": self.answered, "busy": self.busy, "no_answer": self.no_answer, "refused": self.refused}
        named = {name: target for name, target in own.items() if target}
        return {**named, "otherwise": self.otherwise, **super().exits()}

    def may_end(self) -> bool:
        return self.answered is None

    def enter(self, turn: Turn) -> Result:
        number = turn.value(self.number)
        if isinstance(number, bool | float) or not str(number):
            raise NodeError(f"{self.number.text!r} is no telephone number")
        return effects.Dial(str(number), round(self.ring_s * 1000), round(self.max_min * 60_000))

    def take(self, turn: Turn, answer: DialEnded) -> Result:
        if answer.outcome == "answered" and self.answered is None:
            return HangUp()
        return answer.outcome

"""What menu and collect share: asking for keys, and asking again.

Silence and wrong keys are counted apart, each with its own prompts, limit and way out.
"""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ivr.flow.effects import Collect, Spoken
from ivr.flow.inputs import Keys
from ivr.flow.names import Target
from ivr.flow.node import Node, Part, Result
from ivr.flow.speak import SayList

if TYPE_CHECKING:
    from ivr.flow.turn import Turn


class Retries(Part):
    """How often to ask again, what to say first, and where to go when it is enough."""

    retries: int = Field(2, ge=0, le=10, description="How often to ask again.")
    say: SayList = Field(default_factory=list, description="Said before asking again.")
    to: Target = Field(description="Where to go after the last try.")


class AskingNode(Node):
    """Base of the nodes at which the caller presses keys."""

    say: SayList = Field(min_length=1, description="The question.")
    no_input: Retries = Field(description="When the caller presses nothing.")
    no_match: Retries = Field(description="When the caller presses something that does not fit.")
    barge_in: bool = Field(True, description="Whether a key during the prompts ends them and counts.")
    first_digit_s: float = Field(5, gt=0, le=60, description="How long to wait for the first key.")
    inter_digit_s: float = Field(3, gt=0, le=60, description="How long to wait for a further key.")

    waits: ClassVar[bool] = True
    takes_keys: ClassVar[bool] = True

    def exits(self) -> dict[str, str]:
        return {"no_input": self.no_input.to, "no_match": self.no_match.to, **super().exits()}

    def ask(
        self,
        turn: "Turn",
        max_digits: int,
        terminators: str,
        sensitive: bool = False,
        question: tuple[Spoken, ...] | None = None,
    ) -> Collect:
        """The question (by default `say`); after a failed try, what is said first."""
        failed = {"no_input": self.no_input.say, "no_match": self.no_match.say}.get(turn.memory.get("last", ""), ())
        return Collect(
            (*turn.speak(failed), *(turn.speak(self.say) if question is None else question)),
            max_digits,
            terminators,
            round(self.first_digit_s * 1000),
            round(self.inter_digit_s * 1000),
            self.barge_in,
            sensitive,
        )

    def ask_again(self, turn: "Turn", answer: Keys) -> Result:
        """What follows from an answer that does not fit."""
        if turn.flow.operator and answer.digits == turn.flow.operator.key:
            return "operator"
        why: Literal["no_input", "no_match"]
        why = "no_input" if not answer.digits and answer.ended_by == "timeout" else "no_match"
        turn.miss(why)
        limit, tried = getattr(self, why), turn.memory.get(why, 0)
        if tried >= limit.retries:
            return why
        turn.memory |= {why: tried + 1, "last": why}
        return self.enter(turn)

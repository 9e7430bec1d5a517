from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.flow.effects import Collect, HangUp, Prompt
from ivr.flow.inputs import Keys
from ivr.flow.names import Target
from ivr.flow.node import Fixture, Node, Result
from ivr.flow.speak import SayList
from ivr.flow.tries import Retries, may_try_again, said_first
from ivr.flow.turn import Turn

Choice = Annotated[str, Field(pattern=r"^[0-9A-D*#]{1,10}$", description="The keys to press.")]

_ASK = Collect((Prompt("main-menu", "main-menu"),), max_digits=1)
_ASK_THE_SILENT = Collect((Prompt("still-there", "still-there"), *_ASK.spoken), max_digits=1)
_ASK_AFTER_WRONG_KEY = Collect((Prompt("wrong-key", "wrong-key"), *_ASK.spoken), max_digits=1)


class Menu(Node):
    """Lets the caller choose by one or more keys.

    Choices of unequal length (`1` and `12`) wait for `inter_digit_s` after the shorter one; `#` ends an entry unless
    it is itself part of a choice. Silence and wrong keys are counted apart, each with its own way out.
    """

    type: Literal["menu"]
    say: SayList = Field(min_length=1)
    choices: dict[Choice, Target] = Field(min_length=1, max_length=50, description="Where each choice leads.")
    no_input: Retries = Field(description="The caller presses nothing.")
    no_match: Retries = Field(description="The caller presses something else.")
    barge_in: bool = Field(True, description="Whether a key during the prompts ends them and counts.")
    first_digit_s: float = Field(5, gt=0, le=60, description="How long to wait for the first key.")
    inter_digit_s: float = Field(3, gt=0, le=60, description="How long to wait for a further key.")

    waits: ClassVar[bool] = True
    takes_keys: ClassVar[bool] = True
    example: ClassVar[str] = """
        main-menu:
          type: menu
          say: [main-menu]
          choices: {"1": billing, "2": support}
          no_input: {retries: 1, say: [still-there], to: operator}
          no_match: {retries: 1, say: [wrong-key], to: goodbye}
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("goes where the key leads", ((None, (_ASK,)), (Keys("2", "length"), (HangUp("support"),)))),
        Fixture(
            "counts silence and wrong keys apart",
            (
                (None, (_ASK,)),
                (Keys(), (_ASK_THE_SILENT,)),
                (Keys("9", "length"), (_ASK_AFTER_WRONG_KEY,)),
                (Keys(), (HangUp("operator"),)),
            ),
        ),
        Fixture(
            "gives up after too many wrong keys",
            ((None, (_ASK,)), (Keys("*"), (_ASK_AFTER_WRONG_KEY,)), (Keys("D"), (HangUp("goodbye"),))),
        ),
    )

    def exits(self) -> dict[str, str]:
        return {**self.choices, "no_input": self.no_input.to, "no_match": self.no_match.to, **super().exits()}

    @cached_property
    def _longest(self) -> int:
        return max(len(keys) for keys in self.choices)

    @cached_property
    def _terminators(self) -> str:
        return "#" if self._longest > 1 and not any("#" in keys for keys in self.choices) else ""

    def enter(self, turn: Turn) -> Result:
        return Collect(
            turn.speak((*said_first(turn, self.no_input, self.no_match), *self.say)),
            max_digits=self._longest,
            terminators=self._terminators,
            first_digit_ms=round(self.first_digit_s * 1000),
            inter_digit_ms=round(self.inter_digit_s * 1000),
            barge_in=self.barge_in,
        )

    def take(self, turn: Turn, answer: Keys) -> Result:
        if answer.digits in self.choices:
            return answer.digits
        if turn.flow.operator and answer.digits == turn.flow.operator.key:
            return "operator"
        if not answer.digits and answer.ended_by == "timeout":
            return self.enter(turn) if may_try_again(turn, "no_input", self.no_input) else "no_input"
        return self.enter(turn) if may_try_again(turn, "no_match", self.no_match) else "no_match"

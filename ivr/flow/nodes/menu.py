from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.flow.asking import AskingNode
from ivr.flow.effects import Collect, HangUp, Prompt
from ivr.flow.inputs import Keys
from ivr.flow.names import Matching, Target
from ivr.flow.node import Advice, Fixture, Result, WrongInput
from ivr.flow.turn import Turn

MOST_CHOICES = 5
"""More than these a caller does not keep in mind while listening."""

Choice = Annotated[
    str,
    Field(description="The keys to press."),
    Matching(r"^[0-9A-D*#]{1,10}$", "a choice is made of 1 to 10 of the keys 0-9, *, #, A-D"),
]

_ASK = Collect((Prompt("main-menu", "main-menu"),), max_digits=1)
_ASK_THE_SILENT = Collect((Prompt("still-there", "still-there"), *_ASK.spoken), max_digits=1)
_ASK_AFTER_WRONG_KEY = Collect((Prompt("wrong-key", "wrong-key"), *_ASK.spoken), max_digits=1)


class Menu(AskingNode):
    """Lets the caller choose by one or more keys.

    Choices of unequal length (`1` and `12`) wait for `inter_digit_s` after the shorter one; `#` ends an entry unless
    it is itself part of a choice. The flow's `operator` key leads to a person, unless it is a choice here.
    """

    type: Literal["menu"]
    choices: dict[Choice, Target] = Field(min_length=1, max_length=50, description="Where each choice leads.")

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
        WrongInput(
            "gives up after too many wrong keys",
            ((None, (_ASK,)), (Keys("*"), (_ASK_AFTER_WRONG_KEY,)), (Keys("D"), (HangUp("goodbye"),))),
        ),
    )

    def exits(self) -> dict[str, str]:
        return {**self.choices, **super().exits()}

    def advice(self) -> Iterator[Advice]:
        if len(self.choices) > MOST_CHOICES:
            message = f"{len(self.choices)} choices are more than a caller keeps in mind"
            yield Advice(("choices",), message, f"at most {MOST_CHOICES}; lead to a second menu")

    @cached_property
    def _longest(self) -> int:
        return max(len(keys) for keys in self.choices)

    @cached_property
    def _terminators(self) -> str:
        return "#" if self._longest > 1 and not any("#" in keys for keys in self.choices) else ""

    def enter(self, turn: Turn) -> Result:
        return self.ask(turn, self._longest, self._terminators)

    def take(self, turn: Turn, answer: Keys) -> Result:
        return answer.digits if answer.digits in self.choices else self.ask_again(turn, answer)

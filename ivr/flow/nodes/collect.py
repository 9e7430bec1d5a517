from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import SchemaValidator

from ivr.flow import effects
from ivr.flow.asking import AskingNode
from ivr.flow.effects import HangUp, Prompt
from ivr.flow.inputs import Keys
from ivr.flow.names import AttributeName, Target
from ivr.flow.node import Fixture, Result, WrongInput
from ivr.flow.patterns import Pattern, whole
from ivr.flow.turn import Turn


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


_ASK = effects.Collect((Prompt("enter-card", "enter-card"),), max_digits=16, terminators="#")
_ASK_AFTER_WRONG = effects.Collect(
    (Prompt("card-unknown", "card-unknown"), *_ASK.spoken), max_digits=16, terminators="#"
)


class Collect(AskingNode):
    """Takes digits from the caller into the attribute `into`.

    Sensitive digits are not kept as an attribute but as a secret: only lookups of the same flow can use them, as
    `secret.NAME`; they are in no log, journal, recording or saved session. The flow's `operator` key, pressed alone,
    leads to a person, unless it is a valid entry.
    """

    type: Literal["collect"]
    into: AttributeName = Field(description="The attribute (or the secret) that takes the digits.")
    min_digits: int = Field(1, ge=1, le=40, description="Fewer do not fit.")
    max_digits: int = Field(ge=1, le=40, description="The entry ends when there are so many.")
    terminator: str = Field("#", pattern=r"^[*#]?$", description="The key that ends the entry early; empty: none.")
    pattern: Pattern | None = Field(
        None, max_length=200, description="A regular expression that all of the digits match."
    )
    checksum: Literal["luhn"] | None = Field(None, description="The check digit: `luhn` for bank cards and the like.")
    sensitive: bool = Field(False, description="Kept as a secret; see above.")
    next: Target = Field(description="Where to go afterwards.")

    example: ClassVar[str] = """
        ask-card:
          type: collect
          say: [enter-card]
          into: card
          min_digits: 12
          max_digits: 16
          checksum: luhn
          next: check-card
          no_input: {retries: 0, to: operator}
          no_match: {retries: 1, say: [card-unknown], to: operator}
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture(
            "goes on with a valid number",
            ((None, (_ASK,)), (Keys("4111111111111111", "length"), (HangUp("check-card"),))),
        ),
        WrongInput(
            "asks again after a wrong check digit and a number that is too short",
            (
                (None, (_ASK,)),
                (Keys("4111111111111112", "length"), (_ASK_AFTER_WRONG,)),
                (Keys("18", "terminator"), (HangUp("operator"),)),
            ),
        ),
        Fixture("leaves the silent", ((None, (_ASK,)), (Keys(), (HangUp("operator"),)))),
    )

    @model_validator(mode="after")
    def _can_be_entered(self) -> Self:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is more than max_digits")
        return self

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def sets(self) -> Iterator[str]:
        yield f"{'secret' if self.sensitive else 'contact'}.{self.into}"

    def enter(self, turn: Turn) -> Result:
        return self.ask(turn, self.max_digits, self.terminator, self.sensitive)

    def take(self, turn: Turn, answer: Keys) -> Result:
        if not self.fits(answer.digits):
            return self.ask_again(turn, answer)
        if self.sensitive:
            turn.keep_secret(self.into, answer.digits)
        else:
            turn.set(self.into, answer.digits)
        return "next"

    @cached_property
    def _pattern(self) -> SchemaValidator:
        return whole(self.pattern or "[0-9]*")

    def fits(self, digits: str) -> bool:
        """Whether this entry is taken."""
        return (
            self.min_digits <= len(digits) <= self.max_digits
            and set(digits) <= set("0123456789*#ABCD")
            and self._pattern.isinstance_python(digits)
            and (self.checksum is None or (digits.isdecimal() and luhn(digits)))
        )

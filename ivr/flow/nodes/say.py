from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow import effects
from ivr.flow.effects import HangUp, Prompt
from ivr.flow.inputs import EffectFailed, Played
from ivr.flow.names import Target
from ivr.flow.node import Fixture, Node, Result, WrongInput
from ivr.flow.speak import SayValue, Value
from ivr.flow.turn import Turn

_BALANCE = effects.Play((effects.Say("number", "1250"),))
_BALANCE_KNOWN = (("balance", 1250.0),)


class Say(Value, Node):
    """Speaks one value by the language's own rules. What cannot be played is skipped, unless `error` says otherwise.

    Numbers have at most 15 digits before and 6 after the point; digits may hold `*` and `#`, and their spaces and
    punctuation are left out; dates and times are ISO 8601 (`now.datetime`), in the centre's zone if none is given;
    money is rounded to what the currency counts in, half a cent upwards.
    """

    type: Literal["say"]
    next: Target = Field(description="Where to go afterwards.")

    waits: ClassVar[bool] = True
    plays: ClassVar[bool] = True
    example: ClassVar[str] = """
        say-balance:
          type: say
          say: number
          value: contact.balance
          otherwise: balance-unknown
          next: main-menu
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture(
            "speaks the value, then goes on",
            ((None, (_BALANCE,)), (Played(), (HangUp("main-menu"),))),
            attributes=_BALANCE_KNOWN,
        ),
        WrongInput(
            "plays the prompt when there is no value",
            ((None, (effects.Play((Prompt("balance-unknown", "balance-unknown"),)),)),),
        ),
        Fixture(
            "skips what cannot be played",
            ((None, (_BALANCE,)), (EffectFailed(), (HangUp("main-menu"),))),
            attributes=_BALANCE_KNOWN,
        ),
    )

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def enter(self, turn: Turn) -> Result:
        item = SayValue.model_construct(
            say=self.say, value=self.value, currency=self.currency, otherwise=self.otherwise
        )
        return turn.play((item,))

    def take(self, turn: Turn, answer: Played) -> Result:
        return "operator" if answer.key else "next"

    def failed(self, turn: Turn, detail: str) -> Result:
        return "error" if self.error else "next"

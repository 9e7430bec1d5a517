from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.flow import effects
from ivr.flow.asking import AskingNode
from ivr.flow.effects import Collect, HangUp, Prompt
from ivr.flow.inputs import EffectFailed, Keys, Verified
from ivr.flow.looking import AskingSource
from ivr.flow.names import Computed, Target
from ivr.flow.node import Fixture, NodeError, Result, WrongInput
from ivr.flow.nodes.identify import CUSTOMER
from ivr.flow.turn import Turn

_ASK = Collect((Prompt("enter-pin", "enter-pin"),), max_digits=6, terminators="#", sensitive=True)
_AGAIN = Collect((Prompt("wrong-pin", "wrong-pin"), *_ASK.spoken), max_digits=6, terminators="#", sensitive=True)
_CHECK = effects.Verify("c-7", "4711")
_KNOWN = (("customer", "c-7"),)


class Verify(AskingNode, AskingSource):
    """Has the caller prove by a PIN who they are. Wrong PINs are counted over all calls, restarts included: after
    `attempts` in a row this customer is locked for `lockout_min`, whoever calls.

    The PIN is checked against the centre's own PINs, which are stored hashed (`switchboard pin set`), or, with `url` or
    `database`, by that source, which sees it as `pin`: an answer means it is right, `not_found` (or HTTP 401, 403) that
    it is wrong. It is in no log, journal, recording or saved session, and later nodes do not see it.
    """

    type: Literal["verify"]
    who: Computed | None = Field(
        None, description="Whose PIN it is; by default `contact.customer`, whom `identify` has found."
    )
    min_digits: int = Field(4, ge=1, le=20, description="Shorter PINs do not fit, and are not counted as wrong ones.")
    max_digits: int = Field(6, ge=1, le=20, description="The entry ends when there are so many.")
    attempts: int = Field(
        5, ge=1, le=100, description="So many wrong PINs in a row, over all calls, lock the customer."
    )
    lockout_min: float = Field(30, gt=0, le=100_000, description="For how long.")
    next: Target = Field(description="Where to go with a right PIN.")
    locked: Target = Field(description="Where to go when the customer is locked.")

    source_needed: ClassVar[bool] = False
    asks_with: ClassVar[frozenset[str]] = frozenset({"pin", "key"})
    example: ClassVar[str] = """
        prove-it:
          type: verify
          say: [enter-pin]
          attempts: 5
          next: proven
          locked: operator
          no_input: {retries: 0, to: operator}
          no_match: {retries: 1, say: [wrong-pin], to: operator}
        proven:
          type: branch
          conditions: [{when: contact.verified, to: account-menu}]
          otherwise: operator
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture(
            "goes on with the right PIN",
            (
                (None, (_ASK,)),
                (Keys("4711", "terminator"), (_CHECK,)),
                (Verified("right"), (HangUp("account-menu"),)),
            ),
            attributes=_KNOWN,
        ),
        WrongInput(
            "asks again after a wrong one, and gives up",
            (
                (None, (_ASK,)),
                (Keys("4711", "terminator"), (_CHECK,)),
                (Verified("wrong"), (_AGAIN,)),
                (Keys("12", "terminator"), (HangUp("operator"),)),
            ),
            attributes=_KNOWN,
        ),
        Fixture(
            "leaves when too many were wrong",
            (
                (None, (_ASK,)),
                (Keys("4711", "terminator"), (_CHECK,)),
                (Verified("locked"), (HangUp("operator"),)),
            ),
            attributes=_KNOWN,
        ),
        Fixture(
            "fails when nobody can check it",
            (
                (None, (_ASK,)),
                (Keys("4711", "terminator"), (_CHECK,)),
                (EffectFailed("timeout"), (HangUp("error"),)),
            ),
            attributes=_KNOWN,
        ),
        WrongInput("fails where nobody was identified", ((None, (HangUp("error"),)),)),
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is more than max_digits")
        return self

    def exits(self) -> dict[str, str]:
        return {"next": self.next, "locked": self.locked, **super().exits()}

    def sets(self) -> Iterator[str]:
        yield from super().sets()
        yield "contact.verified"

    def enter(self, turn: Turn) -> Result:
        self._who(turn)
        return self.ask(turn, self.max_digits, "#", sensitive=True)

    def take(self, turn: Turn, answer: Keys | Verified) -> Result:
        if isinstance(answer, Verified):
            if answer.result == "right":
                turn.set("verified", True)
                return "next"
            # Anything that was entered and did not fit.
            return "locked" if answer.result == "locked" else self.ask_again(turn, Keys("", "length"))
        if not (answer.digits.isdecimal() and self.min_digits <= len(answer.digits) <= self.max_digits):
            return self.ask_again(turn, answer)
        who = self._who(turn)
        asks = self.url is not None or self.database is not None
        check = self.question(turn, {"pin": answer.digits, "key": who}) if asks else None
        return effects.Verify(who, answer.digits, check, self.attempts, round(self.lockout_min * 60_000))

    def _who(self, turn: Turn) -> str:
        who = turn.contact().get(CUSTOMER, "") if self.who is None else turn.value(self.who)
        if not str(who):
            raise NodeError("nobody is identified here whose PIN could be asked for")
        return str(who)

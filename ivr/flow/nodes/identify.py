from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import SchemaValidator

from ivr.flow import effects
from ivr.flow.asking import AskingNode
from ivr.flow.effects import Collect, HangUp, Prompt
from ivr.flow.inputs import Keys, LookedUp, LookupFailed
from ivr.flow.looking import AskingSource
from ivr.flow.names import Target
from ivr.flow.node import Fixture, Result, WrongInput
from ivr.flow.nodes.collect import luhn
from ivr.flow.patterns import Pattern, whole
from ivr.flow.session import Caller
from ivr.flow.turn import Turn

CUSTOMER = "customer"
"""The attribute that says which customer it is; `verify` goes by it."""
CALLER_ID, ACCOUNT = "caller_id", "account"

_BY_NUMBER = effects.LookUp("https://crm.example/customers", query={"by": "caller_id", "is": "+15550100"})
_ASK = Collect((Prompt("enter-account", "enter-account"),), max_digits=8, terminators="#")
_BY_ACCOUNT = effects.LookUp("https://crm.example/customers", query={"by": "account", "is": "12345678"})
_ASK_AGAIN = Collect((Prompt("not-known", "not-known"), *_ASK.spoken), max_digits=8, terminators="#")
_FOUND = LookedUp(200, {"id": "c-7", "tier": "gold"})


class Identify(AskingNode, AskingSource):
    """Finds out which customer calls: by the number they call from, else by an account number that they enter.

    The source is asked with `key` (the number or the account) and `by` (`caller_id` or `account`). What it answers is
    the customer's record: `results` names the attributes that take its parts, `customer` (who it is) among them. Later
    nodes and routing conditions see them as `contact.NAME`, agents have them on their screen. `contact.identified_by`
    says which way it went. An account that is not known counts as a wrong entry (`no_match`).
    """

    type: Literal["identify"]
    by_caller_id: bool = Field(True, description="Look for the number they call from first, without asking.")
    min_digits: int = Field(1, ge=1, le=40, description="Shorter accounts do not fit.")
    max_digits: int = Field(ge=1, le=40, description="The entry ends when there are so many.")
    terminator: str = Field("#", pattern=r"^[*#]?$", description="The key that ends the entry early; empty: none.")
    pattern: Pattern | None = Field(
        None, max_length=200, description="A regular expression that all of an account matches."
    )
    checksum: Literal["luhn"] | None = Field(None, description="The check digit of accounts.")
    next: Target = Field(description="Where to go with a customer who is known.")

    asks_with: ClassVar[frozenset[str]] = frozenset({"key", "by"})
    example: ClassVar[str] = """
        who-calls:
          type: identify
          say: [enter-account]
          max_digits: 8
          url: https://crm.example/customers
          query: {by: by, is: key}
          results: {customer: data.id, tier: data.tier}
          next: known
          no_input: {retries: 0, to: operator}
          no_match: {retries: 1, say: [not-known], to: operator}
        known:
          type: branch
          conditions:
            - {when: contact.tier == 'gold' && contact.identified_by == 'caller_id', to: gold-line}
          otherwise: main-menu
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("knows the number they call from", ((None, (_BY_NUMBER,)), (_FOUND, (HangUp("gold-line"),)))),
        Fixture(
            "asks those whose number is not known",
            (
                (None, (_BY_NUMBER,)),
                (LookedUp(404), (_ASK,)),
                (Keys("12345678", "length"), (_BY_ACCOUNT,)),
                (_FOUND, (HangUp("main-menu"),)),
            ),
        ),
        WrongInput(
            "asks again for an account that is not known, and gives up",
            (
                (None, (_ASK,)),
                (Keys("12345678", "length"), (_BY_ACCOUNT,)),
                (LookedUp(404), (_ASK_AGAIN,)),
                (Keys("*", "terminator"), (HangUp("operator"),)),
            ),
            caller=Caller("", "100"),
        ),
        WrongInput(
            "fails when the source does", ((None, (_BY_NUMBER,)), (LookupFailed("timeout"), (HangUp("error"),)))
        ),
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is more than max_digits")
        if CUSTOMER not in self.results:
            raise ValueError(f"'results' says what {CUSTOMER!r} is: the part of the answer that names the customer")
        return self

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def sets(self) -> Iterator[str]:
        yield from super().sets()
        yield "contact.identified_by"

    # What is going on is kept in `turn.memory`: `by` while the source is asked, with its `key`.

    def enter(self, turn: Turn) -> Result:
        memory = turn.memory
        if "by" not in memory:
            own = self.by_caller_id and turn.caller.number
            memory |= {"by": CALLER_ID, "key": turn.caller.number} if own else {"by": ""}
        if memory["by"]:
            return self.question(turn, {"key": memory["key"], "by": memory["by"]})
        return self.ask(turn, self.max_digits, self.terminator)

    def take(self, turn: Turn, answer: Keys | LookedUp | LookupFailed) -> Result:
        memory = turn.memory
        if isinstance(answer, Keys):
            if not self.fits(answer.digits):
                return self.ask_again(turn, answer)
            memory |= {"by": ACCOUNT, "key": answer.digits}
            return self.enter(turn)
        by = memory["by"]
        if self.found(turn, answer) and turn.contact().get(CUSTOMER, "") != "":
            turn.set("identified_by", by)
            return "next"
        memory["by"] = ""
        return self.enter(turn) if by == CALLER_ID else self.ask_again(turn, Keys(memory["key"], "length"))

    @cached_property
    def _pattern(self) -> SchemaValidator:
        return whole(self.pattern or "[0-9]*")

    def fits(self, digits: str) -> bool:
        return (
            self.min_digits <= len(digits) <= self.max_digits
            and self._pattern.isinstance_python(digits)
            and (self.checksum is None or (digits.isdecimal() and luhn(digits)))
        )

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow.effects import HangUp
from ivr.flow.names import AttributeName, Computed, Target
from ivr.flow.node import Fixture, Node, Result, WrongInput
from ivr.flow.turn import Turn


class Set(Node):
    """Sets attributes of the contact, in the order given; each may use those before it. Text is quoted: `"'gold'"`."""

    type: Literal["set"]
    attributes: dict[AttributeName, Computed] = Field(min_length=1, description="Attributes and their values.")
    next: Target = Field(description="Where to go afterwards.")

    example: ClassVar[str] = """
        note-tier:
          type: set
          attributes:
            vip: contact.points >= 1000
            tier: "contact.vip ? 'gold' : 'standard'"
          next: choose
          error: unknown-customer
        choose:
          type: branch
          conditions: [{when: contact.tier == 'gold', to: gold-line}]
          otherwise: standard-line
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("sets, then goes on", ((None, (HangUp("gold-line"),)),), attributes=(("points", 1200),)),
        WrongInput("takes `error` when a value is missing", ((None, (HangUp("unknown-customer"),)),)),
    )

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def sets(self) -> Iterator[str]:
        return (f"contact.{name}" for name in self.attributes)

    def enter(self, turn: Turn) -> Result:
        for name, expression in self.attributes.items():
            turn.set(name, turn.value(expression))
        return "next"

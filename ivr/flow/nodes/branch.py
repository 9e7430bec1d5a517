from typing import ClassVar, Literal

from pydantic import Field

from documents import Expression
from ivr.flow.effects import HangUp
from ivr.flow.names import Computed, Target
from ivr.flow.node import Fixture, Node, Part, Result, WrongInput
from ivr.flow.turn import Turn


class Condition(Part):
    """Where to go when `when` is true."""

    when: Computed = Field(description="A condition.")
    to: Target = Field(description="Where to go when it is true.")


class Branch(Node):
    """Goes where the first true condition says. What is missing makes a condition false.

    Its exits are numbered: `1` for the first condition.
    """

    type: Literal["branch"]
    conditions: list[Condition] = Field(min_length=1, max_length=50, description="Tried in order.")
    otherwise: Target = Field(description="When no condition is true.")

    example: ClassVar[str] = """
        by-tier:
          type: branch
          conditions:
            - {when: contact.tier == 'gold', to: gold-line}
            - {when: now.hour < 8, to: night-line}
          otherwise: standard-line
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("the first that is true", ((None, (HangUp("gold-line"),)),), attributes=(("tier", "gold"),), now_ms=0),
        WrongInput("a later one, when what the first needs is missing", ((None, (HangUp("night-line"),)),), now_ms=0),
        Fixture("none", ((None, (HangUp("standard-line"),)),)),
    )

    def exits(self) -> dict[str, str]:
        numbered = {str(number): condition.to for number, condition in enumerate(self.conditions, 1)}
        return {**numbered, "otherwise": self.otherwise, **super().exits()}

    def decides(self) -> list[tuple[str, Expression]]:
        return [(str(number), condition.when) for number, condition in enumerate(self.conditions, 1)]

    def enter(self, turn: Turn) -> Result:
        for number, condition in enumerate(self.conditions, 1):
            if turn.holds(condition.when):
                return str(number)
        return "otherwise"

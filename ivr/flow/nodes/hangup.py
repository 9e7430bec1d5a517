from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow.effects import HangUp as HangUpEffect
from ivr.flow.node import Fixture, Node, Result
from ivr.flow.turn import Turn


class HangUp(Node):
    """Ends the call, in a subflow too."""

    type: Literal["hangup"]
    reason: str = Field("normal", min_length=1, max_length=80, description="Shown in reports.")

    from_outside: ClassVar[bool] = False
    example: ClassVar[str] = """
        bye:
          type: hangup
          reason: out of hours
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (Fixture("hangs up", ((None, (HangUpEffect("out of hours"),)),)),)

    def enter(self, turn: Turn) -> Result:
        return HangUpEffect(self.reason)

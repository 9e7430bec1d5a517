from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow.effects import HangUp
from ivr.flow.names import ExitName
from ivr.flow.node import Fixture, Node, Result
from ivr.flow.node import Return as ReturnResult
from ivr.flow.turn import Turn


class Return(Node):
    """Ends this flow and goes back to the subflow node that called it; in the first flow, ends the call."""

    type: Literal["return"]
    exit: ExitName = Field("done", description="The exit that the calling node takes.")

    from_outside: ClassVar[bool] = False
    example: ClassVar[str] = """
        identified:
          type: return
          exit: identified
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (Fixture("in the first flow, ends the call", ((None, (HangUp(),)),)),)

    def returns(self) -> str:
        return self.exit

    def enter(self, turn: Turn) -> Result:
        return ReturnResult(self.exit)

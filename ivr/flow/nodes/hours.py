from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow.effects import HangUp
from ivr.flow.names import HoursName, Target
from ivr.flow.node import Fixture, Node, NodeError, Result
from ivr.flow.turn import Turn

_MONDAY = 1_767_607_200_000  # 5 January 2026, 10:00 UTC
_DAY = 86_400_000


class Hours(Node):
    """Asks whether the centre is open now, by one of its sets of opening hours.

    The emergency switch closes hours at once, for callers who are in the flow too: when all queues that follow these
    hours were switched to an emergency, or, where none does, all queues of the centre.
    """

    type: Literal["hours"]
    hours: HoursName = Field(description="The name of a set of opening hours.")
    open: Target = Field(description="Where to go when it is open.")
    closed: Target = Field(description="Where to go when it is closed.")
    holiday: Target | None = Field(None, description="Closed by a dated exception; by default as `closed`.")
    emergency: Target | None = Field(None, description="Closed by the emergency switch; by default as `closed`.")

    from_outside: ClassVar[bool] = False
    example: ClassVar[str] = """
        are-we-open:
          type: hours
          hours: office
          open: main-menu
          closed: closed-message
          holiday: holiday-message
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("open", ((None, (HangUp("main-menu"),)),), now_ms=_MONDAY),
        Fixture("closed at the weekend", ((None, (HangUp("closed-message"),)),), now_ms=_MONDAY + 5 * _DAY),
        Fixture("holiday", ((None, (HangUp("holiday-message"),)),), now_ms=_MONDAY + _DAY),
    )

    def exits(self) -> dict[str, str]:
        return {
            "open": self.open,
            "closed": self.closed,
            "holiday": self.holiday or self.closed,
            "emergency": self.emergency or self.closed,
            **super().exits(),
        }

    def enter(self, turn: Turn) -> Result:
        hours = turn.library.hours.get(self.hours)
        if hours is None:
            raise NodeError(f"there are no hours {str(self.hours)!r}")
        return "emergency" if self.hours in turn.library.emergencies else hours.state(turn.now_ms)

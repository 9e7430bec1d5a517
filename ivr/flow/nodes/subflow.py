from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.flow.effects import HangUp
from ivr.flow.names import ExitName, FlowName, Target
from ivr.flow.node import Call, Fixture, Node, Result
from ivr.flow.turn import Turn


class Subflow(Node):
    """Runs another flow, and goes on by the exit that its `return` node names. Attributes and language are shared;
    an error that the other flow does not handle is this node's."""

    type: Literal["subflow"]
    flow: FlowName = Field(description="The name of the other flow.")
    exits_by_name: dict[ExitName, Target] = Field(
        default_factory=dict, alias="exits", description="Where each exit of the other flow leads."
    )
    otherwise: Target = Field(description="For any exit that is not listed.")

    from_outside: ClassVar[bool] = False
    example: ClassVar[str] = """
        identify:
          type: subflow
          flow: identification
          exits: {done: main-menu, failed: operator}
          otherwise: operator
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("goes on by the exit that the other flow took", ((None, (HangUp("main-menu"),)),)),
    )

    @model_validator(mode="after")
    def _exits_are_free(self) -> Self:
        for name in sorted({"otherwise", "error"} & self.exits_by_name.keys()):
            raise ValueError(f"{name!r} is a field of its own, not one of 'exits'")
        return self

    def exits(self) -> dict[str, str]:
        return {**self.exits_by_name, "otherwise": self.otherwise, **super().exits()}

    def enter(self, turn: Turn) -> Result:
        return Call(str(self.flow))

"""Least occupied agent first."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from router.core.strategies._base import AgentFacts, AgentKey, Fixture


class Parameters(BaseModel):
    """Of `least_occupied`."""

    model_config = ConfigDict(extra="forbid")
    step: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="occupancies in the same step of this size count as equal, so that the next key decides; 0: exact.",
    )


def formula(occupancy: float, step: float) -> float:
    return occupancy // step if step else occupancy


class LeastOccupied(AgentKey):
    """The agent with the smallest share of work since sign-in takes the next contact.

    Value: H / (H + R), with H the handling time (ringing, talk, wrap-up) and R the ready time since sign-in, as they
    stood when the agent last became ready; 0 before any of either. Pauses count as neither. With `step` s > 0 the
    value is floor(occupancy / s).

    Tie-break: the next key of the ranking, then the agents' order in the policy.

    Source: "least occupied agent" of commercial ACDs.
    """

    name = "least_occupied"
    formula = staticmethod(formula)
    example = "agent_ranking: [{least_occupied: {step: 0.05}}, longest_idle]"
    Parameters = Parameters
    fixture = Fixture(
        {
            "busy": (AgentFacts(0, occupancy=0.9),),
            "calm": (AgentFacts(1, occupancy=0.41),),
            "fresh": (AgentFacts(2, occupancy=0.0),),
        },
        ("fresh", "calm", "busy"),
    )

    def __init__(self, parameters: Mapping[str, int | float | str | bool]) -> None:
        super().__init__(parameters)
        assert isinstance(self.parameters, Parameters)
        self._step = self.parameters.step

    def value(self, agent: AgentFacts) -> float:
        return formula(agent.occupancy, self._step)


KEY = LeastOccupied

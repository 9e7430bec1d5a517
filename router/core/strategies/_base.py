"""What a ranking key is made of. The base class says what a key may look at, so that the matcher can group alike."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import BaseModel, ConfigDict

from router.core.policy import Queue

Side = Literal["agent", "contact"]
Word = Annotated[int, "64 bits"]
"""In a formula: a number of which only the lowest 64 bits count, without a sign."""


class NoParameters(BaseModel):
    """The key has none."""

    model_config = ConfigDict(extra="forbid")


class AgentFacts(msgspec.Struct, frozen=True, gc=False):
    """What keys may know of a ready agent: all of it stays as it is while the agent is ready.

    `idle_since_ms`: since when the agent waits for work (an offer that was withdrawn does not interrupt it).
    `occupancy`: handling / (handling + ready time) since sign-in, when the agent last became ready.
    `contacts`: answered since sign-in. `levels`: sum of all skill levels. `last_offer`: number of the last offer made
    to the agent (0: none since sign-in). `turn`: how often the agent has become ready. `order`: place in the policy.
    `load`: contacts that the agent has or is offered already, resting ones apart.
    """

    order: int
    idle_since_ms: int = 0
    occupancy: float = 0.0
    contacts: int = 0
    levels: int = 0
    cost_per_hour: float = 0.0
    last_offer: int = 0
    turn: int = 0
    seed: int = 0
    load: int = 0


class ContactFacts(msgspec.Struct, frozen=True, gc=False):
    """What keys may know of a waiting contact apart from its age: its queue and its base priority."""

    queue: Queue
    priority: int


class Fixture(msgspec.Struct, frozen=True):
    """Named arguments for `Key.value` and the names in the order in which they must be served."""

    candidates: dict[str, tuple[Any, ...]]
    expected: tuple[str, ...]
    parameters: dict[str, int | float | str | bool] = {}


class Key:
    """Base of all ranking keys.

    `formula` is the value as a plain function of numbers, named as the facts and parameters that it takes; here
    `value` calls it, and the simulation's compiled kernel compiles it: both run one definition.
    """

    name: ClassVar[str]
    formula: ClassVar[Callable[..., float]]
    sides: ClassVar[tuple[Side, ...]]
    example: ClassVar[str]
    fixture: ClassVar[Fixture]
    Parameters: ClassVar[type[BaseModel]] = NoParameters

    def __init__(self, parameters: Mapping[str, int | float | str | bool]) -> None:
        """Raises pydantic.ValidationError for parameters that the key does not know or cannot use."""
        self.parameters = self.Parameters.model_validate(dict(parameters))


class AgentKey(Key):
    """Depends on the agent alone."""

    sides = ("agent",)

    def value(self, agent: AgentFacts) -> float:
        raise NotImplementedError


class FitKey(Key):
    """Depends on how well the agent's skills fit the contact's step (see `best_fit`)."""

    def value(self, fit: int) -> float:
        raise NotImplementedError


class PreferredKey(Key):
    """Depends on whether the agent is the one the contact asks for."""

    sides = ("agent",)

    def value(self, preferred: bool) -> float:
        raise NotImplementedError


class ContactKey(Key):
    """Depends on the contact and its age. Among contacts with equal facts the older never has the larger value."""

    sides = ("contact",)

    def value(self, contact: ContactFacts, arrived_ms: int, now_ms: int) -> float:
        raise NotImplementedError

"""The small parts of the router's state: what is told of a contact, a queue or a caller in a few fields."""

import msgspec

from router.core.errors import Happening
from router.core.events import QueueState
from router.core.policy import LastAction

# gc=False: these are many and never part of a cycle, and looking at them would make a full garbage collection the
# longest pause of the router.


class PendingCallback(msgspec.Struct, gc=False):
    """The customer is to be rung. `until_ms`: until then it rests. `expires_ms`: then it ends as unreached. `tries`:
    how often the customer was rung."""

    number: str
    until_ms: int | None
    expires_ms: int | None
    tries: int = 0


class Due(msgspec.Struct, frozen=True, gc=False):
    """A last action that waits for the running offer to end."""

    action: LastAction
    reason: str


class Finished(msgspec.Struct, gc=False):
    """What is remembered of a contact that is gone."""

    history: list[Happening]


class DeadOffer(msgspec.Struct, gc=False):
    """What is remembered of an offer that no longer stands."""

    agent: str
    reason: str


class CutOff(msgspec.Struct, frozen=True, gc=False):
    """A caller who was cut off in a queue: while waiting (`arrived_ms` is the age) or in talk with `agent`."""

    queue: str
    caller: str
    at_ms: int
    arrived_ms: int | None = None
    agent: str | None = None


class Switch(msgspec.Struct, frozen=True, gc=False):
    """A queue is closed, or closed in an emergency."""

    state: QueueState
    reason: str


class Slot(msgspec.Struct, gc=False):
    """Contacts whose fate was decided from `at_ms` on: those answered in time, and the others."""

    at_ms: int
    kept: int = 0
    missed: int = 0


class Service(msgspec.Struct):
    """How a queue has kept its goal of late, the newest slot last, and whether it is below it."""

    below: bool = False
    slots: list[Slot] = []

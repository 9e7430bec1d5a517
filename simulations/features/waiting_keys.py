"""Callers who press a key while they wait."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from simulations.distributions import AnyDistribution
from simulations.distributions.base import NotNegative
from simulations.distributions.constant import Constant
from simulations.features.base import Feature
from simulations.fields import Model, Share


class WaitingKey(Model):
    """This `share` of waiting callers presses the key `after_s` of waiting, if the median of the estimated wait is then
    above `when_wait_over_s`. `queue`: only those who wait in this queue.

    Where the key leads is said by the flow. Callers who came without a flow leave by it, or, with `to_queue`, go to
    that queue and keep their age.
    """

    share: Share
    after_s: AnyDistribution = Constant(value=0)
    when_wait_over_s: NotNegative = 0
    queue: str | None = None
    to_queue: str | None = None


def _at_most_one(keys: dict[str, WaitingKey]) -> dict[str, WaitingKey]:
    for queue in {key.queue for key in keys.values()}:
        total = sum(key.share for key in keys.values() if key.queue in (None, queue))
        if total > 1 + 1e-9:
            where = f" in the queue {queue!r}" if queue else ""
            raise ValueError(f"the shares add up to {total:g}{where}; a caller presses one key at most")
    return keys


WaitingKeys = Annotated[
    dict[Annotated[str, Field(pattern="^[0-9*#]$")], WaitingKey], Field(min_length=1), AfterValidator(_at_most_one)
]


def chosen(keys: Mapping[str, WaitingKey], queue: str, uniform: float) -> tuple[str, WaitingKey] | None:
    """Which key is pressed by the caller for whom `uniform` was drawn; None: none."""
    reached = 0.0
    for name, key in keys.items():
        if key.queue in (None, queue):
            reached += key.share
            if uniform < reached:
                return name, key
    return None


FEATURE = Feature(
    name="waiting_keys",
    place=("kinds", "*", "waiting_keys"),
    text="""\
A waiting caller presses a key: one of those that the flow's enqueue node takes (`keys`), exactly as live. A key that
gives up the place ends the wait (*left*, in the queue's figures), and the flow goes on; one that keeps the place lets
the flow go on meanwhile, with a callback to book or another queue to go to, and an agent who answers takes the caller
out of it. What is pressed there is in `choices`. A key that the node does not take does nothing. Shares are of those
who wait, once for each wait; who is answered, or gives up, before `after_s` is over presses nothing.

Without a flow the caller leaves (for a voicemail, say), or goes `to_queue`. Leaving at once when the wait is told to be
long needs no key: that is `announcement`.""",
    example="""\
kinds:
  calls:
    waiting_keys: {"2": {share: 0.3, after_s: 20}}
""",
)

"""Callers who would rather be rung back than wait."""

from typing import Annotated

from pydantic import Field

from simulations.distributions import AnyDistribution
from simulations.distributions.base import NotNegative
from simulations.distributions.constant import Constant
from simulations.features.base import Feature
from simulations.fields import Model, Share


class Callbacks(Model):
    """Who asks for a callback while waiting, and how customers are reached. Times are in seconds.

    After `after_s` in the queue, if the median of the estimated wait is then above `when_wait_over_s` and `when_ahead`
    or more wait ahead, this `share` asks; `to_queue`: and goes to that queue for it. Each time they are rung, the share
    `reached` answers, after `rings_s`.
    """

    share: Share
    after_s: AnyDistribution = Constant(value=0)
    when_wait_over_s: NotNegative = 0
    when_ahead: Annotated[int, Field(ge=0)] = 0
    to_queue: str | None = None
    reached: Share = 1.0
    rings_s: AnyDistribution = Constant(value=10)


FEATURE = Feature(
    name="callbacks",
    place=("kinds", "*", "callbacks"),
    text="""\
A waiting caller who is offered a callback and takes it hangs up and keeps the place in the queue; the router rings the
customer when an agent is there, and again later when nobody answers, as the queue's `callback` rules say (a queue
without them offers none). Callbacks have figures of their own and are in no service level. A callback that a flow books
(a node of the type `callback`) is played, too; `reached` and `rings_s` hold for it as well. With `to_queue` the place
is that of its age in another queue, which may come after those who wait on the line (`priority`), and leave some agents
to them (`keep_free`).

Offering callbacks when the wait is long: M. Armony and C. Maglaras, "Contact centers with a call-back option and
real-time delay information", Operations Research 52 (2004); when the queue is long, with agents kept for those on the
line: B. Legros, O. Jouini and G. Koole, "Optimal scheduling in call centers with a callback option", Performance
Evaluation 95 (2016): `examples/published/callback-option.yaml`.""",
    example="""\
policy:
  queues:
    sales: {callback: {tries: 2, retry_s: 300}}
kinds:
  calls:
    callbacks: {share: 0.5, when_wait_over_s: 60, reached: 0.8, rings_s: 12}
""",
)

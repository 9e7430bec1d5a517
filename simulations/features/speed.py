"""How fast agents are, by what they handle."""

from simulations.distributions import AnyDistribution
from simulations.distributions.base import Positive
from simulations.features.base import Feature
from simulations.fields import Model


class Speed(Model):
    """By kind of contact or by queue (a kind stands above a queue): a `factor` on the handle time, or another
    distribution of it in its place."""

    factor: dict[str, Positive] = {}
    handle_time_s: dict[str, AnyDistribution] = {}


FEATURE = Feature(
    name="speed",
    place=("staff", "*", "speed"),
    text="""\
`handle_time_factor` says how long agents take for everything; `speed` says it for single kinds or queues: a `factor`
(1.3 takes 30 % longer), or a `handle_time_s` of their own. The draw is the caller's in any case: a long story is long
with everybody.""",
    example="""\
staff:
  - {group: agents, count: 4, shifts: ["08:00-12:00"]}
  - {group: trainees, count: 3, shifts: ["08:00-12:00"], speed: {factor: {sales: 1.4}}}
""",
)

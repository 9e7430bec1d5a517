"""How fast agents are, by what they handle and by how much of it at once."""

from typing import Annotated

from pydantic import Field

from simulations.distributions import AnyDistribution
from simulations.distributions.base import Positive
from simulations.features.base import Feature
from simulations.fields import Model


class Speed(Model):
    """By kind of contact or by queue (a kind stands above a queue): a `factor` on the handle time, or another
    distribution of it in its place. `side_by_side`: the factor on all of them while the agent has 1, 2, 3, ... contacts
    at once; the last number for more."""

    factor: dict[str, Positive] = {}
    handle_time_s: dict[str, AnyDistribution] = {}
    side_by_side: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = None


FEATURE = Feature(
    name="speed",
    place=("staff", "*", "speed"),
    text="""\
`handle_time_factor` says how long agents take for everything; `speed` says it for single kinds or queues: a `factor`
(1.3 takes 30 % longer), or a `handle_time_s` of their own. The draw is the caller's in any case: a long story is long
with everybody.

Who has several chats at once is slower in each. `side_by_side: [1, 1.4, 2]` says that one takes what its handle time
says while it is alone, 1.4 times as long while there are two, and twice as long while there are three; what is left of
it is stretched or shortened whenever one comes or goes. So two at once are worth having here (2 / 1.4 is more than 1)
and three a little more (3 / 2). Contacts that rest, because another channel interrupts them, do not count. After T.
Tezcan and J. Zhang, "Routing and staffing in customer service chat systems with impatient customers", Operations
Research 62 (2014): `examples/published/chats-side-by-side.yaml`.""",
    example="""\
staff:
  - {group: agents, count: 4, shifts: ["08:00-12:00"]}
  - {group: trainees, count: 3, shifts: ["08:00-12:00"], speed: {factor: {sales: 1.4}}}
""",
)

"""Callers who call again."""

from typing import Annotated, Literal

from pydantic import Field

from simulations.distributions import AnyDistribution
from simulations.distributions.constant import Constant
from simulations.features.base import Feature
from simulations.fields import Model, Share
from simulations.streams import Streams

Fate = Literal["answered", "abandoned", "blocked", "overflowed", "cut_off", "served_by_flow", "none"]
"""What became of a call: `cut_off` in the talk, `served_by_flow` without an agent, `none` of these."""


class Redial(Model):
    """This `share` of them calls again, after `delay_s`."""

    share: Share
    delay_s: AnyDistribution = Constant(value=0)


class Redials(Model):
    """Who calls again after which fate, at most `most` times in all (the first call included)."""

    abandoned: Redial | None = None
    blocked: Redial | None = None
    overflowed: Redial | None = None
    cut_off: Redial | None = None
    answered: Redial | None = None
    most: Annotated[int, Field(ge=2, le=1_000)] = 20

    def again_after_ms(self, fate: Fate, kind: str, number: int, attempt: int, streams: Streams) -> int | None:
        """When caller `number` calls again after call `attempt` (from 1); None: never."""
        redial = getattr(self, fate, None)
        if redial is None or attempt >= self.most:
            return None
        stream = f"{kind}/redial/{attempt}"
        if streams.uniforms(stream)[number] >= redial.share:
            return None
        return round(streams.draws(f"{stream}/delay", redial.delay_s)[number] * 1000)


FEATURE = Feature(
    name="redials",
    place=("kinds", "*", "redials"),
    text="""\
Who gave up (`abandoned`), found all lines busy (`blocked`), was sent away (`overflowed`), was cut off in the talk
(`cut_off`) or was answered without being helped (`answered`) calls again, with this share and after this delay: the
same caller, with a new patience; the work is the same one, except after an answer. A redial counts as a contact of its
own in the queue's figures; the figures of the kind tell callers and calls apart. Nobody calls again after the day.

After S. Ding, G. Koole and R. van der Mei, "On the estimation of the true demand in call centers with redials and
reconnects", European Journal of Operational Research 246 (2015). Erlang X is the case of exponential times.""",
    example="""\
kinds:
  calls:
    redials:
      abandoned: {share: 0.6, delay_s: {distribution: exponential, mean: 300}}
      answered: {share: 0.05, delay_s: 900}
""",
)

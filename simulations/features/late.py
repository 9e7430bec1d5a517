"""Agents who come late."""

from collections.abc import Iterable

from simulations.clock import Span
from simulations.distributions import AnyDistribution
from simulations.features.base import Feature
from simulations.fields import Model, Share
from simulations.streams import Streams


class Late(Model):
    """This `share` of shifts begins later, by `by_s` seconds; so does this share of returns from a break."""

    share: Share
    by_s: AnyDistribution

    def begun(self, shifts_ms: Iterable[Span], agent: str, streams: Streams) -> list[Span]:
        """The shifts as they really begin; who would come after the end does not come."""
        spans = [
            (start + self.late_ms(f"agent/{agent}/late", n, streams), end) for n, (start, end) in enumerate(shifts_ms)
        ]
        return [(start, end) for start, end in spans if start < end]

    def late_ms(self, stream: str, number: int, streams: Streams) -> int:
        """How much later, the `number`-th time."""
        if streams.uniforms(stream)[number] >= self.share:
            return 0
        return round(streams.draws(f"{stream}/by", self.by_s)[number] * 1000)


FEATURE = Feature(
    name="late",
    place=("staff", "*", "late"),
    text="""\
A share of shifts begins late, and a share of agents is late from a break. (A break written as a gap between two shifts
ends with the beginning of a shift, so it is covered as well.)""",
    example="""\
staff:
  - group: agents
    count: 7
    shifts: ["08:00-12:00"]
    breaks: ["09:30-09:45"]
    late: {share: 0.3, by_s: {distribution: exponential, mean: 240}}
""",
)

"""Short pauses that everybody takes at another time."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from simulations.clock import MINUTE_MS, Span
from simulations.distributions.base import Positive
from simulations.features.base import Feature
from simulations.fields import Model


class Pauses(Model):
    """These agents are away for this `share` of their shifts, in pauses of about `each_minutes`."""

    share: Annotated[float, Field(gt=0, lt=1)]
    each_minutes: Positive = 10

    def spans_ms(self, shifts: Iterable[Span], taken: Sequence[Span], number: int, count: int) -> tuple[Span, ...]:
        """Those of agent `number` (from 0) of `count`; none while a break is `taken` anyway.

        A shift has as many equal parts as pauses, each agent one pause in each, and the agents' pauses are spread over
        the part, so that as many as possible are there at any time.
        """
        found = []
        for begin, end in shifts:
            away_ms = self.share * (end - begin)
            pauses = max(1, round(away_ms / (self.each_minutes * MINUTE_MS)))
            part_ms, length_ms = (end - begin) / pauses, away_ms / pauses
            first_ms = begin + (part_ms - length_ms) * (number + 0.5) / count
            starts = [round(first_ms + part_ms * place) for place in range(pauses)]
            found += [(start, start + round(length_ms)) for start in starts]
        return tuple(span for span in found if not any(span[0] < last and first < span[1] for first, last in taken))


FEATURE = Feature(
    name="pauses",
    place=("staff", "*", "pauses"),
    text="""\
What takes agents away for minutes here and there: coffee, questions, paperwork. `breaks` are at the same time for the
whole group; these are spread over the shift, as many agents there at any time as can be. Otherwise each of them is a
break: it begins when the contact in hand and its wrap-up are over. `switchboard staff`, which finds how many are to be
there, leaves them out: there they are part of the `shrinkage`.""",
    example="""\
staff:
  - {group: agents, count: 7, shifts: ["08:00-12:00"], pauses: {share: 0.06, each_minutes: 5}}
""",
)

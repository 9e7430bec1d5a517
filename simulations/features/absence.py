"""Agents who do not come."""

from collections.abc import Iterable

from simulations.clock import DAY_MS, Span
from simulations.features.base import Feature
from simulations.streams import Streams


def attended(shifts_ms: Iterable[Span], absence: float, agent: str, midnight_ms: int, streams: Streams) -> list[Span]:
    """The shifts of the days on which the agent comes; `midnight_ms` is when the first day began."""
    draws = streams.uniforms(f"agent/{agent}/absence")
    return [(start, end) for start, end in shifts_ms if draws[(start - midnight_ms) // DAY_MS] >= absence]


FEATURE = Feature(
    name="absence",
    place=("staff", "*", "absence"),
    text="""\
Each agent stays away for a whole day with this probability, independently of the others: sickness and whatever else
takes people off the roster unplanned. What is planned belongs into the shifts.""",
    example="""\
staff:
  - {group: agents, count: 7, shifts: ["08:00-12:00"], absence: 0.08}
""",
)

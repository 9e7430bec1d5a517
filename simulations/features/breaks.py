"""Breaks within a shift."""

from collections.abc import Sequence

from simulations.features.base import Feature

REASON = "break"
"""The reason of the pause, where the policy does not know reasons of its own."""


def reason(known: Sequence[str]) -> str:
    """The reason of the pause, where the policy knows these."""
    return REASON if not known or REASON in known else known[0]


FEATURE = Feature(
    name="breaks",
    place=("staff", "*", "breaks"),
    text="""\
A break is a pause within the shift: the agent is paid, signed in and paused. It begins when the contact in hand and its
wrap-up are over, and has its full length then. (A gap between two shifts is the other way to write a break: the agent
is signed out, and back at the minute.)""",
    example="""\
staff:
  - {group: agents, count: 7, shifts: ["08:00-12:00"], breaks: ["09:30-09:45", "10:45-11:00"]}
""",
)

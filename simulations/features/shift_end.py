"""What happens to a talk when the shift ends."""

from typing import Literal

from simulations.features.base import Feature

ShiftEnd = Literal["finish", "hand_back"]

FEATURE = Feature(
    name="shift_end",
    place=("staff", "*", "shift_end"),
    text="""\
Agents whose shift ends `finish` the contact in hand and its wrap-up (so it is without this field), or `hand_back` what
they have: the contact waits again in its queue, keeps its age for the ranking, and goes on with another agent where the
talk broke off. It counts as transferred, and as one that arrived anew.""",
    example="""\
staff:
  - {group: early, count: 7, shifts: ["08:00-10:00"], shift_end: hand_back}
  - {group: late, count: 7, shifts: ["10:00-12:00"]}
""",
)

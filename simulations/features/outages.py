"""Sites that go down."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from simulations.clock import shift_minutes
from simulations.features.base import Feature
from simulations.fields import Model


class Outage(Model):
    """The agents of a `site` (or of a `group` of the staff) are gone `during` a span such as `10:00-10:45`.

    `talks` under way are `lost` (the caller is cut off), `handed_back` to their queue, or `kept` to their end.
    """

    site: str | None = None
    group: str | None = None
    during: str
    talks: Literal["lost", "handed_back", "kept"] = "lost"

    def strikes(self, site: str, group: str) -> bool:
        """Whether an agent of this site and group is gone."""
        return self.site in (None, site) and self.group in (None, group)

    @field_validator("during")
    @classmethod
    def _readable(cls, during: str) -> str:
        shift_minutes(during)
        return during

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.site is None) == (self.group is None):
            raise ValueError("an outage is of either a 'site' or a 'group'")
        return self


FEATURE = Feature(
    name="outages",
    place=("outages",),
    text="""\
All agents of a site or of a group are down for a time, by the clock and every day: nobody of them takes contacts, their
ringing phones fall silent and the contacts ring elsewhere, and talks are lost, handed back or kept. Who was lost in the
talk may call again: `redials` after `cut_off`. Afterwards those whose shift it is come back at once.""",
    example="""\
outages: [{site: north, during: "09:30-10:15", talks: lost}]
staff:
  - {group: agents, count: 4, site: north, shifts: ["08:00-12:00"]}
  - {group: others, count: 3, site: south, shifts: ["08:00-12:00"]}
""",
)

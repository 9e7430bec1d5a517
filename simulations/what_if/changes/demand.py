"""More or fewer callers."""

from typing import Any, ClassVar

from documents import nearest
from simulations.distributions.base import Positive
from simulations.what_if.changes.base import Change, Names
from simulations.what_if.documents import ChangeError, Documents


class Demand(Change):
    """`times` as many contacts arrive: 1.1 is 10 % more. Of all kinds, or of these `kinds`."""

    name: ClassVar[str] = "demand"
    example: ClassVar[str] = "{demand: {times: 1.1}}"

    times: Positive
    kinds: Names | None = None

    def apply(self, documents: Documents) -> None:
        kinds: dict[str, Any] = documents.scenario["kinds"]
        for name in self.kinds or kinds:
            if name not in kinds:
                raise ChangeError(f"there is no kind {name!r}", nearest(name, kinds), "kinds")
            arrivals = kinds[name]["arrivals"]
            if "trace" in arrivals:
                raise ChangeError(f"the contacts of {name!r} were recorded, and there are as many as there were")
            for field in ("per_hour", "per_interval"):
                rates = arrivals.get(field)
                if isinstance(rates, list):
                    arrivals[field] = [rate * self.times for rate in rates]
                elif rates is not None:
                    arrivals[field] = rates * self.times

"""What every closed form takes and gives. All of it is arrays that are broadcast together: one value an interval.

Arrivals are Poisson, handle times exponential with the AHT as mean, and each interval is in its own steady state.
`agents` may be any real number from 0: the formulas are continued between whole numbers in the usual way.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy
from numpy.typing import ArrayLike

from simulations.erlang.numerics import Bools, Floats, floats


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrives: first tries a second, and the mean handle time (talk, hold and wrap-up) in seconds."""

    arrivals_per_s: Floats
    aht_s: Floats

    @classmethod
    def of(cls, calls: ArrayLike, aht_s: ArrayLike, per_s: ArrayLike = 1.0) -> "Traffic":
        """`calls` in each `per_s` seconds. Raises ValueError for negative numbers or an AHT of 0."""
        calls, aht, per = floats(calls), floats(aht_s), floats(per_s)
        for name, values, least in (("calls", calls, False), ("AHT", aht, True), ("length of the interval", per, True)):
            if not numpy.isfinite(values).all() or (values < 0).any() or (least and (values == 0).any()):
                raise ValueError(f"the {name} must be {'above 0' if least else 'at least 0'}, and finite")
        arrivals, aht = numpy.broadcast_arrays(calls / per, aht)
        return cls(arrivals, aht)

    @property
    def load(self) -> Floats:
        """In Erlangs: the agents who would be busy if all were served at once."""
        return self.arrivals_per_s * self.aht_s

    def times(self, factor: Floats) -> "Traffic":
        """As many times more arrivals."""
        return Traffic(*numpy.broadcast_arrays(self.arrivals_per_s * factor, self.aht_s))


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares are of all offered (every try, blocked ones included), times in seconds. Where nobody is ever answered
    the ASA is infinite; where a queue grows without end so are its waits."""

    agents: Floats
    load: Floats
    """Erlangs of all that is offered, redials included."""
    service_level_share: Floats
    """Answered within the target, over offered."""
    wait_share: Floats
    """Must wait before they are answered or give up."""
    asa_s: Floats
    """Mean wait of those answered."""
    mean_wait_s: Floats
    """Mean wait of all who get in, answered or not."""
    abandon_share: Floats
    blocked_share: Floats
    occupancy_share: Floats
    mean_queue: Floats
    """Callers waiting, on average."""
    tries: Floats
    """Offered over first tries: above 1 with redials."""
    lost_share: Floats
    """Callers who are never served, over callers; without redials, abandoned and blocked."""

    @classmethod
    def idle(cls, agents: Floats) -> "Figures":
        """Nobody calls: nobody waits."""
        nothing = numpy.zeros_like(agents)
        values = {field.name: nothing for field in fields(cls)}
        return cls(**values | {"agents": agents, "service_level_share": nothing + 1, "tries": nothing + 1})

    def where(self, condition: Bools, other: "Figures") -> "Figures":
        """Of `other` where the condition holds, else these."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return Figures(*(numpy.where(condition, theirs, ours) for ours, theirs in pairs))


class Model(ABC):
    """A queue in its steady state. A new one is a new file in this package."""

    name: ClassVar[str]
    """As in `switchboard erlang NAME`."""
    title: ClassVar[str]

    def figures(self, traffic: Traffic, agents: ArrayLike, within_s: ArrayLike = 20.0) -> Figures:
        """What callers and agents meet with so many agents and an answer promised `within_s` seconds."""
        arrivals, aht, c, within = numpy.broadcast_arrays(
            traffic.arrivals_per_s, traffic.aht_s, floats(agents), floats(within_s)
        )
        if (c < 0).any() or (within < 0).any():
            raise ValueError("agents and seconds must be at least 0")
        calling = arrivals > 0
        busy = Traffic(numpy.where(calling, arrivals, 1 / aht), aht)
        with numpy.errstate(over="ignore", under="ignore"):
            return Figures.idle(c).where(calling, self._figures(busy, c, within))

    @abstractmethod
    def _figures(self, traffic: Traffic, agents: Floats, within_s: Floats) -> Figures:
        """All arrays have one shape; there are arrivals everywhere. Agents may be 0."""

    def _lost(self, traffic: Traffic, agents: Floats) -> Floats:
        """The share abandoned or blocked; a model may have a shorter way to it."""
        found = self._figures(traffic, agents, numpy.zeros_like(agents))
        return found.abandon_share + found.blocked_share

    def stable(self, traffic: Traffic, agents: ArrayLike) -> Bools:
        """Where a steady state exists."""
        return numpy.ones(numpy.broadcast_shapes(traffic.load.shape, floats(agents).shape), dtype=numpy.bool_)

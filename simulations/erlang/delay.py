"""Erlang C."""

from typing import ClassVar

import numpy
from numpy.typing import ArrayLike

from simulations.erlang.base import Figures, Model, Traffic
from simulations.erlang.numerics import Bools, Floats, floats, log_erlang_b


class ErlangC(Model):
    """M/M/c (A. K. Erlang, 1917): everybody waits until answered, however long. P(wait) = c B / (c - a (1 - B)).

    With a load of as many Erlangs as agents, or more, the queue grows without end: all wait, for ever.
    """

    name: ClassVar[str] = "c"
    title: ClassVar[str] = "Erlang C: everybody waits until answered"

    def stable(self, traffic: Traffic, agents: ArrayLike) -> Bools:
        return traffic.load < floats(agents)

    def _figures(self, traffic: Traffic, agents: Floats, within_s: Floats) -> Figures:
        load, arrivals = traffic.load, traffic.arrivals_per_s
        spare = agents - load
        stable = spare > 0
        room = numpy.where(stable, spare, 1.0)
        blocked = numpy.exp(log_erlang_b(load, agents))
        waits = numpy.where(stable, agents * blocked / (room + load * blocked), 1.0)
        mean = numpy.where(stable, waits * traffic.aht_s / room, numpy.inf)
        late = numpy.where(stable, waits * numpy.exp(-room * within_s / traffic.aht_s), 1.0)
        nothing = numpy.zeros_like(waits)
        return Figures(
            agents=agents,
            load=load,
            service_level_share=1 - late,
            wait_share=waits,
            asa_s=mean,
            mean_wait_s=mean,
            abandon_share=nothing,
            blocked_share=nothing,
            occupancy_share=numpy.where(stable, load / numpy.where(stable, agents, 1.0), agents > 0),
            mean_queue=arrivals * mean,
            tries=nothing + 1,
            lost_share=nothing,
        )

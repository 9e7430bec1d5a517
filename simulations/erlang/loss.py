"""Erlang B."""

from typing import ClassVar

import numpy

from simulations.erlang.base import Figures, Model, Traffic
from simulations.erlang.numerics import Floats, log_erlang_b


class ErlangB(Model):
    """M/M/c/c (A. K. Erlang, 1917): who finds no free agent (or line, or trunk) is turned away. It holds for handle
    times of any distribution."""

    name: ClassVar[str] = "b"
    title: ClassVar[str] = "Erlang B: nobody waits, who finds all busy is turned away"

    def _figures(self, traffic: Traffic, agents: Floats, within_s: Floats) -> Figures:
        blocked = numpy.exp(log_erlang_b(traffic.load, agents))
        nothing = numpy.zeros_like(blocked)
        return Figures(
            agents=agents,
            load=traffic.load,
            service_level_share=1 - blocked,
            wait_share=nothing,
            asa_s=numpy.where(agents > 0, 0.0, numpy.inf),
            mean_wait_s=nothing,
            abandon_share=nothing,
            blocked_share=blocked,
            occupancy_share=_over(traffic.load * (1 - blocked), agents),
            mean_queue=nothing,
            tries=nothing + 1,
            lost_share=blocked,
        )


def _over(busy: Floats, agents: Floats) -> Floats:
    return numpy.minimum(busy / numpy.where(agents > 0, agents, numpy.inf), 1.0)

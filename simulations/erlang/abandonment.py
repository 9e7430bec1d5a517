"""Erlang A."""

from typing import ClassVar

import numpy
from numpy.typing import ArrayLike
from scipy.special import expit

from simulations.erlang.base import Figures, Model, Traffic
from simulations.erlang.delay import ErlangC
from simulations.erlang.numerics import Bools, Floats, OfferedWait, floats, log_erlang_b


class ErlangA(Model):
    """M/M/c+M (C. Palm, 1957): each caller hangs up after an exponential time, `patience_s` on average.

    Solved by the offered wait (see `numerics.OfferedWait`): with E = 1 / B(c - 1) and L the weight of all waits,
    P(wait) = L / (E + L). Infinite patience is Erlang C.
    """

    name: ClassVar[str] = "a"
    title: ClassVar[str] = "Erlang A: callers lose patience"

    def __init__(self, patience_s: ArrayLike) -> None:
        """Raises ValueError for patience that is not above 0."""
        self.patience_s = floats(patience_s)
        if not (self.patience_s > 0).all():
            raise ValueError("the mean patience must be above 0")

    def stable(self, traffic: Traffic, agents: ArrayLike) -> Bools:
        return numpy.isfinite(self.patience_s) | (traffic.load < floats(agents))

    def _figures(self, traffic: Traffic, agents: Floats, within_s: Floats) -> Figures:
        patience = numpy.broadcast_to(self.patience_s, agents.shape)
        endless = ErlangC()._figures(traffic, agents, within_s)
        patient = numpy.isinf(patience)
        if patient.all():
            return endless
        found = self._with_patience(traffic, agents, within_s, numpy.where(patient, traffic.aht_s, patience))
        return found.where(patient, endless)

    def _lost(self, traffic: Traffic, agents: Floats) -> Floats:
        if not (numpy.isfinite(self.patience_s).all() and (agents > 0).all()):
            return super()._lost(traffic, agents)
        abandon = numpy.broadcast_to(1 / self.patience_s, agents.shape)
        wait = OfferedWait.of(traffic.arrivals_per_s, agents / traffic.aht_s, abandon)
        return _p_wait(traffic, agents, wait) * wait.abandoned()

    def _with_patience(self, traffic: Traffic, agents: Floats, within_s: Floats, patience_s: Floats) -> Figures:
        some = agents > 0
        c = numpy.where(some, agents, 1.0)
        load, arrivals = traffic.load, traffic.arrivals_per_s
        wait = OfferedWait.of(arrivals, c / traffic.aht_s, 1 / patience_s)
        waits = _p_wait(traffic, c, wait)
        abandoned = waits * wait.abandoned()
        served = 1 - abandoned
        mean = waits * wait.mean_wait()
        found = Figures(
            agents=c,
            load=load,
            service_level_share=served - waits * wait.served_after(within_s),
            wait_share=waits,
            asa_s=waits * wait.served_wait() / served,
            mean_wait_s=mean,
            abandon_share=abandoned,
            blocked_share=numpy.zeros_like(c),
            occupancy_share=numpy.minimum(load * served / c, 1.0),
            mean_queue=arrivals * mean,
            tries=numpy.ones_like(c),
            lost_share=abandoned,
        )
        return found.where(~some, nobody_there(traffic, agents, patience_s))


def _p_wait(traffic: Traffic, agents: Floats, wait: OfferedWait) -> Floats:
    log_b = log_erlang_b(traffic.load, agents)
    with numpy.errstate(divide="ignore"):
        log_idle = numpy.log(-numpy.expm1(log_b)) - log_b + numpy.log(traffic.load / agents)  # 1 / B(c - 1)
    found: Floats = expit(wait.log_mass() - log_idle)
    return found


def nobody_there(traffic: Traffic, agents: Floats, patience_s: Floats) -> Figures:
    """No agent at all: everybody waits and gives up."""
    one, nothing = numpy.ones_like(agents), numpy.zeros_like(agents)
    queue = traffic.arrivals_per_s * patience_s
    return Figures(
        agents, traffic.load, nothing, one, one * numpy.inf, patience_s, one, nothing, nothing, queue, one, one
    )

"""M/M/c/K+M: Erlang A with a limited number of lines."""

from typing import ClassVar

import numpy
from numpy.typing import ArrayLike
from scipy.special import betainc, gammainc

from simulations.erlang.base import Figures, Model, Traffic
from simulations.erlang.numerics import Floats, floats, log_erlang_b


class FiniteLines(Model):
    """M/M/c/K+M: at most `lines` callers at once, talking or waiting; who finds all lines taken is turned away. Those
    who wait hang up after an exponential time, `patience_s` on average (infinite: they never do).

    Solved as a birth-death chain. Who finds j waiting is offered a wait that is the sum of exponentials with the rates
    capacity + i / patience, i = 0..j, and so distributed as the logarithm of a Beta(x, j + 1) variable, with
    x = capacity x patience. Between whole numbers of waiting places the last one is open to a caller with the
    probability of the fraction.
    """

    name: ClassVar[str] = "k"
    title: ClassVar[str] = "M/M/c/K+M: callers lose patience, and there is a limit of lines"

    def __init__(self, lines: ArrayLike, patience_s: ArrayLike = numpy.inf) -> None:
        """Raises ValueError for lines below 0 and patience that is not above 0."""
        self.lines, self.patience_s = floats(lines), floats(patience_s)
        if not (self.patience_s > 0).all():
            raise ValueError("the mean patience must be above 0")
        if not (numpy.isfinite(self.lines) & (self.lines >= 0)).all():
            raise ValueError("the number of lines must be at least 0, and finite")

    def _figures(self, traffic: Traffic, agents: Floats, within_s: Floats) -> Figures:
        # More agents than lines: some are never needed.
        lines = numpy.broadcast_to(self.lines, agents.shape)
        agents_used = numpy.minimum(agents, lines)
        some = agents_used > 0
        c = numpy.where(some, agents_used, 1.0)
        places = numpy.where(some, lines - c, lines)[..., None]
        arrivals, load = traffic.arrivals_per_s[..., None], traffic.load
        capacity = (numpy.where(some, c, 0.0) / traffic.aht_s)[..., None]
        abandon = 1 / numpy.broadcast_to(self.patience_s, agents.shape)[..., None]

        found = numpy.arange(int(numpy.ceil(places.max(initial=0))) + 1, dtype=numpy.float64)  # waiting already
        admitted = numpy.clip(places - found, 0.0, 1.0)
        leaving = capacity + (found + 1) * abandon
        with numpy.errstate(divide="ignore"):
            steps = numpy.log(arrivals * admitted / leaving)
        log_weight = numpy.concatenate([numpy.zeros_like(steps[..., :1]), numpy.cumsum(steps, axis=-1)[..., :-1]], -1)
        log_b = log_erlang_b(load, c)
        log_below = numpy.where(some, numpy.log(-numpy.expm1(log_b)) - log_b, -numpy.inf)[..., None]
        top = numpy.maximum(log_weight.max(axis=-1, keepdims=True), log_below)
        weight = numpy.exp(log_weight - top)
        below = numpy.exp(log_below - top)
        total = weight.sum(axis=-1, keepdims=True) + below
        state, at_once = weight / total, (below / total)[..., 0]

        enters = state * admitted
        served = capacity / leaving  # P(served | j waiting before)
        waits = enters.sum(axis=-1)
        abandoned = (enters * (found + 1) * abandon / leaving).sum(axis=-1)
        blocked = (state * (1 - admitted)).sum(axis=-1)
        mean_wait = (enters * (found + 1) / leaving).sum(axis=-1)
        served_wait = (enters * served * numpy.cumsum(1 / leaving, axis=-1)).sum(axis=-1)
        in_time = (enters * served * answered_within(within_s[..., None], found, capacity, abandon)).sum(axis=-1)
        answered = at_once + (enters * served).sum(axis=-1)
        nobody = answered <= 0
        return Figures(
            agents=agents,
            load=load,
            service_level_share=at_once + in_time,
            wait_share=waits,
            asa_s=numpy.where(nobody, numpy.inf, served_wait / numpy.where(nobody, 1.0, answered)),
            mean_wait_s=mean_wait / numpy.where(blocked < 1, 1 - blocked, 1.0),
            abandon_share=abandoned,
            blocked_share=blocked,
            occupancy_share=numpy.minimum(load * answered / numpy.where(agents > 0, agents, numpy.inf), 1.0),
            mean_queue=traffic.arrivals_per_s * mean_wait,
            tries=numpy.ones_like(c),
            lost_share=abandoned + blocked,
        )


def answered_within(within_s: Floats, found: Floats, capacity: Floats, abandon: Floats) -> Floats:
    """P(wait <= within | served, `found` callers waiting before): Beta(x + 1, j + 1); without abandons the Erlang sum.

    `capacity` is the rate at which busy agents finish, `abandon` that at which one caller gives up.
    """
    impatient = abandon > 0
    rate = numpy.where(impatient, abandon, 1.0)
    beta: Floats = betainc(found + 1, capacity / rate + 1, -numpy.expm1(-rate * within_s))
    patient: Floats = gammainc(found + 1, capacity * within_s)
    return numpy.where(impatient, beta, patient)

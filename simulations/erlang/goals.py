"""The inverse questions: the least agents that meet the goals, and the most traffic with which given agents do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy
from numpy.typing import ArrayLike

from simulations.erlang.base import Figures, Model, Traffic
from simulations.erlang.numerics import Bools, Floats, floats


class Unreachable(ValueError):
    """No number of agents (or no traffic above 0) meets the goals."""


class Bound(NamedTuple):
    """A goal of a `field` of the figures: at least or at most so much."""

    field: str
    words: str
    value: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{self.words} {'at least' if self.at_least else 'at most'} {self.value:g}"

    def met(self, figures: Figures) -> Bools:
        value: Floats = getattr(figures, self.field)
        if self.field == "occupancy_share":  # nobody who is there is idle, so nobody is no answer to it
            value = numpy.where((figures.agents == 0) & (figures.load > 0), 1.0, value)
        return value >= self.value if self.at_least else value <= self.value


@dataclass(frozen=True, slots=True)
class Goals:
    """What must hold, as far as it is given. Shares are between 0 and 1, `asa_s` and `within_s` in seconds.

    `service_level`: at least this share of all offered is answered within `within_s`. The others are the most that is
    allowed: of the mean wait of those answered, of the shares abandoned, turned away and waiting at all, and of the
    agents' occupancy. Raises ValueError for what nobody can meet or everybody does.
    """

    service_level: float | None = None
    within_s: float = 20.0
    asa_s: float | None = None
    abandon: float | None = None
    blocked: float | None = None
    wait: float | None = None
    occupancy: float | None = None

    def __post_init__(self) -> None:
        for name in ("service_level", "abandon", "blocked", "wait", "occupancy"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise ValueError(f"a goal of {value:g} for the {name.replace('_', ' ')}: it must lie between 0 and 1")
        if self.asa_s is not None and not self.asa_s > 0:
            raise ValueError(f"a goal of {self.asa_s:g} s for the ASA: it must be above 0")
        if not self.within_s >= 0:
            raise ValueError(f"an answer within {self.within_s:g} s: it must be at least 0")

    @property
    def bounds(self) -> tuple[Bound, ...]:
        within = f"answered within {self.within_s:g} s"
        every = (
            Bound("service_level_share", within, _number(self.service_level), at_least=True),
            Bound("asa_s", "ASA (s)", _number(self.asa_s)),
            Bound("abandon_share", "abandoned", _number(self.abandon)),
            Bound("blocked_share", "turned away", _number(self.blocked)),
            Bound("wait_share", "share who wait", _number(self.wait)),
            Bound("occupancy_share", "occupancy", _number(self.occupancy)),
        )
        return tuple(bound for bound in every if not numpy.isnan(bound.value))

    def met(self, figures: Figures) -> Bools:
        """Where all of them hold."""
        met = numpy.ones(figures.agents.shape, dtype=numpy.bool_)
        for bound in self.bounds:
            met &= bound.met(figures)
        return met

    def describe(self) -> str:
        """`answered within 20 s at least 0.8, abandoned at most 0.05`."""
        return ", ".join(map(str, self.bounds))


def _number(value: float | None) -> float:
    return numpy.nan if value is None else value


def agents_for(model: Model, traffic: Traffic, goals: Goals, fractional: bool = False) -> Floats:
    """The least agents with which every goal holds, an array like the traffic; whole numbers unless `fractional`.

    All figures improve with every agent, so this is a bisection. Raises Unreachable when a goal is met by no number of
    agents, ValueError without any goal.
    """
    if not goals.bounds:
        raise ValueError("there is no goal to meet")
    load = traffic.load

    def met(agents: Floats) -> Bools:
        return goals.met(model.figures(traffic, agents, goals.within_s))

    none = numpy.zeros_like(load)
    high = numpy.ceil(load) + 1
    for _ in range(40):
        short = ~met(high)
        if not short.any():
            break
        high = numpy.where(short, high * 2, high)
    else:
        where = int(numpy.argmax(short.ravel()))
        raise Unreachable(_unmet(model, traffic, goals, high, where))
    low = numpy.where(met(none), 0.0, -1.0) if not fractional else none
    return _bisect(met, low, high, fractional)


def _bisect(met: Callable[[Floats], Bools], low: Floats, high: Floats, fractional: bool) -> Floats:
    """Between `low` where it does not hold (or is 0 anyway) and `high` where it does."""
    high = numpy.where(low == 0, 0.0, high) if not fractional else numpy.where(met(low), low, high)
    low = numpy.minimum(low, high)
    while True:
        middle = (low + high) / 2 if fractional else numpy.floor((low + high) / 2)
        open_ = (high - low > 1e-9 * numpy.maximum(high, 1.0)) if fractional else (high - low > 1)
        if not open_.any():
            return high
        good = met(numpy.maximum(middle, 0.0))
        high = numpy.where(open_ & good, middle, high)
        low = numpy.where(open_ & ~good, middle, low)


def _unmet(model: Model, traffic: Traffic, goals: Goals, agents: Floats, where: int) -> str:
    figures = model.figures(traffic, agents, goals.within_s)
    for bound in goals.bounds:
        if not bound.met(figures).ravel()[where]:
            best = getattr(figures, bound.field).ravel()[where]
            return f"no number of agents meets the goal '{bound}': the best that can be had is {best:.6g}"
    raise AssertionError("all goals hold")


def traffic_for(model: Model, agents: ArrayLike, aht_s: ArrayLike, goals: Goals) -> Traffic:
    """The most arrivals with which so many agents still meet every goal, to one part in 1e9.

    Raises Unreachable when they meet them with no traffic at all, ValueError without any goal.
    """
    if not goals.bounds:
        raise ValueError("there is no goal to meet")
    c, aht = numpy.broadcast_arrays(floats(agents), floats(aht_s))

    def met(log_load: Floats) -> Bools:
        return goals.met(model.figures(Traffic(numpy.exp(log_load) / aht, aht), c, goals.within_s))

    low = numpy.log(numpy.maximum(c, 1.0)) - 30.0
    if (failing := ~met(low)).any():
        least = c.ravel()[int(numpy.argmax(failing.ravel()))]
        raise Unreachable(f"{least:g} agents do not meet {goals.describe()} with any traffic")
    high = numpy.log(numpy.maximum(c, 1.0)) + 1
    for _ in range(40):
        good = met(high)
        if not good.any():
            break
        high = numpy.where(good, high + 1, high)
    else:
        raise Unreachable(f"{goals.describe()} holds with any traffic: this goal does not limit it")
    for _ in range(50):
        middle = (low + high) / 2
        good = met(middle)
        low, high = numpy.where(good, middle, low), numpy.where(good, high, middle)
    return Traffic(numpy.exp(low) / aht, aht)


def scheduled(agents: ArrayLike, shrinkage: ArrayLike) -> Floats:
    """The agents to be paid so that `agents` are there, when the share `shrinkage` of paid time is not available."""
    share = floats(shrinkage)
    if not ((share >= 0) & (share < 1)).all():
        raise ValueError("the shrinkage must be at least 0 and below 1")
    return floats(agents) / (1 - share)

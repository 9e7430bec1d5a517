"""Cases of the literature that the simulation is held to, from the scenario files of `examples/published`, and the rule
by which it is judged.

**The rule**, written down before any run with `SEED` was looked at. A figure agrees if

    |estimate - published| <= t x standard error + half a unit of the last digit that was published

where t is Student's quantile that chance exceeds somewhere among *all* comparisons of this file once in twenty times
(Z. Sidak's inequality, Journal of the American Statistical Association 62, 1967). Exact values have no half unit. The
papers' own standard errors are not known here, so nothing is granted for them.

A comparison that is so wide that it would let anything pass says nothing. So `widest` is the most that t x standard
error may be, as a share of the published value. These shares and the lengths of the runs were chosen from the standard
errors of pilot runs with other seeds, as what half a minute of one processor can tell in the compiled kernel. Where the
paper's values are simulated too, the run is no longer than the paper's own error allows.

A case that fails is looked into; neither rule, seed nor shares are adjusted to it. So far: with the seed 20_261_130,
tried for a longer Erlang X and given up, wallace-whitt-6 had 3.45 standard errors too little waiting, where 3.1 are
allowed. Nothing of the empty start is left after its warm-up (1e-8, by the exact transient). It was chance: 1,500
replications of each of the seeds 777_000 to 777_109 gave 0.379590 for the exact 0.379706, 0.7 standard errors less.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import lognorm

from simulations.results import Results
from simulations.setting import Setting, read_scenario, settle
from tests.support.queueing import ErlangA, ErlangC

FILES = Path(__file__).parents[2] / "examples/published"
FALSE_ALARM = 0.05
"""How often chance alone may fail any of the comparisons."""
SEED = 20_261_129

MINUTE = 1 / 60_000
UNIT = 1 / 100_000
"""Whitt's unit of time, the mean service, is 100 s in the files."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A published value. `of`: all callers, all queues, or a queue's name; `scale` turns our unit into the paper's;
    `digits` after the point that were published, None for an exact value; `complement`: the paper has 1 minus ours."""

    metric: str
    of: str
    value: float
    widest: float
    digits: int | None = None
    scale: float = 1.0
    complement: bool = False

    @property
    def rounding(self) -> float:
        return 0.0 if self.digits is None else 0.5 * 10.0**-self.digits


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario file and what is known of it. `changes` make the run as long as the test needs it."""

    name: str
    replications: int
    changes: Mapping[str, object]
    figures: tuple[Figure, ...]

    def setting(self, replications: int | None = None, seed: int = SEED) -> Setting:
        source, scenario = read_scenario(FILES / f"{self.name}.yaml")
        changes = {**self.changes, "replications": replications or self.replications, "seed": seed}
        return settle(source, scenario.model_copy(update=changes), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a figure, in the paper's unit, and whether it `agrees` and says enough."""

    figure: Figure
    found: float
    error: float
    t: float

    @property
    def width(self) -> float:
        return self.t * self.error

    @property
    def agrees(self) -> bool:
        return abs(self.found - self.figure.value) <= self.width + self.figure.rounding

    @property
    def says_enough(self) -> bool:
        return 0 < self.width <= self.figure.widest * self.figure.value

    def __str__(self) -> str:
        figure = self.figure
        metric = f"1 - {figure.metric}" if figure.complement else figure.metric
        off = (self.found - figure.value) / self.error if self.error else math.nan
        return (
            f"  {metric:32} {figure.of:8} {self.found:10.6g}  published {figure.value:<10.6g} "
            f"{off:+5.2f} standard errors of {self.error / figure.value:5.2%}, allowed {self.width / figure.value:5.1%}"
            f"{'' if self.agrees else '  DISAGREES'}{'' if self.says_enough else '  SAYS TOO LITTLE'}"
        )


def verdicts(case: Case, results: Results) -> list[Verdict]:
    return [_verdict(figure, results) for figure in case.figures]


def _verdict(figure: Figure, results: Results) -> Verdict:
    whole = results.whole
    named = {"callers": whole.all_callers, "queues": whole.all_queues}
    estimate = (named[figure.of] if figure.of in named else whole.queues[figure.of])[figure.metric]
    assert estimate.value is not None
    assert estimate.half_width is not None
    degrees = results.replications - (1 if results.control is None else 2)
    error = estimate.half_width / float(stdtrit(degrees, 0.5 + results.confidence / 2))
    each = 1 - (1 - FALSE_ALARM) ** (1 / sum(len(case.figures) for case in CASES))
    found = 1 - estimate.value if figure.complement else estimate.value
    return Verdict(figure, figure.scale * found, figure.scale * error, float(stdtrit(degrees, 1 - each / 2)))


# Whitt, "Engineering solution of a basic call-center model": simulated values; exact ones for exponential service

Name = Literal["no_wait", "abandon", "queue", "served", "abandoned", "soon"]
WHITT: Mapping[Name, tuple[str, float, int, float]] = {  # metric, widest, digits, scale
    "no_wait": ("had_to_wait_share", 0.04, 3, 1.0),
    "abandon": ("abandon_share", 0.03, 4, 1.0),
    "queue": ("mean_queue_length", 0.02, 2, 1.0),
    "served": ("asa_ms", 0.02, 4, UNIT),
    "abandoned": ("mean_time_to_abandon_ms", 0.01, 4, UNIT),
    "soon": ("service_level_answered_share", 0.022, 3, 1.0),
}
WHITT_M: Mapping[Name, float] = {
    "no_wait": 0.242,
    "abandon": 0.0376,
    "queue": 11.42,
    "served": 0.1094,
    "abandoned": 0.1788,
    "soon": 0.518,
}
WHITT_E2: Mapping[Name, float] = {
    "no_wait": 0.211,
    "abandon": 0.0348,
    "queue": 11.40,
    "served": 0.1097,
    "abandoned": 0.1696,
    "soon": 0.502,
}


def _whitt(values: Mapping[Name, float], exact: bool = False) -> tuple[Figure, ...]:
    return tuple(
        Figure(metric, "queues", values[name], widest, None if exact else digits, scale, name == "no_wait")
        for name, (metric, widest, digits, scale) in WHITT.items()
    )


def m_m_n_g(load: float, agents: int, soon: float) -> dict[Name, float]:
    """M/M/n+G with log-normal patience of mean and SCV 1, the mean service being 1: F. Baccelli and G. Hebuterne, "On
    queues with impatient customers" (1981). The offered wait v has the density c exp(load H(v) - n v), H(v) being the
    integral of the share of callers who are still patient."""
    variance = math.log(2)
    v = numpy.linspace(0, 6, 600_001)
    patient = lognorm(s=variance**0.5, scale=math.exp(-variance / 2)).sf(v)
    step = v[1] - v[0]
    h = numpy.concatenate([[0.0], numpy.cumsum((patient[1:] + patient[:-1]) / 2 * step)])
    density = numpy.exp(load * h - agents * v)
    erlang_b = 1.0  # its inverse, for one agent less
    for busy in range(1, agents):
        erlang_b = 1 + erlang_b * busy / load
    c = load / (erlang_b + load * numpy.trapezoid(density, v))
    no_wait = 1 - c * numpy.trapezoid(density, v)
    served = no_wait + c * numpy.trapezoid(density * patient, v)
    waited = c * numpy.trapezoid(density * h, v)
    waited_served = c * numpy.trapezoid(density * patient * v, v)
    soon_v = v <= soon
    return {
        "no_wait": float(no_wait),
        "abandon": float(1 - served),
        "queue": float(load * waited),
        "served": float(waited_served / served),
        "abandoned": float((waited - waited_served) / (1 - served)),
        "soon": float((no_wait + c * numpy.trapezoid((density * patient)[soon_v], v[soon_v])) / served),
    }


# Wallace and Whitt, "A staffing algorithm for call centers with skill-based routing": exact but for two skills


def _wallace_whitt(
    blocked: float,
    waits: float,
    mean_wait: float,
    soon: float | None,
    widest: tuple[float, float, float, float],
    digits: tuple[int, int, int, int],
) -> tuple[Figure, ...]:
    metrics = ("blocked_share", "had_to_wait_share", "mean_wait_ms", "service_level_share")
    values = (blocked, waits, mean_wait, soon)
    return tuple(
        Figure(metric, "callers" if metric == "blocked_share" else "queues", value, share, last, scale)
        for metric, value, share, last, scale in zip(metrics, values, widest, digits, (1, 1, MINUTE, 1), strict=True)
        if value is not None
    )


def loss_of_six_kinds(one_pool: bool) -> dict[str, float]:
    """Six kinds of 14 Erlang each, 90 agents and 120 lines, as a product form: one pool of agents, or 15 for each kind.
    Mean waits in minutes, of those who come in."""
    load, agents, lines, pools = (84.0, 90, 120, 1) if one_pool else (14.0, 15, 120, 6)
    weights = [1.0]
    for present in range(1, lines + 1):
        weights.append(weights[-1] * load / min(present, agents))
    alone = numpy.array(weights)
    others = numpy.array([1.0])
    for _ in range(pools - 1):
        others = numpy.convolve(others, alone)[: lines + 1]
    room = numpy.cumsum(numpy.pad(others, (0, lines + 1 - len(others))))  # the others leave n or more lines free
    all_of_them = numpy.convolve(others, alone)[: lines + 1]
    share = alone * room[::-1] / all_of_them.sum()  # of n present in this pool
    free = alone * numpy.concatenate([room[-2::-1], [0.0]]) / all_of_them.sum()  # and a line is free
    present = numpy.arange(lines + 1)
    blocked = float(all_of_them[lines] / all_of_them.sum())
    admitted = 1 - blocked
    waiting = float(((present - agents).clip(0) * share).sum()) * pools
    return {
        "blocked": blocked,
        "waits": float(free[present >= agents].sum()) / admitted,
        "mean_wait": waiting / (8.4 * admitted),
    }


def _v_model() -> tuple[Figure, ...]:
    """With C the probability to wait, c servers and s1 the load of the first kind over c, the mean waits are
    C / (c mu (1 - s1)) and C / (c mu (1 - s1) (1 - rho))."""
    waits = ErlangC(arrivals=160 / 60, service=1 / 3, agents=10).p_wait
    first = waits / (10 / 3 * (1 - 0.3))
    return (
        Figure("mean_wait_ms", "first", first, 0.025, scale=MINUTE),
        Figure("mean_wait_ms", "second", first / (1 - 0.8), 0.05, scale=MINUTE),
        Figure("had_to_wait_share", "first", waits, 0.02),
        Figure("had_to_wait_share", "second", waits, 0.02),
    )


def _erlang_x() -> tuple[Figure, ...]:
    def abandons(arrivals: float) -> float:
        return ErlangA(arrivals=arrivals, service=0.5, patience=1 / 1.5, agents=19).p_abandon

    calls = float(brentq(lambda arrivals: 10 + 0.5 * arrivals * abandons(arrivals) - arrivals, 10, 20))
    return (
        Figure("redial_share", "callers", 1 - 10 / calls, 0.12),
        Figure("abandon_share", "queues", abandons(calls), 0.12),
        Figure("calls", "callers", calls * 420, 0.025),
    )


def _minutes(warm_up: int, after_it: int, interval: int) -> dict[str, object]:
    return {"warm_up_minutes": warm_up, "duration_minutes": warm_up + after_it, "interval_minutes": interval}


_SKILLS = {"control_variates": True}

CASES: tuple[Case, ...] = (
    Case("whitt-e2", 40, _minutes(20, 2_000, 20), _whitt(WHITT_E2)),
    # Exact values are known here, so the paper's simulated ones are held to those and not to ours.
    Case("whitt-m", 80, _minutes(20, 2_000, 20), _whitt(m_m_n_g(102, 100, 0.1), exact=True)),
    Case(
        "wallace-whitt-1",
        320,
        _minutes(1_200, 1_400, 200) | _SKILLS,
        _wallace_whitt(0.041659, 0.573563, 3.05432, 0.473426, (0.055, 0.009, 0.022, 0.011), (6, 6, 5, 6)),
    ),
    Case(
        "wallace-whitt-2",
        240,
        _minutes(300, 900, 300) | _SKILLS,
        _wallace_whitt(0.0043, 0.4246, 0.5932, 0.7164, (0.2, 0.04, 0.07, 0.02), (4, 4, 4, 4)),
    ),
    Case(
        "wallace-whitt-6",
        800,
        _minutes(300, 900, 300) | _SKILLS,
        _wallace_whitt(0.003643, 0.379706, 0.450023, None, (0.125, 0.03, 0.05, 0.0), (6, 6, 6, 6)),
    ),
    Case("v-model", 120, _minutes(60, 9_600, 60), _v_model()),
    Case("erlang-x", 24, _minutes(60, 420, 60), _erlang_x()),
)

"""Patience from waits, of which most end with an answer: those are censored.

* Kaplan and Meier's estimate of the share that is still patient after t seconds, with Greenwood's standard error
  (E. L. Kaplan and P. Meier, JASA 53, 1958). Whoever left without giving up (answered, a key, overflow, moved, the end
  of the records) is censored.
* Some leave at once, as soon as they hear that they must wait: the mass at zero is what Kaplan and Meier have by
  AT_ONCE_S. Who was answered without a wait had no chance to leave, and is not at risk.
* The others are fitted by maximum likelihood, given that they waited so long: exponential, Weibull, log-normal; the
  smallest AIC counts (L. Brown et al., "Statistical analysis of a telephone call center", JASA 100, 2005). Where so few
  leave at once that there is no mass at zero, those who did are evidence of the law as well, with what is known of
  them: that their patience ended by AT_ONCE_S.
* Where the curve stays up and falls within one second (all hang up after the same time: a timer somewhere), patience is
  that constant; a Weibull would be given a shape in the hundreds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
from scipy import stats
from scipy.optimize import minimize
from scipy.special import gamma as gamma_function

from simulations.history.durations import rounded, tolerance_s
from simulations.history.form import Floats
from simulations.history.zones import Bools

AT_ONCE_S = 2.0
"""Records have whole seconds, so 'at once' is up to one second, half a second of rounding included."""
LEAST_AT_RISK = 20
"""Beyond the time at which fewer are at risk the curve is too rough to judge by."""
LEAST_ABANDONED = 5
ALL_AT_ONE_TIME = 0.95
"""So much of the curve must fall there for a constant patience."""


@dataclass(frozen=True, slots=True)
class Survival:
    """Kaplan and Meier's curve: after each of `times_s` the share `patient`, its standard error, and how many were at
    risk there."""

    times_s: Floats
    patient: Floats
    error: Floats
    at_risk: Floats

    def at(self, time_s: float) -> float:
        place = int(numpy.searchsorted(self.times_s, time_s, side="right"))
        return 1.0 if place == 0 else float(self.patient[place - 1])

    def error_at(self, time_s: float) -> float:
        place = int(numpy.searchsorted(self.times_s, time_s, side="right"))
        return 0.0 if place == 0 else float(self.error[place - 1])


@dataclass(frozen=True, slots=True)
class PatienceFit:
    """The patience of one kind. `document` is how a scenario writes it; None: too few gave up to tell.

    `distance` is the greatest one between the fitted and Kaplan and Meier's curve, as far as that is known.
    """

    contacts: int
    abandoned: int
    survival: Survival
    at_once: float
    at_once_error: float
    family: str
    parameters: dict[str, float]
    errors: dict[str, float]
    document: dict[str, Any] | None
    distance: float | None

    def patient(self, times_s: Floats) -> Floats:
        """The fitted share that is still patient."""
        law = LAWS[self.family](self.parameters)
        found: Floats = (1 - self.at_once) * law.sf(times_s)
        return found


def kaplan_meier(wait_s: Floats, gave_up: Bools) -> Survival:
    """Where some gave up and others were censored at the same time, the former came first; but who was censored at zero
    was never at risk."""
    at_risk_ever = (wait_s > 0) | gave_up
    wait, event = wait_s[at_risk_ever], gave_up[at_risk_ever]
    times, places = numpy.unique(wait, return_inverse=True)
    died = numpy.bincount(places, weights=event, minlength=len(times))
    left = numpy.bincount(places, minlength=len(times))
    risk = len(wait) - numpy.concatenate(([0], numpy.cumsum(left)[:-1])) if len(times) else numpy.zeros(0)
    steps = died > 0
    times, died, risk = times[steps], died[steps], risk[steps].astype(float)
    patient: Floats = numpy.cumprod(1 - died / risk, dtype=numpy.float64)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        greenwood = numpy.cumsum(numpy.where(risk > died, died / (risk * (risk - died)), 0.0))
    error: Floats = patient * numpy.sqrt(greenwood)
    return Survival(times, patient, error, risk)


def _exponential(p: dict[str, float]) -> Any:
    return stats.expon(scale=p["mean"])


def _weibull(p: dict[str, float]) -> Any:
    return stats.weibull_min(p["shape"], scale=p["mean"] / gamma_function(1 + 1 / p["shape"]))


def _lognormal(p: dict[str, float]) -> Any:
    variance = numpy.log1p(p["scv"])
    return stats.lognorm(variance**0.5, scale=p["mean"] * numpy.exp(-variance / 2))


class _Constant:
    """Everybody is patient until `value`, and nobody beyond."""

    def __init__(self, p: dict[str, float]) -> None:
        self._value = p["value"]

    def sf(self, times_s: Any) -> Any:
        return (numpy.asarray(times_s) < self._value).astype(float)


LAWS: dict[str, Callable[[dict[str, float]], Any]] = {
    "exponential": _exponential,
    "weibull": _weibull,
    "lognormal": _lognormal,
    "constant": _Constant,
}
_BEGIN: dict[str, dict[str, float]] = {"exponential": {}, "weibull": {"shape": 1.0}, "lognormal": {"scv": 2.0}}


def fit_patience(wait_s: Floats, gave_up: Bools) -> PatienceFit:
    """Of contacts who waited so long and then gave up or were censored."""
    survival = kaplan_meier(wait_s, gave_up)
    abandoned = int(gave_up.sum())
    later = wait_s >= AT_ONCE_S
    deaths = int((gave_up & later).sum())
    just_before = AT_ONCE_S - 1e-9
    by_then, by_then_error = survival.at(just_before), survival.error_at(just_before)
    if deaths < LEAST_ABANDONED:
        return PatienceFit(len(wait_s), abandoned, survival, 1 - by_then, by_then_error, "", {}, {}, None, None)
    wait, event = wait_s[later], gave_up[later]
    constant = _constant_patience(survival, wait, event, by_then)
    family, parameters, errors = constant or _likeliest(wait, event)
    # Some of those who left in the first seconds would have left then anyway.
    stays = float(LAWS[family](parameters).sf(just_before))
    at_once = 1 - by_then / stays if stays > 0 else 0.0
    if at_once < 2 * by_then_error:
        at_once = 0.0
        if constant is None:
            early = gave_up & ~later
            at_risk = (wait_s > 0) & ~early
            family, parameters, errors = _likeliest(wait_s[at_risk], gave_up[at_risk], int(early.sum()))
    stayed, law = 1 - at_once, LAWS[family](parameters)
    judged = survival.at_risk >= LEAST_AT_RISK
    known = bool(judged.any())
    if constant is not None:  # within its own second the curve is on its way down
        judged &= numpy.abs(survival.times_s - parameters["value"]) > tolerance_s(parameters["value"])
    off = numpy.abs(survival.patient - stayed * law.sf(survival.times_s))[judged]
    distance = float(off.max(initial=0.0)) if known else None
    document: dict[str, Any] = {"distribution": family} | {name: rounded(value) for name, value in parameters.items()}
    if at_once > 0:
        share = round(at_once, 4)
        parts = [{"share": share, "of": 0}, {"share": round(1 - share, 4), "of": document}]
        document = {"distribution": "mixture", "parts": parts}
    return PatienceFit(
        len(wait_s), abandoned, survival, at_once, by_then_error, family, parameters, errors, document, distance
    )


Fitted = tuple[str, dict[str, float], dict[str, float]]
"""A family, its parameters and their standard errors."""


def _constant_patience(survival: Survival, wait: Floats, event: Bools, patient_before: float) -> Fitted | None:
    """The time at which everybody who is still there gives up, if there is such a time."""
    left = wait[event]
    middle = float(numpy.median(left))
    allowed = tolerance_s(middle)
    fallen = survival.at(middle - allowed - 1e-9) - survival.at(middle + allowed)
    if fallen < ALL_AT_ONE_TIME * patient_before:
        return None
    there = left[numpy.abs(left - middle) <= allowed]
    return "constant", {"value": float(there.mean())}, {"value": float(there.std()) / len(there) ** 0.5}


def _likeliest(wait: Floats, event: Bools, early: int | None = None) -> Fitted:
    """Of those who waited AT_ONCE_S; or of all, so many of whom gave up `early`, which is before that."""
    best: tuple[float, Fitted] | None = None
    for family in _BEGIN:
        aic, parameters, errors = _maximised(family, wait, event, early)
        if best is None or aic < best[0]:
            best = (aic, (family, parameters, errors))
    assert best is not None
    return best[1]


def _maximised(
    family: str, wait: Floats, event: Bools, early: int | None
) -> tuple[float, dict[str, float], dict[str, float]]:
    """AIC, parameters, and their standard errors from the curvature."""
    begin = {"mean": float(wait.sum() / max(1, event.sum()))} | _BEGIN[family]
    names = list(begin)

    def minus_log_likelihood(logs: Floats) -> float:
        with numpy.errstate(all="ignore"):  # the search may look at parameters of which nothing can be computed
            law = LAWS[family](dict(zip(names, numpy.exp(logs), strict=True)))
            told = law.logpdf(wait[event]).sum() + law.logsf(wait[~event]).sum()
            if early is None:
                told -= len(wait) * law.logsf(AT_ONCE_S)
            else:
                told += early * law.logcdf(AT_ONCE_S)
        return float(-told) if numpy.isfinite(told) else 1e300

    found = minimize(
        minus_log_likelihood,
        numpy.log(list(begin.values())),
        method="Nelder-Mead",
        options={"xatol": 1e-5, "fatol": 1e-6},
    )
    parameters = dict(zip(names, numpy.exp(found.x).tolist(), strict=True))
    errors = _errors(minus_log_likelihood, found.x)
    return (
        2 * len(names) + 2 * float(found.fun),
        parameters,
        {name: parameters[name] * error for name, error in zip(names, errors, strict=True)},
    )


def _errors(function: Callable[[Floats], float], at: Floats) -> list[float]:
    """Standard errors of the parameters' logarithms: the inverse of the observed information, by differences."""
    step, size = 1e-3, len(at)
    hessian = numpy.zeros((size, size))
    for i in range(size):
        for j in range(size):
            corners = 0.0
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moved = at.copy()
                moved[i] += a * step
                moved[j] += b * step
                corners += a * b * function(moved)
            hessian[i, j] = corners / (4 * step * step)
    try:
        variances = numpy.diag(numpy.linalg.inv(hessian))
    except numpy.linalg.LinAlgError:
        return [float("nan")] * size
    return [float(value) ** 0.5 if value > 0 else float("nan") for value in variances]

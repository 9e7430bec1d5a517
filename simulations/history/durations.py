"""Distributions fitted to measured times: log-normal, gamma, exponential by maximum likelihood, or what was measured.

The one with the smallest AIC is taken; if its distribution function is further than ALLOWED_DISTANCE from the measured
one (Kolmogorov and Smirnov's distance), the measured values themselves are (their quantiles, so that a scenario stays
readable). Records have whole seconds: a value x stands for (x - 0.5, x + 0.5), and zeros for half a second. Times that
are all the same but for that (`same_s`) are a constant: every family would be fitted to the rounding.
"""

from dataclasses import dataclass
from typing import Any

import numpy
from scipy import stats
from scipy.optimize import brentq
from scipy.special import digamma

from simulations.history.form import Floats

ALLOWED_DISTANCE = 0.05
MOST_VALUES = 60
LEAST = 20
"""With fewer values nothing but their mean is known: an exponential distribution is assumed."""
_SMALLEST_S = 0.5
LEAST_EQUAL = 5
"""Fewer equal times may be so by chance."""
_SAME_SHARE = 0.99


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family fitted: its scenario form, its AIC, and its greatest distance from the measured distribution."""

    family: str
    document: dict[str, Any]
    aic: float
    distance: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What was chosen for these values, and between what. `document` is how a scenario writes it."""

    count: int
    mean_s: float
    mean_error_s: float
    scv: float
    document: dict[str, Any]
    chosen: str
    candidates: tuple[Candidate, ...]
    values: Floats


def fit_durations(values_s: Floats) -> Fit | None:
    """The distribution of these times in seconds; None without any."""
    values = numpy.sort(numpy.maximum(values_s.astype(float), _SMALLEST_S))
    count = len(values)
    if not count:
        return None
    mean = float(values.mean())
    deviation = float(values.std(ddof=1)) if count > 1 else 0.0
    scv = (deviation / mean) ** 2
    error = deviation / count**0.5
    if count >= LEAST_EQUAL and same_s(values) is not None:
        return Fit(count, mean, error, scv, _constant(mean), "constant", (), values)
    if count < LEAST:
        document = {"distribution": "exponential", "mean": rounded(mean)}
        return Fit(count, mean, error, scv, document, "exponential", (), values)
    candidates = tuple(sorted((_lognormal(values), _gamma(values), _exponential(values)), key=lambda each: each.aic))
    best = candidates[0]
    if best.distance > ALLOWED_DISTANCE:
        return Fit(count, mean, error, scv, empirical(values), "empirical", candidates, values)
    return Fit(count, mean, error, scv, best.document, best.family, candidates, values)


def tolerance_s(middle_s: float) -> float:
    """How far times around this one may be from it and still be the same: the second of the records, or 1 %."""
    return max(1.0, 0.01 * middle_s)


def same_s(values_s: Floats) -> float | None:
    """The one time that all but 1 % of these are; None if they differ."""
    middle, mean = float(numpy.median(values_s)), float(values_s.mean())
    allowed = tolerance_s(middle)
    near = (numpy.abs(values_s - middle) <= allowed).mean()
    return mean if near >= _SAME_SHARE and abs(mean - middle) <= allowed else None


def frozen(document: dict[str, Any]) -> Any:
    """The SciPy distribution of a fitted document; None for one that has none."""
    match document["distribution"]:
        case "lognormal":
            variance = numpy.log1p(document["scv"])
            return stats.lognorm(variance**0.5, scale=document["mean"] * numpy.exp(-variance / 2))
        case "gamma":
            return stats.gamma(1 / document["scv"], scale=document["mean"] * document["scv"])
        case "exponential":
            return stats.expon(scale=document["mean"])
    return None


def empirical(values: Floats) -> dict[str, Any]:
    """At most MOST_VALUES values, each as likely as any other: the means of equal parts, so the mean is kept."""
    parts = numpy.array_split(numpy.sort(values), min(MOST_VALUES, len(values)))
    weights = [len(part) for part in parts]
    document: dict[str, Any] = {"distribution": "empirical", "values": [rounded(float(part.mean())) for part in parts]}
    return document if len(set(weights)) == 1 else document | {"weights": weights}


def rounded(value: float, digits: int = 4) -> float:
    """To so many significant digits: a scenario is for people."""
    return float(f"{value:.{digits}g}")


def _constant(value: float) -> dict[str, Any]:
    return {"distribution": "constant", "value": rounded(value)}


def _lognormal(values: Floats) -> Candidate:
    logs = numpy.log(values)
    variance = max(float(logs.var()), 1e-9)
    mean = float(numpy.exp(logs.mean() + variance / 2))
    document = {"distribution": "lognormal", "mean": rounded(mean), "scv": rounded(float(numpy.expm1(variance)))}
    return _judged("lognormal", document, stats.lognorm(variance**0.5, scale=numpy.exp(logs.mean())), values, 2)


def _gamma(values: Floats) -> Candidate:
    """The shape k solves log k - digamma(k) = log(mean) - mean of logs."""
    gap = max(float(numpy.log(values.mean()) - numpy.log(values).mean()), 1e-9)
    shape = float(brentq(lambda k: numpy.log(k) - digamma(k) - gap, 1e-3, 1e9))
    mean = float(values.mean())
    document = {"distribution": "gamma", "mean": rounded(mean), "scv": rounded(1 / shape)}
    return _judged("gamma", document, stats.gamma(shape, scale=mean / shape), values, 2)


def _exponential(values: Floats) -> Candidate:
    mean = float(values.mean())
    document = {"distribution": "exponential", "mean": rounded(mean)}
    return _judged("exponential", document, stats.expon(scale=mean), values, 1)


def _judged(family: str, document: dict[str, Any], law: Any, values: Floats, parameters: int) -> Candidate:
    aic = 2 * parameters - 2 * float(law.logpdf(values).sum())
    return Candidate(family, document, aic, distance(law, values))


def distance(law: Any, values: Floats) -> float:
    """Kolmogorov and Smirnov's; values that are equal because they were rounded count as spread over their second."""
    distinct, counts = numpy.unique(values, return_counts=True)
    after = numpy.cumsum(counts) / len(values)
    before = after - counts / len(values)
    expected = law.cdf(distinct)
    if (counts > 1).mean() > 0.2:
        above, below = distinct + 0.5, numpy.where(distinct <= _SMALLEST_S, 0.0, distinct - 0.5)
        above[distinct <= _SMALLEST_S] = _SMALLEST_S
        return float(max(numpy.abs(law.cdf(above) - after).max(), numpy.abs(law.cdf(below) - before).max()))
    return float(max(numpy.abs(expected - after).max(), numpy.abs(expected - before).max()))

"""Keys that waiting callers press to leave the queue: how many press which one, and when, as a scenario says it
(`simulations.features.waiting_keys`).

A caller presses one key at most, the one that comes first; who was answered, gave up or overflowed before is censored.
So the share that has pressed a key after t seconds, if nothing else ended the wait, is the cumulative incidence of
O. O. Aalen and S. Johansen ("An empirical transition matrix for non-homogeneous Markov chains based on censored
observations", Scandinavian Journal of Statistics 5, 1978) with the keys as competing risks; its standard error is by
the delta method (E. Marubini and M. G. Valsecchi, Analysing Survival Data, 1995, section 10.2). Who was answered
without a wait had no chance to press, and is not at risk.

The incidence is known up to the `horizon`, beyond which fewer than LEAST_AT_RISK waited on. The times of the presses up
to there, weighted for those who were censored, are a constant if they are all the same (an announcement that names the
key), or the likeliest of LAWS within the horizon, if that fits and foresees no more than BEYOND of the presses behind
it; its share is then that of all times. Otherwise they are taken as measured, and nobody presses behind the horizon.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from scipy.optimize import minimize

from simulations.history.durations import empirical, rounded, same_s
from simulations.history.form import Floats
from simulations.history.patience import LAWS, LEAST_AT_RISK
from simulations.history.zones import Bools

LEAST_PRESSES = 20
"""With fewer a key is not learnt."""
BEYOND = 0.2
ALLOWED_DISTANCE = 0.05
_AT_LEAST_S = 0.5
_BEGIN = {"exponential": (1.0,), "weibull": (1.0, 1.0), "lognormal": (1.0, 1.0)}
_NAMES = {"exponential": ("mean",), "weibull": ("mean", "shape"), "lognormal": ("mean", "scv")}
_KEY = re.compile("[0-9*#]")


def is_key(exit: str) -> bool:
    """Whether a contact that left by this exit pressed a key."""
    return _KEY.fullmatch(exit) is not None


@dataclass(frozen=True, slots=True)
class Incidence:
    """After each of `times_s` the share that has pressed the key, and its standard error."""

    times_s: Floats
    share: Floats
    error: Floats

    def at(self, time_s: float) -> float:
        place = int(numpy.searchsorted(self.times_s, time_s, side="right"))
        return float(self.share[place - 1]) if place else 0.0

    def error_at(self, time_s: float) -> float:
        place = int(numpy.searchsorted(self.times_s, time_s, side="right"))
        return float(self.error[place - 1]) if place else 0.0


@dataclass(frozen=True, slots=True)
class KeyFit:
    """One key: `share` of the waiting callers press it, after times distributed as `after`. `family` is empty where the
    times are taken as measured; `to_queue` is where it leads, None for away."""

    key: str
    presses: int
    share: float
    error: float
    horizon_s: float
    family: str
    after: dict[str, Any]
    incidence: Incidence
    to_queue: str | None = None

    def pressed(self, times_s: Floats) -> Floats | None:
        """The fitted share that has pressed after so long; None where it is as measured."""
        if not self.family:
            return None
        law = LAWS[self.family]({name: value for name, value in self.after.items() if name != "distribution"})
        found: Floats = self.share * (1 - law.sf(times_s))
        return found


def fit_keys(
    wait_s: Floats, exits: Sequence[str], leads_to: dict[str, str | None]
) -> tuple[tuple[KeyFit, ...], dict[str, int]]:
    """The keys of contacts who waited so long and then left by these exits (empty: otherwise), those pressed most
    first; and the keys that too few pressed, with how many did. `leads_to`: the queue to which a key leads."""
    pressed = [exit if is_key(exit) else "" for exit in exits]
    counts = {key: pressed.count(key) for key in sorted({*pressed} - {""})}
    few = {key: count for key, count in counts.items() if count < LEAST_PRESSES}
    keys = sorted(counts.keys() - few.keys(), key=lambda key: (-counts[key], key))
    if not keys:
        return (), few
    # A key that too few pressed has ended the wait all the same.
    which = numpy.array([keys.index(key) if key in keys else -1 for key in pressed], dtype=numpy.int64)
    at_risk = (wait_s > 0) | (which >= 0)
    wait, which = wait_s[at_risk], which[at_risk]
    longest = numpy.sort(wait)[::-1]
    horizon = float(longest[min(LEAST_AT_RISK, len(longest)) - 1])
    found = [
        _fit(key, wait, which == place, which >= 0, horizon, counts[key], leads_to.get(key))
        for place, key in enumerate(keys)
    ]
    whole = sum(each.share for each in found)
    return tuple(found if whole <= 1 else [_scaled(each, whole) for each in found]), few


def incidence(wait_s: Floats, this: Bools, any_key: Bools) -> Incidence:
    """Of the presses `this`, among presses of `any_key`."""
    times, places = numpy.unique(wait_s, return_inverse=True)
    mine = numpy.bincount(places, weights=this, minlength=len(times))
    all_ = numpy.bincount(places, weights=any_key, minlength=len(times))
    left = numpy.bincount(places, minlength=len(times))
    risk = (len(wait_s) - numpy.concatenate(([0], numpy.cumsum(left)[:-1]))).astype(float)
    steps = all_ > 0
    times, mine, all_, risk = times[steps], mine[steps], all_[steps], risk[steps]
    before = numpy.concatenate(([1.0], numpy.cumprod(1 - all_ / risk)[:-1]))
    share: Floats = numpy.cumsum(before * mine / risk)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        of_all = numpy.where(risk > all_, all_ / (risk * (risk - all_)), 0.0)
    of_mine = before**2 * (risk - mine) / risk**3 * mine
    of_both = before * mine / risk**2
    # The sum over s <= t of (F(t) - F(s))^2 a(s) + b(s) - 2 (F(t) - F(s)) c(s), its squares multiplied out.
    a, ab, abb = (numpy.cumsum(of_all * share**power) for power in (0, 1, 2))
    c, cb = (numpy.cumsum(of_both * share**power) for power in (0, 1))
    variance = share**2 * a - 2 * share * ab + abb + numpy.cumsum(of_mine) - 2 * (share * c - cb)
    return Incidence(times, share, numpy.sqrt(numpy.maximum(0.0, variance)))


def _fit(
    key: str, wait: Floats, this: Bools, any_key: Bools, horizon: float, presses: int, to_queue: str | None
) -> KeyFit:
    curve = incidence(wait, this, any_key)
    share, error = curve.at(horizon), curve.error_at(horizon)
    values = _times(curve, horizon, presses)
    constant = same_s(values)
    if constant is not None:
        after = {"distribution": "constant", "value": rounded(constant)}
        return KeyFit(key, presses, share, error, horizon, "constant", after, curve, to_queue)
    best = min((_likeliest(family, values, horizon) for family in _BEGIN), key=lambda each: each[0])
    _, family, parameters = best
    law = LAWS[family](parameters)
    within = float(1 - law.sf(horizon))
    allowed = max(ALLOWED_DISTANCE, 1.36 / presses**0.5)  # the second is Kolmogorov and Smirnov's at 5 %
    if within >= 1 - BEYOND and share <= within and _distance(law, values, within) <= allowed:
        after = {"distribution": family} | {name: rounded(value) for name, value in parameters.items()}
        return KeyFit(key, presses, share / within, error / within, horizon, family, after, curve, to_queue)
    return KeyFit(key, presses, share, error, horizon, "", empirical(values), curve, to_queue)


def _times(curve: Incidence, horizon: float, count: int) -> Floats:
    """So many times, each as likely as any other, at which the key is pressed up to the horizon."""
    within = curve.times_s <= horizon
    reached = curve.share[within] / curve.share[within][-1]
    places = numpy.searchsorted(reached, (numpy.arange(count) + 0.5) / count)
    found: Floats = numpy.maximum(curve.times_s[within][places], _AT_LEAST_S)
    return found


def _likeliest(family: str, values: Floats, horizon: float) -> tuple[float, str, dict[str, float]]:
    """AIC and the parameters that are the likeliest for times up to the horizon."""
    mean = float(values.mean())
    names = _NAMES[family]

    def parameters(logs: Floats) -> dict[str, float]:
        return dict(zip(names, numpy.exp(logs).tolist(), strict=True))

    def minus_log_likelihood(logs: Floats) -> float:
        law = LAWS[family](parameters(logs))
        with numpy.errstate(all="ignore"):
            told = law.logpdf(values).sum() - len(values) * numpy.log(1 - law.sf(horizon))
        return float(-told) if numpy.isfinite(told) else 1e300

    begin = numpy.log(numpy.array([mean, *_BEGIN[family][1:]]))
    found = minimize(minus_log_likelihood, begin, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-6})
    return 2 * len(names) + 2 * float(found.fun), family, parameters(found.x)


def _distance(law: Any, values: Floats, within: float) -> float:
    """The greatest distance between the distribution functions; records have whole seconds."""
    distinct, counts = numpy.unique(values, return_counts=True)
    after = numpy.cumsum(counts) / len(values)
    expected = (1 - law.sf(distinct + 0.5)) / within
    return float(numpy.abs(numpy.minimum(1.0, expected) - after).max())


def _scaled(fit: KeyFit, whole: float) -> KeyFit:
    return KeyFit(
        fit.key,
        fit.presses,
        fit.share / whole,
        fit.error / whole,
        fit.horizon_s,
        fit.family,
        fit.after,
        fit.incidence,
        fit.to_queue,
    )


def keys_document(keys: Sequence[KeyFit], queue: str, queues: Sequence[str] = ()) -> dict[str, Any]:
    """As a scenario writes them for who waits in this queue. Keys may lead to one of `queues`; where there are none the
    flow says where they lead."""
    # Rounded down, so that they never add up to more than 1.
    return {
        fit.key: {"share": int(fit.share * 10_000) / 10_000, "after_s": fit.after, "queue": queue}
        | ({"to_queue": fit.to_queue} if fit.to_queue in queues else {})
        for fit in keys
    }


def pressed_keys(outcomes: Sequence[str], exits: Sequence[str]) -> list[str]:
    """The key of each contact that left by one, empty for the others."""
    return [exit if outcome == "left" and is_key(exit) else "" for outcome, exit in zip(outcomes, exits, strict=True)]

"""What replications say together: means and ratios with confidence intervals.

Replications are independent and alike, so between them Student's t holds well. Two kinds of figures:

* A count, a quantile, a maximum: the mean over replications of the replication's own figure.
* A ratio of sums (service level, ASA, occupancy, mean queue length): the sums of all replications are divided, and
  not the mean of their ratios, in which a quiet day would weigh as much as a busy one. Its variance is the jackknife's:
  with R the ratio of all n and R(i) that without replication i, the pseudo-values n R - (n - 1) R(i) are treated as n
  independent observations (R. G. Miller, "The jackknife - a review", Biometrika 61, 1974).
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy
from scipy.special import stdtrit

from router.core.measures import AGENT_METRICS, CONTACT_METRICS, Metric, Value
from router.core.tallies import AgentTally, ContactTally
from simulations.controls import Control
from simulations.tallies import CALLER_METRICS, CallerMetric, CallerTally

Tally = TypeVar("Tally", ContactTally, AgentTally, CallerTally)


class Estimate(msgspec.Struct, frozen=True):
    """An estimate and the half-width of its confidence interval; None where the replications do not suffice."""

    value: float | None
    half_width: float | None = None

    @property
    def low(self) -> float | None:
        return None if self.value is None or self.half_width is None else self.value - self.half_width

    @property
    def high(self) -> float | None:
        return None if self.value is None or self.half_width is None else self.value + self.half_width


def mean_estimate(values: Sequence[float | None], confidence: float, control: Control | None = None) -> Estimate:
    """The mean of the replications that have a value, with Student's interval; by `control` if all have one."""
    known = [value for value in values if value is not None]
    if not known:
        return Estimate(None)
    mean = sum(known) / len(known)
    if len(known) < 2:
        return Estimate(mean)
    if control is not None and len(known) == len(values):
        shift, half_width = control.regress(known, confidence)
        return Estimate(mean + shift, half_width)
    variance = sum((value - mean) ** 2 for value in known) / (len(known) - 1)
    return Estimate(mean, _t(confidence, len(known)) * (variance / len(known)) ** 0.5)


def ratio_estimate(
    pooled: Value, without: Sequence[Value], confidence: float, control: Control | None = None
) -> Estimate:
    """The ratio of the `pooled` sums, its interval from the ratios `without` each one of the replications. By `control`
    the ratio moves as its pseudo-values say."""
    known = [value for value in without if value is not None]
    if pooled is None or len(known) < len(without) or len(known) < 2:
        return Estimate(pooled)
    count = len(known)
    pseudo = [count * pooled - (count - 1) * value for value in known]
    if control is None:
        return Estimate(pooled, mean_estimate(pseudo, confidence).half_width)
    shift, half_width = control.regress(pseudo, confidence)
    return Estimate(pooled + shift, half_width)


def _t(confidence: float, count: int) -> float:
    return float(stdtrit(count - 1, 0.5 + confidence / 2))


LOAD: Metric[ContactTally] = Metric(
    "load_erlangs",
    "Load: the agents who would be busy if all that arrive were served",
    "arrived x aht_ms / length of the span",
    "abandoned ones are in it, with the AHT of the answered",
    lambda t: t.arrived / t.span_ms * (t.talk_ms + t.wrap_up_ms) / t.finished if t.span_ms and t.finished else None,
)

CONTACT_FIGURES = (*(metric for metric in CONTACT_METRICS if not metric.name.startswith("ewt_")), LOAD)


def is_ratio(name: str) -> bool:
    """Whether this metric divides sums: its name ends in a unit or begins with `mean_`, and no single wait makes it."""
    if name.startswith(("wait_p", "longest_")):
        return False
    return name.startswith("mean_") or name.endswith(("_share", "_ms", "_per_hour", "_erlangs"))


def estimates(tallies: Sequence[Tally], confidence: float, control: Control | None = None) -> dict[str, Estimate]:
    """Every figure by name, of one tally per replication."""
    return _estimates(tallies, confidence, _metrics(type(tallies[0])), control) if tallies else {}


def estimate(name: str, tallies: Sequence[Tally], confidence: float, control: Control | None = None) -> Estimate:
    """The figure `name` alone, of at least one tally."""
    metrics = [metric for metric in _metrics(type(tallies[0])) if metric.name == name]
    return _estimates(tallies, confidence, metrics, control)[name]


def _metrics(kind: type[Any]) -> Sequence[Metric[Any] | CallerMetric]:
    known: dict[type[Any], Sequence[Metric[Any] | CallerMetric]]
    known = {ContactTally: CONTACT_FIGURES, AgentTally: AGENT_METRICS, CallerTally: CALLER_METRICS}
    return known[kind]


def _estimates(
    tallies: Sequence[Tally],
    confidence: float,
    metrics: Sequence[Metric[Any] | CallerMetric],
    control: Control | None,
) -> dict[str, Estimate]:
    kind = type(tallies[0])
    names = [name for name in kind.__struct_fields__ if isinstance(getattr(tallies[0], name), int)]
    sums = numpy.array([[getattr(tally, name) for name in names] for tally in tallies], dtype=numpy.int64)
    whole = sums.sum(axis=0)
    pooled = kind(**dict(zip(names, whole.tolist(), strict=True)))
    without = [kind(**dict(zip(names, row, strict=True))) for row in (whole - sums).tolist()]
    found = {}
    for metric in metrics:
        if is_ratio(metric.name):
            left_out = [metric.compute(tally) for tally in without]
            found[metric.name] = ratio_estimate(metric.compute(pooled), left_out, confidence, control)
        else:
            found[metric.name] = mean_estimate([metric.compute(tally) for tally in tallies], confidence, control)
    return found


def range_of(values: Sequence[float | None], share: float) -> tuple[float, float] | None:
    """Between which two values the middle `share` of single replications lies: a prediction for one day, whereas a
    confidence interval is for the mean of many. None without values."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = numpy.quantile(known, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def added(tallies: Sequence[Tally]) -> Tally:
    """Tallies of several spans of one replication (or of several agents in one span) as one, the spans added up."""
    whole = type(tallies[0])()
    for tally in tallies:
        whole.add(tally)
    if isinstance(whole, ContactTally):
        whole.span_ms = sum(tally.span_ms for tally in tallies if isinstance(tally, ContactTally))
    return whole

"""Times between what was written down in different places: the phones' logs and the engine's journal.

All are on one machine's clock. The journal counts whole milliseconds, so what is measured with it is a millisecond too
long or too short at most.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from router.core.decisions import Offer
from router.live.journal import Handled, read

_SLACK_S = 0.001


class Quantiles(NamedTuple):
    """In ms."""

    p50: float
    p99: float
    max: float


def quantiles(times_s: Iterable[float]) -> Quantiles | None:
    """None where there is nothing."""
    ordered = sorted(times_s)
    if not ordered:
        return None
    at = (min(len(ordered) - 1, int(share * len(ordered))) for share in (0.5, 0.99, 1.0))
    return Quantiles(*(ordered[index] * 1000 for index in at))


def offers(engine: Path, since_s: float) -> list[tuple[float, str]]:
    """When the engine in this directory decided to offer something to whom, since then."""
    (journal,) = engine.glob("journal-*.jsonl")
    return [
        (record.at_ms / 1000, decision.agent)
        for record in read(journal)
        if isinstance(record, Handled) and record.at_ms >= since_s * 1000
        for decision in record.decisions
        if isinstance(decision, Offer)
    ]


def until_next(first: Iterable[tuple[float, str]], then: Iterable[tuple[float, str]]) -> list[float]:
    """How long after each of the first the same agent had one of the second, before another one of the first."""
    starts, ends = _by_agent(first), _by_agent(then)
    found = []
    for agent, times in starts.items():
        later = ends.get(agent, [])
        for at, following in zip(times, [*times[1:], float("inf")], strict=True):
            index = bisect_left(later, at - _SLACK_S)
            if index < len(later) and later[index] < following:
                found.append(max(0.0, later[index] - at))
    return found


def until_rung_for(answered_at: Mapping[str, float], rang: Sequence[tuple[float, str, str]]) -> list[float]:
    """How long after each caller was answered a phone first rang for this caller."""
    first: dict[str, float] = {}
    for at, _, caller in rang:
        first.setdefault(caller, at)
    return [first[caller] - at for caller, at in answered_at.items() if caller in first]


def _by_agent(times: Iterable[tuple[float, str]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for at, agent in sorted(times):
        found[agent].append(at)
    return found

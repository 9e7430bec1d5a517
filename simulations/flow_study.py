"""Thousands of synthetic callers through the real flows, without agents: what they do before they wait, and where they
are lost. A queue is where the flow has done its part: who enters one is counted there and followed no further.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy

from ivr.flow.library import Library
from ivr.flow.session import Session, Visit
from ivr.flow.traffic import Traffic
from ivr.flow.ways import new_visits
from simulations.arrivals import arrival_times_ms
from simulations.callers import IvrCallers
from simulations.setting import Setting
from simulations.streams import Streams

IN_QUEUE = "in queue"
MOST_DAYS = 10_000


@dataclass(slots=True)
class FlowStudy:
    """What the callers did. `ends`: how many ended in each way: `completed` (served by the flow itself), `hungup`,
    `failed`, or `queue NAME`. `times_ms`: how long each was in the flows."""

    traffic: Traffic
    ends: Counter[str] = field(default_factory=Counter)
    times_ms: list[int] = field(default_factory=list)

    @property
    def containment(self) -> float:
        """Callers whom the flows served to the end, over all callers."""
        return self.ends["completed"] / len(self.times_ms) if self.times_ms else 0.0

    def interval(self, end: str, z: float = 1.96) -> tuple[float, float]:
        """The share of callers who ended so, as Wilson's interval (E. B. Wilson, JASA 22, 1927); z 1.96 is 95 %."""
        n, share = len(self.times_ms), self.ends[end] / len(self.times_ms)
        middle = share + z * z / (2 * n)
        half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def spent_s(study: FlowStudy) -> dict[str, float]:
    """Mean, median and 90 % quantile of the time that callers were in the flows, in seconds."""
    times = numpy.array(study.times_ms) / 1000
    p50, p90 = numpy.quantile(times, (0.5, 0.9))
    return {"mean": float(times.mean()), "p50": float(p50), "p90": float(p90)}


def study_flows(setting: Setting, callers: int, progress: Callable[[int], None] | None = None) -> FlowStudy:
    """Lets so many callers (the kinds that dial a number, as often as they come) go through the flows.

    They come on one simulated day after the other, at the scenario's times: opening hours count. Raises DocumentError
    where the scenario does not say what callers do, and ValueError where nobody dials a number.
    """
    library = setting.centre.library
    kinds = [name for name, kind in setting.scenario.kinds.items() if kind.number is not None]
    if library is None or not kinds:
        raise ValueError("no kind of this scenario dials a number, so nobody comes through a flow")
    study = FlowStudy(Traffic(library.flows))
    for day in range(MOST_DAYS):
        _one_day(setting, library, kinds, day, callers, study)
        if progress:
            progress(len(study.times_ms))
        if len(study.times_ms) >= callers:
            return study
    raise ValueError(f"after {MOST_DAYS:,} days only {len(study.times_ms)} callers have come")


def _one_day(
    setting: Setting, library: Library, kinds: Sequence[str], day: int, callers: int, study: FlowStudy
) -> None:
    scenario = setting.scenario
    streams = Streams(scenario.seed, day)
    through = IvrCallers(setting, streams, library)
    arrivals = [
        (at_ms, kind, number)
        for kind in kinds
        for number, at_ms in enumerate(
            arrival_times_ms(scenario.kinds[kind].arrivals, scenario, streams.generator(f"{kind}/arrivals"))
        )
    ]
    for at_ms, kind, number in sorted(arrivals)[: callers - len(study.times_ms)]:
        _one_caller(through, kind, number, at_ms, study)


def _one_caller(through: IvrCallers, kind: str, number: int, at_ms: int, study: FlowStudy) -> None:
    caller, now_ms = through.caller(kind, number), at_ms
    visits: list[Visit] = []
    before: Session | None = None
    step = caller.dial(now_ms)
    while True:
        session = caller.session
        visits += new_visits(before, session)
        before = session
        if step is None or step.enqueue is not None:
            break
        now_ms += step.delay_ms
        assert step.answer is not None
        step = caller.go_on(step.answer, now_ms)
    end = f"queue {step.enqueue.queue}" if step is not None and step.enqueue else session.outcome.partition(":")[0]
    study.traffic.add(visits, session.outcome or IN_QUEUE, through.start_unix_ms + now_ms)
    study.ends[end] += 1
    study.times_ms.append(now_ms - at_ms)

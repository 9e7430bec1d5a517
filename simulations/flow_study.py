"""Thousands of synthetic callers through the real flows, without agents: what they do before they wait, and where they
are lost. A queue is where the flow has done its part: who enters one is counted there and followed no further.
"""

from collections.abc import Callable, Sequence

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


def study_flows(setting: Setting, callers: int, progress: Callable[[int], None] | None = None) -> Traffic:
    """Lets so many callers (the kinds that dial a number, as often as they come) go through the flows.

    They come on one simulated day after the other, at the scenario's times: opening hours count. They end as
    `completed` (served by the flow itself), `hungup`, `failed`, or in `queue NAME`. Raises DocumentError
    where the scenario does not say what callers do, and ValueError where nobody dials a number.
    """
    library = setting.centre.library
    kinds = [name for name, kind in setting.scenario.kinds.items() if kind.number is not None]
    if library is None or not kinds:
        raise ValueError("no kind of this scenario dials a number, so nobody comes through a flow")
    counted = Traffic(library.flows)
    for day in range(MOST_DAYS):
        _one_day(setting, library, kinds, day, callers, counted)
        if progress:
            progress(counted.callers)
        if counted.callers >= callers:
            return counted
    raise ValueError(f"after {MOST_DAYS:,} days only {counted.callers} callers have come")


def _one_day(
    setting: Setting, library: Library, kinds: Sequence[str], day: int, callers: int, counted: Traffic
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
    for at_ms, kind, number in sorted(arrivals)[: callers - counted.callers]:
        _one_caller(through, kind, number, at_ms, counted)


def _one_caller(through: IvrCallers, kind: str, number: int, at_ms: int, counted: Traffic) -> None:
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
    outcome = session.outcome.partition(":")[0]
    end = f"queue {step.enqueue.queue}" if step is not None and step.enqueue else outcome
    ended_ms = through.start_unix_ms + now_ms
    contained = outcome == "completed"
    counted.add(visits, session.outcome or IN_QUEUE, ended_ms, end=end, contained=contained, missed=session.missed)

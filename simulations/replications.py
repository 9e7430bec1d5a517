"""Many replications of one setting, in parallel processes. The results depend on the seed, never on their number."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

import msgspec

from router.core.metrics import Figures
from router.core.tallies import AgentTally, ContactTally
from simulations.driver import Replication
from simulations.setting import MINUTE_MS, Setting
from simulations.statistics import added, estimate
from simulations.stopping import Stopped, UntilHalfWidth

Progress = Callable[[int], None]
"""Told how many replications are done."""

AHEAD = 4
"""How many replications for each process may be under way or done ahead of the first that is not."""


class Span(msgspec.Struct, frozen=True):
    """What one replication counted in a span of time."""

    start_ms: int
    end_ms: int
    all_queues: ContactTally
    queues: dict[str, ContactTally]
    all_agents: AgentTally
    groups: dict[str, AgentTally]


class Outcome(msgspec.Struct, frozen=True):
    """One replication: the whole time after the warm-up, each interval of it, and contacts still there at the end."""

    number: int
    whole: Span
    intervals: tuple[Span, ...]
    unfinished: int


@dataclass(slots=True)
class Study:
    """The replications that were done, in order; at most `wanted`, fewer when it was interrupted or when the wanted
    half-width was reached before (`stopped` tells of it)."""

    setting: Setting
    wanted: int
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: Stopped | None = None

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == self.wanted or (self.stopped is not None and self.stopped.reached)


def replicate(setting: Setting, number: int) -> Outcome:
    """Runs replication `number` (from 0)."""
    replication = Replication(setting, number)
    report = replication.run()
    groups = {worker.name: worker.group for worker in setting.workers}
    end_ms = round(setting.scenario.duration_minutes * MINUTE_MS)
    intervals = tuple(_span(figures, groups) for figures in report.intervals if figures.start_ms < end_ms)
    return Outcome(number, _whole(intervals), intervals, replication.unfinished)


def _span(figures: Figures, groups: dict[str, str]) -> Span:
    queues = {name: section.tally for name, section in figures.queues.items()}
    by_group: dict[str, AgentTally] = {}
    for name, section in figures.agents.items():
        by_group.setdefault(groups[name], AgentTally()).add(section.tally)
    return Span(figures.start_ms, figures.end_ms, figures.all_queues.tally, queues, figures.all_agents.tally, by_group)


def _whole(intervals: tuple[Span, ...]) -> Span:
    queues = {name: added([span.queues[name] for span in intervals]) for name in intervals[0].queues}
    groups = sorted({name for span in intervals for name in span.groups})
    return Span(
        intervals[0].start_ms,
        intervals[-1].end_ms,
        added([span.all_queues for span in intervals]),
        queues,
        added([span.all_agents for span in intervals]),
        {name: added([span.groups.get(name, AgentTally()) for span in intervals]) for name in groups},
    )


def run_study(setting: Setting, jobs: int = 1, progress: Progress | None = None) -> Study:
    """Runs the replications of the scenario in `jobs` processes, all of them or until the wanted half-width is reached.
    Ctrl-C ends it with those that are done."""
    until = setting.scenario.until_half_width
    study = Study(setting, setting.scenario.replications if until is None else until.maximum)
    looks = () if until is None else until.looks_after()
    outcomes = _one_by_one(setting, study.wanted) if jobs <= 1 else _side_by_side(setting, study.wanted, jobs)
    try:
        for outcome in outcomes:
            study.outcomes.append(outcome)
            if progress is not None:
                progress(len(study.outcomes))
            if until is not None and len(study.outcomes) in looks:
                study.stopped = _look(until, study)
                if study.stopped.reached:
                    break
    except KeyboardInterrupt:
        pass
    finally:
        outcomes.close()
    return study


def _look(until: UntilHalfWidth, study: Study) -> Stopped:
    whole = [outcome.whole for outcome in study.outcomes]
    tallies = [span.all_queues if until.queue is None else span.queues[until.queue] for span in whole]
    half_width = estimate(until.metric, tallies, study.setting.scenario.confidence).half_width
    return Stopped(until.metric, until.queue, until.value, half_width)


Outcomes = Generator[Outcome, None, None]
"""Outcomes by their number, from 0."""


def _one_by_one(setting: Setting, wanted: int) -> Outcomes:
    for number in range(wanted):
        yield replicate(setting, number)


def _side_by_side(setting: Setting, wanted: int, jobs: int) -> Outcomes:
    """A few replications ahead are under way, and no more: a study that stops early has not much in vain."""
    context = multiprocessing.get_context("forkserver")
    pool = ProcessPoolExecutor(min(jobs, wanted), context, initializer=_begin_worker, initargs=(setting,))
    under_way: deque[Future[Outcome]] = deque()
    try:
        for number in range(wanted):
            under_way.append(pool.submit(_replicate_in_worker, number))
            if len(under_way) > AHEAD * jobs:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_worker_setting: list[Setting] = []


def _begin_worker(setting: Setting) -> None:
    # Ctrl-C reaches every process of the terminal: the workers end at once and silently, the parent reports.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _worker_setting[:] = [setting]


def _replicate_in_worker(number: int) -> Outcome:
    return replicate(_worker_setting[0], number)

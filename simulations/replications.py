"""Many replications of one setting, in parallel processes. The results depend on the seed, never on their number."""

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

import msgspec

from router.core.metrics import Figures
from router.core.tallies import AgentTally, ContactTally
from simulations.driver import Replication
from simulations.setting import MINUTE_MS, Setting
from simulations.statistics import added

Progress = Callable[[int], None]
"""Told how many replications are done."""


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
    """The replications that were done, in order; fewer than `wanted` when it was interrupted."""

    setting: Setting
    wanted: int
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == self.wanted


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
    """Runs all replications of the scenario in `jobs` processes. Ctrl-C ends it with those that are done."""
    study = Study(setting, setting.scenario.replications)
    jobs = min(jobs, study.wanted)
    try:
        if jobs <= 1:
            for number in range(study.wanted):
                study.outcomes.append(replicate(setting, number))
                _tell(progress, study)
        else:
            _run_parallel(study, jobs, progress)
    except KeyboardInterrupt:
        pass
    study.outcomes.sort(key=lambda outcome: outcome.number)
    return study


def _run_parallel(study: Study, jobs: int, progress: Progress | None) -> None:
    context = multiprocessing.get_context("forkserver")
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin_worker, initargs=(study.setting,))
    try:
        futures = [pool.submit(_replicate_in_worker, number) for number in range(study.wanted)]
        for future in as_completed(futures):
            study.outcomes.append(future.result())
            _tell(progress, study)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _tell(progress: Progress | None, study: Study) -> None:
    if progress is not None:
        progress(len(study.outcomes))


_worker_setting: list[Setting] = []


def _begin_worker(setting: Setting) -> None:
    # Ctrl-C reaches every process of the terminal: the workers end at once and silently, the parent reports.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _worker_setting[:] = [setting]


def _replicate_in_worker(number: int) -> Outcome:
    return replicate(_worker_setting[0], number)

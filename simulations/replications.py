"""Many replications of one setting or of several, here or elsewhere. The results depend on the seed, never on where
they are made or by how many processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from router.core.metrics import Figures
from router.core.tallies import AgentTally, ContactTally
from simulations.arrivals import rates_per_hour
from simulations.controls import Control
from simulations.driver import Replication
from simulations.places import Place, PlaceLost, local
from simulations.setting import MINUTE_MS, Setting
from simulations.statistics import added, estimate
from simulations.stopping import Stopped
from simulations.tallies import CallerTally

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
    kinds: dict[str, CallerTally] = {}


class Outcome(msgspec.Struct, frozen=True):
    """One replication: the whole time after the warm-up, each interval of it, and contacts still there at the end."""

    number: int
    whole: Span
    intervals: tuple[Span, ...]
    unfinished: int


@dataclass(slots=True)
class Study:
    """The replications that were done, in order; at most `wanted`. Fewer when the wanted half-width was reached before
    (`stopped` tells of it), or when it `ended` early: `interrupted`, or why the place where it ran was lost."""

    setting: Setting
    wanted: int
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: Stopped | None = None
    ended: str = ""

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == self.wanted or (self.stopped is not None and self.stopped.reached)


def replicate(setting: Setting, number: int) -> Outcome:
    """Runs replication `number` (from 0)."""
    replication = Replication(setting, number)
    report = replication.run()
    groups = {worker.name: worker.group for worker in setting.workers}
    end_ms = round(setting.scenario.duration_minutes * MINUTE_MS)
    intervals = tuple(
        _span(figures, groups, replication.counts.of_interval(figures.start_ms))
        for figures in report.intervals
        if figures.start_ms < end_ms
    )
    return Outcome(number, _whole(intervals), intervals, replication.unfinished)


def _span(figures: Figures, groups: dict[str, str], kinds: dict[str, CallerTally]) -> Span:
    queues = {name: section.tally for name, section in figures.queues.items()}
    by_group: dict[str, AgentTally] = {}
    for name, section in figures.agents.items():
        by_group.setdefault(groups[name], AgentTally()).add(section.tally)
    all_queues, all_agents = figures.all_queues.tally, figures.all_agents.tally
    return Span(figures.start_ms, figures.end_ms, all_queues, queues, all_agents, by_group, kinds)


def _whole(intervals: tuple[Span, ...]) -> Span:
    queues = {name: added([span.queues[name] for span in intervals]) for name in intervals[0].queues}
    groups = sorted({name for span in intervals for name in span.groups})
    kinds = sorted({name for span in intervals for name in span.kinds})
    return Span(
        intervals[0].start_ms,
        intervals[-1].end_ms,
        added([span.all_queues for span in intervals]),
        queues,
        added([span.all_agents for span in intervals]),
        {name: added([span.groups.get(name, AgentTally()) for span in intervals]) for name in groups},
        {name: added([span.kinds.get(name, CallerTally()) for span in intervals]) for name in kinds},
    )


def run_study(setting: Setting, jobs: int = 1, progress: Progress | None = None, place: Place | None = None) -> Study:
    """Runs the replications of the scenario in `jobs` processes, or at `place`: all of them, or until the wanted
    half-width is reached. Ctrl-C, or a place that is lost, ends it with those that are done."""
    return run_studies([setting], place or local(jobs), progress)[0]


def run_studies(settings: Sequence[Setting], place: Place, progress: Progress | None = None) -> list[Study]:
    """A study of each setting, in step: replication 0 of all, then replication 1, and so on, so that an interruption
    leaves the same replications of each. Those with a wanted half-width go on until all have reached theirs. `progress`
    is told of all together."""
    studies = [Study(setting, setting.scenario.most_replications) for setting in settings]
    tasks = [
        (position, number)
        for number in range(max(study.wanted for study in studies))
        for position, study in enumerate(studies)
        if number < study.wanted
    ]
    results = place.results(replicate, settings, tasks)
    ended = ""
    try:
        for done, ((position, _), outcome) in enumerate(zip(tasks, results, strict=True), start=1):
            studies[position].outcomes.append(outcome)
            if progress is not None:
                progress(done)
            if _look(studies[position]) and all(study.complete for study in studies):
                break
    except KeyboardInterrupt:
        ended = "interrupted"
    except PlaceLost as error:
        ended = str(error)
    finally:
        results.close()
    for study in studies:
        if not study.complete:
            study.ended = ended
    return studies


def _look(study: Study) -> bool:
    """Looks at the wanted half-width, if there is one and its time has come; whether it is reached."""
    scenario, until = study.setting.scenario, study.setting.scenario.until_half_width
    if until is None or len(study.outcomes) not in until.looks_after():
        return False
    whole = [outcome.whole for outcome in study.outcomes]
    tallies = [span.all_queues if until.queue is None else span.queues[until.queue] for span in whole]
    half_width = estimate(until.metric, tallies, scenario.confidence, arrivals_control(study)).half_width
    study.stopped = Stopped(until.metric, until.queue, until.value, half_width)
    return study.stopped.reached


def arrivals_control(study: Study) -> Control | None:
    """The callers of each replication, whose mean the scenario knows; None where it wants none, or none can be."""
    scenario = study.setting.scenario
    if not scenario.control_variates or not study.outcomes:
        return None
    drawn = [name for name, kind in scenario.kinds.items() if kind.arrivals.trace is None]
    skipped = round(scenario.warm_up_minutes / scenario.interval_minutes)
    hours = scenario.interval_minutes / 60
    mean = sum(sum(rates_per_hour(scenario.kinds[name].arrivals, scenario)[skipped:]) * hours for name in drawn)
    kinds = [outcome.whole.kinds for outcome in study.outcomes]
    control = Control(tuple(float(sum(of[name].callers for name in drawn if name in of)) for of in kinds), mean)
    return control if control.usable else None

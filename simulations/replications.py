"""Many replications of one setting or of several, here or elsewhere. The results depend on the seed, never on where
they are made or by how many processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulations.arrivals import rates_per_hour
from simulations.controls import Control
from simulations.engines import Engine, choose, replicate
from simulations.outcomes import Outcome, Span
from simulations.places import Place, PlaceLost, local
from simulations.setting import Setting
from simulations.statistics import estimate
from simulations.stopping import Stopped

__all__ = ["Outcome", "Progress", "Span", "Study", "replicate", "run_studies", "run_study"]

Progress = Callable[[int], None]
"""Told how many replications are done."""


@dataclass(slots=True)
class Study:
    """The replications that were done, in order; at most `wanted`. Fewer when the wanted half-width was reached before
    (`stopped` tells of it), or when it `ended` early: `interrupted`, or why the place where it ran was lost. `engine`
    says in words what ran it and the studies beside it, `notices` why that is not what was asked for."""

    setting: Setting
    wanted: int
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: Stopped | None = None
    ended: str = ""
    notices: tuple[str, ...] = ()
    engine: str = ""

    @property
    def complete(self) -> bool:
        return len(self.outcomes) == self.wanted or (self.stopped is not None and self.stopped.reached)


def run_study(
    setting: Setting,
    jobs: int = 1,
    progress: Progress | None = None,
    place: Place | None = None,
    engine: Engine = "simpy",
) -> Study:
    """Runs the replications of the scenario in `jobs` processes, or at `place`: all of them, or until the wanted
    half-width is reached. Ctrl-C, or a place that is lost, ends it with those that are done. The results are the same
    by whichever `engine`."""
    return run_studies([setting], place or local(jobs), progress, engine)[0]


def run_studies(
    settings: Sequence[Setting], place: Place, progress: Progress | None = None, engine: Engine = "simpy"
) -> list[Study]:
    """A study of each setting, in step: replication 0 of all, then replication 1, and so on, so that an interruption
    leaves the same replications of each. Those with a wanted half-width go on until all have reached theirs. `progress`
    is told of all together."""
    chosen = choose(engine, settings)
    studies = [
        Study(setting, setting.scenario.most_replications, notices=chosen.notices, engine=chosen.words)
        for setting in settings
    ]
    tasks = [
        (position, number)
        for number in range(max(study.wanted for study in studies))
        for position, study in enumerate(studies)
        if number < study.wanted
    ]
    results = chosen.at(place).results(chosen.replicate, settings, tasks)
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
    drawn = [name for name, kind in scenario.kinds.items() if kind.arrivals.is_poisson]
    skipped = round(scenario.warm_up_minutes / scenario.interval_minutes)
    hours = scenario.interval_minutes / 60
    mean = sum(sum(rates_per_hour(scenario.kinds[name].arrivals, scenario)[skipped:]) * hours for name in drawn)
    kinds = [outcome.whole.kinds for outcome in study.outcomes]
    control = Control(tuple(float(sum(of[name].callers for name in drawn if name in of)) for of in kinds), mean)
    return control if control.usable else None

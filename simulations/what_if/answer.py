"""What a what-if comes to: figures of the present and of every change, their differences, and a verdict in words."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from router.core.measures import Value
from router.core.tallies import ContactTally
from simulations.compare import Measured, Row, hold
from simulations.costs import COST_FIGURES, cost_differences, cost_estimates, ledger
from simulations.replications import Study
from simulations.results import Estimates, Results, summarise
from simulations.statistics import Estimate
from simulations.what_if.figures import AGENTS, CONTACTS, FIGURES, Better
from simulations.what_if.paired import difference, simultaneous
from simulations.what_if.plan import DecideBy
from simulations.what_if.variants import Variant

Verdict = Literal["better", "worse", "unclear"]


class Compared(msgspec.Struct, frozen=True):
    """A figure (of a queue, or of all when `queue` is empty) of a change: its value, and its difference from the
    present with the interval that holds for all changes together."""

    queue: str
    figure: str
    value: Estimate
    difference: Estimate
    verdict: Verdict


class ChangeResult(msgspec.Struct, frozen=True):
    """All figures of a change. `who` and `skill`: what cross-training tried."""

    name: str
    compared: tuple[Compared, ...]
    who: str = ""
    skill: str = ""

    def of(self, figure: str, queue: str = "") -> Compared | None:
        found = (one for one in self.compared if (one.figure, one.queue) == (figure, queue))
        return next(found, None)


class Answer(msgspec.Struct, frozen=True):
    """A whole what-if. `changes` and `training` are in order of what they gain; `together` is the number of intervals
    of a figure that hold at once with the `confidence`. `present` is the study without a change; with what really
    happened (`actual`) it is the model of that day."""

    name: str
    scenario: str
    decide_by: str
    queue: str
    replications: int
    wanted: int
    seed: int
    confidence: float
    together: int
    ended: str
    present: Results
    changes: tuple[ChangeResult, ...]
    training: tuple[ChangeResult, ...]
    actual: tuple[Row, ...] = ()

    def really(self, figure: str, queue: str = "") -> Value:
        """What was measured on the day itself; None when there was no such day, or no such figure."""
        return next((row.measured for row in self.actual if (row.metric, row.queue) == (figure, queue)), None)


def answer(
    name: str,
    decide_by: DecideBy,
    present: Study,
    variants: Sequence[Variant],
    studies: Sequence[Study],
    measured: Measured | None = None,
) -> Answer:
    """Compares the studies of the variants with that of the present, over the replications that all have done.

    Raises ValueError when that is not a single one.
    """
    done = min(len(study.outcomes) for study in [present, *studies])
    if not done:
        raise ValueError("no replication of all changes was finished, so there is nothing to compare")
    for study in [present, *studies]:
        study.outcomes[done:] = []
    scenario = present.setting.scenario
    each = simultaneous(scenario.confidence, len(studies))
    results = [
        ChangeResult(variant.name, tuple(_compare(study, present, each)), *(variant.trained or ("", "")))
        for variant, study in zip(variants, studies, strict=True)
    ]
    queue = decide_by.queue or ""
    results.sort(key=lambda result: -_gain(result, decide_by.figure, queue))
    return Answer(
        name=name,
        scenario=scenario.name,
        decide_by=decide_by.figure,
        queue=queue,
        replications=done,
        wanted=present.wanted,
        seed=scenario.seed,
        confidence=scenario.confidence,
        together=len(studies),
        ended=next((study.ended for study in [*studies, present] if study.ended), ""),
        present=summarise(present),
        changes=tuple(result for result in results if not result.who),
        training=tuple(result for result in results if result.who),
        actual=hold(measured, present).rows if measured is not None else (),
    )


def _gain(result: ChangeResult, figure: str, queue: str) -> float:
    found = result.of(figure, queue)
    value = found.difference.value if found is not None else None
    if value is None:
        return float("-inf")
    return value if FIGURES[figure].better == "more" else -value


def _compare(study: Study, present: Study, confidence: float) -> list[Compared]:
    scenario = study.setting.scenario
    mine = [outcome.whole for outcome in study.outcomes]
    theirs = [outcome.whole for outcome in present.outcomes]
    whole = summarise(study).whole
    found = []
    for queue in ["", *(name for name in whole.queues if name in theirs[0].queues)]:
        tallies, others = (
            [span.queues.get(queue, ContactTally()) if queue else span.all_queues for span in side]
            for side in (mine, theirs)
        )
        values: Estimates = whole.queues[queue] if queue else whole.all_queues
        for name, figure in CONTACTS.items():
            by = difference(name, tallies, others, confidence)
            found.append(Compared(queue, name, values[name], by, _judge(by, figure.better)))
    for name, figure in AGENTS.items():
        agents, other_agents = ([span.all_agents for span in side] for side in (mine, theirs))
        by = difference(name, agents, other_agents, confidence)
        found.append(Compared("", name, whole.all_agents[name], by, _judge(by, figure.better)))
    if scenario.money is not None and present.setting.scenario.money is not None:
        ledgers = [ledger(study.setting, span) for span in mine]
        others_ledgers = [ledger(present.setting, span) for span in theirs]
        differences = cost_differences(COST_FIGURES, ledgers, others_ledgers, confidence)
        costs = cost_estimates(study.setting, study.outcomes)
        for name, by in differences.items():
            found.append(Compared("", name, costs[name], by, _judge(by, FIGURES[name].better)))
    return found


def _judge(by: Estimate, better: Better) -> Verdict:
    """By where the whole interval lies."""
    if not better or by.low is None or by.high is None:
        return "unclear"
    up, down = by.low > 0, by.high < 0
    if not up and not down:
        return "unclear"
    return "better" if up == (better == "more") else "worse"

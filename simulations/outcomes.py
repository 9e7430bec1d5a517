"""What one replication found: sums by span of time, whichever engine ran it."""

import msgspec

from router.core.metrics import Figures, MetricsReport
from router.core.tallies import AgentTally, ContactTally
from simulations.caller_counts import CallerCounts
from simulations.features import used
from simulations.scenario import Scenario
from simulations.setting import MINUTE_MS, Setting
from simulations.statistics import added
from simulations.tallies import CallerTally


class Span(msgspec.Struct, frozen=True):
    """What one replication counted in a span of time."""

    start_ms: int
    end_ms: int
    all_queues: ContactTally
    queues: dict[str, ContactTally]
    all_agents: AgentTally
    groups: dict[str, AgentTally]
    kinds: dict[str, CallerTally] = {}
    """Only where the scenario lets callers do more than wait, or asks for them."""


class Outcome(msgspec.Struct, frozen=True):
    """One replication: the whole time after the warm-up, each interval of it, and contacts still there at the end."""

    number: int
    whole: Span
    intervals: tuple[Span, ...]
    unfinished: int


def outcome_of(
    setting: Setting, number: int, report: MetricsReport, unfinished: int, counts: CallerCounts | None = None
) -> Outcome:
    """What a replication found, from its report."""
    groups = {worker.name: worker.group for worker in setting.workers}
    end_ms = round(setting.scenario.duration_minutes * MINUTE_MS)
    if not counts_callers(setting.scenario):
        counts = None
    intervals = tuple(
        _span(figures, groups, {} if counts is None else counts.of_interval(figures.start_ms))
        for figures in report.intervals
        if figures.start_ms < end_ms
    )
    return Outcome(number, whole_of(intervals), intervals, unfinished)


def counts_callers(scenario: Scenario) -> bool:
    """Whether `Span.kinds` is asked for."""
    return bool(used(scenario)) or scenario.control_variates


def _span(figures: Figures, groups: dict[str, str], kinds: dict[str, CallerTally]) -> Span:
    queues = {name: section.tally for name, section in figures.queues.items()}
    by_group: dict[str, AgentTally] = {}
    for name, section in figures.agents.items():
        by_group.setdefault(groups[name], AgentTally()).add(section.tally)
    all_queues, all_agents = figures.all_queues.tally, figures.all_agents.tally
    return Span(figures.start_ms, figures.end_ms, all_queues, queues, all_agents, by_group, kinds)


def whole_of(intervals: tuple[Span, ...]) -> Span:
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

"""The report of a study: what callers and agents would meet, and the same numbers for programs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from router.core.measures import AGENT_METRICS, Metric
from simulations import plots
from simulations.costs import AMOUNT, COST_FIGURES, CostFigure
from simulations.reports import Cell, Column, Data, Definition, Figure, Report, Section, Table, Tile, cell, write
from simulations.reports.figures import count, duration, fine, money, percent, plain, seconds
from simulations.reports.frame import Mark
from simulations.results import ArrivalsControl, Estimates, Goal, Results, SpanResult
from simulations.statistics import CONTACT_FIGURES, Estimate
from simulations.stopping import Stopped
from simulations.tallies import CALLER_METRICS

MOST_LINES = 8
"""More queues than this are not drawn: the busiest are."""

HOW_ESTIMATED = (
    "Ratios divide the sums of all replications; their intervals come from the jackknife over replications. "
    "Counts and quantiles are means over replications. Intervals use Student's t."
)
MARKS = (
    "✓ goal met, ✗ goal missed, ≈ the goal lies within the interval. "
    "A contact counts in the queue where its wait ended, and in the interval in which it arrived."
)


def write_report(results: Results, directory: Path) -> dict[str, Path]:
    """Writes the report into the directory (see `simulations.reports.write`); returns the paths by file name."""
    return write(report_of(results), directory)


def report_of(results: Results) -> Report:
    busiest = sorted(results.whole.queues, key=lambda name: -(results.whole.queues[name]["arrived"].value or 0))
    shown = [name for name in results.whole.queues if name in busiest[:MOST_LINES]]
    sections = [Section("Queues", tables=[queue_table(results)])]
    if len(results.intervals) > 1:
        sections.append(_intervals(results, shown))
    if results.callers_matter:
        sections.append(Section("Callers", tables=[caller_table(results)]))
    sections.append(Section("Agents", tables=[agent_table(results)]))
    if results.money:
        sections.append(Section("Money", tables=[money_table(results.money, results.currency)]))
    return Report(
        kind="simulation",
        title=results.scenario,
        about=about(results),
        warnings=warnings(results),
        tiles=tiles(results),
        sections=sections,
        definitions=[
            *metric_definitions(),
            *(caller_definitions() if results.callers_matter else ()),
            *(money_definitions() if results.money else ()),
        ],
        definitions_note=HOW_ESTIMATED,
        data={"metrics": Data(["span", "of", "name", "metric", "value", "low", "high"], list(metric_rows(results)))},
        results=results,
    )


def about(results: Results) -> str:
    """The span of time, and how it was come by."""
    warm_up = f", after a warm-up of {duration(results.warm_up_minutes)}" if results.warm_up_minutes else ""
    interval = (
        f"± is the half-width of the {results.confidence * 100:g} % confidence interval."
        if results.replications > 1
        else "One replication gives no confidence interval."
    )
    how = f"{count(results.replications, 'replication')}, seed {results.seed}, policy version {results.policy_version}"
    control = "" if results.control is None else f" {controlled(results.control)}"
    return f"{results.whole.start} to {results.whole.end}{warm_up}; {how}. {interval}{control}"


def warnings(results: Results) -> list[str]:
    found = []
    if results.interrupted:
        done = f"{results.replications} of {results.wanted} replications were done"
        found.append(f"{results.ended[:1].upper()}{results.ended[1:]}: {done}. The figures are of those alone.")
    if results.stopped is not None:
        found.append(stopping(results.stopped, results.replications))
    if (results.unfinished.value or 0) > 0:
        found.append(
            f"When the run ended, {results.unfinished.value:.1f} contacts on average were still waiting or talking; "
            "those who waited are in no figure. A longer run-off or later shifts would serve them."
        )
    return found


def tiles(results: Results) -> list[Tile]:
    figures = results.whole.all_queues
    found = [
        Tile("Contacts in queues", plain(figures["arrived"])),
        Tile("Service level", percent(figures["service_level_share"])),
        Tile("ASA", seconds(figures["asa_ms"])),
        Tile("Abandoned", percent(figures["abandon_share"])),
        Tile("Occupancy", percent(results.whole.all_agents["occupancy_share"])),
    ]
    if figures["flows"].value:
        found.append(Tile("Contained in the flow", percent(figures["containment_share"])))
    if results.money:
        found.append(Tile("Cost", money(results.money["total_cost"], results.currency)))
    return found


_QUEUE_COLUMNS = (
    Column("queue", text=True),
    *map(Column, ("contacts", "goal", "service level", "ASA", "95 % wait at most", "abandoned", "overflowed")),
    *map(Column, ("moved on", "queue length", "AHT")),
)


def queue_table(results: Results) -> Table:
    rows = [
        [
            Cell(name),
            cell(plain(figures["arrived"])),
            Cell(f"{results.goals[name].share * 100:g} % in {results.goals[name].answered_within_s:g} s"),
            goal_cell(figures["service_level_share"], results.goals[name]),
            *_waits(figures),
            cell(percent(figures["moved_share"])),
            cell(fine(figures["mean_queue_length"])),
            cell(seconds(figures["aht_ms"])),
        ]
        for name, figures in results.whole.queues.items()
    ]
    whole = results.whole.all_queues
    together = [
        Cell("all queues"),
        cell(plain(whole["arrived"])),
        Cell(""),
        cell(percent(whole["service_level_share"])),
        *_waits(whole),
        Cell(""),
        cell(fine(whole["mean_queue_length"])),
        cell(seconds(whole["aht_ms"])),
    ]
    return Table(_QUEUE_COLUMNS, [*rows, together], strong=[len(rows)], note=MARKS)


def _waits(figures: Estimates) -> list[Cell]:
    return [
        cell(seconds(figures["asa_ms"])),
        cell(seconds(figures["wait_p95_ms"])),
        cell(percent(figures["abandon_share"])),
        cell(percent(figures["overflow_share"])),
    ]


def goal_cell(level: Estimate, goal: Goal) -> Cell:
    """A service level, marked by where its whole interval lies."""
    mark: Mark = ""
    title = ""
    if level.value is not None:
        low = level.value if level.low is None else level.low
        high = level.value if level.high is None else level.high
        if low >= goal.share:
            mark, title = "good", "The goal is met, and the whole interval is above it"
        elif high < goal.share:
            mark, title = "bad", "The goal is missed, and the whole interval is below it"
        else:
            mark, title = "open", "The goal lies within the interval"
    return cell(percent(level), mark, title)


CALLER_COLUMNS = (
    ("callers", "callers", plain),
    ("calls", "calls", plain),
    ("blocked_share", "found lines busy", percent),
    ("redial_share", "redials", percent),
    ("left_at_once", "left when told the wait", plain),
    ("asked_for_callback", "asked for callback", plain),
    ("pressed_keys", "pressed a key", plain),
    ("cut_off", "cut off", plain),
    ("never_served_share", "never served", percent),
)
"""Metric, heading and form of what lines, redials, announced waits, callbacks and outages do."""

CALLERS_NOTE = (
    "A caller may call several times; each call counts once in the queues. "
    "Never served: no agent and no flow served any of the caller's calls."
)


def caller_table(results: Results) -> Table:
    """With the columns that have anything to tell."""
    kinds = {**results.whole.kinds, "all callers": results.whole.all_callers}
    told = [column for column in CALLER_COLUMNS if any(figures[column[0]].value for figures in kinds.values())]
    rows = [[Cell(name), *(cell(form(of[metric])) for metric, _, form in told)] for name, of in kinds.items()]
    columns = [Column("kind", text=True), *(Column(heading) for _, heading, _ in told)]
    return Table(columns, rows, strong=[len(rows) - 1], note=CALLERS_NOTE)


def caller_definitions() -> list[Definition]:
    return [Definition(of.name, of.title, of.formula, f"abandonment: {of.abandonment}") for of in CALLER_METRICS]


_AGENT_COLUMNS = (
    Column("group", text=True),
    *map(Column, ("occupancy", "contacts per hour", "offers refused or unanswered", "paused")),
)


def agent_table(results: Results) -> Table:
    groups = {**results.whole.groups, "all agents": results.whole.all_agents}
    rows = [
        [
            Cell(name),
            cell(percent(figures["occupancy_share"])),
            cell(plain(figures["answered_per_hour"])),
            cell(percent(figures["refused_share"])),
            cell(percent(figures["paused_share"])),
        ]
        for name, figures in groups.items()
    ]
    return Table(_AGENT_COLUMNS, rows, strong=[len(rows) - 1])


def _intervals(results: Results, shown: Sequence[str]) -> Section:
    queues = list(zip(plots.COLOURS, shown, strict=False))
    if hidden := len(results.whole.queues) - len(shown):
        queues.append(("", f"(and {hidden} smaller queues that are not drawn)"))
    agents = list(zip(plots.COLOURS, ("signed in", "load of all arrivals", "busy"), strict=False))
    level = "share answered within the target; dashed: the goal"
    return Section(
        f"By interval of {duration(results.interval_minutes)}",
        figures=[
            Figure("Service level", level, plots.service_level(results, shown), queues),
            Figure("Mean wait", "of all who arrived, answered or not", plots.mean_wait(results, shown), queues),
            Figure("Abandoned", "share of those offered, less short abandons", plots.abandoned(results, shown), queues),
            Figure("Queue length", "mean number waiting", plots.queue_length(results, shown), queues),
            Figure("Staffing and load", "agents", plots.staffing(results), agents),
            Figure("Occupancy", "handling over handling plus ready time, all agents", plots.occupancy(results)),
        ],
    )


def money_table(figures: Estimates, currency: str) -> Table:
    rows = [
        [Cell(figure.title), cell(money_text(figure, figures[figure.name], currency)), Cell(figure.formula)]
        for figure in COST_FIGURES
        if figures[figure.name].value
    ]
    columns = [Column("figure", text=True), Column("amount"), Column("how it is reckoned", text=True)]
    return Table(columns, rows, strong=[0])


def money_text(figure: CostFigure, estimate: Estimate, currency: str) -> str:
    return money(estimate, currency) if figure.unit == AMOUNT else plain(estimate)


def money_definitions() -> list[Definition]:
    return [Definition(of.name, of.title, of.formula, f"unit: {of.unit}") for of in COST_FIGURES]


def metric_definitions() -> list[Definition]:
    metrics: list[Metric[Any]] = [*CONTACT_FIGURES, *AGENT_METRICS]
    return [
        Definition(metric.name, metric.title, metric.formula, f"abandonment: {metric.abandonment}")
        for metric in metrics
    ]


def metric_rows(results: Results) -> Iterator[Sequence[Any]]:
    """One row for each figure: span, of whom, metric, value, and the bounds of its confidence interval."""
    for span, result in [("whole", results.whole), *((span.start, span) for span in results.intervals)]:
        for of, name, estimates in _parts(result):
            for metric, estimate in estimates.items():
                yield span, of, name, metric, estimate.value, estimate.low, estimate.high
    for metric, estimate in results.money.items():
        yield "whole", "money", "", metric, estimate.value, estimate.low, estimate.high


def _parts(result: SpanResult) -> Iterator[tuple[str, str, Estimates]]:
    yield "all queues", "", result.all_queues
    for name, estimates in result.queues.items():
        yield "queue", name, estimates
    yield "all agents", "", result.all_agents | {"signed_in": result.signed_in, "busy": result.busy}
    for name, estimates in result.groups.items():
        yield "group", name, estimates
    for name, estimates in result.kinds.items():
        yield "kind", name, estimates
    yield "all kinds", "", result.all_callers


def controlled(control: ArrivalsControl) -> str:
    """What the control variate did, in a sentence or two."""
    text = (
        f"Arrivals served as a control variate: {control.expected:,.1f} callers were expected, {control.observed:,.1f} "
        "came on average, and what follows from the difference has been taken out of the figures."
    )
    before, after = control.half_width_without, control.half_width
    if before and after is not None:
        with_it, without = f"± {after * 100:.2f} points", f"± {before * 100:.2f}"
        text += (
            f" So the service level is known to {with_it}, and not only to {without}."
            if after < before
            else f" It did not help: the service level is known to {with_it}, and would be to {without} without it."
        )
    return text


def stopping(stopped: Stopped, replications: int) -> str:
    """How a study with a wanted half-width ended, in a sentence."""
    of = f"{stopped.metric} of {stopped.queue or 'all queues'}"
    if stopped.half_width is None:
        return f"After {replications} replications {of} has no interval yet; ± {stopped.wanted:g} was wanted."
    verb = "is" if stopped.reached else "is still"
    return (
        f"After {replications} replications {of} {verb} known to ± {stopped.half_width:.3g}; "
        f"± {stopped.wanted:g} was wanted."
    )

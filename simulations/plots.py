"""The report's plots, as SVG text that goes straight into the page. Legends are the page's own, so names stay text."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from simulations.results import Estimates, Results, SpanResult
from simulations.statistics import Estimate

# Okabe and Ito's colours, which people with any colour vision can tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a", "#000000")
INK, GRID = "#5b6672", "#e3e7eb"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "switchboard",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    # Names are text: `$` begins no formula.
    "text.parse_math": False,
}

Line = tuple[str, Sequence[Estimate]]
"""A colour and one estimate for each interval."""


def service_level(results: Results, queues: Sequence[str]) -> str:
    goals = {results.goals[queue].share for queue in queues}
    return _draw(results, _of_queues(results, queues, "service_level_share"), share=True, marks=sorted(goals))


def mean_wait(results: Results, queues: Sequence[str]) -> str:
    return _draw(results, _of_queues(results, queues, "mean_wait_ms", scale=0.001), unit="s")


def abandoned(results: Results, queues: Sequence[str]) -> str:
    return _draw(results, _of_queues(results, queues, "abandon_share"), share=True, full_scale=False)


def queue_length(results: Results, queues: Sequence[str]) -> str:
    return _draw(results, _of_queues(results, queues, "mean_queue_length"), unit="contacts")


def staffing(results: Results) -> str:
    """Agents signed in, agents busy, and the load that all arrivals would bring, in agents."""
    spans = results.intervals
    lines = [
        (COLOURS[0], [span.signed_in for span in spans]),
        (COLOURS[1], [span.all_queues["load_erlangs"] for span in spans]),
        (COLOURS[2], [span.busy for span in spans]),
    ]
    return _draw(results, lines, unit="agents", steps=True)


def occupancy(results: Results) -> str:
    lines = [(COLOURS[0], [span.all_agents["occupancy_share"] for span in results.intervals])]
    return _draw(results, lines, share=True)


def _of_queues(results: Results, queues: Sequence[str], metric: str, scale: float = 1.0) -> list[Line]:
    def of(span: SpanResult, queue: str) -> Estimate:
        estimates: Estimates = span.queues[queue]
        found = estimates[metric]
        half = None if found.half_width is None else found.half_width * scale
        return Estimate(None if found.value is None else found.value * scale, half)

    return [
        (COLOURS[position % len(COLOURS)], [of(span, queue) for span in results.intervals])
        for position, queue in enumerate(queues)
    ]


def _draw(
    results: Results,
    lines: Sequence[Line],
    *,
    unit: str = "",
    share: bool = False,
    full_scale: bool = True,
    marks: Sequence[float] = (),
    steps: bool = False,
) -> str:
    def draw(axes: Axes) -> None:
        places = list(range(len(results.intervals)))
        for colour, estimates in lines:
            (_stairs if steps else _curve)(axes, places, estimates, colour)
        for mark in marks:
            axes.axhline(mark, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.set_ylabel(unit)
        _set_limits(axes, lines, share, full_scale)
        label_times(axes, [span.start for span in results.intervals], steps)

    return picture(draw)


def picture(draw: Callable[[Axes], None]) -> str:
    """What `draw` puts on the axes, in the style of all our plots."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 2.7), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    return svg[svg.index("<svg") :]


def _values(places: Sequence[int], estimates: Sequence[Estimate]) -> tuple[list[int], list[float], list[float]]:
    known = [(x, estimate) for x, estimate in zip(places, estimates, strict=True) if estimate.value is not None]
    return (
        [x for x, _ in known],
        [estimate.value or 0.0 for _, estimate in known],
        [estimate.half_width or 0.0 for _, estimate in known],
    )


def _curve(axes: Axes, places: Sequence[int], estimates: Sequence[Estimate], colour: str) -> None:
    x, y, half = _values(places, estimates)
    low = [max(0.0, value - error) for value, error in zip(y, half, strict=True)]
    high = [value + error for value, error in zip(y, half, strict=True)]
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(x, y, color=colour, linewidth=1.8, marker="o", markersize=3.2)


def _stairs(axes: Axes, places: Sequence[int], estimates: Sequence[Estimate], colour: str) -> None:
    values = [estimate.value or 0.0 for estimate in estimates]
    axes.stairs(values, [*places, len(places)], color=colour, linewidth=1.8, baseline=None)


def _set_limits(axes: Axes, lines: Sequence[Line], share: bool, full_scale: bool) -> None:
    """By the values: an interval of few contacts may have a band that would hide everything else."""
    highest = max((estimate.value or 0 for _, line in lines for estimate in line), default=0)
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.set_ylim(0, 1.02 if full_scale else min(1.02, max(0.05, highest * 1.25)))
    else:
        axes.set_ylim(0, highest * 1.25 or 1)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))


def label_times(axes: Axes, starts: Sequence[str], steps: bool) -> None:
    """At most some ten labels: the start of intervals, on their left edge where the plot has steps."""
    count = len(starts)
    places = list(range(0, count, max(1, -(-count // 10))))
    axes.set_xticks(places, [starts[place] for place in places])
    axes.set_xlim((-0.02 * count, 1.0 * count) if steps else (-0.4, count - 0.6))

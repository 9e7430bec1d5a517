"""The pictures of a calibration and of a back-test, as SVG text that goes straight into the page."""

import io
from collections.abc import Callable, Sequence

import matplotlib
import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from simulations.history.agent_speed import AgentSpeed
from simulations.history.calibration import Calibration, KindFit
from simulations.history.days import WEEKDAYS, mean_and_error
from simulations.history.durations import Fit, frozen
from simulations.history.keys import KeyFit
from simulations.history.patience import AT_ONCE_S, LEAST_AT_RISK, PatienceFit
from simulations.plots import COLOURS, GRID, INK, STYLE

MOST_AGENTS = 40
_MOST_LABELS = 10


def drawn(draw: Callable[[Axes], None], width: float = 6.4, height: float = 2.9) -> str:
    """One picture of which `draw` fills the axes."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    return svg[svg.index("<svg") :]


def arrivals(found: Calibration, fit: KindFit) -> str:
    """Mean contacts per interval of each weekday; the band is two standard errors."""
    place = found.kinds.names.index(fit.name)

    def draw(axes: Axes) -> None:
        for weekday in found.weekdays():
            mean, error = mean_and_error(found.days.counts[place][found.of_weekday(weekday)])
            x = numpy.arange(len(mean))
            axes.fill_between(x, mean - 2 * error, mean + 2 * error, color=COLOURS[weekday], alpha=0.12, linewidth=0)
            axes.plot(x, mean, color=COLOURS[weekday], linewidth=1.6)
        axes.set_ylabel("contacts per interval")
        axes.set_ylim(bottom=0)
        _clock_labels(axes, found)

    return drawn(draw)


def weekday_legend(found: Calibration) -> list[tuple[str, str]]:
    return [(COLOURS[weekday], WEEKDAYS[weekday].capitalize()) for weekday in found.weekdays()]


def totals(found: Calibration) -> str:
    """Contacts of each day."""

    def draw(axes: Axes) -> None:
        count = found.days.counts.sum(axis=(0, 2))
        for weekday in found.weekdays():
            at = numpy.flatnonzero(found.of_weekday(weekday))
            axes.plot(at, count[at], "o", color=COLOURS[weekday], markersize=4)
        step = max(1, -(-len(count) // _MOST_LABELS))
        places = list(range(0, len(count), step))
        axes.set_xticks(places, [f"{found.days.dates[place]:%d %b}" for place in places])
        axes.set_ylim(0, max(1.0, float(count.max()) * 1.15))
        axes.set_ylabel("contacts")

    return drawn(draw)


def duration(fit: Fit) -> str:
    """The measured times as a histogram, and the density of each family that was tried."""

    def draw(axes: Axes) -> None:
        longest = float(numpy.quantile(fit.values, 0.99)) or 1.0
        shown = fit.values[fit.values <= longest]
        bins = min(60, max(8, round(len(shown) ** 0.5)))
        axes.hist(shown, bins=bins, density=True, color=COLOURS[5], alpha=0.45)
        x = numpy.linspace(longest / 400, longest, 300)
        for each, (colour, line) in zip(fit.candidates, ((COLOURS[1], "-"), (INK, "--"), (INK, ":")), strict=False):
            axes.plot(x, frozen(each.document).pdf(x), color=colour, linestyle=line, linewidth=1.6, label=each.family)
        axes.set_xlabel("seconds")
        axes.set_yticks([])
        axes.set_ylim(top=axes.get_ylim()[1] * 1.02)
        if fit.candidates:
            _name_lines(axes)

    return drawn(draw)


def quantiles(fit: Fit) -> str | None:
    """Measured quantiles over those of the best family: on the line where it fits. None without a family."""
    if not fit.candidates:
        return None

    def draw(axes: Axes) -> None:
        share = (numpy.arange(1, 200) - 0.5) / 199
        measured, expected = numpy.quantile(fit.values, share), frozen(fit.candidates[0].document).ppf(share)
        most = float(max(measured.max(), expected.max())) * 1.03
        axes.plot([0, most], [0, most], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.plot(expected, measured, "o", color=COLOURS[0], markersize=3)
        axes.set_xlabel(f"{fit.candidates[0].family}, seconds")
        axes.set_ylabel("measured, seconds")
        axes.set_xlim(0, most)
        axes.set_ylim(0, most)

    return drawn(draw)


def patience(fit: PatienceFit) -> str:
    """Kaplan and Meier's curve with two standard errors, and the fitted one."""

    def draw(axes: Axes) -> None:
        curve = fit.survival
        known = curve.at_risk >= LEAST_AT_RISK
        times, share, error = curve.times_s[known], curve.patient[known], curve.error[known]
        x, y = numpy.concatenate(([0.0], times)), numpy.concatenate(([1.0], share))
        band = numpy.concatenate(([0.0], 2 * error))
        axes.fill_between(x, y - band, y + band, step="post", color=COLOURS[0], alpha=0.18, linewidth=0)
        axes.step(x, y, where="post", color=COLOURS[0], linewidth=1.6, label="Kaplan and Meier")
        if fit.document is not None and len(times):
            at = numpy.linspace(min(AT_ONCE_S, times[-1]), times[-1], 200)
            axes.plot(
                at, fit.patient(at), color=COLOURS[1], linewidth=1.6, linestyle="--", label=f"fitted: {fit.family}"
            )
        axes.set_ylim(0, 1.03)
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("seconds waited")
        axes.set_ylabel("still patient")
        _name_lines(axes)

    return drawn(draw)


def keys(found: Sequence[KeyFit]) -> str:
    """The share that has pressed each key by a time, with two standard errors, and the fitted one."""

    def draw(axes: Axes) -> None:
        for place, fit in enumerate(found):
            curve, colour = fit.incidence, COLOURS[place % len(COLOURS)]
            known = curve.times_s <= fit.horizon_s
            x = numpy.concatenate(([0.0], curve.times_s[known], [fit.horizon_s]))
            y = numpy.concatenate(([0.0], curve.share[known], curve.share[known][-1:]))
            band = numpy.concatenate(([0.0], 2 * curve.error[known], 2 * curve.error[known][-1:]))
            axes.fill_between(x, y - band, y + band, step="post", color=colour, alpha=0.18, linewidth=0)
            axes.step(x, y, where="post", color=colour, linewidth=1.6, label=f"key {fit.key}")
            at = numpy.linspace(0, fit.horizon_s, 200)
            if (fitted := fit.pressed(at)) is not None:
                axes.plot(at, fitted, color=INK, linewidth=1.2, linestyle="--")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("seconds waited")
        axes.set_ylabel("have pressed")
        _name_lines(axes)

    return drawn(draw)


def _name_lines(axes: Axes) -> None:
    """The legend of lines that differ in more than colour, above the axes, where it covers nothing."""
    figure = axes.get_figure()
    assert figure is not None
    figure.legend(loc="outside upper left", ncols=4, frameon=False, fontsize=8)


def speeds(found: dict[str, AgentSpeed]) -> str:
    """Each agent's raw factor with two standard errors, and (filled) the one to plan with."""
    ordered = sorted(found.items(), key=lambda item: item[1].factor)
    if len(ordered) > MOST_AGENTS:
        ordered = ordered[: MOST_AGENTS // 2] + ordered[-MOST_AGENTS // 2 :]

    def draw(axes: Axes) -> None:
        for place, (_, speed) in enumerate(ordered):
            ends = [speed.raw - 2 * speed.error, speed.raw + 2 * speed.error]
            axes.plot(ends, [place, place], color=COLOURS[5], linewidth=2)
            axes.plot([speed.factor], [place], "o", color=COLOURS[0], markersize=4)
        axes.axvline(1, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.set_yticks(range(len(ordered)), [name[:24] for name, _ in ordered])
        axes.set_xlabel("handle time over that of all agents with the same contacts")
        axes.margins(y=0.04)

    return drawn(draw, height=max(2.2, 0.6 + 0.24 * len(ordered)))


def _clock_labels(axes: Axes, found: Calibration) -> None:
    count = found.days.intervals
    step = max(1, -(-count // _MOST_LABELS))
    places = list(range(0, count, step))
    axes.set_xticks(places, [found.days.clock(place) for place in places])


def intervals(
    labels: Sequence[str],
    real: Sequence[float | None],
    middle: Sequence[float | None],
    low: Sequence[float | None],
    high: Sequence[float | None],
    *,
    share: bool,
    unit: str = "",
) -> str:
    """What happened in each interval (dots) over what the model expected (line and band)."""

    def draw(axes: Axes) -> None:
        nan = float("nan")
        x = numpy.arange(len(labels))
        below, line, above, dots = (
            numpy.array([nan if value is None else value for value in values]) for values in (low, middle, high, real)
        )
        axes.fill_between(x, below, above, color=COLOURS[0], alpha=0.15, linewidth=0)
        axes.plot(x, line, color=COLOURS[0], linewidth=1.6)
        axes.plot(x, dots, "o", color=COLOURS[1], markersize=4)
        step = max(1, -(-len(labels) // _MOST_LABELS))
        places = list(range(0, len(labels), step))
        axes.set_xticks(places, [labels[place] for place in places])
        most = float(numpy.nanmax([above, dots])) if numpy.isfinite([above, dots]).any() else 1.0
        if share:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
            axes.set_ylim(-0.01, min(1.03, max(0.05, most * 1.15)))
        else:
            axes.set_ylim(0, most * 1.15 or 1)
            axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.set_ylabel(unit)

    return drawn(draw)

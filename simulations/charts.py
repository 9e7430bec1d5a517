"""Plots that are not over the intervals of a day, as SVG text for the page."""

import io
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from simulations.plots import GRID, INK, STYLE
from simulations.statistics import Estimate

GOOD, BAD, OPEN = "#0a7d4f", "#b3400f", "#8a94a0"
LONGEST_NAME = 38

Whisker = tuple[str, Estimate, str]
"""What it is of, the estimate with its interval, and a colour."""


def whiskers(rows: Sequence[Whisker], scale: float, unit: str, describe: str) -> str:
    """Estimates with their intervals, one below the other, beside a line at zero. `describe` is for who hears it."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 0.75 + 0.3 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(0, color=INK, linewidth=1, zorder=1)
        for place, (_, estimate, colour) in enumerate(rows):
            if estimate.value is None:
                continue
            value, half = estimate.value * scale, (estimate.half_width or 0) * scale
            axes.plot([value - half, value + half], [place, place], color=colour, linewidth=2.4, solid_capstyle="round")
            axes.plot([value], [place], color=colour, marker="o", markersize=6, linestyle="none")
        names = [_short(name) for name, _, _ in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel(unit)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        return svg_text(figure, describe)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def svg_text(figure: Figure, describe: str) -> str:
    """The figure as one element with a description."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    quoted = describe.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'<svg role="img" aria-label="{quoted}"' + svg[svg.index("<svg") + 4 :]

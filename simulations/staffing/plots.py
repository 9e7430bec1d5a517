"""The plots of staffing, as SVG text for the report."""

from collections.abc import Sequence
from itertools import cycle

from matplotlib.axes import Axes

from simulations.plots import COLOURS, label_times, picture
from simulations.staffing.answer import StaffAnswer
from simulations.staffing.frontier import Frontier, Point

_MUTED = "#5b6672"


def staff_stairs(answer: StaffAnswer) -> str:
    """Agents of each group in each interval, one group on top of the other."""

    def draw(axes: Axes) -> None:
        base = [0.0] * len(answer.starts)
        edges = list(range(len(answer.starts) + 1))
        for colour, row in zip(cycle(COLOURS), answer.counts.values(), strict=False):
            top = [below + count for below, count in zip(base, row, strict=True)]
            axes.stairs(top, edges, baseline=base, fill=True, color=colour, edgecolor="white", linewidth=0.6)
            base = top
        axes.set_ylim(0, max(base) * 1.1 or 1)
        axes.set_ylabel("agents")
        label_times(axes, answer.starts, steps=True)

    return picture(draw)


def cost_curves(frontier: Frontier, shares: Sequence[float]) -> str:
    """Cost against seconds, a curve for each share; knees are ringed."""
    return picture(lambda axes: _curves(axes, frontier, shares, "cost", 1.0))


def abandon_curves(frontier: Frontier, shares: Sequence[float]) -> str:
    """Share abandoned, in per cent, against seconds."""
    return picture(lambda axes: _curves(axes, frontier, shares, "abandon", 100.0))


def _curves(axes: Axes, frontier: Frontier, shares: Sequence[float], field: str, scale: float) -> None:
    for colour, share in zip(cycle(COLOURS), shares, strict=False):
        points: list[Point] = [p for p in frontier.points if p.share == share and getattr(p, field) is not None]
        x, y = [p.within_s for p in points], [getattr(p, field) * scale for p in points]
        axes.plot(x, y, color=colour, linewidth=1.8, marker="o", markersize=3.2)
        for point, height in zip(points, y, strict=True):
            if point.knee:
                axes.plot([point.within_s], [height], "o", markersize=11, markerfacecolor="none", color=_MUTED)
    axes.set_xlabel("seconds promised")
    axes.set_ylabel("%" if scale > 1 else frontier.currency or "agent hours")
    if scale > 1:
        axes.set_ylim(bottom=0)

"""The report of a study: a page that needs nothing beside itself, and the same numbers as CSV and JSON."""

import csv
import io
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import jinja2
import msgspec

from router.core.measures import AGENT_METRICS
from simulations import plots
from simulations.results import Estimates, Results, SpanResult
from simulations.statistics import CONTACT_FIGURES, Estimate
from simulations.stopping import Stopped

MOST_LINES = 8
"""More queues than this are not drawn: the busiest are."""


def write_report(results: Results, directory: Path) -> dict[str, Path]:
    """Writes `report.html`, `metrics.csv` and `results.json`, each as a whole or not at all; returns their paths.

    Raises OSError when the directory cannot be written.
    """
    texts = {"report.html": html(results), "metrics.csv": csv_text(results), "results.json": json_text(results)}
    directory.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, text in texts.items():
        path = directory / name
        unfinished = path.with_name(f".{name}.{os.getpid()}")
        try:
            unfinished.write_text(text, encoding="utf-8", newline="")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        written[name] = path
    return written


def json_text(results: Results) -> str:
    return msgspec.json.format(msgspec.json.encode(results), indent=1).decode()


def csv_text(results: Results) -> str:
    """One row for each figure: span, of whom, metric, value, and the bounds of its confidence interval."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["span", "of", "name", "metric", "value", "low", "high"])
    for span, result in [("whole", results.whole), *((span.start, span) for span in results.intervals)]:
        for of, name, estimates in _parts(result):
            for metric, estimate in estimates.items():
                writer.writerow([span, of, _safe(name), metric, *map(_number, _bounds(estimate))])
    return out.getvalue()


def _parts(result: SpanResult) -> Iterator[tuple[str, str, Estimates]]:
    yield "all queues", "", result.all_queues
    for name, estimates in result.queues.items():
        yield "queue", name, estimates
    yield "all agents", "", result.all_agents | {"signed_in": result.signed_in, "busy": result.busy}
    for name, estimates in result.groups.items():
        yield "group", name, estimates


def _bounds(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"


def _safe(name: str) -> str:
    """A name that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{name}" if name[:1] in "=+-@\t\r" and name else name


def html(results: Results) -> str:
    busiest = sorted(results.whole.queues, key=lambda name: -(results.whole.queues[name]["arrived"].value or 0))
    shown = [name for name in results.whole.queues if name in busiest[:MOST_LINES]]
    template = resources.files("simulations").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "seconds": seconds, "plain": plain, "fine": fine, "duration": duration}
    environment.filters["stopping"] = stopping
    return environment.from_string(template).render(
        results=results,
        legend=list(zip(plots.COLOURS, shown, strict=False)),
        hidden=len(results.whole.queues) - len(shown),
        plots=_plots(results, shown) if len(results.intervals) > 1 else (),
        staffing_legend=list(zip(plots.COLOURS, ("signed in", "load of all arrivals", "busy"), strict=False)),
        metrics=[*CONTACT_FIGURES, *AGENT_METRICS],
    )


def _plots(results: Results, shown: list[str]) -> list[tuple[str, str, str, str]]:
    """Title, what it shows, which legend it needs, and the SVG."""
    return [
        (
            "Service level",
            "share answered within the target; dashed: the goal",
            "queues",
            plots.service_level(results, shown),
        ),
        ("Mean wait", "of all who arrived in the interval, answered or not", "queues", plots.mean_wait(results, shown)),
        ("Abandoned", "share of those offered, less short abandons", "queues", plots.abandoned(results, shown)),
        ("Queue length", "mean number waiting", "queues", plots.queue_length(results, shown)),
        ("Staffing and load", "agents", "staffing", plots.staffing(results)),
        ("Occupancy", "handling over handling plus ready time, all agents", "", plots.occupancy(results)),
    ]


# How people read estimates: in their unit, with the half-width beside.


def percent(estimate: Estimate) -> str:
    return _with_half_width(estimate, 100.0, " %", 1)


def seconds(estimate: Estimate) -> str:
    return _with_half_width(estimate, 0.001, " s", 1)


def plain(estimate: Estimate) -> str:
    return _with_half_width(estimate, 1.0, "", 1)


def fine(estimate: Estimate) -> str:
    return _with_half_width(estimate, 1.0, "", 2)


def _with_half_width(estimate: Estimate, scale: float, unit: str, places: int) -> str:
    if estimate.value is None:
        return "–"
    value = f"{estimate.value * scale:,.{places}f}{unit}"
    return f"{value} ± {estimate.half_width * scale:,.{places}f}" if estimate.half_width else value


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


def duration(minutes: float) -> str:
    """`90` minutes as people say it: `1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours:,.0f} h" if hours else "", f"{rest:g} min" if rest or not hours else ""]
    return " ".join(part for part in parts if part)

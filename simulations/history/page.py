"""The page of a calibration or of a back-test: one HTML file that needs nothing beside it."""

from importlib import resources
from typing import Any

import jinja2

from simulations.history import pictures
from simulations.history.backtest import BackTest, Cell
from simulations.history.calibration import Calibration, KindFit
from simulations.history.durations import Fit
from simulations.plots import COLOURS

MOST_KINDS = 12


def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(
            lambda name: resources.files("simulations").joinpath(f"templates/{name}").read_text(encoding="utf-8")
        ),
    )
    made.filters |= {"percent": percent, "seconds": seconds, "law": law_text, "number": number}
    return made


def calibration_html(found: Calibration, name: str) -> str:
    shown = found.fits[:MOST_KINDS]
    return (
        environment()
        .get_template("calibration.html.j2")
        .render(
            name=name,
            found=found,
            fits=found.fits,
            hidden=len(found.fits) - len(shown),
            weekdays=pictures.weekday_legend(found),
            totals=pictures.totals(found) if len(found.days.dates) > 1 else None,
            sections=[(fit, _plots(found, fit)) for fit in shown],
            speeds=pictures.speeds(found.speeds) if len(found.speeds) > 1 else None,
            most_agents=pictures.MOST_AGENTS,
            colours=COLOURS,
        )
    )


def _plots(found: Calibration, fit: KindFit) -> list[tuple[str, str, str]]:
    """Title, what it shows, the picture."""
    made = [("Arrivals", "mean of each weekday; the band is ± 2 standard errors", pictures.arrivals(found, fit))]
    if fit.handle is not None:
        made.append(("Handle time", _told(fit.handle), pictures.duration(fit.handle)))
        if (plot := pictures.quantiles(fit.handle)) is not None:
            what = "quantiles, measured over fitted: on the line where it fits"
            made.append(("Handle time, quantile by quantile", what, plot))
    if fit.patience is not None and len(fit.patience.survival.times_s):
        what = "share of callers who would still wait; the band is ± 2 standard errors"
        made.append(("Patience", what, pictures.patience(fit.patience)))
    return made


def _told(fit: Fit) -> str:
    return f"talk and hold of {fit.count:,} contacts, those above the 99th percentile left out; fitted: {fit.chosen}"


def law_text(document: dict[str, Any] | None) -> str:
    """A distribution in a few words."""
    if document is None:
        return "–"
    match document["distribution"]:
        case "mixture":
            first, second = document["parts"]
            return f"{first['share'] * 100:.1f} % at once, then {law_text(second['of'])}"
        case "empirical":
            return f"measured ({len(document['values'])} values)"
        case "constant":
            return f"{document['value']:g} s"
        case name:
            rest = ", ".join(
                f"{key} {value:g}" for key, value in document.items() if key not in ("distribution", "mean")
            )
            return f"{name}, mean {document['mean']:g} s" + (f", {rest}" if rest else "")


def percent(value: float | None, places: int = 1) -> str:
    return "–" if value is None else f"{value * 100:.{places}f} %"


def seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} s"


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


METRIC_NAMES = {"service_level_share": "service level", "asa_ms": "ASA", "abandon_share": "abandoned"}


def figure(metric: str, value: float | None) -> str:
    """A compared figure in its unit."""
    if value is None:
        return "–"
    return f"{value / 1000:,.1f} s" if metric.endswith("_ms") else f"{value * 100:.1f} %"


def difference(metric: str, value: float | None, error: float | None) -> str:
    """A bias with the half-width of its interval, in seconds or points."""
    if value is None:
        return "–"
    scale, unit = (0.001, "s") if metric.endswith("_ms") else (100.0, "points")
    return f"{value * scale:+,.1f}" + (f" ± {error * scale:,.1f}" if error is not None else "") + f" {unit}"


def back_test_html(test: BackTest, found: Calibration, name: str) -> str:
    labels = [found.days.clock(interval) for interval in range(found.days.intervals)]
    sections = [
        (
            queue,
            [(METRIC_NAMES[metric], _profile(labels, metric, test.profile[queue, metric])) for metric in METRIC_NAMES],
        )
        for queue in list(found.queues)[:MOST_KINDS]
    ]
    template = environment()
    template.filters |= {"figure": figure}
    return template.get_template("backtest.html.j2").render(
        name=name,
        test=test,
        zone=found.zone.key,
        sections=sections,
        names=METRIC_NAMES,
        figure=figure,
        difference=difference,
        colours=COLOURS,
    )


def _profile(labels: list[str], metric: str, cells: tuple[Cell, ...]) -> str:
    scale = 0.001 if metric.endswith("_ms") else 1.0

    def scaled(values: list[float | None]) -> list[float | None]:
        return [None if value is None else value * scale for value in values]

    columns = (
        [cell.real for cell in cells],
        [cell.mean for cell in cells],
        [cell.low for cell in cells],
        [cell.high for cell in cells],
    )
    real, mean, low, high = map(scaled, columns)
    share = not metric.endswith("_ms")
    return pictures.intervals(labels, real, mean, low, high, share=share, unit="" if share else "seconds")

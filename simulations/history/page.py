"""The report of a calibration, and that of a back-test."""

from collections.abc import Iterator
from typing import Any

from simulations.history import pictures
from simulations.history.backtest import BackTest
from simulations.history.backtest import Cell as Compared
from simulations.history.calibration import Calibration, KindFit
from simulations.history.days import WEEKDAYS, mean_and_error
from simulations.history.durations import Fit
from simulations.history.group_tables import groups
from simulations.history.words import law_text, number, percent, seconds
from simulations.plots import COLOURS
from simulations.reports import Cell, Column, Data, Figure, Report, Section, Table

MOST_KINDS = 12


def calibration_report(found: Calibration, name: str, results: Any) -> Report:
    """What was found, for people; `results` is the same for programs."""
    days = found.days
    count = len(days.dates)
    return Report(
        kind="calibration",
        title=f"{name}: what its records say",
        about=f"{count} day{'s' if count != 1 else ''}, {days.dates[0]} to {days.dates[-1]} ({found.zone.key}), "
        f"{days.clock(0)} to {days.clock(days.intervals)} in intervals of {days.interval_minutes} minutes.",
        answer=[dispersion_words(found)],
        warnings=[f"{note}." for note in found.notes],
        sections=list(_sections(found)),
        data=dict(_data(found)),
        results=results,
    )


def dispersion_words(found: Calibration) -> str:
    """Whether days differ more than chance allows."""
    together = found.together
    if together.p_value is None:
        return "There are too few days of the same weekday to tell how days differ."
    seen = f"index of dispersion {number(together.index)}, p = {number(together.p_value, 2)}"
    if together.found and together.scv is not None and together.scv_error is not None:
        return (
            f"Days differ: each has a factor with scv {number(together.scv)} ± {number(2 * together.scv_error, 2)} "
            f"({seen})."
        )
    return f"Days of a weekday differ no more than chance allows ({seen})."


def _of_days(found: Calibration) -> Iterator[str]:
    """How kinds are busy together, and whether intervals of a day differ more than its factor and chance allow."""
    if found.correlation is not None:
        yield f"The kinds' factors have a correlation of {found.correlation:.2f}."
    within = found.within
    if within is None:
        return
    seen = f"index of dispersion {number(within.index)}, p = {number(within.p_value, 2)}"
    if not within.found or within.scv_error is None:
        yield f"Within a day, intervals differ no more than chance allows ({seen})."
        return
    yield (
        f"Within a day, intervals differ too: each has a further factor with scv {number(within.scv)} ± "
        f"{number(2 * within.scv_error, 2)}, which resembles that before with a correlation of "
        f"{within.correlation:.2f} ({seen}). They make {number(within.of_days)} of the days' scv."
    )


def _sections(found: Calibration) -> Iterator[Section]:
    yield Section("Kinds of contacts", tables=[_kinds(found)])
    if found.flows:
        yield Section("Callers who come through flows", tables=[_flows(found)])
    if len(found.days.dates) > 1:
        yield Section(
            "Days",
            text=list(_of_days(found)),
            figures=[
                Figure("Contacts of each day", "by weekday", pictures.totals(found), pictures.weekday_legend(found))
            ],
        )
    for fit in found.fits[:MOST_KINDS]:
        yield Section(fit.name, figures=list(_plots(found, fit)))
    if len(found.fits) > MOST_KINDS:
        yield Section("Smaller kinds", text=[f"{len(found.fits) - MOST_KINDS} smaller kinds are not drawn."])
    yield _agents(found)
    if found.groups:
        yield groups(found)
    yield Section("Callers who call again", tables=[_redials(found)])
    if any(fit.keys for fit in found.fits):
        yield Section("Keys that waiting callers press", tables=[_keys(found)])
    if found.choices:
        yield Section("What callers choose", tables=[_choices(found)])


def _kinds(found: Calibration) -> Table:
    texts = ("kind", "queue", "contacts", "answered", "gave up", "handle time", "fitted", "distance", "patience")
    columns = [Column(head, text=head in ("kind", "queue", "fitted", "patience")) for head in (*texts, "distance")]
    rows = []
    for fit in found.fits:
        handle, patience = fit.handle, fit.patience
        rows.append(
            [
                *map(Cell, (fit.name, fit.queue, f"{fit.contacts:,}", f"{fit.answered:,}", f"{fit.abandoned:,}")),
                Cell(seconds(handle.mean_s), f"± {seconds(2 * handle.mean_error_s)}") if handle else Cell("–"),
                Cell(law_text(handle.document if handle else None)),
                Cell(percent(handle.candidates[0].distance) if handle and handle.candidates else "–"),
                Cell(law_text(patience.document if patience else None)),
                Cell(percent(patience.distance if patience else None)),
            ]
        )
    note = (
        "Handle time is talk and hold, without wrap-up, at the pace of an average agent. Distance is the greatest one "
        "between the measured and the fitted distribution function; up to 5 % it hardly shows in a simulation."
    )
    return Table(columns, rows, note=note)


def _flows(found: Calibration) -> Table:
    columns = [Column("callers", text=True), Column("number", text=True), Column("calls a day")]
    rows = [
        [Cell(flow.name), Cell(flow.number), Cell(f"{flow.counts.sum(axis=1).mean():,.1f}")] for flow in found.flows
    ]
    return Table(columns, rows)


def _plots(found: Calibration, fit: KindFit) -> Iterator[Figure]:
    what = "mean of each weekday; the band is ± 2 standard errors"
    yield Figure("Arrivals", what, pictures.arrivals(found, fit), pictures.weekday_legend(found))
    if fit.handle is not None:
        yield Figure("Handle time", _told(fit.handle), pictures.duration(fit.handle))
        if (plot := pictures.quantiles(fit.handle)) is not None:
            what = "quantiles, measured over fitted: on the line where it fits"
            yield Figure("Handle time, quantile by quantile", what, plot)
    if fit.patience is not None and len(fit.patience.survival.times_s):
        what = "share of callers who would still wait; the band is ± 2 standard errors"
        yield Figure("Patience", what, pictures.patience(fit.patience))
    if fit.keys:
        what = "share who have pressed the key, if nothing else ends the wait; the band is ± 2 standard errors"
        yield Figure("Keys while waiting", what, pictures.keys(fit.keys))


def _agents(found: Calibration) -> Section:
    ring = f"A phone rings for {seconds(found.ring.mean_s)} on average before it is answered. " if found.ring else ""
    text = f"{ring}{percent(found.refused_share)} of the offers were not answered or declined."
    if len(found.speeds) < 2:
        return Section("Agents", text=[text])
    what = "line: measured, ± 2 standard errors; dot: to plan with"
    if len(found.speeds) > pictures.MOST_AGENTS:
        what += f"; the {pictures.MOST_AGENTS} at the ends"
    return Section("Agents", text=[text], figures=[Figure("Pace", what, pictures.speeds(found.speeds))])


def _redials(found: Calibration) -> Table:
    heads = ("after", "known callers", "called again", "share", "after (mean)")
    rows = []
    for fate, (known, again) in found.redialling.after.items():
        delay = found.redialling.delays[fate]
        share = percent(again / known) if known else "–"
        rows.append([*map(Cell, (fate, f"{known:,}", f"{again:,}", share, seconds(delay.mean_s if delay else None)))])
    return Table([Column(head, text=head == "after") for head in heads], rows)


def _keys(found: Calibration) -> Table:
    heads = ("kind", "key", "presses", "share of who waits", "after", "leads to")
    rows = [
        [
            *map(Cell, (fit.name, key.key, f"{key.presses:,}")),
            Cell(percent(key.share), f"± {percent(2 * key.error)}"),
            Cell(law_text(key.after)),
            Cell(key.to_queue or "away"),
        ]
        for fit in found.fits
        for key in fit.keys
    ]
    note = (
        "The share of those who wait who press the key, if nothing else ends the wait (who was answered, or gave up, "
        "is censored), and when. Known as far as there were 20 who waited on."
    )
    return Table([Column(head, text=head in ("kind", "key", "after", "leads to")) for head in heads], rows, note=note)


def _choices(found: Calibration) -> Table:
    rows = []
    for node in found.choices:
        chosen = ", ".join(f"{choice} {percent(share)}" for choice, share in node.shares().items())
        others = f"; {sum(node.others.values()):,} by other exits" if node.others else ""
        rows.append([Cell(node.node), Cell(f"{node.total:,}"), Cell(chosen + others)])
    return Table([Column("node", text=True), Column("callers"), Column("choices", text=True)], rows)


def _data(found: Calibration) -> Iterator[tuple[str, Data]]:
    days = found.days
    yield (
        "kinds",
        Data(
            ["kind", "queue", "contacts", "answered", "abandoned", "handle_mean_s", "handle_standard_error_s",
             "handle_scv", "handle_fitted", "patience_fitted"],
            [
                [fit.name, fit.queue, fit.contacts, fit.answered, fit.abandoned,
                 *((fit.handle.mean_s, fit.handle.mean_error_s, fit.handle.scv) if fit.handle else (None, None, None)),
                 law_text(fit.handle.document if fit.handle else None),
                 law_text(fit.patience.document if fit.patience else None)]
                for fit in found.fits
            ],
        ),
    )  # fmt: skip
    counts = [(fit.name, days.counts[found.kinds.names.index(fit.name)]) for fit in found.fits]
    counts += [(flow.name, flow.counts) for flow in found.flows]
    rows = []
    for name, of_days in counts:
        for weekday in found.weekdays():
            mean, error = mean_and_error(of_days[found.of_weekday(weekday)])
            rows += [
                [name, WEEKDAYS[weekday], days.clock(i), float(mean[i]), float(error[i])] for i in range(days.intervals)
            ]
    yield "arrivals", Data(["kind", "weekday", "interval", "mean", "standard_error"], rows)
    totals = [[str(day), *(int(of_days[i].sum()) for _, of_days in counts)] for i, day in enumerate(days.dates)]
    yield "days", Data(["day", *(name for name, _ in counts)], totals)
    agents = [[agent, one.contacts, one.mean_s, one.raw, one.factor] for agent, one in found.speeds.items()]
    yield "agents", Data(["agent", "contacts", "mean_s", "raw_factor", "factor"], agents)
    yield (
        "groups",
        Data(
            ["group", "queues", "agent", "group_factor", "equal_paces_p_value", "why"],
            [
                [group.name, ", ".join(group.queues), agent, group.factor, group.p_value, group.why]
                for group in found.groups
                for agent in group.agents
            ],
        ),
    )
    still = [
        [fit.name, float(at), float(share), float(error)]
        for fit in found.fits
        if fit.patience is not None
        for at, share, error in zip(
            fit.patience.survival.times_s, fit.patience.survival.patient, fit.patience.survival.error, strict=True
        )
    ]
    yield "patience", Data(["kind", "seconds", "patient_share", "standard_error"], still)
    keys = [
        [fit.name, key.key, float(at), float(share), float(error)]
        for fit in found.fits
        for key in fit.keys
        for at, share, error in zip(key.incidence.times_s, key.incidence.share, key.incidence.error, strict=True)
    ]
    if keys:
        yield "keys", Data(["kind", "key", "seconds", "pressed_share", "standard_error"], keys)
    if found.choices:
        chosen = [[node.node, choice, count] for node in found.choices for choice, count in node.counts.items()]
        yield "choices", Data(["node", "choice", "callers"], chosen)


def _told(fit: Fit) -> str:
    return f"talk and hold of {fit.count:,} contacts, those above the 99th percentile left out; fitted: {fit.chosen}"


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


def back_test_report(test: BackTest, found: Calibration, name: str, results: Any) -> Report:
    """How far the model is from what happened, for people; `results` is the same for programs."""
    level = f"{test.level * 100:g} %"
    labels = [found.days.clock(interval) for interval in range(found.days.intervals)]
    ended = f"Ended early ({test.ended}): the figures are of {test.replications} replications of each day."
    sections = [Section("Real and model", tables=[_verdicts(test, level)])]
    for queue in list(found.queues)[:MOST_KINDS]:
        legend = [(COLOURS[1], "real"), (COLOURS[0], f"model, with its {level} range")]
        what, profile = "all days of the test together", test.profile
        plots = [
            Figure(words, what, _profile(labels, metric, profile[queue, metric]), legend)
            for metric, words in METRIC_NAMES.items()
        ]
        sections.append(Section(queue, figures=plots))
    return Report(
        kind="back-test",
        title=f"{name}: what the model is worth",
        about=f"Fitted on {len(test.trained)} days ({test.trained[0]} to {test.trained[-1]}); played on "
        f"{len(test.tested)} others ({test.tested[0]} to {test.tested[-1]}, {found.zone.key}) with their real arrivals "
        f"and staff, {test.replications} times each.",
        answer=[_bias_words(test)],
        warnings=[*([ended] if test.ended else []), *(f"{note}." for note in test.notes)],
        sections=sections,
        data={
            "figures": Data(
                ["queue", "figure", "real", "model", "bias", "bias_half_width", "intervals", "coverage"],
                [
                    [each.queue or "all queues", each.metric, each.real, each.model, each.bias, each.bias_error,
                     each.judged, each.coverage]
                    for each in test.verdicts
                ],
            ),
            "intervals": Data(
                ["day", "interval", "queue", "figure", "offered", "real", "model", "low", "high"],
                [
                    [str(cell.day), found.days.clock(cell.interval), cell.queue, metric, cell.offered, cell.real,
                     cell.mean, cell.low, cell.high]
                    for metric, cells in test.cells.items()
                    for cell in cells
                ],
            ),
        },
        results=results,
    )  # fmt: skip


def _bias_words(test: BackTest) -> str:
    """Which figures of the whole the model surely gets wrong."""
    whole = [each for each in test.verdicts if not each.queue] or list(test.verdicts)
    wrong = [
        f"{METRIC_NAMES[each.metric]} {difference(each.metric, each.bias, each.bias_error)}"
        for each in whole
        if each.bias is not None and each.bias_error is not None and abs(each.bias) > each.bias_error
    ]
    if not wrong:
        return "No figure is off by more than chance explains (95 % confidence)."
    return f"Surely off (95 % confidence), the model less reality: {'; '.join(wrong)}."


def _verdicts(test: BackTest, level: str) -> Table:
    heads = ("queue", "figure", "real", "model", "bias ± 95 %", "intervals judged", f"within their {level} range")
    rows = [
        [
            Cell(verdict.queue or "all queues"),
            Cell(METRIC_NAMES[verdict.metric]),
            Cell(figure(verdict.metric, verdict.real)),
            Cell(figure(verdict.metric, verdict.model)),
            Cell(difference(verdict.metric, verdict.bias, verdict.bias_error)),
            Cell(f"{verdict.judged}"),
            Cell(percent(verdict.coverage)),
        ]
        for verdict in test.verdicts
    ]
    note = (
        "An interval is judged if five contacts or more came in it on that day. If the model varies like real days, "
        f"about {level} of them lie within their range. The bias is the model less reality, with its 95 % confidence "
        "interval from the differences of single days."
    )
    strong = [place for place, verdict in enumerate(test.verdicts) if not verdict.queue]
    return Table([Column(head, text=head in ("queue", "figure")) for head in heads], rows, strong, note)


def _profile(labels: list[str], metric: str, cells: tuple[Compared, ...]) -> str:
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

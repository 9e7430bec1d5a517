"""The page of a what-if: routing and staffing changes beside the present, and who should learn what."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simulations import charts
from simulations.report import HOW_ESTIMATED, metric_definitions, money_definitions, queue_table
from simulations.reports import Cell, Column, Data, Figure, Report, Section, Table, Tile, cell, write
from simulations.reports.figures import plain
from simulations.reports.frame import Mark
from simulations.results import Estimates
from simulations.statistics import Estimate
from simulations.what_if import words
from simulations.what_if.answer import Answer, ChangeResult, Compared
from simulations.what_if.figures import FIGURES, MONEY

MOST_SHOWN = 25
MARKS: dict[str, Mark] = {"better": "good", "worse": "bad", "unclear": "open"}
COLOURS = {"better": charts.GOOD, "worse": charts.BAD, "unclear": charts.OPEN}
NOTE = (
    "Below each figure: its difference from the present. ✓ better, ✗ worse, as far as the whole interval says so; "
    "≈ not shown to differ."
)


def write_report(answer: Answer, directory: Path) -> dict[str, Path]:
    return write(report_of(answer), directory)


def report_of(answer: Answer) -> Report:
    sections = []
    if answer.changes:
        sections.append(_changes(answer))
        sections.append(_by_queue(answer))
    if answer.training:
        sections.append(_training(answer))
    if answer.actual:
        sections.append(_actual(answer))
    title = "The model of that day" if answer.actual else "The present"
    sections.append(Section(f"{title}, queue by queue", tables=[queue_table(answer.present)]))
    money = money_definitions() if answer.present.money else []
    return Report(
        kind="what-if",
        title=answer.name,
        about=words.about(answer),
        answer=words.verdict(answer),
        warnings=words.warnings(answer),
        tiles=_tiles(answer),
        sections=sections,
        definitions=[*metric_definitions(), *money],
        definitions_note=f"{HOW_ESTIMATED} A difference is taken replication by replication, with the same callers.",
        data={"changes": _data(answer.present, answer.changes)} | _training_data(answer),
        results=answer,
    )


def _tiles(answer: Answer) -> list[Tile]:
    values = {**answer.present.whole.all_queues, **answer.present.whole.all_agents, **answer.present.money}
    of = "Model" if answer.actual else "Now"
    return [Tile(f"{of}: {FIGURES[name].head}", _shown(answer, name, values)) for name in words.shown_figures(answer)]


def _shown(answer: Answer, name: str, values: Estimates) -> str:
    text = FIGURES[name].shown(values[name])
    return text.replace(" ±", f" {answer.present.currency} ±", 1) if _is_amount(answer, name) else text


def _is_amount(answer: Answer, name: str) -> bool:
    return bool(answer.present.currency) and name in MONEY and name.endswith(("_cost", "_saving"))


def _actual(answer: Answer) -> Section:
    """The day beside the model of it."""
    rows = []
    for row in answer.actual:
        figure = FIGURES.get(row.metric)
        shown = figure.shown if figure else plain
        mark: Mark = "" if row.within is None else "good" if row.within else "bad"
        low, high = shown(Estimate(row.low)), shown(Estimate(row.high))
        rows.append(
            [
                Cell("all agents" if row.metric == "occupancy_share" else row.queue or "all queues"),
                Cell(figure.words.removeprefix("the ") if figure else row.metric),
                Cell(shown(Estimate(row.measured)), "", mark),
                Cell(shown(Estimate(row.predicted))),
                Cell(f"{low} to {high}" if row.low is not None else "–"),
            ]
        )
    columns = [Column("of", text=True), Column("figure", text=True)]
    columns += map(Column, ("really", "in the model", "95 % of the model's days"))
    note = "✓ the day lies where 95 % of the model's days lie, ✗ it does not."
    return Section("What really happened, and the model of it", tables=[Table(columns, rows, note=note)])


def _changes(answer: Answer) -> Section:
    return Section(
        "What each change does",
        tables=[_table(answer, answer.changes, "change")],
        figures=[_whiskers(answer, answer.changes, name) for name in words.shown_figures(answer)],
    )


def _table(answer: Answer, results: Sequence[ChangeResult], head: str) -> Table:
    names = words.shown_figures(answer)
    columns = [Column(head, text=True), *(Column(FIGURES[name].head) for name in names), Column("verdict", text=True)]
    present = {**answer.present.whole.all_queues, **answer.present.whole.all_agents, **answer.present.money}
    rows = []
    if answer.actual:
        really = (Cell(FIGURES[name].shown(Estimate(answer.really(name)))) for name in names)
        rows.append([Cell("what really happened"), *really, Cell("")])
    now = (Cell(FIGURES[name].shown(present[name]).partition(" ± ")[0]) for name in names)
    rows.append([Cell(words.base_name(answer)), *now, Cell("")])
    for result in results[:MOST_SHOWN]:
        cells = [_change_cell(result.of(name)) for name in names]
        rows.append([Cell(result.name), *cells, Cell(words.sentence(answer, result))])
    more = f" And {len(results) - MOST_SHOWN} more in the data." if len(results) > MOST_SHOWN else ""
    return Table(columns, rows, note=NOTE + more)


def _change_cell(compared: Compared | None) -> Cell:
    """The value, and small below it the difference with its half-width."""
    if compared is None:
        return Cell("–")
    figure = FIGURES[compared.figure]
    value = figure.shown(compared.value).partition(" ± ")[0]
    return Cell(value, words.difference(figure, compared.difference), MARKS[compared.verdict] if figure.better else "")


def _whiskers(answer: Answer, results: Sequence[ChangeResult], name: str, queue: str = "") -> Figure:
    figure = FIGURES[name]
    shown = [(result.name, found) for result in results[:MOST_SHOWN] if (found := result.of(name, queue)) is not None]
    unit = figure.unit or (answer.present.currency if _is_amount(answer, name) else "")
    better = {"more": "to the right is better", "less": "to the left is better", "": "neither way is better"}
    colours = COLOURS if figure.better else dict.fromkeys(COLOURS, charts.OPEN)
    rows = [(title, found.difference, colours[found.verdict]) for title, found in shown]
    title = figure.head[:1].upper() + figure.head[1:]
    what = f"difference from the present with its interval; {better[figure.better]}"
    return Figure(title, what, charts.whiskers(rows, figure.scale, unit, f"{title}: {what}"))


def _by_queue(answer: Answer) -> Section:
    queues = list(answer.present.whole.queues)
    if len(queues) < 2:
        return Section("Queue by queue", text=["There is one queue alone."], folded=True)
    tables = []
    for name in ("service_level_share", "asa_ms", "abandon_share"):
        rows = [
            [Cell(result.name), *(_change_cell(result.of(name, queue)) for queue in queues)]
            for result in answer.changes[:MOST_SHOWN]
        ]
        now = [cell(FIGURES[name].shown(answer.present.whole.queues[queue][name])) for queue in queues]
        columns = [Column(FIGURES[name].head, text=True), *(Column(queue) for queue in queues)]
        tables.append(Table(columns, [[Cell(words.base_name(answer)), *now], *rows]))
    return Section("Queue by queue", tables=tables)


def _training(answer: Answer) -> Section:
    by = FIGURES[answer.decide_by].words
    return Section(
        "Who should learn what next",
        text=[f"Each training alone, in order of what it does for {by}. After one is done, the order may be another."],
        tables=[_table(answer, answer.training, "training")],
        figures=[_whiskers(answer, answer.training, answer.decide_by, answer.queue)],
        wide=True,
    )


_HEADER = ("change", "who", "skill", "queue", "figure", "value", "low", "high")
_DIFFERENCE = ("difference", "difference_low", "difference_high", "verdict")


def _data(present: Any, results: Sequence[ChangeResult]) -> Data:
    return Data((*_HEADER, *_DIFFERENCE), [*_present_rows(present), *_rows(results)])


def _training_data(answer: Answer) -> dict[str, Data]:
    return {"training": Data((*_HEADER, *_DIFFERENCE), list(_rows(answer.training)))} if answer.training else {}


def _present_rows(present: Any) -> Iterator[Sequence[Any]]:
    whole = present.whole
    for queue, values in [("", {**whole.all_queues, **whole.all_agents, **present.money}), *whole.queues.items()]:
        for name in FIGURES:
            if name in values:
                of = values[name]
                yield "", "", "", queue, name, of.value, of.low, of.high, None, None, None, ""


def _rows(results: Sequence[ChangeResult]) -> Iterator[Sequence[Any]]:
    for result in results:
        for one in result.compared:
            value, by = one.value, one.difference
            head = (result.name, result.who, result.skill, one.queue, one.figure)
            yield *head, value.value, value.low, value.high, by.value, by.low, by.high, one.verdict

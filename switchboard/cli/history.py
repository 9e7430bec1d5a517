"""`switchboard history`: from a phone system's own records to a scenario, and what that scenario is worth."""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from documents import why
from switchboard.cli.places import EngineName, EngineOption, ended_with, nothing_done, tell_engine

# pyarrow, numpy and SQLAlchemy take a second to load, which no other command should pay for.
if TYPE_CHECKING:
    from simulations.history.backtest import BackTest
    from simulations.history.calibration import Calibration
    from simulations.setting import Centre
    from switchboard.history.importing import Import

app = typer.Typer(no_args_is_help=True, help="Bring your own records: import them, calibrate, back-test.")
errors = Console(stderr=True, highlight=False)
_WIDE = 110
_SHOWN_REASONS, _SHOWN_ROWS = 12, 8


def console() -> Console:
    """Wide enough for every figure where the output is no terminal."""
    return Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=_WIDE)


@app.command("import")
def import_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files (queue_log, Master.csv, CSV, Parquet), directories (a centre, an engine's journals), "
            "or addresses of databases (postgresql+psycopg://user@host/name).",
            show_default=False,
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="The history's directory.")] = Path("history"),
    mapping: Annotated[Path | None, typer.Option(help="What the columns of a CSV or Parquet file mean (YAML).")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="The zone of times without one, and of the planner's days: Europe/Madrid.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(help="queue-log, cdr, csv, parquet, records or journal; by default what it looks like."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of text files; by default what they look like.")] = None,
    table: Annotated[str | None, typer.Option(help="The database's table; by default cdr or queue_log.")] = None,
    application: Annotated[
        list[str], typer.Option(help="CDRs: the dialplan applications whose records are contacts.")
    ] = ["Queue"],  # noqa: B006
    context: Annotated[list[str], typer.Option(help="CDRs: only these dialplan contexts.")] = [],  # noqa: B006
    add: Annotated[bool, typer.Option("--add", help="Put them into the history that is there.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Make the history anew.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Write nothing if a single row is refused.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Read the records of a phone system into one normal form. Every row refused is listed with line and reason."""
    from documents import nearest
    from switchboard.history.importing import FORMATS, Options, import_history

    if format is not None and format not in FORMATS:
        raise typer.BadParameter(f"there is no format {format!r} ({nearest(format, FORMATS)})")
    options = Options(format, mapping, time_zone, encoding, table, tuple(application), tuple(context))
    made = import_history(sources, to, options, add=add, replace=replace)
    stopped = strict and len(made.refusals) > 0
    if not stopped:
        try:
            made.write(to)
        except OSError as error:
            _cannot_write(to, error)
    if json:
        typer.echo(_json(made, to))
    else:
        _print_import(made, to, stopped)
    if stopped:
        errors.print("Nothing was written, because rows were refused (--strict).")
        raise typer.Exit(1)


Where = Annotated[Path, typer.Argument(help="The history's directory.")]
Zone = Annotated[str | None, typer.Option(help="The planner's clock, in the place of the history's.")]
Interval = Annotated[int, typer.Option(min=5, max=1440, help="The length of an interval, in minutes.")]
Hours = Annotated[
    str | None, typer.Option(help="The hours that count, such as 08:00-18:00; by default all with calls.")
]
AtCentre = Annotated[
    Path | None,
    typer.Option(help="The centre's directory: callers then come through its flows, by its numbers and policy."),
]
Queues = Annotated[list[str], typer.Option("--queue", help="Only these queues.")]


@app.command()
def calibrate(
    history: Where = Path("history"),
    out: Annotated[Path, typer.Option(help="Where the scenarios and the page go.")] = Path("calibrated"),
    name: Annotated[
        str | None, typer.Option(help="What the scenarios are called after; by default the history.")
    ] = None,
    time_zone: Zone = None,
    interval: Interval = 30,
    hours: Hours = None,
    queue: Queues = [],  # noqa: B006
    centre: AtCentre = None,
    each_agent: Annotated[
        bool, typer.Option("--each-agent", help="Every agent apart, with own shifts and pace, instead of groups.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Find out how callers and agents behave, and write scenarios that behave alike, with a page of pictures."""
    from simulations.history.calibration import calibrate as find
    from simulations.history.directory import read_history
    from simulations.history.writing import calibration_figures, calibration_files, write_files
    from simulations.reports.files import json_text

    read = read_history(history)
    found = find(
        read,
        zone=time_zone,
        interval_minutes=interval,
        hours=_hours(hours, interval),
        queues=queue or None,
        centre=None if centre is None else _centre(centre),
    )
    called = name or history.resolve().name
    at = os.path.relpath(centre, out) if centre is not None else ""
    files = calibration_files(found, called, at, each_agent=each_agent)
    try:
        written = write_files(files, out)
    except OSError as error:
        _cannot_write(out, error)
    if json:
        typer.echo(json_text(calibration_figures(found, called)))
    else:
        _print_calibration(found, written)


def _centre(directory: Path) -> "Centre":
    from simulations.setting import Centre
    from switchboard.centre import load_centre

    loaded = load_centre(directory)
    return Centre(loaded.policy, loaded.library, dict(loaded.numbers))


@app.command()
def backtest(
    history: Where = Path("history"),
    out: Annotated[Path, typer.Option(help="Where the page and the figures go.")] = Path("backtest"),
    name: Annotated[str | None, typer.Option(help="What the page is called; by default the history.")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="How many of the last days to test on; by default a third.")
    ] = None,
    replications: Annotated[int, typer.Option(min=2, max=10_000, help="How often each day is played.")] = 30,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="What the predicted ranges should hold.")] = 0.9,
    answered_within: Annotated[
        float | None,
        typer.Option(min=0, help="The seconds of the service level: 20, or with --centre those of its queues."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The seed.")] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes side by side; by default one a CPU.")] = None,
    engine: EngineOption = EngineName.AUTO,
    time_zone: Zone = None,
    interval: Interval = 30,
    hours: Hours = None,
    queue: Queues = [],  # noqa: B006
    centre: AtCentre = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Fit on some days, play the others with their real arrivals, and tell how far the model is from what happened."""
    from simulations.history.backtest import USUAL_WITHIN_S, back_test, split
    from simulations.history.calibration import calibrate as find
    from simulations.history.directory import read_history
    from simulations.history.writing import back_test_figures, back_test_files, write_files
    from simulations.places import PlaceLost, local
    from simulations.reports.files import json_text

    if centre is not None and answered_within is not None:
        message = "the centre's queues have goals of their own; change answered_within_s there"
        raise typer.BadParameter(message, param_hint="--answered-within")
    read = read_history(history)
    fit = partial(
        find,
        read,
        zone=time_zone,
        interval_minutes=interval,
        hours=_hours(hours, interval),
        queues=queue or None,
        centre=None if centre is None else _centre(centre),
    )
    everything = fit()
    learn, test = split(everything, days)
    found = fit(dates=learn)
    columns = (TextColumn("days played"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("days", total=replications * len(test))
        try:
            result = back_test(
                read,
                found,
                everything,
                test,
                local(jobs or os.cpu_count() or 1),
                replications=replications,
                level=level,
                answered_within_s=USUAL_WITHIN_S if answered_within is None else answered_within,
                seed=seed,
                progress=lambda done: progress.update(task, completed=done),
                engine=engine.value,
            )
        except (KeyboardInterrupt, PlaceLost) as error:
            nothing_done(str(error) or "interrupted")
    tell_engine(result.engine, result.notices)
    called = name or history.resolve().name
    try:
        written = write_files(back_test_files(result, found, called), out)
    except OSError as error:
        _cannot_write(out, error)
    if json:
        typer.echo(json_text(back_test_figures(result, found, called)))
    else:
        _print_back_test(result, written)
    if result.ended:
        ended_with(result.ended, f"the figures are of {result.replications} replications of each day.")


def _print_back_test(test: "BackTest", paths: list[Path]) -> None:
    from simulations.history.page import METRIC_NAMES, difference, figure
    from simulations.history.words import percent

    out = console()
    span = f"Fitted on {_of(len(test.trained), 'day')}, {test.trained[0]} to {test.trained[-1]}"
    out.print(
        f"{span}; played on {len(test.tested)}, {test.tested[0]} to {test.tested[-1]}, {test.replications} times each",
        style="bold",
        markup=False,
    )
    table = Table(box=None, padding=(0, 1))
    table.add_column("queue", overflow="fold")
    table.add_column("figure")
    for heading in ("real", "model", "bias ± 95 %", "intervals", f"within {test.level * 100:g} %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for verdict in test.verdicts:
        table.add_row(
            escape(verdict.queue or "all queues"),
            METRIC_NAMES[verdict.metric],
            figure(verdict.metric, verdict.real),
            figure(verdict.metric, verdict.model),
            difference(verdict.metric, verdict.bias, verdict.bias_error),
            f"{verdict.judged}",
            percent(verdict.coverage),
            style="" if verdict.queue else "bold",
        )
    out.print(table)
    for note in test.notes:
        out.print(f"Note: {note}.", markup=False)
    _print_paths(out, paths)


def _print_paths(out: Console, paths: list[Path]) -> None:
    """What people open, and which tables are beside it."""
    tables = [path.stem for path in paths if path.suffix == ".csv"]
    out.print()
    for path in paths:
        if path.suffix not in (".csv", ".parquet"):
            out.print(str(path), markup=False, soft_wrap=True)
    out.print(f"Beside them as CSV and Parquet: {', '.join(tables)}.", markup=False, soft_wrap=True)


def _hours(text: str | None, interval: int) -> tuple[int, int] | None:
    """The minutes of the day of `08:00-18:00`."""
    from simulations.clock import shift_minutes

    if text is None:
        return None
    try:
        first, last = shift_minutes(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--hours") from None
    if last > 1440 or (last - first) % interval:
        raise typer.BadParameter(
            f"{text!r} must lie within one day and be a multiple of {interval} minutes", param_hint="--hours"
        )
    return first, last


def _cannot_write(directory: Path, error: OSError) -> NoReturn:
    errors.print(f"{directory}: nothing can be written there: {why(error)}", markup=False, soft_wrap=True)
    raise typer.Exit(3) from None


def _print_calibration(found: "Calibration", paths: list[Path]) -> None:
    from simulations.history.page import dispersion_words
    from simulations.history.words import law_text, percent, seconds

    out = console()
    days = found.days
    kinds = Table(box=None, padding=(0, 1))
    kinds.add_column("kind", overflow="fold")
    for heading in ("contacts", "gave up"):
        kinds.add_column(heading, justify="right")
    kinds.add_column("handle time")
    kinds.add_column("patience")
    for fit in found.fits:
        handle = fit.handle.document if fit.handle else None
        patience = fit.patience.document if fit.patience else None
        gave_up = percent(fit.abandoned / fit.contacts)
        kinds.add_row(escape(fit.name), f"{fit.contacts:,}", gave_up, law_text(handle), law_text(patience))
    span = f"{_of(len(days.dates), 'day')}, {days.dates[0]} to {days.dates[-1]} ({found.zone.key})"
    out.print(f"{span}, {days.clock(0)} to {days.clock(days.intervals)}", style="bold", markup=False)
    out.print(kinds)
    out.print()
    out.print(dispersion_words(found), markup=False)
    ring = f"phones ring for {seconds(found.ring.mean_s)}; " if found.ring else ""
    agents = f"{_of(len(found.speeds), 'agent')} in {_of(len(found.groups), 'group')}"
    out.print(f"{agents}; {ring}{percent(found.refused_share)} of the offers refused.", markup=False)
    for note in found.notes:
        out.print(f"Note: {note}.", markup=False)
    _print_paths(out, paths)


def _print_import(made: "Import", to: Path, stopped: bool) -> None:
    out = console()
    table = Table(box=None, padding=(0, 1))
    table.add_column("source", overflow="fold")
    table.add_column("format")
    table.add_column("contacts", justify="right")
    table.add_column("rows refused", justify="right")
    for source in made.sources:
        table.add_row(escape(source["source"]), source["format"], f"{source['contacts']:,}", f"{source['refused']:,}")
    out.print(table)
    refused = made.refusals.by_reason()
    if refused:
        out.print()
        reasons = Table(box=None, padding=(0, 1))
        reasons.add_column("refused", justify="right")
        reasons.add_column("why")
        reasons.add_column("file", overflow="fold")
        for file, reason, count in refused[:_SHOWN_REASONS]:
            reasons.add_row(f"{count:,}", escape(reason), escape(file))
        out.print(reasons)
        if len(refused) > _SHOWN_REASONS:
            out.print(f"and {len(refused) - _SHOWN_REASONS} more reasons")
        for name, line, reason, value in made.refusals.examples(_SHOWN_ROWS):
            out.print(f"  {_plain(name)}:{line}: {reason}" + (f": {_plain(value)}" if value else ""), markup=False)
    for note in made.notes:
        out.print(f"\n{note}", markup=False)
    out.print()
    for said in _summary(made):
        out.print(said, markup=False)
    if not stopped:
        out.print(f"\n{to}/contacts.parquet", markup=False)
        out.print(f"{to}/refused.csv", markup=False)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:100]


def _summary(made: "Import") -> list[str]:
    import pyarrow.compute as pc

    from simulations.history.form import OUTCOMES

    history = made.history
    contacts = history.contacts
    zone = history.about["time_zone"]
    first, last = (
        _clock(value, zone) for value in (contacts["arrived_ms"][0].as_py(), contacts["arrived_ms"][-1].as_py())
    )
    counts = {row["values"]: row["counts"] for row in contacts["outcome"].value_counts().to_pylist()}
    ends = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES if outcome in counts)
    queues = pc.count_distinct(contacts["queue"]).as_py()
    agents = pc.count_distinct(
        pc.drop_null(pc.if_else(pc.equal(contacts["agent"], ""), None, contacts["agent"]))
    ).as_py()
    span = f"{_of(len(contacts), 'contact')} from {first} to {last} ({zone or 'UTC'})"
    return [f"{span}, {_of(queues, 'queue')}, {_of(agents, 'agent')}", ends]


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _clock(at_ms: int, zone: str | None) -> str:
    from zoneinfo import ZoneInfo

    return f"{datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone) if zone else UTC):%Y-%m-%d %H:%M}"


def _json(made: "Import", to: Path) -> str:
    import msgspec

    said: dict[str, Any] = {
        "history": str(to),
        "contacts": len(made.history.contacts),
        "sources": made.sources,
        "refused": [
            {"file": file, "reason": reason, "rows": count} for file, reason, count in made.refusals.by_reason()
        ],
        "notes": made.notes,
    }
    return msgspec.json.format(msgspec.json.encode(said), indent=1).decode()

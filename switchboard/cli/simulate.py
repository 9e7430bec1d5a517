"""`switchboard simulate`: a scenario played many times over the real router and the real flows."""

import atexit
import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from switchboard.cli.places import (
    ClusterOption,
    EngineName,
    EngineOption,
    ended_early,
    nothing_done,
    place_of,
    tell_engine,
)

# numpy, SciPy and matplotlib take a second to load, which no other command should pay for.
if TYPE_CHECKING:
    from simulations.engines import Engine
    from simulations.places import Place
    from simulations.replications import Study
    from simulations.results import Estimates, Results
    from simulations.setting import Setting

errors = Console(stderr=True, highlight=False)


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(
    scenario: Annotated[Path, typer.Argument(help="The scenario (YAML).", show_default=False)],
    centre: Annotated[
        Path | None, typer.Option(help="The centre's directory, in the place of the one the scenario names.")
    ] = None,
    replications: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="How often, in the place of the scenario's number or half-width."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes side by side; by default one a CPU.")] = None,
    cluster: ClusterOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed, in the place of the scenario's.")] = None,
    engine: EngineOption = EngineName.AUTO,
    out: Annotated[Path | None, typer.Option(help="Where the report goes; by default var/simulations/NAME.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON instead of a table.")] = False,
) -> None:
    """Play a scenario many times and tell what callers and agents would meet, with confidence intervals."""
    from simulations.reports.files import json_text
    from simulations.results import summarise

    setting = read_setting(scenario, centre, replications, seed)
    directory = out or Path("var/simulations") / as_file_name(setting.scenario.name)
    make_directory(directory)
    study = _run(setting, place_of(jobs, cluster), engine.value)
    if not study.outcomes:
        nothing_done(study.ended)
    results = summarise(study)
    written = _written(results, directory)
    if json:
        typer.echo(json_text(results))
    else:
        _print(results, list(written.values()))
    if not study.complete:
        ended_early(study.ended, len(study.outcomes), study.wanted)


def as_file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name).strip("-").lower()[:60] or "scenario"


def make_directory(directory: Path) -> None:
    """Before the work, so that it is not in vain; a command that ends without a report takes it away again."""
    new = not directory.exists()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _cannot_write(error)
    if new:
        atexit.register(_remove_if_empty, directory)


def _remove_if_empty(directory: Path) -> None:
    with contextlib.suppress(OSError):
        directory.rmdir()


@contextlib.contextmanager
def refuse_unwritable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _cannot_write(error)


def _written(results: "Results", directory: Path) -> dict[str, Path]:
    from simulations.report import write_report

    with refuse_unwritable():
        return write_report(results, directory)


def _cannot_write(error: OSError) -> NoReturn:
    errors.print(f"The report cannot be written: {error}", markup=False, soft_wrap=True)
    raise typer.Exit(3) from None


def read_setting(path: Path, centre: Path | None, replications: int | None, seed: int | None) -> "Setting":
    """The scenario in this file with what was asked for on the command line, and its centre."""
    from simulations.setting import Centre, read_scenario, settle

    source, scenario = read_scenario(path)
    given = {"replications": replications, "seed": seed}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if replications is not None:
        changes["until_half_width"] = None
    scenario = scenario.model_copy(update=changes)
    directory = centre or (path.parent / scenario.centre if scenario.centre is not None else None)
    if directory is None:
        return settle(source, scenario, None)
    from switchboard.centre import load_centre

    loaded = load_centre(directory)
    return settle(source, scenario, Centre(loaded.policy, loaded.library, dict(loaded.numbers)))


def _run(setting: "Setting", place: "Place", engine: "Engine") -> "Study":
    from simulations.replications import run_study

    with progress_bar(setting.scenario.most_replications) as progress:
        study = run_study(setting, 1, progress, place, engine)
    tell_engine(study.engine, study.notices)
    return study


@contextlib.contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    """A bar of replications on the terminal; what is given is told how many are done."""
    columns = (TextColumn("replications"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("replications", total=total)
        yield lambda done: progress.update(task, completed=done)


def _print(results: "Results", paths: list[Path]) -> None:
    from simulations.report import controlled, stopping
    from simulations.reports.figures import percent, plain, seconds

    # Wide enough for every figure where the output is no terminal.
    console = Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=110)
    whole = results.whole
    interval = f"± {results.confidence * 100:g} % confidence" if results.replications > 1 else "no interval"
    title = f"{results.scenario}: {whole.start} to {whole.end}, {results.replications} replications, {interval}"
    table = Table(box=None, padding=(0, 1))
    table.add_column("queue", no_wrap=True)
    for heading in ("contacts", "goal", "service level", "ASA", "abandoned"):
        table.add_column(heading, justify="right", no_wrap=True)

    def add_row(name: str, goal: str, figures: "Estimates", style: str = "") -> None:
        table.add_row(
            escape(name),
            plain(figures["arrived"]),
            goal,
            percent(figures["service_level_share"]),
            seconds(figures["asa_ms"]),
            percent(figures["abandon_share"]),
            style=style,
        )

    for name, figures in whole.queues.items():
        goal = results.goals[name]
        add_row(name, f"{goal.share * 100:g}% in {goal.answered_within_s:g}s", figures)
    if len(whole.queues) > 1:
        add_row("all queues", "", whole.all_queues, style="bold")
    console.print(escape(title), style="bold", soft_wrap=True)
    console.print(table)
    console.print()
    agents = Table(box=None, padding=(0, 1))
    agents.add_column("agents")
    agents.add_column("occupancy", justify="right")
    agents.add_column("contacts per hour", justify="right")
    for name, figures in whole.groups.items():
        agents.add_row(escape(name), percent(figures["occupancy_share"]), plain(figures["answered_per_hour"]))
    console.print(agents)
    if results.callers_matter:
        console.print()
        console.print(_callers(results))
    if results.money:
        console.print()
        console.print(_money(results))
    if results.control is not None:
        console.print("\n" + controlled(results.control), markup=False)
    if results.stopped is not None:
        console.print("\n" + stopping(results.stopped, results.replications), markup=False, soft_wrap=True)
    if (results.unfinished.value or 0) > 0:
        console.print(f"\nStill waiting or talking when the run ended: {plain(results.unfinished)} contacts.")
    console.print()
    for path in paths:
        console.print(str(path), markup=False, soft_wrap=True)


def _money(results: "Results") -> Table:
    """What the time costs, and what it is made of."""
    from simulations.report import money_table

    table = Table(box=None, padding=(0, 1))
    table.add_column("money", no_wrap=True)
    table.add_column("amount", justify="right")
    for title, amount, *_ in money_table(results.money, results.currency).rows:
        table.add_row(escape(title.text), f"{amount.text} {amount.small}".rstrip())
    return table


def _callers(results: "Results") -> Table:
    """What lines, redials, announced waits and callbacks did."""
    from simulations.report import caller_table

    told = caller_table(results)
    table = Table(box=None, padding=(0, 1))
    table.add_column("callers", no_wrap=True)
    for column in told.columns[1:]:
        table.add_column(column.head, justify="right")
    for row in told.rows if len(told.rows) > 2 else told.rows[:1]:
        table.add_row(*(escape(f"{of.text} {of.small}".rstrip()) for of in row))
    return table

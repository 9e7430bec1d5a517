"""`switchboard staff`: the least cost of agents that meets all goals. `switchboard target`: what a promise costs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from switchboard.cli.places import ClusterOption, EngineName, EngineOption, ended_with, place_of, tell_engine
from switchboard.cli.quantities import seconds, share
from switchboard.cli.simulate import make_directory

# numpy, SciPy and matplotlib take a second to load, which no other command should pay for.
if TYPE_CHECKING:
    from simulations.reports import Report
    from simulations.staffing.answer import StaffAnswer
    from simulations.staffing.demand import Workplace
    from simulations.staffing.evaluation import Progress
    from simulations.staffing.frontier import Frontier
    from simulations.staffing.plan import StaffPlan

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.command()(staff)
    app.command()(target)


class Method(StrEnum):
    """How the first staff is found."""

    SIPP = "sipp"
    LAGGED = "lagged"
    ISA = "isa"


ScenarioFile = Annotated[Path, typer.Argument(help="The scenario (YAML): who calls, and the groups of agents.")]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="Goals and limits (YAML); without it the queues' own goals.")
]
CentreDirectory = Annotated[Path | None, typer.Option(help="The centre, in the place of the one the scenario names.")]
Replications = Annotated[
    int | None,
    typer.Option(min=2, max=100_000, help="Days that are simulated at first, in the place of the scenario's."),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes side by side; by default one a CPU.")]
Seed = Annotated[int | None, typer.Option(min=0, help="The seed, in the place of the scenario's.")]
Out = Annotated[Path | None, typer.Option(help="Where the report goes; by default var/staff or var/target, by name.")]
Json = Annotated[bool, typer.Option("--json", help="Print the results as JSON instead of a table.")]


def staff(
    scenario: ScenarioFile,
    plan: PlanFile = None,
    centre: CentreDirectory = None,
    method: Annotated[Method | None, typer.Option(help="How the first staff is found, before it is simulated.")] = None,
    replications: Replications = None,
    most_days: Annotated[
        int, typer.Option(min=2, max=100_000, help="Days that prove the answer at most, until every goal is told.")
    ] = 1_000,
    jobs: Jobs = None,
    cluster: ClusterOption = None,
    seed: Seed = None,
    engine: EngineOption = EngineName.AUTO,
    out: Out = None,
    json: Json = False,
) -> None:
    """Find the least cost of agents by interval and group that meets all goals, and prove it by simulation."""
    from simulations.engines import choose
    from simulations.reports.files import json_text
    from simulations.staffing.answer import find_staff, simulated_days
    from simulations.staffing.report import staff_report

    place, wanted = _read(scenario, plan, centre, replications, seed)
    directory = _directory(out, "staff", place)
    chosen = choose(engine.value, [place.setting], simulated_days(place, most_days))
    with _explained(), _progress() as progress:
        where = chosen.at(place_of(jobs, cluster))
        answer = find_staff(place, wanted, where, progress, method and str(method), chosen.replicate, most_days)
    tell_engine(chosen.words, chosen.notices)
    paths = _write(staff_report(answer), directory)
    if json:
        typer.echo(json_text(answer))
    else:
        _print_staff(answer, paths)
    if answer.ended:
        proof = f"proved by {answer.replications} days only" if answer.proved else "not proved"
        ended_with(answer.ended, f"The staff that was written is the best so far and is {proof}.")
    if answer.verdict == "missed":
        raise typer.Exit(1)


def target(
    scenario: ScenarioFile,
    plan: PlanFile = None,
    centre: CentreDirectory = None,
    levels: Annotated[str, typer.Option("--levels", help="Shares to promise.", metavar="SHARE,..")] = "80%",
    within: Annotated[str, typer.Option("--within", help="Waits to promise.", metavar="TIME,..")] = "5,10,20,30,60,120",
    replications: Replications = None,
    jobs: Jobs = None,
    cluster: ClusterOption = None,
    seed: Seed = None,
    engine: EngineOption = EngineName.AUTO,
    out: Out = None,
    json: Json = False,
) -> None:
    """Show what each hold-time target costs, in staff and money, what callers then meet, and where the knee is."""
    from simulations.engines import choose
    from simulations.reports.files import json_text
    from simulations.staffing.frontier import find_frontier
    from simulations.staffing.report import frontier_report

    shares = [share(text) for text in levels.split(",")]
    if not all(0 < each < 1 for each in shares):
        raise typer.BadParameter("a share to promise lies between 0 and 1", param_hint="--levels")
    times = [seconds(text) for text in within.split(",")]
    place, wanted = _read(scenario, plan, centre, replications, seed)
    directory = _directory(out, "target", place)
    # Each point is simulated at least twice: as the closed forms have it, and corrected.
    days = 2 * len(shares) * len(times) * place.setting.scenario.replications
    chosen = choose(engine.value, [place.setting], days)
    with _explained(), _progress() as progress:
        where = chosen.at(place_of(jobs, cluster))
        frontier = find_frontier(place, wanted, shares, times, where, progress, chosen.replicate)
    tell_engine(chosen.words, chosen.notices)
    paths = _write(frontier_report(frontier), directory)
    if json:
        typer.echo(json_text(frontier))
    else:
        _print_frontier(frontier, paths)
    if frontier.ended:
        ended_with(frontier.ended, f"{len(frontier.points)} promises were looked at, {len(frontier.missing)} were not.")
    if all(point.cost is None for point in frontier.points):
        raise typer.Exit(1)


def _read(
    path: Path, plan: Path | None, centre: Path | None, replications: int | None, seed: int | None
) -> tuple["Workplace", "StaffPlan"]:
    from simulations.setting import Centre, read_scenario
    from simulations.staffing.demand import workplace
    from simulations.staffing.plan import StaffPlan, check_plan, read_plan

    source, scenario = read_scenario(path)
    given = {"replications": replications, "seed": seed}
    scenario = scenario.model_copy(update={name: value for name, value in given.items() if value is not None})
    directory = centre or (path.parent / scenario.centre if scenario.centre is not None else None)
    loaded = None
    if directory is not None:
        from switchboard.centre import load_centre

        whole = load_centre(directory)
        loaded = Centre(whole.policy, whole.library, dict(whole.numbers))
    place = workplace(source, scenario, loaded)
    wanted = StaffPlan()
    if plan is not None:
        plan_source, wanted = read_plan(plan)
        queues = {queue.name: queue.goal.share for queue in place.setting.policy.queues}
        check_plan(plan_source, wanted, queues, [group.name for group in place.groups])
    return place, wanted


def _directory(out: Path | None, kind: str, place: "Workplace") -> Path:
    """Made before the work, so that it is not in vain."""
    name = re.sub(r"\W+", "-", place.setting.scenario.name).strip("-").lower()[:60] or "scenario"
    directory = out or Path("var") / kind / name
    make_directory(directory)
    return directory


@contextmanager
def _explained() -> Iterator[None]:
    """Before there is anything to tell: a goal out of reach is a no (1), a lost cluster 3, Ctrl-C 130."""
    from simulations.erlang import Unreachable
    from simulations.places import PlaceLost

    try:
        yield
    except Unreachable as error:
        text = str(error)
        errors.print(f"No staff meets the goals: {text}.", markup=False)
        raise typer.Exit(1) from None
    except PlaceLost as error:
        errors.print(f"{error}. Nothing was written.", markup=False)
        raise typer.Exit(3) from None
    except KeyboardInterrupt:
        errors.print("Interrupted before there was an answer: nothing was written.")
        raise typer.Exit(130) from None


@contextmanager
def _progress() -> Iterator["Progress"]:
    if not errors.is_terminal:
        yield lambda what, days: None
        return
    with errors.status("the closed forms") as status:
        yield lambda what, days: status.update(f"{what}: {days:,} days simulated")


def _write(report: "Report", directory: Path) -> list[Path]:
    from simulations.reports import write

    try:
        return list(write(report, directory).values())
    except OSError as error:
        errors.print(f"The report cannot be written: {error}", markup=False)
        raise typer.Exit(3) from None


def _console() -> Console:
    """Wide enough for every figure where the output is no terminal."""
    return Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=120)


def _print_staff(answer: "StaffAnswer", paths: list[Path]) -> None:
    from simulations.staffing.report import about, amount, ended_words, reasons, sentences

    console = _console()
    console.print(escape(answer.scenario), style="bold", soft_wrap=True)
    console.print(about(answer), markup=False)
    console.print()
    table = Table(box=None, padding=(0, 1))
    table.add_column("from", no_wrap=True)
    for group in answer.counts:
        table.add_column(escape(group), justify="right")
    for i, start in enumerate(answer.starts):
        table.add_row(start, *(str(row[i]) for row in answer.counts.values()))
    table.add_row("hours", *(f"{hours:,.1f}" for hours in answer.agent_hours.values()), style="bold")
    console.print(table)
    console.print(f"\nCost: {amount(answer.cost, answer.currency)}", markup=False)
    for check in answer.day:
        between = f"{check.between}, " if check.between else ""
        console.print(f"  {check.goal}: {check.shown} ({between}{check.verdict})", markup=False)
    for sentence in (*ended_words(answer), *sentences(answer), *reasons(answer)):
        console.print(sentence, markup=False)
    _print_paths(console, paths)


def _print_frontier(frontier: "Frontier", paths: list[Path]) -> None:
    from simulations.staffing.report import amount, knee_sentences, missing_words

    console = _console()
    console.print(escape(frontier.scenario), style="bold", soft_wrap=True)
    table = Table(box=None, padding=(0, 1))
    for head in ("promise", "within", "cost", "hours", "service level", "ASA", "abandoned", "occupancy", ""):
        table.add_column(head, justify="right", no_wrap=True)
    for point in frontier.points:
        promise = (f"{point.share * 100:g} %", f"{point.within_s:g} s")
        if point.cost is None:
            table.add_row(*promise, "out of reach")
            continue
        shares = [f"{(value or 0) * 100:.1f} %" for value in (point.service_level, point.abandon, point.occupancy)]
        hours = f"{sum(point.agent_hours.values()):,.1f}"
        cost = amount(point.cost, frontier.currency)
        asa = f"{point.asa_s or 0:.1f} s"
        table.add_row(*promise, cost, hours, shares[0], asa, *shares[1:], "knee" if point.knee else "")
    console.print(table)
    for sentence in (*knee_sentences(frontier), *missing_words(frontier)):
        console.print(sentence, markup=False)
    for point in frontier.points:
        if point.reason:
            console.print(f"{point.share * 100:g} % within {point.within_s:g} s: {point.reason}.", markup=False)
    _print_paths(console, paths)


def _print_paths(console: Console, paths: list[Path]) -> None:
    console.print()
    for path in paths:
        console.print(str(path), markup=False, soft_wrap=True)

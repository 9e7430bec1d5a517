"""`switchboard what-if`: changes to routing and staffing beside the present, on one page."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from documents import DocumentError, Source
from switchboard.cli.places import (
    ClusterOption,
    EngineName,
    EngineOption,
    ended_early,
    errors,
    nothing_done,
    place_of,
    tell_engine,
)
from switchboard.cli.simulate import as_file_name, make_directory, progress_bar, refuse_unwritable

if TYPE_CHECKING:  # NumPy, SciPy and matplotlib take their time to load
    from simulations.compare import Measured
    from simulations.setting import Centre
    from simulations.what_if.answer import Answer, ChangeResult
    from simulations.what_if.plan import Plan
    from simulations.what_if.variants import Base


def register(app: typer.Typer) -> None:
    app.command("what-if")(what_if)


def what_if(
    plan: Annotated[Path | None, typer.Argument(help="The what-if file (YAML).", show_default=False)] = None,
    scenario: Annotated[Path | None, typer.Option(help="The scenario, in the place of the one the file names.")] = None,
    centre: Annotated[
        Path | None, typer.Option(help="The centre's directory, in the place of the one the scenario names.")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="Real contacts: an engine's journal, or its directory (the newest), in place of a scenario."),
    ] = None,
    replications: Annotated[
        int | None, typer.Option(min=2, max=100_000, help="How often, in the place of the file's.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes side by side; by default one a CPU.")] = None,
    cluster: ClusterOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed, in the place of the file's.")] = None,
    engine: EngineOption = EngineName.AUTO,
    out: Annotated[Path | None, typer.Option(help="Where the report goes; by default var/what-if/NAME.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON instead of tables.")] = False,
) -> None:
    """Compare changes of routing and staffing with the present: the same callers, the difference and its interval."""
    from simulations.replications import run_studies
    from simulations.reports.files import json_text
    from simulations.what_if.actual import as_configured
    from simulations.what_if.answer import answer
    from simulations.what_if.plan import read_plan
    from simulations.what_if.report import write_report
    from simulations.what_if.variants import changed, check_decision, present, trained

    source, wanted = read_plan(plan) if plan is not None else _no_plan(journal, centre)
    given = {"replications": replications, "seed": seed}
    wanted = wanted.model_copy(update={name: value for name, value in given.items() if value is not None})
    day = measured_day(journal) if journal is not None else None
    if day is not None:
        base = _recorded(wanted, day, centre)
    else:
        base = _base(scenario or _scenario(source, wanted, plan or Path()), centre)
    now = present(wanted, base)
    check_decision(wanted, source, now)
    variants = [*changed(wanted, source, base), *trained(wanted, source, base)]
    if day is not None:
        variants = [*as_configured(day, base), *variants]
    if not variants:
        errors.print("The centre is configured as it was that day, and there are no changes: nothing to compare.")
        raise typer.Exit(2)
    directory = out or Path("var/what-if") / as_file_name(wanted.name)
    make_directory(directory)
    settings = [now, *(variant.setting for variant in variants)]
    with progress_bar(len(settings) * now.scenario.replications) as progress:
        studies = run_studies(settings, place_of(jobs, cluster), progress, engine.value)
    tell_engine(studies[0].engine, studies[0].notices)
    if not min(len(study.outcomes) for study in studies):
        nothing_done(next(study.ended for study in studies if study.ended))
    found = answer(wanted.name, wanted.decide_by, studies[0], variants, studies[1:], day)
    with refuse_unwritable():
        paths = write_report(found, directory)
    if json:
        typer.echo(json_text(found))
    else:
        _print(found, list(paths.values()))
    if found.ended:
        ended_early(found.ended, found.replications, found.wanted)


def _scenario(source: "Source", plan: "Plan", path: Path) -> Path:
    from documents import DocumentError

    if plan.scenario is None:
        raise DocumentError([source.problem((), "'scenario' is missing", "name a scenario here, or give --scenario")])
    return path.parent / plan.scenario


def _no_plan(journal: Path | None, centre: Path | None) -> "tuple[Source, Plan]":
    """Without a file of changes: the real contacts through the centre as it is now."""
    from simulations.what_if.plan import Plan

    if journal is None or centre is None:
        raise typer.BadParameter("name a what-if file, or give --journal and --centre")
    return Source("", {}, {}), Plan.model_construct(name=f"The day of {journal.name} through {centre.name}")


def measured_day(path: Path) -> "Measured":
    """What the journal shows. Ends the command when it cannot be read, or shows nothing."""
    from router.live.journal import Handled, Header, JournalError, newest, read
    from simulations.compare import measure

    found = newest(path) if path.is_dir() else path
    if found is None or not found.exists():
        raise typer.BadParameter(f"{path}: no journal here")
    try:
        header, *records = read(found)
        assert isinstance(header, Header), "the reader has seen to it"
        handled = (record for record in records if isinstance(record, Handled))
        return measure(header.policy, ((record.at_ms, record.event, record.decisions) for record in handled))
    except JournalError as error:
        message = str(error)
    except ValueError as error:
        message = f"{found}: {error}"
    errors.print(message, markup=False)
    raise typer.Exit(2)


def _recorded(plan: "Plan", day: "Measured", directory: Path | None) -> "Base":
    from simulations.what_if.actual import actual_base
    from switchboard.centre import load_centre

    try:
        if directory is None:
            return actual_base(plan, day, {}, None, Path("the journal"), UTC)
        base = centre_base(directory)
        return actual_base(plan, day, base.centre, base.load, directory, load_centre(directory).zone)
    except DocumentError:
        raise
    except ValueError as error:
        errors.print(f"The journal: {error}", markup=False)
        raise typer.Exit(2) from None


def _base(path: Path, centre: Path | None) -> "Base":
    from simulations.setting import read_scenario
    from simulations.what_if.variants import Base

    scenario_source, scenario = read_scenario(path)
    directory = centre or (path.parent / scenario.centre if scenario.centre is not None else None)
    if directory is None:
        return Base(scenario_source, path.parent, {})
    return replace(centre_base(directory), source=scenario_source, directory=path.parent)


def centre_base(directory: Path) -> "Base":
    """A base with the centre in this directory, without a scenario. Raises DocumentError."""
    from simulations.what_if.variants import Base
    from switchboard.centre import centre_documents

    return Base(Source("", {}, {}), directory, centre_documents(directory), _Load(directory))


class _Load:
    """Loads the centre with changed documents; the same documents are loaded once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loaded: list[tuple[Mapping[str, Any], Centre]] = []

    def __call__(self, documents: Mapping[str, Any]) -> "Centre":
        from simulations.setting import Centre
        from switchboard.centre import load_centre

        for known, centre in self._loaded:
            if known == documents:
                return centre
        loaded = load_centre(self._directory, documents)
        centre = Centre(loaded.policy, loaded.library, dict(loaded.numbers))
        self._loaded.append((documents, centre))
        return centre


def _print(answer: "Answer", paths: list[Path]) -> None:
    from simulations.what_if import words

    console = Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=110)
    console.print(answer.name, style="bold", markup=False)
    console.print(words.about(answer), markup=False, style="dim")
    console.print()
    for title, results in (("change", answer.changes), ("training", answer.training)):
        if results:
            console.print(_table(answer, title, results))
            console.print()
    for sentence in words.verdict(answer):
        console.print(sentence, markup=False)
    console.print()
    for path in paths:
        console.print(str(path), markup=False, soft_wrap=True)


MOST_PRINTED = 12


def _table(answer: "Answer", title: str, results: "tuple[ChangeResult, ...]") -> Table:
    from simulations.statistics import Estimate
    from simulations.what_if import words
    from simulations.what_if.figures import FIGURES

    names = ["service_level_share", "asa_ms", "abandon_share", *(["total_cost"] if answer.present.money else [])]
    names = names if answer.decide_by in names else [answer.decide_by, *names]
    table = Table(box=None, padding=(0, 1))
    table.add_column(title, max_width=40)
    for name in names:
        table.add_column(FIGURES[name].head, justify="right", no_wrap=True)
    present = {**answer.present.whole.all_queues, **answer.present.whole.all_agents, **answer.present.money}
    if answer.actual:
        table.add_row("what really happened", *(FIGURES[name].shown(Estimate(answer.really(name))) for name in names))
    table.add_row(words.base_name(answer), *(FIGURES[name].shown(present[name]) for name in names), style="dim")
    colours = {"better": "green", "worse": "red", "unclear": ""}
    for result in results[:MOST_PRINTED]:
        cells = []
        for name in names:
            found = result.of(name)
            text = words.difference(FIGURES[name], found.difference) if found else "–"
            colour = colours[found.verdict] if found else ""
            cells.append(f"[{colour}]{text}[/{colour}]" if colour else text)
        table.add_row(escape(result.name), *cells)
    if len(results) > MOST_PRINTED:
        table.add_row(f"and {len(results) - MOST_PRINTED} more in the report", style="dim")
    return table

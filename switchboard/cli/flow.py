"""`switchboard flow`: look at the flows of a centre, draw them, call them in the terminal, test them."""

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from documents import DocumentError, Problem, nearest, read, why
from ivr.flow.diagram import diagram as draw
from ivr.flow.machine import Machine
from ivr.flow.page import data as page_data
from ivr.flow.page import page
from ivr.flow.scripted import Result, run_tests
from ivr.flow.session import Caller
from ivr.flow.ways import Coverage
from switchboard.centre import Centre, UnusableDirectory, load_centre
from switchboard.centre.changes import centre_changes
from switchboard.text_caller import HELP, TextCaller

app = typer.Typer(help="Look at flows, draw them, call them in the terminal, test them.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The centre's directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


@app.command()
def lint(
    directory: Directory,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings too make the answer no.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong, or unwise, with the flows. Exit code 1 if there are errors."""
    try:
        problems = load_centre(directory).warnings
    except UnusableDirectory:
        raise
    except DocumentError as error:
        problems = error.problems
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        print(json.dumps([_as_data(problem) for problem in problems], indent=2))
    else:
        for problem in problems:
            _print_problem(problem)
        warnings = len(problems) - errors
        console.print(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}" if problems else "No problems found.")
    raise typer.Exit(1 if errors or (strict and problems) else 0)


@app.command()
def diagram(
    directory: Directory,
    flow: Annotated[str | None, typer.Argument(metavar="FLOW", help="One flow; by default all of them.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The directory for the pictures.")] = Path(),
) -> None:
    """Draw flows as SVG, one file each."""
    centre = load_centre(directory)
    names = [_flow_name(centre, flow)] if flow else sorted(centre.flows)
    write_pictures(output, {name: draw(centre.flows[name], centre.prompts) for name in names})


def write_pictures(directory: Path, pictures: Mapping[str, str]) -> None:
    """Writes the pictures of flows, by their names, and says where; exit code 3 where that cannot be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            path = directory / (re.sub(r"[^\w.-]+", "-", name).lstrip(".") + ".svg")
            path.write_text(picture, encoding="utf-8")
            console.print(str(path), markup=False)
    except OSError as error:
        console.print(f"cannot write: {error}", markup=False)
        raise typer.Exit(3) from None


@app.command()
def export(
    directory: Directory,
    format: Annotated[str, typer.Option("--format", help="markdown, json, or svg.")] = "markdown",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file (of svg: the directory); by default the terminal.")
    ] = None,
) -> None:
    """Write the flows down for others: a page that people read (markdown), data (json), or pictures (svg)."""
    centre = load_centre(directory)
    if format == "svg":
        write_pictures(output or Path(), {name: draw(flow, centre.prompts) for name, flow in centre.flows.items()})
        return
    if format == "markdown":
        text = page(centre.name, centre.numbers, centre.library)
    elif format == "json":
        described = page_data(centre.name, centre.numbers, centre.library)
        text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    else:
        hint = nearest(format, ("markdown", "json", "svg"))
        raise typer.BadParameter(f"there is no format {format!r}: {hint}", param_hint="--format")
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        console.print(f"cannot write: {error}", markup=False)
        raise typer.Exit(3) from None
    console.print(str(output), markup=False)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="OLD", help="The directory of the centre as it was.")],
    after: Annotated[Path, typer.Argument(metavar="NEW", help="The directory of the centre as it is to be.")],
    as_json: AsJson = False,
) -> None:
    """Say what has changed between two versions: nodes, exits, prompts, and all other settings, not lines of text.

    Exit code 1 if there is any change.
    """
    found = centre_changes(load_centre(before), load_centre(after))
    if as_json:
        print(json.dumps([asdict(change) for change in found], indent=2, ensure_ascii=False, default=str))
    else:
        for change in found:
            console.print(str(change), markup=False)
        if not found:
            console.print("Nothing has changed.")
    raise typer.Exit(1 if found else 0)


@app.command("try")
def try_(
    directory: Directory,
    number: Annotated[str | None, typer.Option("--number", help="The number to dial; by default the first.")] = None,
    flow: Annotated[str | None, typer.Option("--flow", help="Instead of a number: the flow to begin with.")] = None,
    caller: Annotated[str, typer.Option("--caller", help="The caller's number; by default it is withheld.")] = "",
    at: Annotated[
        str | None, typer.Option("--at", help="When, by the centre's clock: 2026-01-05T10:00; by default now.")
    ] = None,
) -> None:
    """Call a flow in the terminal: prompts are text, keys are typed. Works in a pipe too."""
    centre = load_centre(directory)
    dialled = number or next(iter(centre.numbers))
    if flow is None:
        if dialled not in centre.numbers:
            raise typer.BadParameter(f"the centre has no number {dialled!r}: {nearest(dialled, centre.numbers)}")
        flow = centre.numbers[dialled]
    now_ms = _moment(centre, at)
    if sys.stdin.isatty():
        console.print(HELP, style="dim", markup=False)
    text_caller = TextCaller(Machine(centre.library), _ask, lambda line: console.print(line, markup=False))
    session = text_caller.call(_flow_name(centre, flow), Caller(caller, dialled), now_ms)
    if session.outcome.startswith("failed"):
        console.print(session.last_error, markup=False)
        raise typer.Exit(1)


@app.command("test")
def run(
    directory: Directory,
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Some files of tests only.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell what happened in good tests too.")] = False,
    missing: Annotated[bool, typer.Option("--missing", help="List the nodes and exits that no test reached.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the flow tests of a centre (tests/*.yaml), and say how much of the flows they reach.

    Exit code 1 if one fails.
    """
    centre = load_centre(directory)
    results = [(path, result) for path in files or centre.tests for result in _run(centre, path)]
    if not results:
        console.print(f"No flow tests: write some in {directory / 'tests'}/*.yaml (docs/flows.md).", markup=False)
        raise typer.Exit(2)
    failed = sum(bool(result.problems) for _, result in results)
    coverage = Coverage(centre.flows)
    for _, result in results:
        coverage.add(result.visits)
    if as_json:
        told = [_result_as_data(path, result) for path, result in results]
        data = {"tests": told, "coverage": _coverage_as_data(coverage)}
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        for _, result in results:
            _print_result(result, verbose)
        print_coverage(coverage, missing)
        console.print(f"{len(results) - failed} passed, {failed} failed")
    raise typer.Exit(1 if failed else 0)


def _run(centre: Centre, path: Path) -> list[Result]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise DocumentError([Problem(f"cannot be read: {why(error)}", str(path))]) from None
    return run_tests(read(text, str(path)), centre.library, centre.numbers)


def _flow_name(centre: Centre, flow: str) -> str:
    if flow not in centre.flows:
        raise typer.BadParameter(f"there is no flow {flow!r}: {nearest(flow, centre.flows)}")
    return flow


def _moment(centre: Centre, at: str | None) -> Callable[[], int]:
    """The clock of a trial call: it stands still at `at`, or is the real one."""
    if at is None:
        return lambda: time.time_ns() // 1_000_000
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise typer.BadParameter(f"{at!r} is no moment such as 2026-01-05T10:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=centre.zone)
    return lambda: int(moment.timestamp() * 1000)


def _ask(question: str) -> str | None:
    console.print(question, end="", markup=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        console.print(line.rstrip("\n"), markup=False)  # so that a piped call reads like a typed one
    return line if line else None


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _print_problem(problem: Problem) -> None:
    console.print(problem.severity, style="red" if problem.severity == "error" else "yellow", end=" ")
    console.print(str(problem), markup=False)


def _print_result(result: Result, verbose: bool) -> None:
    console.print("failed" if result.problems else "passed", style="red" if result.problems else "green", end=" ")
    console.print(result.name, markup=False)
    if result.problems or verbose:
        for line in result.story:
            console.print(f"    {line}", markup=False, style="dim")
    for problem in result.problems:
        console.print(f"  {problem}", markup=False)


def print_coverage(coverage: Coverage, missing: bool) -> None:
    for name in sorted(coverage.flows):
        nodes, ways = coverage.all_nodes(name), coverage.all_ways(name)
        reached, taken = coverage.nodes.intersection(nodes), coverage.ways.intersection(ways)
        line = f"flow {name}: {len(reached)} of {len(nodes)} nodes reached, {len(taken)} of {len(ways)} exits taken"
        console.print(line, markup=False)
        if missing:
            for node in coverage.missing_nodes(name):
                console.print(f"    {name}.{node}: never reached", markup=False)
            for way in coverage.missing_ways(name):
                console.print(f"    {way}: never taken", markup=False)


def _coverage_as_data(coverage: Coverage) -> dict[str, object]:
    return {
        name: {
            "nodes": len(coverage.all_nodes(name)),
            "exits": len(coverage.all_ways(name)),
            "missing_nodes": coverage.missing_nodes(name),
            "missing_exits": [{"node": way.node, "exit": way.exit} for way in coverage.missing_ways(name)],
        }
        for name in sorted(coverage.flows)
    }


def _as_data(problem: Problem) -> dict[str, object]:
    return {name: getattr(problem, name) for name in ("severity", "file", "line", "path", "message", "hint")}


def _result_as_data(path: Path, result: Result) -> dict[str, object]:
    problems = [_as_data(problem) for problem in result.problems]
    return {"file": str(path), "name": result.name, "passed": not problems, "problems": problems, "story": result.story}

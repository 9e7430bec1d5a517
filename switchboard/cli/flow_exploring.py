"""`switchboard flow explore`: callers who reach every exit, as flow tests, and why the rest cannot be reached."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from documents import DocumentError, Problem
from documents.writing import yaml_text
from ivr.flow.explore import STEPS, Explored, explore
from switchboard.centre import load_centre
from switchboard.centre.files import TESTS
from switchboard.cli.flow import AsJson, Directory, app, print_coverage

console = Console(highlight=False, soft_wrap=True)
FILE = "explored.yaml"
_ABOUT = """\
Made by `switchboard flow explore`: callers who together take every exit that was found.
Make it anew when the flows change."""


@app.command("explore")
def explore_(
    directory: Directory,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"The file of flow tests; by default {TESTS}/{FILE}.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over the file, if there is one.")] = False,
    steps: Annotated[int, typer.Option("--steps", min=1, max=10_000_000, help="How many answers to try.")] = STEPS,
    strict: Annotated[
        bool, typer.Option("--strict", help="Make the answer no when anything cannot be reached or was not found.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find callers who reach every exit of every node, and write them down as flow tests.

    What nobody can reach is named with the reason; what was not found is named too.
    """
    centre = load_centre(directory)
    path = output or directory / TESTS / FILE
    if path.exists() and not replace:
        raise DocumentError([Problem("this is there already", str(path), hint="--replace writes over it")])
    found = explore(centre.library, centre.numbers, steps)
    if found.tests:
        _write(path, found)
    if as_json:
        print(json.dumps(_as_data(found, path), indent=2, ensure_ascii=False))
    else:
        _tell(found, path)
    raise typer.Exit(1 if strict and (found.unreachable.ways or found.missing) else 0)


def _write(path: Path, found: Explored) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_name(f".{path.name}.part")
        written.write_text(yaml_text(found.document(), (_ABOUT,)), encoding="utf-8")
        written.replace(path)
    except OSError as error:
        console.print(f"cannot write: {error}", markup=False)
        raise typer.Exit(3) from None


def _tell(found: Explored, path: Path) -> None:
    if found.tests:
        callers = "1 caller" if len(found.tests) == 1 else f"{len(found.tests)} callers"
        console.print(f"{callers} in {path}, found in {found.steps:,} steps", markup=False)
    print_coverage(found.coverage, missing=False)
    for (flow, node), why in found.unreachable.nodes.items():
        console.print(f"cannot be reached: {flow}.{node}: {why}", style="yellow", markup=False)
    for way, why in found.unreachable.ways.items():
        if (way.flow, way.node) not in found.unreachable.nodes:
            console.print(f"cannot be taken: {way}: {why}", style="yellow", markup=False)
    for way, why in found.missing.items():
        console.print(f"not found: {way}: {why}", markup=False)


def _as_data(found: Explored, path: Path) -> dict[str, object]:
    return {
        "file": str(path),
        "callers": len(found.tests),
        "steps": found.steps,
        "flows": {
            flow: {
                "exits": len(ways := found.coverage.all_ways(flow)),
                "taken": len(found.coverage.ways.intersection(ways)),
            }
            for flow in sorted(found.coverage.flows)
        },
        "unreachable_nodes": [
            {"flow": flow, "node": node, "why": why} for (flow, node), why in found.unreachable.nodes.items()
        ],
        "unreachable_exits": [
            {"flow": way.flow, "node": way.node, "exit": way.exit, "why": why}
            for way, why in found.unreachable.ways.items()
        ],
        "not_found": [
            {"flow": way.flow, "node": way.node, "exit": way.exit, "why": why} for way, why in found.missing.items()
        ],
    }

"""`switchboard flow import`: flows of other systems as a centre of ours."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from documents import DocumentError, Problem, nearest
from ivr.importing.draft import KINDS, Draft
from ivr.importing.format import Wanted
from ivr.importing.registry import format_of, import_formats
from switchboard.cli.flow import AsJson, app
from switchboard.importing import REPORT, source_files, write_centre

console = Console(highlight=False, soft_wrap=True)
_MOST_SHOWN = 50
_COLOURS = {"left out": "red", "changed": "yellow", "to do": "cyan"}


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What to import; several files of one kind.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The new centre's directory. It must not be there.")],
    format: Annotated[str | None, typer.Option("--format", help="Which kind it is; by default found out.")] = None,
    start: Annotated[
        list[str] | None,
        typer.Option("--start", help="Where callers enter: a context, an IVR, a dialog. May be given several times."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The new centre's name.")] = "Imported",
    language: Annotated[str, typer.Option("--language", help="The language of its prompts.")] = "en",
    time_zone: Annotated[str, typer.Option("--time-zone", help="Its time zone, such as Europe/Madrid.")] = "UTC",
    strict: Annotated[bool, typer.Option("--strict", help="Make the answer no when anything is left out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a centre of an Asterisk dialplan, FreePBX's IVR tables, or VoiceXML, and say what could not be carried over.

    Nothing is overwritten. Exit code 0 when it was made (with --strict only if nothing was left out).
    """
    kinds = import_formats()
    if format is not None and format not in kinds:
        raise typer.BadParameter(f"there is no format {format!r}: {nearest(format, kinds)}", param_hint="--format")
    sources = source_files(files)
    kind = kinds[format] if format else format_of(sources)
    draft = kind.read(sources, Wanted(tuple(start or ()), language))
    if not draft.flows:
        raise DocumentError([Problem("nothing here is a flow", sources[0].name)])
    centre = write_centre(draft, output, name=name, time_zone=time_zone)
    warnings = [problem for problem in centre.warnings if problem.severity == "warning"]
    if as_json:
        data = {
            "format": kind.name,
            "flows": {flow.name: len(flow.nodes) for flow in draft.flows.values()},
            "steps": draft.steps,
            "findings": [asdict(finding) for finding in draft.findings],
            "warnings": [str(warning) for warning in warnings],
        }
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        _tell(draft, kind.title, output)
        for warning in warnings:
            console.print("warning", style="yellow", end=" ")
            console.print(str(warning), markup=False)
    raise typer.Exit(1 if strict and any(draft.of("left out")) else 0)


def _tell(draft: Draft, title: str, output: Path) -> None:
    console.print(f"{title}: {_count(len(draft.flows), 'flow')} in {output}", markup=False)
    for flow in draft.flows.values():
        console.print(f"  {flow.name}: {_count(len(flow.nodes), 'node')}", markup=False)
    prompts, queues = _count(len(draft.prompts), "prompt"), _count(len(draft.queues), "queue")
    console.print(f"  {prompts}, {queues}", markup=False)
    if draft.steps:
        parts = ", ".join(f"{count} {what}" for what, count in sorted(draft.steps.items(), key=lambda item: -item[1]))
        console.print(f"  of {sum(draft.steps.values())} steps: {parts}", markup=False)
    for kind, heading in KINDS.items():
        found = list(draft.of(kind))
        if found:
            console.print(f"{heading} ({len(found)}):", style=_COLOURS[kind], markup=False)
            for finding in found[:_MOST_SHOWN]:
                console.print(f"  {finding}", markup=False)
            if len(found) > _MOST_SHOWN:
                console.print(f"  ... and {len(found) - _MOST_SHOWN} more", markup=False)
    if draft.findings:
        console.print(f"The whole list is in {output / REPORT}.", markup=False)
    else:
        console.print("Everything was carried over.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

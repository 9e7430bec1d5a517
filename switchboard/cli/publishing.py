"""`switchboard publish`, `versions`, `diff`, `rollback`, `promote`, `withdraw`: the versions of the flows."""

import asyncio
import getpass
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from switchboard.control import ask_patiently

console = Console(highlight=False, soft_wrap=True)
PATIENCE_S = 600
"""Rendering many prompts takes its time."""

EngineDirectory = Annotated[
    Path, typer.Option("--engine", help="The engine's directory (centre.yaml: settings.engine.directory).")
]
At = Annotated[
    datetime | None,
    typer.Option("--at", formats=["%Y-%m-%dT%H:%M"], help="From then on, by the centre's clock: 2026-12-24T08:00."),
]
Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The version's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def register(app: typer.Typer) -> None:
    for command in (publish, versions, diff, rollback, promote, withdraw):
        app.command()(command)


def publish(
    engine: EngineDirectory = Path("var"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look: what would change, whom it would touch.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    note: Annotated[str, typer.Option("--note", "-m", help="What is new; for people.")] = "",
    at: At = None,
    draft: Annotated[bool, typer.Option("--draft", help="Only for the calls to one number: --number.")] = False,
    number: Annotated[str | None, typer.Option("--number", help="The dialled number of a draft.")] = None,
    canary: Annotated[
        float | None, typer.Option("--canary", min=0.1, max=50, help="Only for so many per cent of all calls.")
    ] = None,
    base: Annotated[
        int | None,
        typer.Option("--base", min=0, help="The version you started from; by default the one you are shown."),
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who publishes; by default you.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish the flows, prompts, hours and recordings of the centre's directory as a new version.

    First it shows what would change and whom it would touch. Nothing is done before you agree, and nothing is changed
    if anything fails: an error, a flow test, a prompt that cannot be rendered, somebody who has published meanwhile.
    Calls in progress finish on the version they began with.
    """
    if draft != (number is not None):
        raise typer.BadParameter("a draft needs the number to call it by: --draft --number NUMBER")
    when = {"at": at.isoformat()} if at else {}
    shown = _ask(engine, "preview_publication", **when)
    if as_json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _show(shown)
    if dry_run:
        console.print("This was a dry run: nothing has been done.", style="dim")
        return
    if not yes and not (sys.stdin.isatty() and typer.confirm("Publish this?")):
        console.print("Nothing has been done; --yes publishes it.", style="dim")
        raise typer.Exit(1)
    wanted: dict[str, Any] = {
        "note": note,
        "hash": shown["hash"],
        "base": shown["base"] if base is None else base,
        **when,
    }
    wanted |= {"number": number} if number else {}
    wanted |= {"share": canary / 100} if canary else {}
    wanted["author"] = author or os.environ.get("SUDO_USER") or getpass.getuser()
    _say(_ask(engine, "publish", **wanted))


def versions(engine: EngineDirectory = Path("var"), as_json: AsJson = False) -> None:
    """List all versions, and which of them is in force, scheduled, a draft or a canary."""
    found = _ask(engine, "versions")
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found:
        console.print("Nothing has been published: the flows of the centre's directory are in force.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("version", "from", "made", "by"):
        table.add_column(heading, no_wrap=True)
    table.add_column("state")
    table.add_column("note")
    for each in found:
        made = datetime.fromisoformat(each["created"])
        cells = (str(each["version"]), str(each["base"] or ""), f"{made:%Y-%m-%d %H:%M}", each["author"])
        table.add_row(*cells, "; ".join(each["said"]), each["note"])
    Console(highlight=False).print(table)


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A version's number, or `directory`.")],
    after: Annotated[str, typer.Argument(metavar="B", help="A version's number, or `directory`.")] = "directory",
    engine: EngineDirectory = Path("var"),
    as_json: AsJson = False,
) -> None:
    """Say what is different between two versions, or a version and the directory: by meaning, not by lines.

    Exit code 1 if there is any difference.
    """
    wanted = {name: _version(text) for name, text in (("before", before), ("after", after)) if text != "directory"}
    found = _ask(engine, "compare_versions", **wanted)["changes"]
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for change in found or ["Nothing is different."]:
            console.print(change, markup=False)
    raise typer.Exit(1 if found else 0)


def rollback(
    version: Annotated[
        int | None, typer.Argument(metavar="[N]", min=1, help="By default the one that the present one was made from.")
    ] = None,
    at: At = None,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Put an earlier version in force again. The centre's directory is left as it is."""
    wanted: dict[str, Any] = {"version": version} if version else {}
    _say(_ask(engine, "rollback", **wanted, **({"at": at.isoformat()} if at else {})))


def promote(version: Number, engine: EngineDirectory = Path("var")) -> None:
    """Put a version in force for all calls that is a canary, a draft or scheduled."""
    _say(_ask(engine, "promote", version=version))


def withdraw(
    version: Number,
    reason: Annotated[str, typer.Option("--reason", help="Why; for the records.")] = "",
    engine: EngineDirectory = Path("var"),
) -> None:
    """Take a canary, a draft or a scheduled version back; calls in it finish on it."""
    _say(_ask(engine, "withdraw", version=version, reason=reason))


def _show(preview: dict[str, Any]) -> None:
    base = preview["base"]
    console.print(f"Beside version {base}:" if base else "Beside the flows in force, which were never published:")
    for change in preview["changes"] or ["nothing is different"]:
        console.print(f"  {change}", markup=False)
    lines = {
        "Changed flows lead to the queues": preview["queues"],
        "Taken from the directory too": preview["besides"],
        "In progress, and staying in their version": [_calls(each) for each in preview["calls"]],
        "Rendered first": preview["render"],
        "Nobody has recorded, and no voice can say": preview["silent"],
    }
    for words, things in lines.items():
        if things:
            console.print(f"{words}: {', '.join(things)}.", markup=False)
    for pending in preview["pending"]:
        console.print(f"Pending: {pending}.", markup=False)
    for warning in preview["warnings"]:
        console.print(f"Warning: {warning}", markup=False)
    tests = preview["tests"]
    console.print(f"{tests} flow tests passed." if tests else "There are no flow tests.")


def _calls(each: dict[str, Any]) -> str:
    calls = f"{each['calls']} call" if each["calls"] == 1 else f"{each['calls']} calls"
    return f"{calls} in {each['flow']}" + (f" (version {each['version']})" if each["version"] else "")


def _version(text: str) -> int:
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is neither a version's number nor `directory`")
    return int(text)


def _ask(engine: Path, operation: str, **arguments: Any) -> Any:
    return asyncio.run(ask_patiently(engine, operation, arguments, PATIENCE_S))


def _say(answer: dict[str, Any]) -> None:
    console.print(answer["message"], markup=False)

"""`switchboard queue`: open, close, emergency, and settings at run time; `switchboard overrides`."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from switchboard.control import ask

console = Console(highlight=False)
app = typer.Typer(help="Open and close queues, change their settings.", no_args_is_help=True)
overrides_app = typer.Typer(help="What has been changed at run time.", no_args_is_help=True)

EngineDirectory = Annotated[
    Path, typer.Option("--engine", help="The engine's directory (centre.yaml: settings.engine.directory).")
]
Queue = Annotated[str, typer.Argument(help="The queue's name, or `all`.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; for the records and the live view.")]
Until = Annotated[
    datetime | None,
    typer.Option("--until", formats=["%Y-%m-%dT%H:%M", "%H:%M"], help="Until then, in this machine's time zone."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_queues(engine: EngineDirectory = Path("var"), json: AsJson = False) -> None:
    """Which queues are open or closed, why, and until when."""
    found = asyncio.run(ask(engine, "openings"))
    if json:
        console.print_json(data=found)
        return
    table = Table("queue", "state", "reason", "hours", "by", "until", box=None)
    for each in found:
        table.add_row(*(str(each[name] or "") for name in ("queue", "state", "reason", "hours", "by", "until")))
    console.print(table)


@app.command("open")
def open_queue(queue: Queue, reason: Reason = "", until: Until = None, engine: EngineDirectory = Path("var")) -> None:
    """Open a queue, whatever its hours say."""
    _switch(engine, queue, "open", reason, until)


@app.command("close")
def close(queue: Queue, reason: Reason = "", until: Until = None, engine: EngineDirectory = Path("var")) -> None:
    """Close a queue: who comes meets `when_closed`, who waits `at_closing`."""
    _switch(engine, queue, "closed", reason, until)


@app.command("emergency")
def emergency(queue: Queue, reason: Reason = "", until: Until = None, engine: EngineDirectory = Path("var")) -> None:
    """Close a queue in an emergency: everybody meets `when_closed`, also those who wait."""
    _switch(engine, queue, "emergency", reason, until)


@app.command("hours")
def hours(queue: Queue, engine: EngineDirectory = Path("var")) -> None:
    """Let a queue follow its opening hours again."""
    _switch(engine, queue, "hours", "", None)


@app.command("set")
def set_queue(
    queue: Annotated[str, typer.Argument(help="The queue's name.")],
    settings: Annotated[list[str], typer.Argument(help="Settings as in queues.yaml, such as `wrap_up_s=20 weight=2`.")],
    for_waiting: Annotated[bool, typer.Option(help="Also for those who wait already.")] = True,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Change a queue's settings at once; nobody who waits is dropped."""
    values: dict[str, float] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            values[name] = int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            raise typer.BadParameter(f"{setting!r} is not NAME=NUMBER, such as wrap_up_s=20") from None
    _tell(engine, "set_queue", queue=queue, for_waiting=for_waiting, **values)


@overrides_app.command("list")
def list_overrides(engine: EngineDirectory = Path("var"), json: AsJson = False) -> None:
    """What is laid over the centre's files."""
    found = asyncio.run(ask(engine, "overrides"))
    if json:
        console.print_json(data=found)
        return
    for kind in ("skills", "queues"):
        for name, values in found[kind].items():
            said = ", ".join(f"{key} {'taken away' if value is None else value}" for key, value in values.items())
            console.print(f"{kind[:-1]}  {name}: {said}", markup=False)
    for name in found["passed_over"]:
        console.print(f"passed over: {name} (the centre's files no longer have it)", markup=False)
    if not found["skills"] and not found["queues"]:
        console.print("Nothing: the centre's files alone count.")


@overrides_app.command("clear")
def clear(engine: EngineDirectory = Path("var")) -> None:
    """Forget them all: the centre's files alone count again, at once."""
    _tell(engine, "clear_overrides")


def _switch(engine: Path, queue: str, state: str, reason: str, until: datetime | None) -> None:
    asked: dict[str, Any] = {"state": state, "reason": reason}
    if until is not None:
        today = datetime.now().astimezone()
        if until.year == 1900:  # only a time of day was given
            until = until.replace(year=today.year, month=today.month, day=today.day)
        asked["until"] = until.astimezone().isoformat()
    if queue == "all":
        _tell(engine, "switch_queues", **asked)
    else:
        _tell(engine, "switch_queue", queue=queue, **asked)


def _tell(engine: Path, operation: str, **arguments: Any) -> None:
    console.print(asyncio.run(ask(engine, operation, **arguments))["message"], markup=False)

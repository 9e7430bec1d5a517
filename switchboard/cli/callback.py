"""`switchboard callback`: what is booked, booking, another time, calling off."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.engine import EngineDirectory
from switchboard.control import ask

console = Console(highlight=False)
app = typer.Typer(help="Callbacks: list, book, reschedule, cancel.", no_args_is_help=True)

Callback = Annotated[str, typer.Argument(help="The callback, as `switchboard callback list` names it.")]
At = Annotated[
    str | None, typer.Option(help="When, such as 2026-11-23T15:30 (the centre's clock). By default at its turn.")
]


@app.command("list")
def list_(
    queue: Annotated[str | None, typer.Option(help="Only those of this queue.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Show the callbacks that wait or are under way."""
    callbacks = asyncio.run(ask(engine, "list_callbacks", queue=queue))
    if json:
        console.print_json(data=callbacks)
        return
    table = Table("callback", "queue", "number", "state", "asked", "not before", "tries")
    for callback in callbacks:
        table.add_row(
            callback["contact"],
            callback["queue"],
            callback["number"],
            callback["state"],
            moment(callback["asked_ms"]),
            moment(callback["not_before_ms"]),
            str(callback["tries"]),
        )
    console.print(table if callbacks else "No callbacks.")


@app.command()
def book(
    queue: Annotated[str, typer.Argument(help="The queue whose agents call.")],
    number: Annotated[str, typer.Argument(help="The customer's number.")],
    at: At = None,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Book a callback."""
    booked = asyncio.run(ask(engine, "book_callback", queue=queue, number=number, at=at))
    had = "There is one already for this number; it stands." if booked["merged"] else f"Booked: {booked['contact']}"
    console.print(had, markup=False)


@app.command()
def reschedule(
    callback: Callback,
    at: At = None,
    number: Annotated[str | None, typer.Option(help="Another number.")] = None,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Give a waiting callback another time or number."""
    _tell(engine, "reschedule_callback", contact=callback, at=at, number=number)


@app.command()
def cancel(callback: Callback, engine: EngineDirectory = Path("var")) -> None:
    """Call a callback off."""
    _tell(engine, "cancel_callback", contact=callback)


def moment(at_ms: int | None) -> str:
    """A moment for people, on this machine's clock."""
    if at_ms is None:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _tell(engine: Path, operation: str, **arguments: Any) -> None:
    console.print(asyncio.run(ask(engine, operation, **arguments))["message"], markup=False)

"""`switchboard voicemail`: what callers have left, where the recordings are, marking and deleting."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.callback import moment
from switchboard.cli.engine import EngineDirectory
from switchboard.control import ask
from switchboard.operations import OperationRefused

console = Console(highlight=False)
app = typer.Typer(help="Voicemail: list, find, mark as heard, delete.", no_args_is_help=True)

Message = Annotated[str, typer.Argument(help="The message, as `switchboard voicemail list` names it.")]


@app.command("list")
def list_(
    mailbox: Annotated[str | None, typer.Option(help="Only those of this mailbox.")] = None,
    unheard: Annotated[bool, typer.Option("--unheard", help="Only those that nobody has heard.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Show the messages that callers have left."""
    messages = _messages(engine, mailbox=mailbox, unheard=unheard)
    if json:
        console.print_json(data=messages)
        return
    table = Table("message", "mailbox", "from", "left", "seconds", "heard by")
    for message in messages:
        seconds = f"{message['duration_ms'] / 1000:.0f}"
        table.add_row(
            message["voicemail"],
            message["mailbox"],
            message["number"],
            moment(message["at_ms"]),
            seconds,
            message["heard_by"],
        )
    console.print(table if messages else "No messages.")


@app.command("play-path")
def play_path(message: Message, engine: EngineDirectory = Path("var")) -> None:
    """Print where the recording is, for a player: `aplay $(switchboard voicemail play-path ID)`."""
    for known in _messages(engine):
        if known["voicemail"] == message:
            console.print(known["path"], markup=False, soft_wrap=True)
            return
    raise OperationRefused(f"there is no voicemail {message!r}", "unknown")


@app.command()
def heard(
    message: Message,
    undo: Annotated[bool, typer.Option("--undo", help="Nobody has heard it after all.")] = False,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Mark a message as heard; it waits for no agent any more."""
    _tell(engine, "mark_voicemail", voicemail=message, heard=not undo)


@app.command()
def delete(message: Message, engine: EngineDirectory = Path("var")) -> None:
    """Delete a message and its recording."""
    _tell(engine, "delete_voicemail", voicemail=message)


def _messages(engine: Path, **which: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = asyncio.run(ask(engine, "list_voicemails", **which))
    return messages


def _tell(engine: Path, operation: str, **arguments: Any) -> None:
    console.print(asyncio.run(ask(engine, operation, **arguments))["message"], markup=False)

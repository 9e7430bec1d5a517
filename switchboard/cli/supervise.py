"""`switchboard supervise`: monitor talks, move and pull waiting contacts, hang up, skills, recordings."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from switchboard.control import ask

console = Console(highlight=False)
app = typer.Typer(help="Listen to talks, move waiting contacts, change skills.", no_args_is_help=True)

EngineDirectory = Annotated[
    Path, typer.Option("--engine", help="The engine's directory (centre.yaml: settings.engine.directory).")
]
Agent = Annotated[str, typer.Argument(help="The agent's short name, as in agents.yaml.")]
Supervisor = Annotated[str, typer.Argument(help="The supervisor: an agent with `supervisor: true`.")]
Contact = Annotated[str, typer.Argument(help="The contact's id, as the live view shows it.")]


class Mode(StrEnum):
    """How a supervisor takes part."""

    listen = "listen"
    whisper = "whisper"
    barge = "barge"


@app.command()
def monitor(
    agent: Agent, supervisor: Supervisor, mode: Mode = Mode.listen, engine: EngineDirectory = Path("var")
) -> None:
    """Ring a supervisor's phone to listen to an agent's talk, to whisper or to barge in.

    During it the key 4 is listen, 5 whisper, 6 barge, and * ends it.
    """
    _tell(engine, "monitor", agent=agent, supervisor=supervisor, mode=mode.value)


@app.command()
def mode(supervisor: Supervisor, mode: Mode, engine: EngineDirectory = Path("var")) -> None:
    """Change how a supervisor takes part in the talk."""
    _tell(engine, "change_monitor", supervisor=supervisor, mode=mode.value)


@app.command()
def stop(supervisor: Supervisor, engine: EngineDirectory = Path("var")) -> None:
    """End what a supervisor monitors; the talk goes on."""
    _tell(engine, "stop_monitor", supervisor=supervisor)


@app.command()
def monitors(
    engine: EngineDirectory = Path("var"), json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Who monitors whom at this moment."""
    found = asyncio.run(ask(engine, "monitors"))
    if json:
        console.print_json(data=found)
        return
    table = Table("supervisor", "agent", "mode", "contact", "asked for by", box=None)
    for each in found:
        mode = "rings" if each["ringing"] else each["mode"]
        table.add_row(each["supervisor"], each["agent"], mode, each["contact"], each["actor"])
    console.print(table)


@app.command()
def move(
    contact: Contact,
    queue: Annotated[str, typer.Argument(help="The queue's name.")],
    priority: Annotated[int | None, typer.Option(help="The priority that it has there.")] = None,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Move a waiting contact to another queue; it keeps its age."""
    _tell(engine, "move", contact=contact, queue=queue, priority=priority)


@app.command()
def pull(contact: Contact, agent: Agent, engine: EngineDirectory = Path("var")) -> None:
    """Give a waiting contact to one agent, whatever the conditions say."""
    _tell(engine, "pull", contact=contact, agent=agent)


@app.command()
def priority(
    contact: Contact,
    value: Annotated[int, typer.Argument(help="Higher goes first.")],
    engine: EngineDirectory = Path("var"),
) -> None:
    """Change how urgent a waiting contact is; it keeps its age."""
    _tell(engine, "set_priority", contact=contact, priority=value)


@app.command("hang-up")
def hang_up(
    contact: Contact,
    reason: Annotated[str, typer.Option("--reason", help="Why; for the records.")],
    engine: EngineDirectory = Path("var"),
) -> None:
    """Hang up a call."""
    _tell(engine, "hang_up_call", contact=contact, reason=reason)


@app.command()
def skill(
    agent: Agent,
    skill: Annotated[str, typer.Argument(help="The skill's name.")],
    level: Annotated[int, typer.Argument(min=0, max=10, help="1 to 10; 0 takes the skill away.")],
    engine: EngineDirectory = Path("var"),
) -> None:
    """Change what an agent can do, at once, also for those who wait."""
    _tell(engine, "set_skill", agent=agent, skill=skill, level=level or None)


@app.command("pause-recording")
def pause_recording(agent: Agent, engine: EngineDirectory = Path("var")) -> None:
    """Keep what is said now out of the recording of an agent's talk."""
    _tell(engine, "pause_recording", agent=agent)


@app.command("resume-recording")
def resume_recording(agent: Agent, engine: EngineDirectory = Path("var")) -> None:
    """Go on with the recording of an agent's talk after a pause."""
    _tell(engine, "resume_recording", agent=agent)


def _tell(engine: Path, operation: str, **arguments: Any) -> None:
    console.print(asyncio.run(ask(engine, operation, **arguments))["message"], markup=False)

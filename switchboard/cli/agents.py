"""`switchboard agent`: what agents do, by command: presence, talks, wrap-up."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from switchboard.cli.engine import Agent, EngineDirectory
from switchboard.control import ask

console = Console(highlight=False)

app = typer.Typer(help="What agents do: sign in, pause, hold, consult, transfer, wrap up.", no_args_is_help=True)

Note = Annotated[str, typer.Option(help="What whoever takes the caller next should know.")]
ToAgent = Annotated[str | None, typer.Option("--agent", help="To this agent.")]
ToQueue = Annotated[str | None, typer.Option("--queue", help="To this queue.")]
ToNumber = Annotated[str | None, typer.Option("--number", help="To this outside number, if the centre allows it.")]
VAR = Path("var")


@app.command("sign-in")
def sign_in(
    agent: Agent,
    phone: Annotated[
        str | None, typer.Option(help="Where the agent is rung; by default the agent's own phone.")
    ] = None,
    engine: EngineDirectory = VAR,
) -> None:
    """Sign an agent in, ready for contacts."""
    _tell(engine, "sign_in", agent=agent, phone=phone)


@app.command("sign-out")
def sign_out(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """Sign an agent out: at once when free, otherwise after the present contact."""
    _tell(engine, "sign_out", agent=agent)


@app.command("pause")
def pause(agent: Agent, reason: Annotated[str, typer.Argument(help="Why.")], engine: EngineDirectory = VAR) -> None:
    """Pause an agent: at once when free, otherwise after the present contact."""
    _tell(engine, "pause", agent=agent, reason=reason)


@app.command("ready")
def ready(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """End an agent's pause or wrap-up."""
    _tell(engine, "ready", agent=agent)


@app.command("decline")
def decline(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """Refuse what is offered to the agent."""
    _tell(engine, "decline", agent=agent)


@app.command("hold")
def hold(
    agent: Agent,
    reason: Annotated[str, typer.Option(help="Why; the caller is told, if there is a prompt for it.")] = "",
    engine: EngineDirectory = VAR,
) -> None:
    """Put the agent's caller on hold."""
    _tell(engine, "hold", agent=agent, reason=reason)


@app.command("resume")
def resume(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """Talk with the caller again; a consultation under way ends."""
    _tell(engine, "resume", agent=agent)


@app.command("consult")
def consult(
    agent: Agent,
    to_agent: ToAgent = None,
    to_queue: ToQueue = None,
    to_number: ToNumber = None,
    note: Note = "",
    engine: EngineDirectory = VAR,
) -> None:
    """Ask somebody about the caller, who is on hold meanwhile."""
    _tell(engine, "consult", agent=agent, to_agent=to_agent, to_queue=to_queue, to_number=to_number, note=note)


@app.command("cancel-consult")
def cancel_consult(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """End the consultation; the caller stays on hold."""
    _tell(engine, "cancel_consult", agent=agent)


@app.command("complete-transfer")
def complete_transfer(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """Leave the caller to the one who has been consulted."""
    _tell(engine, "complete_transfer", agent=agent)


@app.command("transfer")
def transfer(
    agent: Agent,
    to_agent: ToAgent = None,
    to_queue: ToQueue = None,
    to_number: ToNumber = None,
    note: Note = "",
    engine: EngineDirectory = VAR,
) -> None:
    """Send the caller to an agent, a queue or an outside number."""
    _tell(engine, "transfer", agent=agent, to_agent=to_agent, to_queue=to_queue, to_number=to_number, note=note)


@app.command("requeue")
def requeue(
    agent: Agent,
    note: Note = "",
    priority: Annotated[int | None, typer.Option(help="Instead of the priority the caller had.")] = None,
    engine: EngineDirectory = VAR,
) -> None:
    """Send the caller back to the queue, to the old place."""
    _tell(engine, "requeue", agent=agent, note=note, priority=priority)


@app.command("escalate")
def escalate(agent: Agent, note: Note = "", engine: EngineDirectory = VAR) -> None:
    """Send the caller to the queue's second level."""
    _tell(engine, "escalate", agent=agent, note=note)


@app.command("hang-up")
def hang_up(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """End the agent's talk."""
    _tell(engine, "hang_up", agent=agent)


@app.command("disposition")
def disposition(
    agent: Agent,
    code: Annotated[str, typer.Argument(help="One of the centre's dispositions (agents.yaml).")],
    note: Annotated[str, typer.Option(help="Anything else about it.")] = "",
    contact: Annotated[str | None, typer.Option(help="By default the agent's present or last one.")] = None,
    engine: EngineDirectory = VAR,
) -> None:
    """Say how a contact ended."""
    _tell(engine, "disposition", agent=agent, code=code, note=note, contact=contact)


@app.command("note")
def note(
    agent: Agent,
    text: Annotated[str, typer.Argument(help="What is to be noted.")],
    contact: Annotated[str | None, typer.Option(help="By default the agent's present or last one.")] = None,
    engine: EngineDirectory = VAR,
) -> None:
    """Note something about a contact; it is part of its story."""
    _tell(engine, "note", agent=agent, text=text, contact=contact)


@app.command("extend-wrap-up")
def extend_wrap_up(
    agent: Agent, seconds: Annotated[int, typer.Argument(help="How much longer.")], engine: EngineDirectory = VAR
) -> None:
    """Give the agent more time for the wrap-up under way."""
    _tell(engine, "extend_wrap_up", agent=agent, seconds=seconds)


@app.command("end-wrap-up")
def end_wrap_up(agent: Agent, engine: EngineDirectory = VAR) -> None:
    """End the agent's wrap-up."""
    _tell(engine, "end_wrap_up", agent=agent)


def _tell(engine: Path, operation: str, **arguments: Any) -> None:
    console.print(asyncio.run(ask(engine, operation, **arguments))["message"], markup=False)

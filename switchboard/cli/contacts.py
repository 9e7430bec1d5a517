"""`switchboard work`: chats, e-mails, social posts and tasks; what waits, and what agents do with it."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from switchboard.cli.callback import moment
from switchboard.cli.engine import Agent, EngineDirectory
from switchboard.control import ask

console = Console(highlight=False)
app = typer.Typer(help="Other work than calls: create, list, show, accept, decline, end, cancel.", no_args_is_help=True)

Contact = Annotated[str, typer.Argument(help="The contact, as `switchboard work list` names it.")]
Offer = Annotated[str, typer.Argument(help="The offer, as `switchboard work show CONTACT` names it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    queue: Annotated[str, typer.Argument(help="The queue in which it waits.")],
    reference: Annotated[str | None, typer.Option(help="Your own name for it; it cannot be in work twice.")] = None,
    caller: Annotated[str, typer.Option(help="Whose it is: an address, a customer's number.")] = "",
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", "-a", help="NAME=VALUE, seen as contact.NAME; may be repeated.")
    ] = None,
    priority: Annotated[int | None, typer.Option(help="In place of the queue's priority.")] = None,
    json: Json = False,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Let a chat, an e-mail, a social post or a task wait in a queue."""
    attributes = dict(_pair(written) for written in attribute or ())
    asked = {"reference": reference, "caller": caller, "attributes": attributes, "priority": priority}
    created = asyncio.run(ask(engine, "create_contact", queue=queue, **asked))
    if json:
        console.print_json(data=created)
    else:
        console.print(created["contact"], markup=False)


@app.command("list")
def list_(
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only what this agent has or is offered.")] = None,
    json: Json = False,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Show what waits or is handled, calls too, the oldest first."""
    contacts = asyncio.run(ask(engine, "list_contacts", channel=channel, queue=queue, agent=agent))
    if json:
        console.print_json(data=contacts)
        return
    table = Table("contact", "channel", "queue", "state", "agent", "offer", "arrived")
    for contact in contacts:
        state = "resting" if contact["rests"] else contact["state"]
        agent_, offer, arrived = contact["agent"] or "", contact["offer"] or "", moment(contact["arrived_ms"])
        table.add_row(contact["contact"], contact["channel"], contact["queue"], state, agent_, offer, arrived)
    console.print(table if contacts else "Nothing waits.")


@app.command()
def show(contact: Contact, json: Json = False, engine: EngineDirectory = Path("var")) -> None:
    """Show one contact, with its place in the queue and the wait still to come."""
    shown = asyncio.run(ask(engine, "show_contact", contact=contact))
    if json:
        console.print_json(data=shown)
        return
    for field, value in shown.items():
        if value not in (None, "", {}, False):
            console.print(f"{field:>14}  {moment(value) if field.endswith('_ms') else value}", markup=False)


@app.command()
def accept(agent: Agent, offer: Offer, engine: EngineDirectory = Path("var")) -> None:
    """Take up what is offered to the agent."""
    _tell(engine, "accept_offer", agent=agent, offer=offer)


@app.command()
def decline(agent: Agent, offer: Offer, engine: EngineDirectory = Path("var")) -> None:
    """Refuse what is offered to the agent; it goes to somebody else."""
    _tell(engine, "decline_offer", agent=agent, offer=offer)


@app.command()
def end(agent: Agent, contact: Contact, engine: EngineDirectory = Path("var")) -> None:
    """The agent is done with it; the wrap-up begins."""
    _tell(engine, "end_contact", agent=agent, contact=contact)


@app.command()
def cancel(contact: Contact, engine: EngineDirectory = Path("var")) -> None:
    """It is void or its customer is gone, wherever it is."""
    _tell(engine, "cancel_contact", contact=contact)


def _pair(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"NAME=VALUE belongs here, not {written!r}", param_hint="--attribute")
    return name, value


def _tell(engine: Path, operation: str, **arguments: Any) -> None:
    console.print(asyncio.run(ask(engine, operation, **arguments))["message"], markup=False)

"""`switchboard replay` and `switchboard why`: what a journal proves and explains."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from router.core.decisions import Offer
from router.live.journal import Handled, JournalError, newest, read
from router.live.recovery import replay as replay_journal
from switchboard.story import contact_story

console = Console(highlight=False)

JournalArgument = Annotated[Path, typer.Argument(help="A journal file, or the directory of an engine (its newest).")]


def register(app: typer.Typer) -> None:
    app.command()(replay)
    app.command()(why)


def _find(path: Path) -> Path:
    found = newest(path) if path.is_dir() else path
    if found is None or not found.exists():
        raise typer.BadParameter(f"{path}: no journal here")
    return found


def replay(journal: JournalArgument) -> None:
    """Run a journal through the router again and assert that every decision is the same."""
    path = _find(journal)
    try:
        result = replay_journal(path)
    except JournalError as error:
        console.print(str(error), markup=False)
        raise typer.Exit(2) from None
    if result.divergence:
        console.print(f"{path}: the router decides differently now.\n{result.divergence}", markup=False)
        raise typer.Exit(1)
    console.print(f"{path}: {result.events} events, {result.decisions} decisions, all identical.", markup=False)


def why(
    contact: Annotated[str, typer.Argument(help="The contact's id (the caller's Uniqueid), or a part of it.")],
    journal: JournalArgument = Path("var"),
    everyone: Annotated[bool, typer.Option("--all", help="Name every agent, not only the first few.")] = False,
) -> None:
    """Tell the story of a contact: what happened, what was decided, and why."""
    path = _find(journal)
    records = [(number, record) for number, record in enumerate(read(path), start=1) if isinstance(record, Handled)]
    ids = sorted({c for _, record in records if (c := getattr(record.event, "contact", None)) and contact in c})
    if len(ids) != 1:
        console.print(
            f"{path}: no contact {contact!r}." if not ids else f"{contact!r} could be {', '.join(ids[:8])}.",
            markup=False,
        )
        raise typer.Exit(1)
    story = contact_story(ids[0], records)
    console.print(f"[bold]Contact {ids[0]}[/bold]  ({path})")
    for entry in story:
        at = datetime.fromtimestamp(entry.at_ms / 1000).astimezone()
        console.print(f"  {at:%H:%M:%S}.{entry.at_ms % 1000:03d}  {entry.text}", markup=False)
        if entry.offer:
            _print_record(entry.offer)
            if everyone:
                _print_everyone(path, entry.record, ids[0])


def _print_record(offer: Offer) -> None:
    record = offer.record
    table = Table(box=None, padding=(0, 2), show_header=True, header_style="dim")
    table.add_column("           who")
    for key in record.agent_ranking:
        table.add_column(key, justify="right")
    for candidate in record.agents:
        mark = "→" if candidate.name == offer.agent else " "
        table.add_row(f"         {mark} {candidate.name}", *(f"{value:g}" for value in candidate.keys))
    if record.agents:
        console.print(table)
    for name, reason in record.not_chosen:
        console.print(f"             {name}: {reason}", markup=False)


def _print_everyone(path: Path, record: int, contact: str) -> None:
    """Goes back to the state just before the decision and asks the core for the whole explanation."""
    explanation = replay_journal(path, stop_at=record).router.explain(contact)
    for name, reason in explanation.agents:
        console.print(f"             {name}: {reason}", markup=False)

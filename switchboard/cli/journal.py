"""`switchboard replay` and `switchboard why`: what a journal proves and explains."""

from collections.abc import Iterable
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

console = Console(highlight=False, soft_wrap=True)
_LEAST_MOMENT_MS = 1e12
"""Keys this large are moments: 2001 and later."""

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
            print_candidates(entry.offer)
            _print_others(_everyone(path, entry.record, ids[0]) if everyone else entry.offer.record.not_chosen)


def print_candidates(offer: Offer) -> None:
    """Who was compared, by which keys; the smallest values win, from the left."""
    record = offer.record
    table = Table(box=None, padding=(0, 2), show_header=True, header_style="dim")
    table.add_column("           who")
    for key in record.agent_ranking:
        table.add_column(key, justify="right")
    for candidate in record.agents:
        mark = "→" if candidate.name == offer.agent else " "
        table.add_row(f"         {mark} {candidate.name}", *map(_key_value, candidate.keys))
    if record.agents:
        console.print(table)


def _print_others(others: Iterable[tuple[str, str]]) -> None:
    for name, reason in others:
        console.print(f"             {name}: {reason}", markup=False)


def _everyone(path: Path, record: int, contact: str) -> tuple[tuple[str, str], ...]:
    """Goes back to the state just after the decision and asks the core what each agent was doing."""
    return replay_journal(path, stop_at=record + 1).router.explain(contact).agents


def _key_value(value: float) -> str:
    """The value of a ranking key; those that are moments in Unix time are shown by the clock."""
    if value < _LEAST_MOMENT_MS:
        return f"{value:g}"
    return f"{datetime.fromtimestamp(value / 1000).astimezone():%H:%M:%S}"

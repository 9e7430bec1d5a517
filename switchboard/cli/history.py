"""`switchboard history`: from a phone system's own records to a scenario, and what that scenario is worth."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# pyarrow, numpy and SQLAlchemy take a second to load, which no other command should pay for.
if TYPE_CHECKING:
    from switchboard.history.importing import Import

app = typer.Typer(no_args_is_help=True, help="Bring your own records: import them, calibrate, back-test.")
errors = Console(stderr=True, highlight=False)
_WIDE = 110
_SHOWN_REASONS, _SHOWN_ROWS = 12, 3


@app.callback()
def _history() -> None:
    """Keeps `import` a command of its own even while it is the only one."""


def console() -> Console:
    """Wide enough for every figure where the output is no terminal."""
    return Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=_WIDE)


@app.command("import")
def import_command(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files (queue_log, Master.csv, CSV, Parquet), directories (a centre, an engine's journals), "
            "or addresses of databases (postgresql+psycopg://user@host/name).",
            show_default=False,
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="The history's directory.")] = Path("history"),
    mapping: Annotated[Path | None, typer.Option(help="What the columns of a CSV or Parquet file mean (YAML).")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="The zone of times without one, and of the planner's days: Europe/Madrid.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(help="queue-log, cdr, csv, parquet, records or journal; by default what it looks like."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of text files; by default what they look like.")] = None,
    table: Annotated[str | None, typer.Option(help="The database's table; by default cdr or queue_log.")] = None,
    application: Annotated[
        list[str], typer.Option(help="CDRs: the dialplan applications whose records are contacts.")
    ] = ["Queue"],  # noqa: B006
    context: Annotated[list[str], typer.Option(help="CDRs: only these dialplan contexts.")] = [],  # noqa: B006
    add: Annotated[bool, typer.Option("--add", help="Put them into the history that is there.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Make the history anew.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Write nothing if a single row is refused.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Read the records of a phone system into one normal form. Every row refused is listed with line and reason."""
    from documents import nearest
    from switchboard.history.importing import FORMATS, Options, import_history

    if format is not None and format not in FORMATS:
        raise typer.BadParameter(f"there is no format {format!r} ({nearest(format, FORMATS)})")
    options = Options(format, mapping, time_zone, encoding, table, tuple(application), tuple(context))
    made = import_history(sources, to, options, add=add, replace=replace)
    stopped = strict and len(made.refusals) > 0
    if not stopped:
        try:
            made.write(to)
        except OSError as error:
            errors.print(f"The history cannot be written: {error}", markup=False, soft_wrap=True)
            raise typer.Exit(3) from None
    if json:
        typer.echo(_json(made, to))
    else:
        _print_import(made, to, stopped)
    if stopped:
        errors.print("Nothing was written, because rows were refused (--strict).")
        raise typer.Exit(1)


def _print_import(made: "Import", to: Path, stopped: bool) -> None:
    out = console()
    table = Table(box=None, padding=(0, 1))
    table.add_column("source", overflow="fold")
    table.add_column("format")
    table.add_column("contacts", justify="right")
    table.add_column("rows refused", justify="right")
    for source in made.sources:
        table.add_row(escape(source["source"]), source["format"], f"{source['contacts']:,}", f"{source['refused']:,}")
    out.print(table)
    refused = made.refusals.by_reason()
    if refused:
        out.print()
        reasons = Table(box=None, padding=(0, 1))
        reasons.add_column("refused", justify="right")
        reasons.add_column("why")
        reasons.add_column("file", overflow="fold")
        for file, reason, count in refused[:_SHOWN_REASONS]:
            reasons.add_row(f"{count:,}", escape(reason), escape(file))
        out.print(reasons)
        if len(refused) > _SHOWN_REASONS:
            out.print(f"and {len(refused) - _SHOWN_REASONS} more reasons")
        for name, line, reason, value in made.refusals.first(_SHOWN_ROWS):
            out.print(f"  {_plain(name)}:{line}: {reason}" + (f": {_plain(value)}" if value else ""), markup=False)
    for note in made.notes:
        out.print(f"\n{note}", markup=False)
    out.print()
    for said in _summary(made):
        out.print(said, markup=False)
    if not stopped:
        out.print(f"\n{to}/contacts.parquet", markup=False)
        out.print(f"{to}/refused.csv", markup=False)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:100]


def _summary(made: "Import") -> list[str]:
    import pyarrow.compute as pc

    from simulations.history.form import OUTCOMES

    history = made.history
    contacts = history.contacts
    zone = history.about["time_zone"]
    first, last = (
        _clock(value, zone) for value in (contacts["arrived_ms"][0].as_py(), contacts["arrived_ms"][-1].as_py())
    )
    counts = {row["values"]: row["counts"] for row in contacts["outcome"].value_counts().to_pylist()}
    ends = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES if outcome in counts)
    queues = pc.count_distinct(contacts["queue"]).as_py()
    agents = pc.count_distinct(
        pc.drop_null(pc.if_else(pc.equal(contacts["agent"], ""), None, contacts["agent"]))
    ).as_py()
    return [
        f"{len(contacts):,} contacts from {first} to {last} ({zone or 'UTC'}), {queues} queues, {agents} agents",
        ends,
    ]


def _clock(at_ms: int, zone: str | None) -> str:
    from zoneinfo import ZoneInfo

    return f"{datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone) if zone else UTC):%Y-%m-%d %H:%M}"


def _json(made: "Import", to: Path) -> str:
    import msgspec

    said: dict[str, Any] = {
        "history": str(to),
        "contacts": len(made.history.contacts),
        "sources": made.sources,
        "refused": [
            {"file": file, "reason": reason, "rows": count} for file, reason, count in made.refusals.by_reason()
        ],
        "notes": made.notes,
    }
    return msgspec.json.format(msgspec.json.encode(said), indent=1).decode()

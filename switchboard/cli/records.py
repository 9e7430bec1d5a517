"""`switchboard contact show`, `report`, `store` and `queue-log`: reading the centre's records, and their care.

They read the database itself, so they work whether an engine runs or not.
"""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, make_url, select
from sqlalchemy.exc import DBAPIError

from documents.tables import WRITERS
from router.core.measures import Value
from router.live.journal import JournalError
from switchboard.centre import Centre, load_centre
from switchboard.centre.secrets import SecretError
from switchboard.cli.journal import print_candidates
from switchboard.control import SOCKET_NAME
from switchboard.lock import AlreadyRunning, DirectoryLock
from switchboard.reports.periods import Interval
from switchboard.reports.report import Report, ReportError, Subject, make_report
from switchboard.store import database
from switchboard.store.follower import BEGINNING, Follower, Position
from switchboard.store.queue_log import written
from switchboard.store.rebuild import rebuild as rebuild_records
from switchboard.store.records import find_contacts, whole_contact
from switchboard.store.schema import journal_position, queue_log
from switchboard.store.words import story_lines

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

CentreDirectory = Annotated[Path, typer.Argument(help="The centre's directory.")]

Output = Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of the standard output.")]

contact_app = typer.Typer(help="Contacts in the centre's records.", no_args_is_help=True)
store_app = typer.Typer(help="The records: how they stand, their version, making them anew.", no_args_is_help=True)
queue_log_app = typer.Typer(help="The records in the format of Asterisk's queue_log.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(contact_app, name="contact")
    app.add_typer(store_app, name="store")
    app.add_typer(queue_log_app, name="queue-log")
    app.command()(report)


@contextmanager
def reading(centre: Centre) -> Iterator[Connection]:
    """The centre's records; what keeps them from being read is said in words, with exit code 3."""
    with _explained():
        store = database.open_centre_store(centre, read_only=True)
        database.require_records(store)
        with store.connect() as connection:
            yield connection


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong outside, in words."""
    try:
        yield
    except (database.StoreError, SecretError, JournalError, AlreadyRunning) as error:
        _fail(str(error))
    except DBAPIError as error:
        _fail(f"the records cannot be used now: {database.reason(error)}")


def _fail(message: str, code: int = 3) -> NoReturn:
    errors.print(message, markup=False)
    raise typer.Exit(code)


@contact_app.command("show")
def show(
    contact: Annotated[str, typer.Argument(help="The contact's id (the caller's Uniqueid), or a part of it.")],
    centre: CentreDirectory,
    candidates: Annotated[bool, typer.Option("--why", help="Show what was compared at each offer.")] = False,
) -> None:
    """Show all that the records have of a contact: every leg, state and decision."""
    loaded = load_centre(centre)
    with reading(loaded) as connection:
        found = find_contacts(connection, contact)
        if len(found) > 1:
            _fail(f"{contact!r} could be {', '.join(found)}.", 1)
        whole = whole_contact(connection, found[0] if found else contact)
    if whole is None:
        _fail(f"The records have no contact {contact!r}.", 1)
    console.print(f"Contact {whole.contact}", style="bold", markup=False)
    for call in whole.calls:
        console.print(f"  call from {call['caller'] or 'an unknown number'} to {call['dialled']}", markup=False)
    for stay in whole.stays:
        agent = f" with {stay['agent']}, talk {stay['talk_ms'] / 1000:.1f} s" if stay["agent"] else ""
        outcome = stay["outcome"] or "under way"
        console.print(f"  {stay['queue']}: {outcome}, waited {stay['wait_ms'] / 1000:.1f} s{agent}", markup=False)
    day = ""
    for line in story_lines(whole):
        at = datetime.fromtimestamp(line.at_ms / 1000, loaded.zone)
        if (this_day := f"{at:%Y-%m-%d %Z}") != day:
            console.print(f"  {this_day}", style="dim", markup=False)
            day = this_day
        console.print(f"  {at:%H:%M:%S}.{line.at_ms % 1000:03d}  {line.text}", markup=False)
        if candidates and line.offer:
            print_candidates(line.offer)


def report(
    subject: Annotated[Subject, typer.Argument(help="Of what.")],
    centre: CentreDirectory,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, as 2026-03-29.")],
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="The last day (by default the first)."),
    ] = None,
    interval: Annotated[Interval, typer.Option(help="Minutes of each interval, or whole days.")] = "day",
    form: Annotated[str, typer.Option("--format", help="table, csv, parquet or json.")] = "table",
    output: Output = None,
    name: Annotated[list[str] | None, typer.Option(help="Only this queue, agent, ...; may be repeated.")] = None,
) -> None:
    """Figures of queues, agents, skills or intents, per interval or day, by the centre's clock."""
    if form not in ("table", *WRITERS):
        raise typer.BadParameter(f"{form!r}: table, {', '.join(WRITERS)} are there", param_hint="--format")
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise typer.BadParameter("Parquet is not for a terminal; give --output FILE", param_hint="--format")
    loaded = load_centre(centre)
    with reading(loaded) as connection:
        now_ms = _until_ms(loaded, connection)
        try:
            days = first.date(), (last or first).date()
            names = tuple(name or ())
            made = make_report(connection, subject, *days, loaded.zone, interval, now_ms, names, loaded.escalations)
        except ReportError as error:
            raise typer.BadParameter(str(error)) from None
    if form == "table":
        _print_report(made)
        return
    data = WRITERS[form](*made.table())
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)


def _until_ms(centre: Centre, connection: Connection) -> int:
    """Up to when what is not over has lasted: until now; without an engine, until the last that is known."""
    with socket.socket(socket.AF_UNIX) as control:
        try:
            control.connect(str(Path(centre.settings.engine.directory) / SOCKET_NAME))
        except OSError:
            return connection.execute(select(journal_position.c.at_ms)).scalar() or 0
    return time.time_ns() // 1_000_000


_PIPE_WIDTH = 120
_SHOWN: dict[str, tuple[str, ...]] = {
    "agents": ("answered", "refused_share", "occupancy_share", "busy_ms", "wrap_up_ms", "ready_ms", "paused_ms"),
    "": (
        "offered",
        "answered",
        "abandoned",
        "service_level_share",
        "asa_ms",
        "wait_p95_ms",
        "aht_ms",
    ),
}


def _print_report(made: Report) -> None:
    """The figures that fit a terminal; CSV has them all."""
    shown = _SHOWN.get(made.subject, _SHOWN[""])
    table = Table(box=None, padding=(0, 1))
    table.add_column("from", no_wrap=True)
    table.add_column(made.subject.removesuffix("s"), overflow="fold")
    for column in shown:
        table.add_column(_title(column), justify="right")
    clock = "%Y-%m-%d" if made.interval == "day" else "%Y-%m-%d %H:%M %Z"
    for row in made.rows:
        table.add_row(f"{row.period.start:{clock}}", row.name, *(_cell(c, row.values[c]) for c in shown))
    wide = Console(highlight=False, width=None if console.is_terminal else _PIPE_WIDTH)
    wide.print(table if made.rows else "Nothing is recorded of these days.")


def _title(column: str) -> str:
    return column.removesuffix("_share").removesuffix("_ms").replace("_", " ")


def _cell(column: str, value: Value) -> str:
    if value is None:
        return "-"
    if column.endswith("_share"):
        return f"{100 * value:.1f} %"
    return f"{value / 1000:.1f} s" if column.endswith("_ms") else f"{value:g}"


@store_app.command("upgrade")
def upgrade(centre: CentreDirectory) -> None:
    """Bring the tables to this version. A starting engine does it by itself."""
    with _explained():
        store = database.open_centre_store(load_centre(centre))
        database.upgrade(store)
        console.print(f"{_where(store)}: version {database.version(store)}.", markup=False)


@store_app.command("status")
def status(centre: CentreDirectory) -> None:
    """Show up to where the journal is stored. Exit code 1: something is not stored yet."""
    loaded = load_centre(centre)
    with reading(loaded) as connection:
        row = connection.execute(select(journal_position)).one_or_none()

    position = Position(row.file, row.offset) if row else BEGINNING
    behind = Follower(Path(loaded.settings.engine.directory), position).behind()
    records = row.records if row else 0
    console.print(f"{records} records stored, up to {position.file} byte {position.offset}; behind by {behind} bytes.")
    if behind:
        raise typer.Exit(1)


@store_app.command("rebuild")
def rebuild(centre: CentreDirectory) -> None:
    """Make the records anew from the journals that there are. What only deleted journals had is lost.

    The engine must not run. Keep a copy of the database first if journals have been deleted (see docs/operations.md).
    """
    loaded = load_centre(centre)
    with _explained(), DirectoryLock(Path(loaded.settings.engine.directory)):
        count = rebuild_records(loaded)
    console.print(f"{count} records stored anew.")


@queue_log_app.command("export")
def export(
    centre: CentreDirectory,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, included.")] = None,
    output: Output = None,
) -> None:
    """Write what is recorded as lines of Asterisk's queue_log, for programs that read such."""
    loaded = load_centre(centre)
    table = queue_log.c
    query = select(queue_log).order_by(table.id)
    if first is not None:
        query = query.where(table.at_ms >= _ms(loaded, first.date()))
    if last is not None:
        query = query.where(table.at_ms < _ms(loaded, date.fromordinal(last.toordinal() + 1)))
    out = output.open("w", encoding="utf-8", newline="\n") if output else sys.stdout
    try:
        with reading(loaded) as connection:
            for row in connection.execution_options(yield_per=5000).execute(query):
                line = written(row.at_ms, row.callid, row.queuename, row.agent, row.event, tuple(row[-5:]))
                out.write(line + "\n")
    finally:
        if output:
            out.close()


def _ms(centre: Centre, day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=centre.zone).timestamp() * 1000)


def _where(store: Engine) -> str:
    return make_url(store.url).render_as_string(hide_password=True)

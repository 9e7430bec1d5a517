"""`switchboard demo`: real calls through a real Asterisk, and the simulation of the same day beside them."""

import asyncio
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.table import Table

import switchboard

if TYPE_CHECKING:
    from simulations.compare import Comparison, Row

console = Console(highlight=False)
EXAMPLE = Path(switchboard.__file__).parents[1] / "examples" / "bank"


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    directory: Annotated[Path, typer.Option(help="Where everything is written; emptied first.")] = Path("var/demo"),
    centre: Annotated[Path, typer.Option(help="The centre to play.")] = EXAMPLE,
    calls: Annotated[int, typer.Option(min=1, help="How many callers.")] = 64,
    seconds: Annotated[float, typer.Option(min=1, help="How long the day is.")] = 200.0,
    seed: Annotated[int, typer.Option(min=0, help="The day's dice.")] = 7,
) -> None:
    """Play a bank's day: real SIP calls into a real Asterisk, agents who answer them, and the same day simulated.

    Exit code 0 only if every call reached a proper end.
    """
    from asterisk_conf.phones import PhoneError
    from asterisk_conf.private import AsteriskFailed
    from asterisk_conf.root import SetupError
    from simulations.report import write_report
    from simulations.results import summarise
    from switchboard.demo.prediction import REPLICATIONS, predict
    from switchboard.demo.run import DemoFailed, play

    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    logging.basicConfig(filename=directory / "engine.log", level=logging.INFO)
    try:
        played = asyncio.run(play(directory, centre, calls=calls, seconds=seconds, seed=seed, console=console))
    except (AsteriskFailed, DemoFailed, PhoneError, SetupError) as error:
        say(str(error))
        raise typer.Exit(3) from None
    with ProgressBar(console=console, transient=True) as bar:
        task = bar.add_task("simulating the same day", total=REPLICATIONS)
        study, comparison = predict(played.journal, seed, lambda done: bar.update(task, completed=done))
    report = write_report(summarise(study), directory / "report")
    console.print(_beside(comparison))
    proper = sum(outcome.proper for outcome in played.outcomes)
    say(f"{proper} of {calls} calls reached a proper end.")
    for name in played.left_over:
        say(f"left over in the engine: {name}")
    replayed, journal = played.replayed, played.journal
    verdict = "all identical" if replayed.divergence is None else f"NOT identical\n{replayed.divergence}"
    say(f"The journal replayed: {replayed.events} events, {replayed.decisions} decisions, {verdict}.")
    say(f"Journal:  {journal}")
    say(f"Report:   {report['report.html']}")
    say("Next:     . .venv/bin/activate, and then")
    say(f"          switchboard why {played.longest_waiting} {journal.parent}")
    say(f"          switchboard replay {journal.parent}")
    if not played.proper or proper < calls:
        raise typer.Exit(1)


def say(text: str) -> None:
    """A line as it is, with nothing in it read as markup and no path broken."""
    console.print(text, markup=False, soft_wrap=True)


def _beside(comparison: "Comparison") -> Table:
    """The day as measured on the line, and in brackets between which values 95 % of the simulated days lie."""
    table = Table(title="Measured, and in brackets the range of 95 of 100 simulated days", title_style="bold")
    table.add_column("queue")
    for name in ("calls", "in time", "mean wait", "abandoned"):
        table.add_column(name, justify="right")
    rows = {(row.queue, row.metric): row for row in comparison.rows}
    queues = list(dict.fromkeys(row.queue for row in comparison.rows if row.queue))
    for queue in (*queues, ""):
        table.add_row(
            queue or "all queues",
            f"{rows[queue, 'arrived'].measured:.0f}",
            _cell(rows[queue, "service_level_share"], 100, " %"),
            _cell(rows[queue, "mean_wait_ms"], 0.001, " s"),
            _cell(rows[queue, "abandon_share"], 100, " %"),
            end_section=queue == queues[-1],
        )
    table.caption = f"agents' occupancy {_cell(rows['', 'occupancy_share'], 100, ' %')}"
    return table


def _cell(row: "Row", factor: float, unit: str) -> str:
    shown = "·" if row.measured is None else f"{row.measured * factor:.1f}{unit}"
    if row.low is None or row.high is None:
        return shown
    digits = 0 if unit == " %" else 1
    return f"{shown} ({row.low * factor:.{digits}f}-{row.high * factor:.{digits}f})"

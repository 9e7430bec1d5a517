"""`switchboard flow simulate` and `traffic`: what callers would do in the flows, and what they did.

Both as tables and as pictures. The commands are added to those of `switchboard.cli.flow`, so whoever loads this module
has them all.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from documents import DocumentError, Problem
from ivr.flow.diagram import diagram
from ivr.flow.prompts import Prompts
from ivr.flow.traffic import Traffic
from switchboard.centre import load_centre
from switchboard.cli.flow import AsJson, Directory, app, write_pictures

if TYPE_CHECKING:
    from switchboard.reports.flows import VersionTraffic

console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
Pictures = Annotated[
    Path | None, typer.Option("--output", "-o", help="Draw each flow with its callers into this directory.")
]


@app.command("simulate")
def simulate(
    scenario: Annotated[Path, typer.Argument(help="The scenario (YAML) that says what callers do.")],
    centre: Annotated[Path | None, typer.Option(help="The centre, in the place of the scenario's.")] = None,
    callers: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many.")] = 10_000,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed, in the place of the scenario's.")] = None,
    output: Pictures = None,
    as_json: AsJson = False,
) -> None:
    """Send thousands of callers through the flows: how many are served there, how long it takes, where they leave.

    A caller who enters a queue is followed no further; `switchboard simulate` does that.
    """
    from simulations.flow_study import study_flows  # loads numpy, which no other command should pay for
    from switchboard.cli.simulate import read_setting

    setting = read_setting(scenario, centre, None, seed)
    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
            task = progress.add_task("callers", total=callers)
            counted = study_flows(setting, callers, lambda done: progress.update(task, completed=done))
    except ValueError as error:
        raise DocumentError([Problem(str(error), str(scenario))]) from None
    _tell(counted, setting.centre.library.prompts if setting.centre.library else None, output, as_json=as_json)


@app.command("traffic")
def traffic(
    directory: Directory,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, as 2026-03-29.")],
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day (by default the first).")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Only the calls that began with this published version.")
    ] = None,
    by_version: Annotated[bool, typer.Option("--by-version", help="One line for each version, side by side.")] = False,
    output: Pictures = None,
    as_json: AsJson = False,
) -> None:
    """Show from the records what callers did in the flows on these days: where they came through, and got lost.

    Nodes that the centre's directory (or, with --version, that version) does not have are left out.
    """
    from switchboard.cli.records import reading
    from switchboard.publishing.starting import version_of
    from switchboard.reports.flows import recorded_traffic, traffic_by_version
    from switchboard.reports.periods import periods

    centre = version_of(directory, version) if version else load_centre(directory)
    days = periods(first.date(), (last or first).date(), centre.zone, "day")
    if not days:
        raise typer.BadParameter(f"{last:%Y-%m-%d} is before {first:%Y-%m-%d}", param_hint="--to")
    with reading(centre) as connection:
        if by_version:
            _tell_versions(traffic_by_version(connection, days[0].start_ms, days[-1].end_ms), as_json=as_json)
            return
        counted, under_way = recorded_traffic(connection, centre.flows, days[0].start_ms, days[-1].end_ms, version)
    _tell(counted, centre.prompts, output, as_json=as_json)
    if under_way:
        errors.print(f"{under_way} calls are not over yet; they are not counted.")


def _tell(counted: Traffic, prompts: Prompts | None, output: Path | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_as_data(counted), indent=2))
    else:
        with console.capture() as lines:
            _print_tables(counted)
        for line in lines.get().splitlines():  # without the blanks with which tables are filled
            typer.echo(line.rstrip())
    if output is not None:
        flows = {name: flow for name, flow in counted.flows.items() if counted.visited(name)}
        write_pictures(output, {name: diagram(flow, prompts, counted.of(name)) for name, flow in flows.items()})


def _tell_versions(found: Sequence["VersionTraffic"], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([msgspec.to_builtins(of) for of in found], indent=2))
        return
    headings = ("version", "calls", "contained", "hung up in the IVR", "failed", "no input", "no match")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=heading in ("version", "calls"))
    for of in found:
        shares = (of.contained, of.hung_up, of.failed, of.no_input, of.no_match)
        table.add_row(str(of.version or "none"), f"{of.calls:,}", *(f"{count / of.calls:.1%}" for count in shares))
    with console.capture() as lines:
        console.print(table)
    for line in lines.get().splitlines():
        typer.echo(line.rstrip())


def _print_tables(counted: Traffic) -> None:
    ends = Table(title=f"{counted.callers:,} callers", title_justify="left", box=None, padding=(0, 2, 0, 0))
    ends.add_column("they ended")
    ends.add_column("callers", justify="right")
    ends.add_column("share", justify="right")
    for end, count in counted.ends.most_common():
        low, high = counted.interval(count)
        ends.add_row(_in_words(end), f"{count:,}", f"{low:.1%} to {high:.1%}")
    console.print(ends, "")
    if spent := counted.spent_s():
        text = "Time in the flows: mean {mean:.1f} s, half under {p50:.1f} s, nine of ten under {p90:.1f} s"
        console.print(text.format(**spent))
    low, high = counted.interval(counted.contained)
    console.print(f"Served without an agent: {counted.contained:,} ({low:.1%} to {high:.1%})")
    for flow in counted.flows:
        rows = sorted(counted.visited(flow).items(), key=lambda row: -row[1].entered)
        if rows:
            table = Table(title=f"\nflow {flow}", title_justify="left", box=None, padding=(0, 2, 0, 0))
            shown = [count for count in _COUNTS if any(getattr(node, count) for _, node in rows)]
            table.add_column("node", no_wrap=True)
            for heading in ("came", *map(_COUNTS.__getitem__, shown), "mean s"):
                table.add_column(heading, justify="right", no_wrap=True)
            table.add_column("left by")
            for name, node in rows:
                exits = ", ".join(f"{exit} {_share(node.share(exit))}" for exit, _ in node.exits.most_common())
                counts = (getattr(node, count) for count in shown)
                shares = (f"{count / node.entered:.1%}" if count else "" for count in counts)
                table.add_row(name, f"{node.entered:,}", *shares, f"{node.mean_ms / 1000:.1f}", exits)
            console.print(table)


_COUNTS = {"hung_up": "hung up", "failed": "failed", "no_input": "no\ninput", "no_match": "no\nmatch"}
"""Of the visits of a node, those that a column tells of if there were any."""


def _share(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _in_words(end: str) -> str:
    words = {"completed": "at the end of the flow", "hungup": "hung up", "failed": "failed"}
    return words.get(end, f"in {end}")


def _as_data(counted: Traffic) -> dict[str, object]:
    return {
        "callers": counted.callers,
        "contained": counted.contained,
        "ends": {
            end: {"callers": count, "interval_95": counted.interval(count)} for end, count in counted.ends.most_common()
        },
        "time_in_flows_s": counted.spent_s(),
        "flows": {
            flow: {
                name: {
                    "entered": node.entered,
                    "hung_up": node.hung_up,
                    "failed": node.failed,
                    "no_input": node.no_input,
                    "no_match": node.no_match,
                    "mean_s": node.mean_ms / 1000,
                    "exits": dict(node.exits),
                }
                for name, node in counted.visited(flow).items()
            }
            for flow in counted.flows
        },
    }

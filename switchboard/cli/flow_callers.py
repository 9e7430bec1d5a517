"""`switchboard flow simulate`: what thousands of callers would do in the flows, as a table and as pictures.

Its commands are added to those of `switchboard.cli.flow`, so whoever loads this module has them all.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from documents import DocumentError, Problem
from ivr.flow.diagram import diagram
from ivr.flow.traffic import NodeTraffic, Traffic
from switchboard.cli.flow import AsJson, app, write_pictures
from switchboard.cli.simulate import read_setting

# numpy takes long to load, which no other command should pay for.
if TYPE_CHECKING:
    from simulations.flow_study import FlowStudy

console, errors = Console(highlight=False), Console(stderr=True, highlight=False)


@app.command("simulate")
def simulate(
    scenario: Annotated[Path, typer.Argument(help="The scenario (YAML) that says what callers do.")],
    centre: Annotated[Path | None, typer.Option(help="The centre, in the place of the scenario's.")] = None,
    callers: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many.")] = 10_000,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed, in the place of the scenario's.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw each flow with its callers into this directory.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send thousands of callers through the flows: how many are served there, how long it takes, where they leave.

    A caller who enters a queue is followed no further; `switchboard simulate` does that.
    """
    from simulations.flow_study import study_flows

    setting = read_setting(scenario, centre, None, seed)
    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
            task = progress.add_task("callers", total=callers)
            study = study_flows(setting, callers, lambda done: progress.update(task, completed=done))
    except ValueError as error:
        raise DocumentError([Problem(str(error), str(scenario))]) from None
    if as_json:
        print(json.dumps(_as_data(study), indent=2))
    else:
        _print(study)
    if output is not None:
        prompts = setting.centre.library.prompts if setting.centre.library else None
        flows = {name: flow for name, flow in study.traffic.flows.items() if any(_visited(study.traffic, name))}
        write_pictures(output, {name: diagram(flow, prompts, study.traffic.of(name)) for name, flow in flows.items()})


def _visited(traffic: Traffic, flow: str) -> Iterator[tuple[str, NodeTraffic]]:
    return ((name, node) for name, node in traffic.of(flow).items() if node.entered)


def _print(study: "FlowStudy") -> None:
    with console.capture() as lines:
        _print_tables(study)
    for line in lines.get().splitlines():  # without the blanks with which tables are filled
        typer.echo(line.rstrip())


def _print_tables(study: "FlowStudy") -> None:
    from simulations.flow_study import spent_s

    ends = Table(title=f"{len(study.times_ms):,} callers", title_justify="left", box=None, padding=(0, 2, 0, 0))
    ends.add_column("they ended")
    ends.add_column("callers", justify="right")
    ends.add_column("share", justify="right")
    for end, count in study.ends.most_common():
        low, high = study.interval(end)
        ends.add_row(_in_words(end), f"{count:,}", f"{low:.1%} to {high:.1%}")
    console.print(ends, "")
    console.print(
        "Time in the flows: mean {mean:.1f} s, half under {p50:.1f} s, nine of ten under {p90:.1f} s".format(
            **spent_s(study)
        )
    )
    for flow in study.traffic.flows:
        rows = sorted(_visited(study.traffic, flow), key=lambda row: -row[1].entered)
        if rows:
            table = Table(title=f"\nflow {flow}", title_justify="left", box=None, padding=(0, 2, 0, 0))
            table.add_column("node", no_wrap=True)
            for heading in ("came", "hung up", "failed", "mean s"):
                table.add_column(heading, justify="right", no_wrap=True)
            table.add_column("left by")
            for name, node in rows:
                exits = ", ".join(f"{exit} {_share(node.share(exit))}" for exit, _ in node.exits.most_common())
                lost = (f"{count / node.entered:.1%}" if count else "" for count in (node.hung_up, node.failed))
                table.add_row(name, f"{node.entered:,}", *lost, f"{node.mean_ms / 1000:.1f}", exits)
            console.print(table)


def _share(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _in_words(end: str) -> str:
    return {"completed": "served by the flow", "hungup": "hung up", "failed": "failed"}.get(end, f"in {end}")


def _as_data(study: "FlowStudy") -> dict[str, object]:
    from simulations.flow_study import spent_s

    return {
        "callers": len(study.times_ms),
        "containment": study.containment,
        "ends": {
            end: {"callers": count, "interval_95": study.interval(end)} for end, count in study.ends.most_common()
        },
        "time_in_flows_s": spent_s(study),
        "flows": {
            flow: {
                name: {
                    "entered": node.entered,
                    "hung_up": node.hung_up,
                    "failed": node.failed,
                    "mean_s": node.mean_ms / 1000,
                    "exits": dict(node.exits),
                }
                for name, node in _visited(study.traffic, flow)
            }
            for flow in study.traffic.flows
        },
    }

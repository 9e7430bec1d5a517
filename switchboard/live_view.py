"""The terminal view of a running centre: queues, agents and calls."""

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_AGENT_STYLES = {
    "ready": "green",
    "ringing": "yellow",
    "busy": "bold blue",
    "wrap_up": "magenta",
    "paused": "dark_orange",
    "offline": "dim",
}


def render_state(state: dict[str, Any], title: str = "") -> RenderableType:
    """Renders what the engine's operation `state` says, for a terminal of 80 columns or more."""
    calls = state["calls"]
    head = Text.assemble(
        (title or state["centre"], "bold"),
        f"   in the IVR {calls['ivr']}   waiting {calls['waiting']}   talking {calls['talking']}",
        f"   done {calls['finished']}",
        "" if state["ready"] else ("   NOT READY", "bold red"),
    )
    return Panel(Group(_queues(state["queues"]), Text(), _agents(state["agents"])), title=head, title_align="left")


def _queues(queues: list[dict[str, Any]]) -> Table:
    table = _table()
    table.add_column("queue", no_wrap=True)
    for name in ("waiting", "longest", "arrived", "answered", "left", "in time", "goal", "mean"):
        table.add_column(name, justify="right", no_wrap=True)
    for queue in queues:
        level, goal = queue["service_level_share"], queue["goal_share"]
        below = "red" if queue["below_goal"] else ""
        style = "" if level is None else "green" if level >= goal else "red"
        table.add_row(
            queue["name"],
            str(queue["waiting"]) if queue["waiting"] else "·",
            seconds(queue["longest_wait_ms"]),
            str(queue["arrived"]),
            str(queue["answered"]),
            str(queue["left"]),
            Text(percent(level), style),
            Text(f"{goal:.0%} {queue['goal_s']:.2g}s" + (" !" if queue["below_goal"] else ""), below),
            seconds(queue["mean_wait_ms"]),
        )
    return table


def _agents(agents: list[dict[str, Any]]) -> Table:
    table = _table()
    for name in ("agent", "state", "for", "with", "handled", "occupancy"):
        table.add_column(name, justify="right" if name in ("for", "handled", "occupancy") else "left", no_wrap=True)
    for agent in agents:
        reason = f" ({agent['reason']})" if agent["reason"] else ""
        if agent["suspended_after"]:
            reason = f" ({agent['reason']}, {agent['suspended_after']} in a row)"
        table.add_row(
            agent["name"],
            Text(f"{agent['state'].replace('_', '-')}{reason}", _AGENT_STYLES[agent["state"]]),
            seconds(agent["for_ms"]),
            agent["contact"] or "",
            str(agent["handled"]),
            percent(agent["occupancy_share"]),
        )
    return table


def _table() -> Table:
    return Table(box=None, expand=True, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)


def seconds(ms: float | None) -> str:
    """Milliseconds as people read them: `7.4 s`, `2:05`, or `·` for nothing."""
    if not ms:
        return "·"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    return f"{int(ms // 60_000)}:{int(ms % 60_000 // 1000):02d}"


def percent(share: float | None) -> str:
    return "·" if share is None else f"{share:.0%}"

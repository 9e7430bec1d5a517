"""`switchboard run`, and what people ask of a running engine: state, agents, reload, the live view."""

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from switchboard.control import ask, watch
from switchboard.live_view import render_state
from switchboard.logs import LogFormat, configure

# The engine takes a second to load, which only the one who runs it should pay for.
if TYPE_CHECKING:
    from switchboard.engine import Engine

console = Console(highlight=False)

EngineDirectory = Annotated[
    Path, typer.Option("--engine", help="The engine's directory (centre.yaml: settings.engine.directory).")
]
Agent = Annotated[str, typer.Argument(help="The agent's short name, as in agents.yaml.")]

SWITCH_INTERVAL_S = 0.0005
"""So long the thread of the records may keep the one of the calls waiting. Python's own 5 ms would be paid again and
again: every system call of the one lets the other go first."""


def register(app: typer.Typer) -> None:
    app.command()(run)
    app.command()(state)
    app.command()(live)
    app.command()(reload)


def run(
    centre: Annotated[Path, typer.Argument(help="The centre's directory.")],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log details.")] = False,
    log_format: Annotated[LogFormat, typer.Option(help="Text for people, or JSON, one object a line.")] = "text",
) -> None:
    """Run the engine of a centre until SIGTERM or Ctrl-C.

    On SIGTERM or Ctrl-C no new calls are taken, callers go back to Asterisk (music, then the native fallback queue, or
    the next engine), and talks go on in Asterisk.
    """
    from router.live.journal import JournalError
    from switchboard.centre.secrets import SecretError
    from switchboard.engine import Engine
    from switchboard.lock import AlreadyRunning
    from switchboard.ports import PortInUse
    from switchboard.publishing.starting import starting_centre

    configure(log_format, logging.DEBUG if verbose else logging.INFO)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        loaded, versions = starting_centre(centre)
        asyncio.run(_serve(Engine(loaded, versions=versions)))
    except (AlreadyRunning, PortInUse, SecretError, JournalError, OSError) as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(str(error), markup=False)
        raise typer.Exit(3) from None


async def _serve(engine: "Engine") -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, engine.reload_or_complain)
    async with engine.running():
        # What is loaded by now stays; full garbage collections then look at calls only, not at the whole policy.
        gc.collect()
        gc.freeze()
        console.print(f"{engine.centre.name} is open; FastAGI on port {engine.agi_port}, process {os.getpid()}.")
        await stopping.wait()


def reload(engine: EngineDirectory = Path("var")) -> None:
    """Let the engine take the centre's files as they are now; calls in progress finish on what they began with.

    Once flows have been published, it takes everything but them (`switchboard publish`).
    """
    _tell(engine, "reload")


def state(
    engine: EngineDirectory = Path("var"),
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show queues, agents and calls as they are now."""
    current = asyncio.run(ask(engine, "state"))
    if json:
        console.print_json(data=current)
    else:
        console.print(render_state(current))


def live(engine: EngineDirectory = Path("var")) -> None:
    """Show queues, agents and calls as they change, until Ctrl-C or the engine stops."""
    asyncio.run(_watch(engine))


async def _watch(engine: Path) -> None:
    from switchboard.wallboard import state_from

    loop = asyncio.get_running_loop()
    with Live(console=console, screen=True, auto_refresh=False) as screen:
        following = aiter(watch(engine))
        coming = asyncio.ensure_future(anext(following))
        mirror, heard_s = await coming, loop.time()
        while True:
            now_ms = mirror.at_ms + round((loop.time() - heard_s) * 1000)
            screen.update(render_state(state_from(mirror.document, now_ms).model_dump()), refresh=True)
            if coming.done():
                coming = asyncio.ensure_future(anext(following))
            await asyncio.wait({coming}, timeout=1)  # times tick also while nothing happens
            if coming.done():
                try:
                    mirror, heard_s = coming.result(), loop.time()
                except StopAsyncIteration:
                    return


def _tell(engine: Path, operation: str, **arguments: Any) -> None:
    console.print(asyncio.run(ask(engine, operation, **arguments))["message"], markup=False)

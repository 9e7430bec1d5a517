"""Which module has which commands, so that a command loads only what it needs: all of them take two seconds.

Exit codes: 0 good; 1 the answer is no (a check or a test failed); 2 wrong usage or input that cannot be used;
3 something outside failed (Asterisk, the network, no engine); 130 interrupted.
"""

import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Annotated, NamedTuple

import typer
from rich.console import Console


class Area(NamedTuple):
    """A module of this package. It mounts its `commands` itself (`register`), or its Typer `app` is the one."""

    module: str
    commands: tuple[str, ...]
    app: str = ""


AREAS = (
    Area("check", ("check", "pin")),
    Area("flow_commands", ("flow",), "app"),
    Area("conf", ("conf",), "app"),
    Area("prompts", ("prompts",), "app"),
    Area("simulate", ("simulate",)),
    Area("what_if", ("what-if",)),
    Area("history", ("history",), "app"),
    Area("erlang", ("erlang",), "app"),
    Area("staff", ("staff", "target")),
    Area("engine", ("run", "state", "live", "reload")),
    Area("publishing", ("publish", "versions", "diff", "rollback", "promote", "withdraw")),
    Area("agents", ("agent",), "app"),
    Area("accounts", ("user", "token")),
    Area("callback", ("callback",), "app"),
    Area("voicemail", ("voicemail",), "app"),
    Area("contacts", ("work",), "app"),
    Area("queues", ("queue",), "app"),
    Area("queues", ("overrides",), "overrides_app"),
    Area("supervise", ("supervise",), "app"),
    Area("journal", ("replay", "why")),
    Area("records", ("contact", "store", "queue-log", "report")),
    Area("demo", ("demo",)),
)


def command_line(asked: str | None = None) -> typer.Typer:
    """All commands; or only those of the area with the one asked for, if there is such a command."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback(help="Call routing and IVR for Asterisk, with a simulator that runs the same code.")(_options)
    for area in () if asked == "--version" else [area for area in AREAS if asked in area.commands] or AREAS:
        module = import_module(f"switchboard.cli.{area.module}")
        if area.app:
            app.add_typer(getattr(module, area.app), name=area.commands[0])
        else:
            module.register(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"switchboard {metadata.version('switchboard-acd')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]


def _options(version: Version = False) -> None:
    """What may stand before a command."""


def run(arguments: Sequence[str]) -> None:
    """Runs the command of `sys.argv`, which has these arguments, and exits with its code."""
    try:
        command_line(arguments[0] if arguments else None)()
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        errors = Console(stderr=True, soft_wrap=True, highlight=False)
        for line in getattr(error, "problems", (error,)):
            errors.print(str(line), markup=False)
        sys.exit(code)


_CODES = (
    ("documents", "DocumentError", 2),
    ("switchboard.operations", "OperationRefused", 1),
    ("switchboard.control", "EngineUnreachable", 3),
)


def _code(error: Exception) -> int | None:
    """The exit code for what is told in words; None: a mistake of ours. What is not loaded has raised nothing."""
    loaded = ((sys.modules.get(module), name, code) for module, name, code in _CODES)
    return next((code for module, name, code in loaded if module and isinstance(error, getattr(module, name))), None)

"""The command `switchboard`: mounts the command of each area and turns what goes wrong into words and exit codes.

Exit codes: 0 good; 1 the answer is no (a check or a test failed); 2 wrong usage or input that cannot be used;
3 something outside failed (Asterisk, the network, no engine); 130 interrupted.
"""

import sys

import typer
from rich.console import Console

from documents import DocumentError
from switchboard.cli import (
    accounts,
    agents,
    callback,
    check,
    conf,
    contacts,
    demo,
    engine,
    flow,
    journal,
    queues,
    records,
    simulate,
    supervise,
    voicemail,
)
from switchboard.control import EngineUnreachable
from switchboard.operations import OperationRefused

app = typer.Typer(
    help="Call routing and IVR for Asterisk, with a simulator that runs the same code.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
check.register(app)
app.add_typer(flow.app, name="flow")
app.add_typer(conf.app, name="conf")
simulate.register(app)
engine.register(app)
app.add_typer(agents.app, name="agent")
accounts.register(app)
app.add_typer(callback.app, name="callback")
app.add_typer(voicemail.app, name="voicemail")
app.add_typer(contacts.app, name="work")
app.add_typer(queues.app, name="queue")
app.add_typer(queues.overrides_app, name="overrides")
app.add_typer(supervise.app, name="supervise")
journal.register(app)
records.register(app)
demo.register(app)


def main() -> None:
    """The entry point: runs the command and exits with its code."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        app()
    except DocumentError as error:
        for problem in error.problems:
            errors.print(str(problem), markup=False)
        sys.exit(2)
    except OperationRefused as error:
        errors.print(str(error), markup=False)
        sys.exit(1)
    except EngineUnreachable as error:
        errors.print(str(error), markup=False)
        sys.exit(3)

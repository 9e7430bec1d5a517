"""`switchboard check` and `switchboard pin`: is this centre right, and the PINs of agents and of customers."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from documents import DocumentError, Problem
from switchboard.centre import Centre, UnusableDirectory, load_centre
from switchboard.centre.secrets import SecretError, hash_pin
from switchboard.cli.engine import EngineDirectory
from switchboard.customer_pins import Pins

console = Console(highlight=False, soft_wrap=True)
pin = typer.Typer(help="Agents' and customers' PINs.", no_args_is_help=True)
Customer = Annotated[str, typer.Argument(help="The customer, as flows know them (`contact.customer`).")]


def register(app: typer.Typer) -> None:
    app.command()(check)
    app.add_typer(pin, name="pin")


def check(
    directory: Annotated[Path, typer.Argument(help="The centre's directory.")],
    secrets: Annotated[bool, typer.Option("--secrets", help="Also look for every secret.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Problems and summary as JSON.")] = False,
) -> None:
    """Check a centre's configuration as a whole and say everything that is wrong, each with its file and line.

    Exit code 0: it can be used (there may be warnings). 1: it has errors. 2: there is no centre in this directory.
    """
    centre: Centre | None = None
    problems: tuple[Problem, ...]
    try:
        centre = load_centre(directory)
        problems = (*centre.warnings, *(_missing_secrets(centre) if secrets else ()))
        code = int(any(problem.severity == "error" for problem in problems))
    except DocumentError as error:
        problems, code = error.problems, 2 if isinstance(error, UnusableDirectory) else 1
    if as_json:
        summary = _summary(centre) if centre else None
        found = {"ok": code == 0, "problems": [asdict(problem) for problem in problems], "centre": summary}
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            console.print(_shown(problem))
        _conclude(directory, centre, problems)
    raise typer.Exit(code)


@pin.command("hash")
def hash_command(
    number: Annotated[str, typer.Option("--pin", prompt="PIN", hide_input=True, confirmation_prompt=True)],
) -> None:
    """Print a PIN's salted hash for `agents.yaml`. The PIN is asked for, which keeps it out of the shell's history."""
    try:
        typer.echo(hash_pin(number))
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@pin.command("set")
def set_command(
    customer: Customer,
    engine: EngineDirectory,
    number: Annotated[str, typer.Option("--pin", prompt="PIN", hide_input=True, confirmation_prompt=True)],
) -> None:
    """Set a customer's PIN, for the verify nodes of flows. It is stored hashed, and the customer is unlocked."""
    try:
        Pins(_existing(engine)).set(customer, number)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    typer.echo("The PIN is set.")


@pin.command("remove")
def remove_command(customer: Customer, engine: EngineDirectory) -> None:
    """Forget a customer's PIN. Exit code 1: there was none."""
    if not Pins(_existing(engine)).remove(customer):
        typer.echo("This customer has no PIN.", err=True)
        raise typer.Exit(1)
    typer.echo("The PIN is forgotten.")


@pin.command("unlock")
def unlock_command(customer: Customer, engine: EngineDirectory) -> None:
    """Forget a customer's wrong PINs, so that they may try again. Exit code 1: there were none."""
    if not Pins(_existing(engine)).unlock(customer):
        typer.echo("No wrong PINs are counted for this customer.", err=True)
        raise typer.Exit(1)
    typer.echo("The customer may try again.")


def _existing(engine: Path) -> Path:
    if not engine.is_dir():
        typer.echo(f"{engine}: there is no such directory (centre.yaml: settings.engine.directory)", err=True)
        raise typer.Exit(2)
    return engine


def _shown(problem: Problem) -> str:
    where = f"{problem.file}:{problem.line}" if problem.line else problem.file
    colour = "red" if problem.severity == "error" else "yellow"
    mark = "" if problem.severity == "error" else "warning: "
    path = f"[cyan]{escape(problem.path)}[/cyan]: " if problem.path else ""
    hint = f" [dim]({escape(problem.hint)})[/dim]" if problem.hint else ""
    return f"[bold]{escape(where)}[/bold]: {path}[{colour}]{mark}{escape(problem.message)}[/{colour}]{hint}"


def _conclude(directory: Path, centre: Centre | None, problems: tuple[Problem, ...]) -> None:
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        console.print(f"\n[red]{errors} error{'s' * (errors > 1)}[/red] in {escape(str(directory))}")
    if centre is None:
        return
    summary = _summary(centre)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for what in ("numbers", "flows", "queues", "agents", "skills", "languages"):
        values = summary[what]
        names = [f"{key} → {value}" for key, value in values.items()] if isinstance(values, dict) else values
        table.add_row(what, str(len(names)), escape(", ".join(names)))
    console.print(f"[bold]{escape(centre.name)}[/bold]  {centre.zone.key}  [dim]{centre.hash}[/dim]")
    console.print(table)
    if not errors:
        console.print("[green]This centre can be used.[/green]")


def _summary(centre: Centre) -> dict[str, str | list[str] | dict[str, str]]:
    return {
        "name": centre.name,
        "time_zone": centre.zone.key,
        "hash": centre.hash,
        "languages": list(centre.languages),
        "numbers": dict(centre.numbers),
        "flows": sorted(centre.flows),
        "queues": [queue.name for queue in centre.policy.queues],
        "agents": [agent.name for agent in centre.policy.agents],
        "skills": sorted(centre.skills),
    }


def _missing_secrets(centre: Centre) -> list[Problem]:
    """Every secret that is not where the configuration says."""
    asterisk = centre.settings.asterisk
    sources = {"settings.asterisk.ami_secret": asterisk.ami_secret}
    for name, trunk in asterisk.trunks.items():
        if trunk.password:
            sources[f"settings.asterisk.trunks.{name}.password"] = trunk.password
    for name, database in centre.settings.lookup.databases.items():
        if database.password:
            sources[f"settings.lookup.databases.{name}.password"] = database.password
    for name, webhook in centre.settings.notify.webhooks.items():
        sources[f"settings.notify.webhooks.{name}.secret"] = webhook.secret
    if (email := centre.settings.notify.email) and email.password:
        sources["settings.notify.email.password"] = email.password
    for name, agent in centre.agents.items():
        if agent.phone and agent.phone.password:
            sources[f"agents.{name}.phone.password"] = agent.phone.password
        if agent.pin and not agent.pin.hash:
            sources[f"agents.{name}.pin"] = agent.pin
    problems = []
    for path, source in sources.items():
        try:
            source.read(centre.directory)
        except SecretError as error:
            file = "agents.yaml" if path.startswith("agents") else "centre.yaml"
            problems.append(Problem(str(error), str(centre.directory / file), path=path))
    return problems

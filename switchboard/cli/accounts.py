"""`switchboard user` and `switchboard token`: who may use the HTTP API; with the engine running or stopped."""

import asyncio
import getpass
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from switchboard.api.accounts import Accounts, AccountsTooNew
from switchboard.cli.engine import EngineDirectory
from switchboard.control import EngineUnreachable, ask
from switchboard.operations import Actor, Role, perform, table
from switchboard.operations.base import answer_adapter

if TYPE_CHECKING:
    from switchboard.engine import Engine

console = Console(highlight=False)
user_app = typer.Typer(help="People who use the HTTP API with name and password.", no_args_is_help=True)
token_app = typer.Typer(help="Tokens with which programs use the HTTP API.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The user's name.")]
TokenName = Annotated[str, typer.Argument(help="The token's name.")]
RoleOption = Annotated[
    list[str] | None, typer.Option("--role", help=f"May be given several times: {', '.join(get_args(Role))}.")
]
AgentOption = Annotated[str | None, typer.Option("--agent", help="The agent (agents.yaml) that this is.")]
PasswordFile = Annotated[Path | None, typer.Option(help="A file with the password; by default you are asked.")]
PasswordEnv = Annotated[str | None, typer.Option(help="An environment variable with the password.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    app.add_typer(user_app, name="user")
    app.add_typer(token_app, name="token")


@user_app.command("add")
def add_user(
    name: Name,
    role: RoleOption = None,
    agent: AgentOption = None,
    password_file: PasswordFile = None,
    password_env: PasswordEnv = None,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Add a user."""
    password = _password(password_file, password_env)
    _tell(engine, "add_user", user=name, roles=role or [], agent=agent, password=password)


@user_app.command("list")
def list_users(engine: EngineDirectory = Path("var"), json: AsJson = False) -> None:
    """Show all users and what they may do."""
    _show(_do(engine, "users"), ("name", "roles", "agent", "created_ms"), json)


@user_app.command("role")
def set_roles(
    name: Name, role: RoleOption = None, agent: AgentOption = None, engine: EngineDirectory = Path("var")
) -> None:
    """Say anew what a user may do, and which agent the user is; it holds at once."""
    _tell(engine, "set_user_roles", user=name, roles=role or [], agent=agent)


@user_app.command("passwd")
def set_password(
    name: Name,
    password_file: PasswordFile = None,
    password_env: PasswordEnv = None,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Give a user a new password; all sessions of the user end."""
    _tell(engine, "set_user_password", user=name, password=_password(password_file, password_env))


@user_app.command("remove")
def remove_user(name: Name, engine: EngineDirectory = Path("var")) -> None:
    """Remove a user; all sessions of the user end."""
    _tell(engine, "remove_user", user=name)


@token_app.command("create")
def create_token(
    name: TokenName,
    role: RoleOption = None,
    agent: AgentOption = None,
    days: Annotated[int | None, typer.Option(help="After how many days it expires; by default never.")] = None,
    engine: EngineDirectory = Path("var"),
) -> None:
    """Create a token and print it: this is the only time that it is shown."""
    answer = _do(engine, "create_token", token=name, roles=role or [], agent=agent, days=days)
    console.print(answer["token"], markup=False, soft_wrap=True)


@token_app.command("list")
def list_tokens(engine: EngineDirectory = Path("var"), json: AsJson = False) -> None:
    """Show all tokens, when they expire and when they were last used."""
    _show(_do(engine, "tokens"), ("name", "roles", "agent", "created_ms", "expires_ms", "used_ms"), json)


@token_app.command("revoke")
def revoke_token(name: TokenName, engine: EngineDirectory = Path("var")) -> None:
    """Revoke a token; it holds at once."""
    _tell(engine, "revoke_token", token=name)


class _StoppedEngine:
    """Stands in for the engine where none runs: the accounts, and a note for the audit log of the next one."""

    def __init__(self, directory: Path) -> None:
        self.accounts = Accounts(directory)

    def fact(self, kind: str, *, contact: str = "", agent: str = "", actor: str = "", data: dict[str, Any]) -> None:
        self.accounts.note_change(actor, data)


def _do(directory: Path, operation: str, **arguments: Any) -> Any:
    """Asks the engine; where none runs, does it itself."""
    try:
        return asyncio.run(ask(directory, operation, **arguments))
    except EngineUnreachable:
        if not directory.is_dir():
            raise typer.BadParameter(f"{directory}: no engine has worked here yet") from None
    stopped = _StoppedEngine(directory)
    actor = Actor(getpass.getuser(), frozenset({"admin"}), "control")
    try:
        stopped.accounts.open()
        answer = asyncio.run(perform(cast("Engine", stopped), actor, operation, arguments))
    except (AccountsTooNew, OSError, SQLAlchemyError) as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(
            f"the accounts cannot be used: {error}", markup=False
        )
        raise typer.Exit(3) from None
    finally:
        stopped.accounts.close()
    return answer_adapter(table()[operation]).dump_python(answer, mode="json")


def _tell(directory: Path, operation: str, **arguments: Any) -> None:
    console.print(_do(directory, operation, **arguments)["message"], markup=False)


def _password(file: Path | None, variable: str | None) -> str:
    """Never from the command line, which every process of the machine can read."""
    if file is not None:
        try:
            return file.read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{file}: {error}") from None
    if variable is not None:
        if variable not in os.environ:
            raise typer.BadParameter(f"the environment variable {variable} is not set")
        return os.environ[variable]
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _show(rows: list[dict[str, Any]], columns: Iterable[str], json: bool) -> None:
    if json:
        console.print_json(data=rows)
        return
    shown = Table(box=None, header_style="dim")
    for column in columns:
        shown.add_column(column.removesuffix("_ms"))
    for row in rows:
        shown.add_row(*(_cell(column, row[column]) for column in columns))
    console.print(shown)


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "·"
    if column.endswith("_ms"):
        return f"{datetime.fromtimestamp(value / 1000).astimezone():%Y-%m-%d %H:%M}"
    return ", ".join(value) if isinstance(value, list) else str(value)

"""`switchboard user` and `switchboard token`, with the engine running and with none."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from router.live.journal import Fact, read
from switchboard.api.accounts import Accounts
from switchboard.cli.main import app
from switchboard.engine import Engine
from switchboard.operations import OperationRefused
from tests.support.api import PASSWORD, running_engine


def run(directory: Path, *words: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(app, [*words, "--engine", str(directory)], input=stdin)
    assert result.exception is None, result.output
    return result


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "engine"
    made.mkdir()
    return made


def everything(directory: Path, secret: Path) -> None:
    """Adds, changes and removes; what is left is a user `eva` and a token `board`."""
    secret.write_text(PASSWORD + "\n")
    run(directory, "user", "add", "eva", "--role", "supervisor", "--password-file", str(secret))
    run(directory, "user", "add", "leo", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    run(directory, "user", "role", "eva", "--role", "admin", "--role", "auditor")
    run(directory, "user", "passwd", "eva", "--password-file", str(secret))
    run(directory, "user", "remove", "leo")
    run(directory, "token", "create", "old")
    run(directory, "token", "revoke", "old")
    token = run(directory, "token", "create", "board", "--role", "planner", "--days", "30").output.strip()
    accounts = Accounts(directory)
    assert accounts.check_password("eva", PASSWORD)
    holder = accounts.holder_of_token(token)
    assert holder
    assert (holder.name, holder.roles) == ("token board", {"planner"})
    (user,) = json.loads(run(directory, "user", "list", "--json").output)
    assert (user["name"], user["roles"]) == ("eva", ["admin", "auditor"])
    (kept,) = json.loads(run(directory, "token", "list", "--json").output)
    assert (kept["name"], kept["roles"]) == ("board", ["planner"])
    assert "board" in run(directory, "token", "list").output


def changes(engine: Engine) -> list[str]:
    records = [record for record in read(engine.journal.path) if isinstance(record, Fact) and record.kind == "audit"]
    return [record.data["operation"] for record in records]


CHANGES = [
    *("add_user", "add_user", "set_user_roles", "set_user_password", "remove_user"),
    *("create_token", "revoke_token", "create_token"),
]


async def test_with_an_engine_it_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        await asyncio.to_thread(everything, engine.directory, tmp_path / "secret")
        assert changes(engine) == CHANGES
        assert PASSWORD not in engine.journal.path.read_text()


async def test_without_one_it_is_done_all_the_same_and_the_next_engine_audits_it(
    tmp_path: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(everything, directory, tmp_path / "secret")
    async with running_engine(tmp_path, monkeypatch) as engine:
        assert changes(engine) == CHANGES
        assert PASSWORD not in engine.journal.path.read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("user", "remove", "eva"), "there is no user 'eva'"),
        (("token", "revoke", "board"), "there is no token 'board'"),
        (("token", "create", "board", "--role", "boss"), "roles.0: Input should be"),
    ],
)
def test_what_cannot_be_done_is_said(directory: Path, words: tuple[str, ...], complaint: str) -> None:
    result = CliRunner().invoke(app, [*words, "--engine", str(directory)])
    assert isinstance(result.exception, OperationRefused)
    assert complaint in str(result.exception)


def test_a_password_that_is_too_short_is_refused_and_not_repeated(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    words = ["user", "add", "eva", "--password-file", str(tmp_path / "secret"), "--engine", str(directory)]
    result = CliRunner().invoke(app, words)
    assert "at least 12" in str(result.exception)
    assert "hunter2" not in str(result.exception) + result.output


def test_a_directory_where_no_engine_has_worked_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["user", "list", "--engine", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert "no engine has worked here yet" in " ".join(result.output.replace("│", "").split())

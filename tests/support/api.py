"""An engine with its HTTP API and without an Asterisk, for tests of what people and programs ask."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from argon2 import PasswordHasher

from switchboard.api.accounts import Accounts
from switchboard.centre import load_centre
from switchboard.engine import Engine
from switchboard.operations import Role
from tests.support.centres import FILES, write_centre
from tests.support.ports import tcp_port

PASSWORD = "correct horse battery staple"


@contextlib.asynccontextmanager
async def running_engine(
    directory: Path, monkeypatch: pytest.MonkeyPatch, api: str = "{port: 0}"
) -> AsyncIterator[Engine]:
    """The engine of the small centre, in this process; AMI finds nobody."""
    monkeypatch.setenv("SWITCHBOARD_AMI_SECRET", "ami-secret")
    cheap_passwords(monkeypatch)
    settings = (
        f"  engine: {{directory: {directory / 'engine'}, agi_port: {tcp_port()}}}\n"
        f"  asterisk: {{ami_port: 1}}\n"
        f"  api: {api}\n"
    )
    centre = write_centre(directory / "centre", {"centre.yaml": FILES["centre.yaml"] + settings})
    async with Engine(load_centre(centre)).running() as engine:
        yield engine


def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take no time; how long real ones take is not what the tests are about."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("switchboard.api.accounts.PasswordHasher", cheap)


def bearer(accounts: Accounts, *roles: Role, agent: str | None = None, name: str = "test") -> dict[str, str]:
    """The header of a new token with these roles."""
    return {"Authorization": f"Bearer {accounts.create_token(name, roles, agent)}"}


@contextlib.asynccontextmanager
async def client(engine: Engine, headers: dict[str, str] | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the API; paths are relative to its address. Keeps cookies, as a browser does."""
    base = f"http://127.0.0.1:{engine.api.port}"
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address, not of a name
    async with aiohttp.ClientSession(base, headers=headers, cookie_jar=jar) as http:
        yield http

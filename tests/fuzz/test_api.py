"""Any bytes to the HTTP API, and any JSON at any of its places: never a fault of ours (5xx)."""

import asyncio
import random
import re
from pathlib import Path

import msgspec
import pytest

from switchboard.operations import table
from tests.support.api import bearer, client, running_engine

ODD = [
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "\x00",
    "../../etc/passwd",
    "a" * 5_000,
    [],
    {},
    [[[]]],
    {"": {"": ""}},
    "\u202e",
]
PIECES = [b"GET ", b"POST ", b"/v1/", b"/../", b"%00", b"%2e%2e%2f", b" HTTP/1.1\r\n", b"HTTP/9", b"\r\n", b"\r\n\r\n"]
PIECES += [
    b"Host: localhost\r\n",
    b"Host: evil\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n",
    b"\x00",
    b"\xff",
]
PIECES += [b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n", b"ffffffffffff\r\n"]
PIECES += [
    b"Upgrade: websocket\r\n",
    b"Cookie: switchboard=x\r\n",
    b"Authorization: Bearer swb_\r\n",
    b"{" * 50,
    b"A" * 9_000,
]


async def test_any_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(20261122)
    async with running_engine(tmp_path, monkeypatch) as engine:
        for _ in range(400):
            request = b"".join(chance.choices(PIECES, k=chance.randint(1, 14)))
            reader, writer = await asyncio.open_connection("127.0.0.1", engine.api.port)
            writer.write(request + b"\r\n\r\n")
            writer.write_eof()
            try:
                async with asyncio.timeout(10):
                    answer = await reader.read()
            except ConnectionResetError:
                answer = b""
            finally:
                writer.close()
            assert not re.search(rb"HTTP/1\.[01] 5(?!05)", answer), (request, answer)
        async with client(engine) as http, http.get("/health/live") as response:
            assert response.status == 200


async def test_anything_at_any_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(20261122)
    as_json = {"Content-Type": "application/json"}
    async with (
        running_engine(tmp_path, monkeypatch) as engine,
        client(engine, bearer(engine.accounts, "admin") | as_json) as http,
    ):
        for operation in list(table().values()) * 3:
            path = re.sub(
                r"{\w+}",
                lambda _: chance.choice(["ana", "%2e%2e", "%00", "a%2Fb", "1'--", "x" * 300]),
                operation.path,
            )
            body = {name: chance.choice(ODD) for name in operation.ask.model_fields if chance.random() < 0.8}
            data = None if operation.method in ("GET", "DELETE") else msgspec.json.encode(body)
            async with http.request(operation.method, f"/v1{path}", data=data) as response:
                assert response.status < 500, (operation.name, path, body, await response.text())

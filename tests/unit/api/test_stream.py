"""The state stream over real WebSockets: who sees what, going on after a break, slow readers, the end."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from router.core import events
from switchboard.engine import Engine
from switchboard.stream.feed import Feed
from switchboard.stream.mirror import Mirror
from tests.support.api import PASSWORD, bearer, client, running_engine


async def until(stream: ClientWebSocketResponse, mirror: Mirror, so: Callable[[dict[str, Any]], Any]) -> list[str]:
    """Applies messages until `so` holds of the document; their types."""
    types = []
    async with asyncio.timeout(20):
        while not (mirror.document and so(mirror.document)):
            message = await stream.receive()
            assert message.type is WSMsgType.TEXT, message
            types.append(message.json()["type"])
            mirror.apply(message.data)
    return types


async def test_a_snapshot_then_changes_and_after_a_break_only_what_was_missed(engine: Engine) -> None:
    mirror = Mirror()
    async with client(engine, bearer(engine.accounts, "planner")) as http:
        async with http.ws_connect("/v1/stream") as stream:
            assert await until(stream, mirror, lambda state: True) == ["snapshot"]
            engine.live.feed(events.ContactArrived("1.1", "billing", attributes={"name": "Eva"}))
            types = await until(stream, mirror, lambda state: "1.1" in state["contacts"])
            assert set(types) == {"change"}
            assert "Eva" not in str(mirror.document), "the wallboard does not need to know callers"
        engine.live.feed(events.ContactArrived("1.2", "billing"))
        async with http.ws_connect("/v1/stream", params=mirror.place) as stream:
            types = await until(stream, mirror, lambda state: "1.2" in state["contacts"])
            assert set(types) == {"change"}
            assert mirror.document["queues"]["billing"]["waiting"] == 2
        async with http.ws_connect("/v1/stream", params={"epoch": "old", "after": "5"}) as stream:
            assert await until(stream, Mirror(), lambda state: True) == ["snapshot"]


async def test_who_begins_to_follow_after_somebody_just_looked_misses_nothing(engine: Engine) -> None:
    assert engine.board.document()["contacts"] == {}
    engine.live.feed(events.ContactArrived("1.1", "billing"))
    feed = engine.board.follow()
    assert set(feed.document["contacts"]) == {"1.1"}
    engine.board.leave()


async def test_an_agent_sees_itself_and_nothing_of_others(engine: Engine) -> None:
    headers = bearer(engine.accounts, "agent", agent="ben")
    mirror = Mirror()
    async with client(engine, headers) as http:
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect("/v1/stream?view=centre")
        assert refused.value.status == 403
        async with http.ws_connect("/v1/stream") as stream:
            await until(stream, mirror, lambda state: True)
            assert mirror.document == {"agent": {"state": "offline"}, "contacts": {}}
            engine.live.feed(events.ContactArrived("1.1", "billing", attributes={"language": "es"}))
            engine.live.feed(events.AgentSignedIn("ben"))
            await until(stream, mirror, lambda state: state["agent"]["state"] == "ready")
    assert engine.live.router.contact("1.1") is not None
    assert mirror.document["contacts"] == {}


async def test_a_cookie_opens_the_stream_for_the_own_site_only(engine: Engine) -> None:
    engine.accounts.add_user("eva", PASSWORD, ["supervisor"])
    async with client(engine) as http:
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect("/v1/stream")
        assert refused.value.status == 401
        async with http.post("/v1/session", json={"user": "eva", "password": PASSWORD}) as response:
            assert response.status == 200
        for origin in ("https://evil.example", None):
            with pytest.raises(WSServerHandshakeError) as refused:
                await http.ws_connect("/v1/stream", origin=origin)
            assert refused.value.status == 403
        async with http.ws_connect("/v1/stream", origin=f"http://127.0.0.1:{engine.api.port}") as stream:
            assert (await stream.receive_json())["type"] == "snapshot"


async def test_a_quiet_stream_says_that_it_is_alive_and_ends_when_the_token_is_revoked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchboard.stream.serve.ALIVE_EVERY_S", 0.1)
    async with (
        client(engine, bearer(engine.accounts, "auditor")) as http,
        http.ws_connect("/v1/stream", autoping=True) as stream,
    ):
        assert (await stream.receive_json())["type"] == "snapshot"
        assert (await stream.receive_json())["type"] == "alive"
        engine.accounts.revoke_token("test")
        async with asyncio.timeout(10):
            while (message := await stream.receive()).type is WSMsgType.TEXT:
                assert message.json()["type"] == "alive"
        assert stream.close_code == 1008
    assert engine.board.readers == 0


def crowd(engine: Engine, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        engine.live.feed(events.ContactArrived(f"{number}.{'x' * 1500}", "billing"))


async def test_a_slow_reader_delays_nobody_and_arrives_by_a_snapshot(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, slow = Mirror(), Mirror()
    engine.board.centre = Feed(engine.board.centre.epoch, kept=5)
    monkeypatch.setattr("switchboard.stream.serve.SEND_BUFFER", 8192)
    async with (
        client(engine, bearer(engine.accounts, "planner")) as http,
        http.ws_connect("/v1/stream") as quickly,
        http.ws_connect("/v1/stream") as slowly,
    ):
        reader = slowly._response.connection.protocol  # type: ignore[union-attr]
        reader.transport.pause_reading()  # type: ignore[union-attr]
        for wave in range(40):
            crowd(engine, 50, wave * 50)
            await until(quickly, quick, lambda state, so=(wave + 1) * 50: len(state["contacts"]) == so)
        reader.transport.resume_reading()  # type: ignore[union-attr]
        types = await until(slowly, slow, lambda state: len(state["contacts"]) == 2000)
        assert types.count("snapshot") >= 2
        await until(quickly, quick, lambda state: quick.seq >= slow.seq)
        await until(slowly, slow, lambda state: slow.seq >= quick.seq)
        assert quick.document == slow.document


async def test_a_reader_that_takes_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.stream.serve.SEND_LIMIT_S", 0.2)
    async with running_engine(tmp_path, monkeypatch) as engine:
        headers = bearer(engine.accounts, "planner")
        crowd(engine, 1000)  # a snapshot of more than what all buffers together take
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", engine.api.port))
            line.sendall(
                b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                + f"Authorization: {headers['Authorization']}\r\n\r\n".encode()
            )
            following = []
            async with asyncio.timeout(20):
                while not following or engine.board.readers:
                    following += [engine.board.readers] * bool(engine.board.readers)
                    await asyncio.sleep(0.02)


async def test_the_end_of_the_engine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path, monkeypatch) as engine:
        http = ClientSession(f"http://127.0.0.1:{engine.api.port}", headers=bearer(engine.accounts, "planner"))
        stream = await http.ws_connect("/v1/stream")
        assert (await stream.receive_json())["type"] == "snapshot"
        farewell = asyncio.create_task(to_its_end(stream))
    assert await asyncio.wait_for(farewell, 10) == 1001
    await http.close()


async def to_its_end(stream: ClientWebSocketResponse) -> int | None:
    async for _ in stream:
        pass
    return stream.close_code

"""The stream over a WebSocket: what the reader can take, as fast as it takes it."""

import asyncio
from collections.abc import Awaitable, Callable
from socket import SO_SNDBUF, SOL_SOCKET

from aiohttp import WSCloseCode, WSMsgType, web

from switchboard.stream.board import Board
from switchboard.stream.feed import Reader

ALIVE_EVERY_S = 15.0
"""A reader that hears nothing for twice as long should connect again."""
SEND_LIMIT_S = 20.0
"""A reader that takes nothing for so long is gone."""
CLOSE_LIMIT_S = 1.0
"""A reader has so long to say goodbye."""
SEND_BUFFER = 256 * 1024
MOST_FROM_CLIENT = 1024


_Open = set[web.WebSocketResponse]
_OPEN: web.AppKey[_Open] = web.AppKey("open_streams", set)


def prepare(app: web.Application) -> None:
    """Makes the application end its streams when it stops."""
    sockets: _Open = set()
    app[_OPEN] = sockets

    async def close(app: web.Application) -> None:
        closing = (
            socket.close(code=WSCloseCode.GOING_AWAY, message=b"the engine stops", drain=False) for socket in sockets
        )
        await asyncio.gather(*closing, return_exceptions=True)

    app.on_shutdown.append(close)


async def serve(
    request: web.Request,
    board: Board,
    *,
    agent: str | None = None,
    epoch: str | None = None,
    after: int | None = None,
    still_allowed: Callable[[], Awaitable[bool]] | None = None,
) -> web.WebSocketResponse:
    """Sends the centre's stream, or an agent's own, until the reader leaves or may no longer see it."""
    socket = web.WebSocketResponse(
        heartbeat=ALIVE_EVERY_S, compress=False, max_msg_size=MOST_FROM_CLIENT, timeout=CLOSE_LIMIT_S
    )
    await socket.prepare(request)
    if request.transport is not None and (line := request.transport.get_extra_info("socket")) is not None:
        line.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER)  # a slow reader is felt before megabytes wait in the kernel
    request.app[_OPEN].add(socket)
    reader = Reader(board.follow(agent), epoch, after)
    sending = asyncio.ensure_future(_send(request, socket, board, reader, still_allowed))
    try:
        async for _ in socket:
            pass  # nothing is expected from the client; its pongs and its leaving are seen to by aiohttp
    finally:
        request.app[_OPEN].discard(socket)
        board.leave()
        sending.cancel()
        await asyncio.wait({sending})
    return socket


async def _send(
    request: web.Request,
    socket: web.WebSocketResponse,
    board: Board,
    reader: Reader,
    still_allowed: Callable[[], Awaitable[bool]] | None,
) -> None:
    loop = asyncio.get_running_loop()
    checked = loop.time()
    try:
        while True:
            for message in reader.messages(board.now_ms()):
                await _send_one(socket, message)
            if not await _news(reader):
                await _send_one(socket, reader.feed.alive(board.now_ms()))
            if still_allowed is not None and loop.time() - checked >= ALIVE_EVERY_S:
                checked = loop.time()
                if not await still_allowed():
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"log in again")
                    return
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()


async def _send_one(socket: web.WebSocketResponse, message: bytes) -> None:
    async with asyncio.timeout(SEND_LIMIT_S):
        await socket.send_frame(message, WSMsgType.TEXT)


async def _news(reader: Reader) -> bool:
    """Whether something changes before it is time to say that we are alive."""
    try:
        async with asyncio.timeout(ALIVE_EVERY_S):
            await reader.news()
    except TimeoutError:
        return False
    return True

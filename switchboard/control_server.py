"""The engine's local control socket: HTTP on a Unix socket that only the engine's own user may open.

Whoever may open the socket is an admin; other people use the HTTP API.
"""

import contextlib
import getpass
import os
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from switchboard.control import SOCKET_NAME
from switchboard.operations import Actor, OperationRefused, perform, table
from switchboard.operations.base import answer_adapter
from switchboard.stream.serve import prepare, serve

if TYPE_CHECKING:
    from switchboard.engine import Engine

SHUTDOWN_S = 1.0
"""How long requests under way may take when the engine stops."""


class ControlServer:
    """Serves `POST /NAME` with a JSON object: the operation of that name, answered with JSON, or 409 and a message;
    and at `GET /stream` the live state of the centre (a WebSocket)."""

    def __init__(self, engine: "Engine") -> None:
        self.path = engine.directory / SOCKET_NAME
        self._engine = engine
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        prepare(app)
        app.router.add_post("/{operation}", self._serve)
        app.router.add_get("/stream", self._stream)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()  # left by a killed engine; the lock on the directory says that none is running
        previous = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, str(self.path)).start()
        finally:
            os.umask(previous)

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    async def _serve(self, request: web.Request) -> web.Response:
        actor = Actor(getpass.getuser(), frozenset({"admin"}), "control")
        name = request.match_info["operation"]
        try:
            arguments = msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])
            answer = await perform(self._engine, actor, name, arguments)
        except OperationRefused as refusal:
            return _json(msgspec.json.encode({"error": str(refusal), "kind": refusal.kind}), status=409)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _json(msgspec.json.encode({"error": str(error), "kind": "invalid"}), status=409)
        return _json(answer_adapter(table()[name]).dump_json(answer))

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        return await serve(request, self._engine.board)


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, content_type="application/json", status=status)

"""The engine's local control socket: HTTP on a Unix socket that only the engine's own user may open.

The CLI and the live view use it. Whoever may open the socket is an admin; other people use the HTTP API.
"""

import contextlib
import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
from aiohttp import web
from pydantic import BaseModel

from switchboard.operations import Actor, OperationRefused, perform

if TYPE_CHECKING:
    from switchboard.engine import Engine

SOCKET_NAME = "control.sock"


class ControlServer:
    """Serves `POST /NAME` with a JSON object: the operation of that name, answered with JSON, or 409 and a message."""

    def __init__(self, engine: "Engine") -> None:
        self.path = engine.directory / SOCKET_NAME
        self._engine = engine
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{operation}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
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
        try:
            arguments = msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])
            answer = await perform(self._engine, actor, request.match_info["operation"], arguments)
        except (OperationRefused, msgspec.MsgspecError) as error:
            return _json({"error": str(error)}, status=409)
        return _json(answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)


class EngineUnreachable(Exception):
    """No engine answers on the control socket."""


async def ask(directory: Path, operation: str, **arguments: Any) -> Any:
    """Asks the engine that works in `directory`.

    Raises EngineUnreachable when none answers there, OperationRefused with the engine's reason when it says no.
    """
    path = directory / SOCKET_NAME
    connector = aiohttp.UnixConnector(str(path))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.post(f"http://engine/{operation}", data=msgspec.json.encode(arguments)) as response,
        ):
            answer = msgspec.json.decode(await response.read())
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        raise EngineUnreachable(
            f"no engine answers at {path} ({error or type(error).__name__}); is `switchboard run` working there?"
        ) from error
    if response.status != 200:
        raise OperationRefused(answer["error"])
    return answer

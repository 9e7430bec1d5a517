"""The engine's local control socket: HTTP on a Unix socket that only the engine's own user may open.

The CLI and the live view use it. (The public HTTP API with roles is another thing; it will stand on the same
`Operations`.)
"""

import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

SOCKET_NAME = "control.sock"

Operation = Callable[[dict[str, Any]], Awaitable[Any]]


class OperationRefused(Exception):
    """The engine will not do this; the message is for the person who asked."""


class ControlServer:
    """Serves named operations: `POST /NAME` with a JSON object, answered with JSON, or 409 and a message."""

    def __init__(self, directory: Path, operations: dict[str, Operation]) -> None:
        self.path = directory / SOCKET_NAME
        self._operations = operations
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
        operation = self._operations.get(request.match_info["operation"])
        if operation is None:
            return _json({"error": f"no operation {request.match_info['operation']!r}"}, status=404)
        try:
            arguments = msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])
            return _json(await operation(arguments))
        except (OperationRefused, msgspec.MsgspecError) as error:
            return _json({"error": str(error)}, status=409)


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

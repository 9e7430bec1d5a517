"""The way to a running engine by its local control socket (see `control_server`), for the CLI and the live view.

Commands load this module first of all, so it does not load the engine.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from switchboard.stream.mirror import Mirror

SOCKET_NAME = "control.sock"


class EngineUnreachable(Exception):
    """No engine answers on the control socket."""


async def ask(directory: Path, operation: str, **arguments: Any) -> Any:
    """Asks the engine that works in `directory`: see `ask_patiently`."""
    return await ask_patiently(directory, operation, arguments, 10)


async def ask_patiently(directory: Path, operation: str, arguments: Mapping[str, Any], timeout_s: float) -> Any:
    """Asks the engine that works in `directory`, and waits so long for the answer.

    Raises EngineUnreachable when none answers there, OperationRefused with the engine's reason when it says no.
    """
    try:
        async with (
            _connected(directory, aiohttp.ClientTimeout(total=timeout_s)) as http,
            http.post(f"http://engine/{operation}", data=msgspec.json.encode(arguments)) as response,
        ):
            answer = msgspec.json.decode(await response.read())
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        raise _unreachable(directory, error) from error
    if response.status != 200:
        from switchboard.operations import OperationRefused  # half a second, which only a refusal has to pay

        raise OperationRefused(answer["error"], answer["kind"])
    return answer


async def watch(directory: Path) -> AsyncIterator[Mirror]:
    """Follows the live state of the engine that works in `directory`: the same mirror after each message.

    Ends when the engine stops. Raises EngineUnreachable when none answers, or the one there dies.
    """
    mirror = Mirror()
    try:
        async with (
            _connected(directory, aiohttp.ClientTimeout(total=None, sock_connect=10)) as http,
            http.ws_connect("http://engine/stream", max_msg_size=0) as socket,
        ):
            async for message in socket:
                mirror.apply(message.data)
                yield mirror
            if socket.close_code != aiohttp.WSCloseCode.GOING_AWAY:
                raise ConnectionError("it went away")
    except (OSError, aiohttp.ClientError, TimeoutError) as error:
        raise _unreachable(directory, error) from error


def _connected(directory: Path, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(directory / SOCKET_NAME)), timeout=timeout)


def _unreachable(directory: Path, error: Exception) -> EngineUnreachable:
    return EngineUnreachable(
        f"no engine answers at {directory / SOCKET_NAME} ({error or type(error).__name__}); is `switchboard run` "
        "working there?"
    )

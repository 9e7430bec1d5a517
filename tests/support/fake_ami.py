"""A socket-level fake Asterisk manager: greets, logs in, answers actions as `main/manager.c` does, or misbehaves.

What each action is answered with comes from `answers` (by action name): a ready-made block or several, or a function
of the action's headers. Every action that came in is in `actions`, in order.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

GREETING = b"Asterisk Call Manager/11.0.0\r\n"

Headers = dict[str, str]
Answer = str | None | Callable[[Headers], str | None]


def block(*lines: str) -> str:
    """One block of these lines."""
    return "\r\n".join(lines) + "\r\n\r\n"


def success(action: Headers, message: str = "done", *more: str) -> str:
    return block("Response: Success", f"ActionID: {action['actionid']}", f"Message: {message}", *more)


def error(action: Headers, message: str) -> str:
    return block("Response: Error", f"ActionID: {action['actionid']}", f"Message: {message}")


def event(name: str, *lines: str) -> str:
    return block(f"Event: {name}", "Privilege: call,all", *lines)


FULLY_BOOTED = block("Event: FullyBooted", "Privilege: system,all", "Uptime: 9", "Status: Fully Booted")


class FakeAsterisk:
    """`async with FakeAsterisk() as asterisk:` listens at `asterisk.port`.

    `silent` swallows all that comes in; `greeting` is what a new connection hears first; `booted` false leaves
    FullyBooted away.
    """

    def __init__(
        self,
        *,
        secret: str = "s3cret",
        greeting: bytes = GREETING,
        booted: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.secret = secret
        self.tls = tls
        self.greeting = greeting
        self.booted = booted
        self.silent = False
        self.answers: dict[str, Answer] = {"ping": lambda action: success(action, "", "Ping: Pong")}
        self.actions: list[Headers] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> "FakeAsterisk":
        await self.listen()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.shut()

    async def listen(self) -> None:
        """Starts to listen: at a free port, later at the same one again (a restart)."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Stops listening and cuts every connection."""
        if self._server:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def send(self, data: str | bytes) -> None:
        """To every connection."""
        for writer in self._writers:
            writer.write(data.encode() if isinstance(data, str) else data)

    async def wait_for(self, name: str, times: int = 1, timeout_s: float = 5.0) -> list[Headers]:
        """The actions of this name, once there are so many."""

        def found() -> list[Headers]:
            return [action for action in self.actions if action["action"].lower() == name.lower()]

        async with asyncio.timeout(timeout_s), self._arrived:
            await self._arrived.wait_for(lambda: len(found()) >= times)
        return found()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            writer.write(self.greeting)
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                pairs = [line.split(": ", 1) for line in text.strip().split("\r\n")]
                action = {name.lower(): value for name, value in pairs}
                async with self._arrived:
                    self.actions.append(action)
                    self._arrived.notify_all()
                if not self.silent:
                    await self._answer(action, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, action: Headers, writer: asyncio.StreamWriter) -> None:
        name = action["action"].lower()
        answer = self.answers.get(name, lambda _: error(action, f"Invalid/unknown command: {action['action']}."))
        if name == "login" and "login" not in self.answers:
            if action["secret"] != self.secret:
                writer.write(error(action, "Authentication failed").encode())
                await writer.drain()
                writer.close()
                return
            answer = success(action, "Authentication accepted") + (FULLY_BOOTED if self.booted else "")
        if callable(answer):
            answer = answer(action)
        if answer:
            writer.write(answer.encode())

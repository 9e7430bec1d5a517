"""An AmiClient that remembers what it is told, to await events instead of sleeping."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self

from router.ami.client import AmiAddress, AmiClient, AmiLimits, Event


class Recorder:
    """`async with Recorder(port, ...) as engine:` is up; `engine.client` is the client. `at_event` and `at_up` are
    called after their like has been noted."""

    def __init__(
        self,
        port: int,
        secret: str,
        user: str = "switchboard",
        limits: AmiLimits | None = None,
        up: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.events: list[Event] = []
        self.ups = 0
        self.downs: list[str] = []
        self.at_event: Callable[[Event], None] | None = None
        self.at_up: Callable[[], Awaitable[None]] | None = None
        self._await_up = up
        self._changed = asyncio.Event()
        self.client = AmiClient(
            AmiAddress("127.0.0.1", port, user, secret, tls),
            on_event=self._event,
            on_up=self._up,
            on_down=self._down,
            limits=limits,
            jitter=lambda: 0.0,
        )

    async def __aenter__(self) -> Self:
        await self.client.start()
        if self._await_up:
            await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.stop()

    async def up(self, times: int = 1) -> Self:
        """Waits for the connection to have come up so often."""
        await self.until(lambda: self.ups >= times)
        return self

    async def until(self, condition: Callable[[], Any], timeout_s: float = 10.0) -> None:
        """Waits until the condition holds; it is looked at whenever something has been told."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def event(self, name: str, timeout_s: float = 10.0, **headers: str) -> Event:
        """The first event of this name with these headers, whether it has come already or comes yet."""
        await self.until(lambda: self.named(name, **headers), timeout_s)
        return self.named(name, **headers)[0]

    def named(self, name: str, **headers: str) -> list[Event]:
        return [
            event
            for event in self.events
            if event.name == name and all(event.get(key) == value for key, value in headers.items())
        ]

    def _event(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()
        if self.at_event:
            self.at_event(event)

    async def _up(self) -> None:
        self.ups += 1
        self._changed.set()
        if self.at_up:
            await self.at_up()

    def _down(self, reason: str) -> None:
        self.downs.append(reason)
        self._changed.set()

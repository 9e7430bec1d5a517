"""A FastAGI listener without manners: for tests that must see every line a real Asterisk sends, as it comes."""

import asyncio
from typing import Self


class RawCall:
    """One AGI connection. `lines` is all that Asterisk has sent since the headers."""

    def __init__(self, headers: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.headers = headers
        self.lines: list[str] = []
        self._reader = reader
        self._writer = writer

    @property
    def channel(self) -> str:
        return self.headers["agi_channel"]

    @property
    def uniqueid(self) -> str:
        return self.headers["agi_uniqueid"]

    def send(self, command: str) -> None:
        self._writer.write(f"{command}\n".encode())

    async def line(self, timeout_s: float = 5.0) -> str:
        """The next line; empty when Asterisk has closed."""
        async with asyncio.timeout(timeout_s):
            line = (await self._reader.readline()).decode().rstrip("\n")
        self.lines.append(line)
        return line

    async def rest(self) -> list[str]:
        """The lines that come until Asterisk closes."""
        found = []
        while line := await self.line():
            found.append(line)
        return found

    async def ask(self, command: str) -> str:
        self.send(command)
        return await self.line()

    def close(self) -> None:
        self._writer.close()


class RawAgi:
    """`async with RawAgi() as agi:` listens at `agi.port`; `await agi.call()` is the next connection."""

    def __init__(self) -> None:
        self.port = 0
        self._calls: asyncio.Queue[RawCall] = asyncio.Queue()
        self._open: list[RawCall] = []
        self._closing = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close_all()
        self._server.close()

    def close_all(self) -> None:
        """Closes every connection, and from now on each new one. A channel lives until its AGI is closed, even when it
        has been hung up."""
        self._closing = True
        for call in self._open:
            call.close()

    async def call(self, timeout_s: float = 10.0) -> RawCall:
        async with asyncio.timeout(timeout_s):
            return await self._calls.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        call = RawCall(headers, reader, writer)
        self._open.append(call)
        if self._closing:
            call.close()
        self._calls.put_nowait(call)

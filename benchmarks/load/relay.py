"""A relay between Asterisk and the engine's FastAGI that measures, in a process of its own, from outside.

    python benchmarks/load/relay.py PORT ENGINE_PORT

For each line on its standard input it prints, as a line of JSON, what it saw since the last one: `response_ms`, from
each reply (or the call's headers) that it gave the engine to the engine's next command; `first_sound_ms`, from the
reply to ANSWER to the first command by which the caller hears something; and `variable_ms`, from each GET or SET
VARIABLE, GET FULL VARIABLE that it gave Asterisk to the reply, which is how long Asterisk takes for nearly nothing. The
relay's own share counts too, so all are upper bounds.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

_QUICK = (b"GET VARIABLE", b"SET VARIABLE", b"GET FULL VARIABLE")
_SOUND = (b"STREAM FILE", b"GET DATA", b"SET MUSIC", b"EXEC Playback", b"EXEC Background", b"EXEC Read", b"SAY")
_clock = time.perf_counter


class Figures:
    def __init__(self) -> None:
        self.connections = 0
        self.response_s: list[float] = []
        self.first_sound_s: list[float] = []
        self.variable_s: list[float] = []

    def report(self) -> str:
        return json.dumps(
            {
                "connections": self.connections,
                "commands": len(self.response_s),
                "response_ms": _quantiles_ms(self.response_s),
                "first_sound_ms": _quantiles_ms(self.first_sound_s),
                "variable_ms": _quantiles_ms(self.variable_s),
            }
        )


class Side(asyncio.Protocol):
    """One of the two connections of a call. What comes before the other is there is kept."""

    transport: asyncio.Transport
    other: "Side | None" = None

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def join(self, other: "Side") -> None:
        self.other, other.other = other, self
        for chunk in self.waiting:
            self.data_received(chunk)
        if self.transport.is_closing():
            other.transport.close()

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.waiting.append(data)
        else:
            self.seen(data)
            self.other.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()

    def seen(self, data: bytes) -> None:
        raise NotImplementedError


class FromAsterisk(Side):
    def __init__(self, engine_port: int, figures: list[Figures]) -> None:
        super().__init__()
        self.figures = figures
        self.replied_at = 0.0
        self.asked_at: float | None = None
        self.answering = False
        self.answered_at: float | None = None
        self._engine_port = engine_port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.figures[0].connections += 1
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        try:
            _, engine = await asyncio.get_running_loop().create_connection(
                lambda: FromEngine(self), "127.0.0.1", self._engine_port
            )
        except OSError:
            self.transport.close()
        else:
            self.join(engine)

    def seen(self, data: bytes) -> None:
        self.replied_at = _clock()
        if self.asked_at is not None:
            self.figures[0].variable_s.append(self.replied_at - self.asked_at)
            self.asked_at = None
        if self.answering:
            self.answering, self.answered_at = False, self.replied_at


class FromEngine(Side):
    def __init__(self, asterisk: FromAsterisk) -> None:
        super().__init__()
        self._asterisk = asterisk

    def seen(self, data: bytes) -> None:
        asterisk, now = self._asterisk, _clock()
        if asterisk.replied_at:
            asterisk.figures[0].response_s.append(now - asterisk.replied_at)
            asterisk.replied_at = 0.0
        asterisk.asked_at = now if data.startswith(_QUICK) else None
        if data.startswith(b"ANSWER"):
            asterisk.answering = True
        elif asterisk.answered_at is not None and data.startswith(_SOUND):
            asterisk.figures[0].first_sound_s.append(now - asterisk.answered_at)
            asterisk.answered_at = None


def _quantiles_ms(times_s: Sequence[float]) -> tuple[float, ...] | None:
    """p50, p99 and maximum."""
    if not times_s:
        return None
    ordered = sorted(times_s)
    return tuple(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000 for share in (0.5, 0.99, 1.0))


async def main(port: int, engine_port: int) -> None:
    figures = [Figures()]
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: FromAsterisk(engine_port, figures), "127.0.0.1", port, backlog=1_024)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        report, figures[0] = figures[0].report(), Figures()
        print(report, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:3])))

"""A socket-level fake Asterisk: it connects to a FastAGI server and answers commands as `res_agi.c` does."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count

_numbers = count(1)

Answers = Mapping[str, str | Callable[[str], str]]

# Replies of a channel on which every sound plays to its end and nobody presses a key
PATIENT: Answers = {
    "ANSWER": "200 result=0",
    "CHANNEL STATUS": "200 result=6",
    "EXEC": "200 result=0",
    "GET DATA": "200 result= (timeout)",
    "GET FULL VARIABLE": "200 result=1 ()",
    "GET VARIABLE": "200 result=0",
    "HANGUP": "200 result=1",
    "SAY": "200 result=0",
    "SET MUSIC": "200 result=0",
    "SET VARIABLE": "200 result=1",
    "STREAM FILE": "200 result=0 endpos=8000",
    "VERBOSE": "200 result=1",
    "WAIT FOR DIGIT": "200 result=0",
}


def header_lines(route: str = "call", uniqueid: str = "", **changed: str) -> list[str]:
    """The header lines of Asterisk 22; keyword `callerid="..."` replaces or adds `agi_callerid`."""
    headers = {
        "network": "yes",
        "network_script": route,
        "request": f"agi://127.0.0.1/{route}",
        "channel": "PJSIP/trunk-00000001",
        "language": "en",
        "type": "PJSIP",
        "uniqueid": uniqueid or f"1700000000.{next(_numbers)}",
        "version": "22.10.1",
        "callerid": "5551234",
        "calleridname": "unknown",
        "callingpres": "0",
        "callingani2": "0",
        "callington": "0",
        "callingtns": "0",
        "dnid": "100",
        "rdnis": "unknown",
        "context": "sb-call",
        "extension": "s",
        "priority": "3",
        "enhanced": "0.0",
        "accountcode": "",
        "threadid": "140000000000000",
    }
    headers.update(changed)
    return [f"agi_{name}: {value}" for name, value in headers.items()]


def header_block(route: str = "call", uniqueid: str = "", **changed: str) -> bytes:
    return "\n".join([*header_lines(route, uniqueid, **changed), "", ""]).encode()


class FakeAsterisk:
    """One connection. Use `command()` and `reply()` by hand, or `serve()` with answers by command prefix."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.commands: list[str] = []

    @classmethod
    async def connect(cls, port: int, block: bytes | None = None) -> "FakeAsterisk":
        peer = cls(*await asyncio.open_connection("127.0.0.1", port))
        peer.send(header_block() if block is None else block)
        return peer

    def send(self, raw: bytes) -> None:
        self.writer.write(raw)

    async def command(self) -> str:
        """The next command, without its line end; `""` when the server closed."""
        async with asyncio.timeout(5):
            line = (await self.reader.readline()).decode().rstrip("\n")
        if line:
            self.commands.append(line)
        return line

    def reply(self, line: str) -> None:
        self.send(line.encode() + b"\n")

    async def serve(self, answers: Answers = PATIENT) -> list[str]:
        """Answer until the server closes: by the longest fitting prefix in `answers`, else in `PATIENT`. An answer may
        be a function of the command; an empty one is no reply. Returns the commands."""
        while line := await self.command():
            answer: str | Callable[[str], str] = "510 Invalid or unknown command"
            for known in (answers, PATIENT):
                if prefix := max((prefix for prefix in known if line.startswith(prefix)), key=len, default=""):
                    answer = known[prefix]
                    break
            if text := answer if isinstance(answer, str) else answer(line):
                self.reply(text)
        self.close()
        return self.commands

    async def closed(self) -> bool:
        """Wait until the server closes; whether it did so without a further command."""
        return await self.command() == ""

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        """Vanish as a killed process does, with a reset."""
        self.writer.transport.abort()

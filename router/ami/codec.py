"""The manager protocol (AMI), without a socket: blocks from bytes, actions to bytes.

A block is lines of `Name: value`, ended by an empty line; lines end with CR LF. Before all others Asterisk sends one
greeting line. A block with `Event` is an event, even if it has a `Response` too (OriginateResponse does); one with
only `Response` answers an action. Names are case-insensitive.

What callers control can reach an event with line breaks in it and so forge headers, even whole events (seen on 22.10.1:
`%0d%0a` in the user part of a SIP From; the rendered event filter stops those with an empty line inside). Hence a block
that names neither Event nor Response, has a line without a name, or repeats a header which Asterisk does not
repeat, is refused and counted rather than half understood. Only `Variable`, `ChanVariable` (with any prefix) and
`Output` repeat.

Sources: Asterisk 22 `main/manager.c` (`get_input`, `astman_append`, `manager_default_msg_cb`) and
`main/manager_channels.c`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from router.ami.errors import AmiMisuse, AmiProtocolError

GREETING: Final = "Asterisk Call Manager/"
GREETING_LIMIT: Final = 256  # bytes
BLOCK_LIMIT: Final = 262_144  # bytes; the longest real ones (Status with many variables) have a few thousand
LINE_LIMIT: Final = 1_000  # bytes of an outgoing line; Asterisk's buffer takes 1,024 with the line end
HEADER_LIMIT: Final = 128  # AST_MAX_MANHEADERS: Asterisk silently drops what is over

Value = str | int | bool | None
Headers = Mapping[str, Value | Sequence[str]]

_END: Final = b"\r\n\r\n"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")


class Message(Mapping[str, str]):
    """The headers of one block by their names in any case. A repeated header maps to its first value; `all` gives
    every value."""

    __slots__ = ("_headers", "_repeated")

    def __init__(self, headers: dict[str, str], repeated: dict[str, list[str]] | None = None) -> None:
        self._headers = headers  # names in lower case
        self._repeated = repeated

    def __getitem__(self, name: str) -> str:
        return self._headers[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._headers | (self._repeated or {})!r}>"

    @property
    def action_id(self) -> str:
        return self._headers.get("actionid", "")

    def all(self, name: str) -> list[str]:
        """Every value of a header that may repeat, in order; empty when absent."""
        name = name.lower()
        if self._repeated and name in self._repeated:
            return list(self._repeated[name])
        return [self._headers[name]] if name in self._headers else []

    @property
    def variables(self) -> dict[str, str]:
        """The channel variables of `Variable: NAME=value` (Status) and `ChanVariable: ...` lines. Status writes a
        variable that is not set as `NAME=(null)`; it is left out."""
        pairs = (line.partition("=") for name in ("variable", "chanvariable") for line in self.all(name))
        return {name: value for name, _, value in pairs if value != "(null)"}


class Event(Message):
    """Something that happened in Asterisk, or one item of a list."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return self._headers["event"]


class Response(Message):
    """Asterisk's answer to an action."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return self._headers["response"]

    @property
    def message(self) -> str:
        return self._headers.get("message", "")

    @property
    def is_error(self) -> bool:
        return self.name.lower() == "error"


class Decoder:
    """Bytes as they arrive -> events and responses. `refused` counts the blocks that were not understood and
    `last_refused` says why the latest one was not."""

    def __init__(self, block_limit: int = BLOCK_LIMIT) -> None:
        self.version = ""
        self.refused = 0
        self.last_refused = ""
        self._block_limit = block_limit
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Event | Response]:
        """The messages that `data` completes. Raises AmiProtocolError when the peer is no Asterisk manager or a block
        does not end."""
        searched = max(0, len(self._buffer) - len(_END) + 1)
        self._buffer += data
        if not self.version:
            if not self._greeted():
                return []
            searched = 0
        end = self._buffer.rfind(_END, searched)
        if end < 0:
            if len(self._buffer) > self._block_limit:
                raise AmiProtocolError(f"a block of more than {self._block_limit} bytes without an end")
            return []
        complete = self._buffer[:end].decode("utf-8", "replace")
        del self._buffer[: end + len(_END)]
        messages = []
        for block in complete.split("\r\n\r\n"):
            message = self._parse(block)
            if message is not None:
                messages.append(message)
        return messages

    def _greeted(self) -> bool:
        line, end, rest = bytes(self._buffer).partition(b"\r\n")
        if not end and len(line) <= GREETING_LIMIT and GREETING.startswith(line[: len(GREETING)].decode("latin-1")):
            return False
        text = line.decode("latin-1")
        if not end or not text.startswith(GREETING):
            raise AmiProtocolError(f"this is not an Asterisk manager port: it says {text[:60]!r}")
        self.version = text.removeprefix(GREETING)
        self._buffer = bytearray(rest)
        return True

    def _parse(self, block: str) -> Event | Response | None:
        headers: dict[str, str] = {}
        repeated: dict[str, list[str]] | None = None
        for line in block.split("\r\n"):
            name, separator, value = line.partition(": ")
            if not separator:
                if not line:
                    continue
                if line[-1] != ":":  # `Name:` alone has no value
                    self._refuse("a line without a name")
                    return None
                name = line[:-1]
            name = name.lower()
            if name not in headers:
                headers[name] = value
            elif name.endswith("variable") or name == "output":
                repeated = {} if repeated is None else repeated
                repeated.setdefault(name, [headers[name]]).append(value)
            else:
                self._refuse(f"header {name!r} twice")
                return None
        if "event" in headers:
            return Event(headers, repeated)
        if "response" in headers:
            return Response(headers, repeated)
        if headers:
            self._refuse("neither Event nor Response")
        return None

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        self.last_refused = reason


def encode(action: str, action_id: str, headers: Headers) -> bytes:
    """One action as Asterisk reads it. A sequence repeats its header, True and False become `true` and `false`, None
    leaves the header out. Raises AmiMisuse for what would break the protocol or be cut off by Asterisk."""
    lines = [_line("Action", action), _line("ActionID", action_id)]
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in ("action", "actionid"):
            raise AmiMisuse(f"{action}: {name!r} cannot be a header")
        if value is None:
            continue
        if isinstance(value, bool):
            value = "true" if value else "false"
        values = [str(value)] if isinstance(value, str | int) else value
        lines.extend(_line(name, one) for one in values)
    if len(lines) > HEADER_LIMIT:
        raise AmiMisuse(f"{action}: {len(lines)} headers, but Asterisk reads only {HEADER_LIMIT}")
    return b"\r\n".join(lines) + _END


def _line(name: str, value: str) -> bytes:
    if _FORBIDDEN.search(value):
        raise AmiMisuse(f"{name}: a line break or NUL in {value[:80]!r}")
    try:
        line = f"{name}: {value}".encode()
    except UnicodeEncodeError:
        raise AmiMisuse(f"{name}: {value[:80]!r} is not text") from None
    if len(line) > LINE_LIMIT:
        raise AmiMisuse(f"{name}: a line of {len(line)} bytes; Asterisk takes at most {LINE_LIMIT}")
    return line

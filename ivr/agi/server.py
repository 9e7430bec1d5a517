"""The FastAGI server: one `AgiChannel` for each call that Asterisk brings, each in its own task.

Built on panoramisk's FastAGI `Application` (routes) and `Request` (one call); what is overridden says which defect of
panoramisk 1.4 it mends. One bad peer never disturbs another: every wait has a limit, every connection its own parser,
and what is refused is counted in `AgiServer.stats` by its reason.

A handler that raises, or a peer that breaks the protocol, ends with the connection closed and nothing more said: the
dialplan sees that the engine did not set its "done" variable and takes the call back.
"""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import TypeVar

from panoramisk.fast_agi import Application, Request

from ivr.agi.codec import (
    AgiProtocolError,
    Command,
    HangupLine,
    Headers,
    Reply,
    ReplyParser,
    parse_headers,
    split_headers,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
_CHUNK = 4_096
_READ_BY_THEN_S = 0.1  # Asterisk has read a command that was written so long ago


class ChannelHungUp(Exception):
    """The caller is gone, or the channel was taken away (Bridge, Redirect, absolute timeout)."""


class AgiTimeout(Exception):
    """Asterisk did not reply to a command in its time. The connection is closed: what comes later has no meaning."""


class AgiMisuseError(RuntimeError):
    """Our own fault: a command was sent while another was under way."""


class AgiChannel(Request):  # type: ignore[misc]  # panoramisk has no types
    """One call. `headers` says which; `send` runs a command; `hung_up` is set the moment the caller is gone,
    and `told_of_hangup` says whether Asterisk said so; otherwise the connection has just ended."""

    def __init__(
        self,
        app: Application,
        headers: Headers,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        reply_timeout_ms: int,
    ) -> None:
        """Mends: headers were an untyped dict in which a forged line replaced the true one."""
        super().__init__(app, headers, reader, writer)
        self.headers: Headers = headers
        self.hung_up = asyncio.Event()
        self.told_of_hangup = False
        self.failure: AgiProtocolError | AgiTimeout | None = None  # why we gave the connection up, if we did
        self._reply_timeout_ms = reply_timeout_ms
        self._expected: list[asyncio.Future[Reply]] = []  # in the order of the commands: one or two
        self._deadline = 0.0  # of the last command
        self._may_interrupt_at: float | None = None  # the last command, if at all
        self._sending = False
        self._parser = ReplyParser()

    async def send(self, command: Command, *, timeout_ms: int | None = None) -> Reply:
        """Run one command and return its reply, whatever its status but 511.

        A reply is waited for as long as the command may properly take plus the server's reply time-out; `timeout_ms`
        replaces both. If `send` is cancelled the command goes on in Asterisk, and the next `send` ends it if that is
        possible and otherwise lets it end first.

        Raises `ChannelHungUp`, `AgiTimeout`, `AgiProtocolError` (the peer's fault), `CommandError` and
        `AgiMisuseError` (ours).
        """
        line = command.encode()
        name = command.line.split(" ")[0]
        if self._sending:
            raise AgiMisuseError(f"AGI runs one command at a time, {name} came during another")
        if timeout_ms is None:
            timeout_ms = command.may_take_ms + self._reply_timeout_ms
        self._sending = True
        try:
            await self._settle()
            self._raise_if_over()
            loop = asyncio.get_running_loop()
            reply_comes: asyncio.Future[Reply] = loop.create_future()
            self._expected.append(reply_comes)
            self._deadline = loop.time() + timeout_ms / 1_000
            self._may_interrupt_at = loop.time() + _READ_BY_THEN_S if command.interruptible else None
            self.writer.write(line)
            reply = await self._until_deadline(reply_comes)
        except TimeoutError:
            self._fail(AgiTimeout(f"no reply to {name}, or to the command before it, in its time"))
            self._raise_if_over()
            raise
        finally:
            self._sending = False
        if reply.status == 511:
            self._end()
            self._raise_if_over()
        return reply

    async def send_command(self, command: str) -> Reply:
        """Mends: a line break in the text became a second command, and replies got out of step with commands."""
        return await self.send(Command(command))

    async def unless_hung_up(self, work: Awaitable[T]) -> T:
        """Await `work`, which is not a command; cancel it and raise `ChannelHungUp` if the caller goes before."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self.hung_up.wait())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._raise_if_over()
            return await task
        finally:
            gone.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    async def _settle(self) -> None:
        """Let the commands of cancelled sends end, or come so far that the next command ends them.

        Asterisk reads lines through stdio: of two that lie in the socket at once it keeps the second unseen until more
        bytes come. So a command may only be interrupted when Asterisk has surely read it.
        """
        while len(self._expected) > 1:
            await self._until_deadline(self._expected[0])
        if not self._expected:
            return
        if self._may_interrupt_at is None:
            await self._until_deadline(self._expected[0])
        else:
            pause_s = self._may_interrupt_at - asyncio.get_running_loop().time()
            await asyncio.wait(self._expected, timeout=max(0.0, pause_s))

    async def _until_deadline(self, reply: asyncio.Future[Reply]) -> Reply:
        async with asyncio.timeout_at(self._deadline):
            return await asyncio.shield(reply)

    # What the server does with the connection

    async def _read(self) -> None:
        """Take what Asterisk sends until the connection ends. Runs beside the handler, so a hangup is known at once."""
        try:
            while not self.hung_up.is_set() and (received := await self.reader.read(_CHUNK)):
                self._take(received)
        except AgiProtocolError as error:
            self._fail(error)
        except OSError:
            pass
        finally:
            self._end()

    def _take(self, received: bytes) -> None:
        for event in self._parser.feed(received):
            if isinstance(event, HangupLine):
                self.told_of_hangup = True
                self._end()
            elif not self._expected:
                raise AgiProtocolError("foreign_reply", f"{event.status} came without a command")
            else:
                self._expected.pop(0).set_result(event)

    def _end(self) -> None:
        """The channel is gone. Asterisk keeps a dead channel for as long as the connection stands, so close it."""
        self.hung_up.set()
        self.writer.close()
        while self._expected:
            reply = self._expected.pop(0)
            reply.set_exception(self.failure or ChannelHungUp("the channel is gone"))
            reply.exception()  # nobody may be waiting for it

    def _fail(self, error: AgiProtocolError | AgiTimeout) -> None:
        if self.failure is None and not self.hung_up.is_set():
            self.failure = error
        self._end()

    def _raise_if_over(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self.hung_up.is_set():
            raise ChannelHungUp("the channel is gone")


Handler = Callable[[AgiChannel], Awaitable[None]]


class AgiServer(Application):  # type: ignore[misc]  # panoramisk has no types
    """Serves `routes` (the path of agi://host:port/ROUTE) on one port.

    `stats` counts, by reason, what was refused or failed; `calls` is what is under way.
    """

    def __init__(
        self,
        host: str,
        port: int,
        routes: Mapping[str, Handler],
        *,
        header_timeout_ms: int = 5_000,
        reply_timeout_ms: int = 10_000,
        max_connections: int = 2_000,
        peers: Container[str] | None = None,
    ) -> None:
        """`peers`: the IP addresses that are served, None for all. Mends: took its event loop from the deprecated
        global."""
        super().__init__(loop=asyncio.get_running_loop())
        for route, handler in routes.items():
            self.add_route(route, handler)
        self.stats: Counter[str] = Counter()
        self.calls: dict[tuple[str, str], AgiChannel] = {}
        self._host, self._port = host, port
        self._header_timeout_ms = header_timeout_ms
        self._reply_timeout_ms = reply_timeout_ms
        self._max_connections = max_connections
        self._peers = peers
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port listened on, also when 0 was asked for."""
        return self._port

    async def start(self) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        server = await asyncio.start_server(self._connected, self._host, self._port, backlog=1_024, start_serving=False)
        self._server = server
        await server.start_serving()
        self._port = server.sockets[0].getsockname()[1]

    async def stop(self, drain_ms: int = 0) -> None:
        """Listen no more, let the calls under way go on for up to `drain_ms`, then cancel their handlers."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._tasks and drain_ms > 0:
            await asyncio.wait(self._tasks, timeout=drain_ms / 1_000)
        remaining = list(self._tasks)
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            self._refuse("stopping", writer)
            return
        if self._peers is not None and (writer.get_extra_info("peername") or ("",))[0] not in self._peers:
            self._refuse("foreign_peer", writer, "not an address of Asterisk")
            return
        if len(self._tasks) >= self._max_connections:
            self._refuse("too_many_connections", writer)
            return
        task = asyncio.get_running_loop().create_task(self.handler(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Mends: connect-then-close and headers without end froze the event loop, headers had no limit of size or
        time, Latin-1 raised, a cancelled handler was reported as an error and went on, repeated calls were taken."""
        try:
            _keep_alive(writer)
            headers, rest = await self._headers(reader)
        except AgiProtocolError as error:
            self._refuse(error.reason, writer, str(error))
            return
        except OSError:
            self._refuse("connection_lost", writer)
            return
        except asyncio.CancelledError:
            writer.close()
            raise
        endpoint = self._route.get(headers.route)
        if endpoint is None:
            self._refuse("no_route", writer, repr(headers.route))
            return
        key = (headers.route, headers.uniqueid)
        earlier = self.calls.get(key)
        if earlier is not None and not earlier.hung_up.is_set():
            self._refuse("repeated_call", writer, repr(headers.uniqueid))
            return
        channel = AgiChannel(self, headers, reader, writer, reply_timeout_ms=self._reply_timeout_ms)
        try:
            channel._take(rest)
        except AgiProtocolError as error:
            self._refuse(error.reason, writer, str(error))
            return
        self.calls[key] = channel
        try:
            await self._run(endpoint, channel)
        finally:
            if self.calls.get(key) is channel:
                del self.calls[key]

    async def _headers(self, reader: asyncio.StreamReader) -> tuple[Headers, bytes]:
        received = b""
        try:
            async with asyncio.timeout(self._header_timeout_ms / 1_000):
                while (parts := split_headers(received)) is None:
                    chunk = await reader.read(_CHUNK)
                    if not chunk:
                        raise AgiProtocolError("header_cut" if received else "empty_connection")
                    received += chunk
        except TimeoutError:
            raise AgiProtocolError("header_timeout", f"no end in {self._header_timeout_ms} ms") from None
        return parse_headers(parts[0]), parts[1]

    async def _run(self, endpoint: Handler, channel: AgiChannel) -> None:
        reading = asyncio.get_running_loop().create_task(channel._read())
        try:
            await endpoint(channel)
        except ChannelHungUp:
            pass
        except (AgiProtocolError, AgiTimeout) as error:
            channel.failure = channel.failure or error
            log.warning("AGI %s of call %r failed: %s", channel.headers.route, channel.headers.uniqueid, error)
        except Exception:
            self.stats["handler_error"] += 1
            log.exception("AGI handler of %s failed in call %r", channel.headers.route, channel.headers.uniqueid)
        finally:
            if channel.failure is not None:
                reason = "reply_timeout" if isinstance(channel.failure, AgiTimeout) else channel.failure.reason
                self.stats[reason] += 1
            reading.cancel()
            await asyncio.wait({reading})
            channel.writer.close()

    def _refuse(self, reason: str, writer: asyncio.StreamWriter, detail: str = "") -> None:
        self.stats[reason] += 1
        count = self.stats[reason]
        # A port check connects and says nothing: no fault. And a flood of refusals shall not become a flood of logs.
        if reason != "empty_connection" and (count <= 10 or count % 100 == 0):
            peer = writer.get_extra_info("peername")
            log.warning("AGI connection from %s refused: %s (%s, number %d)", peer, detail or reason, reason, count)
        writer.close()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """A peer whose machine vanished sends no end of the connection; TCP keep-alive finds out."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

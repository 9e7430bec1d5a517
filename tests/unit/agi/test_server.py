"""Each fault that panoramisk 1.4 or a bad peer can bring (DESIGN section 6) against a socket-level fake Asterisk."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ivr.agi import codec
from ivr.agi.codec import AgiProtocolError, CommandError, Reply
from ivr.agi.server import AgiChannel, AgiMisuseError, AgiServer, AgiTimeout, ChannelHungUp, Handler
from tests.support.fake_agi import FakeAsterisk, header_block

Serve = Callable[..., Awaitable[AgiServer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[AgiServer] = []

    async def start(handler: Handler, **limits: int) -> AgiServer:
        server = AgiServer("127.0.0.1", 0, {"call": handler, "agent": handler}, **limits)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


class Recorder:
    """A handler that runs `script` and keeps how it ended: its result or its exception."""

    def __init__(self, script: Callable[[AgiChannel], Awaitable[Any]]) -> None:
        self._script = script
        self.ends: asyncio.Queue[Any] = asyncio.Queue()
        self.began = asyncio.Event()

    async def handle(self, channel: AgiChannel) -> None:
        self.began.set()
        try:
            end: Any = await self._script(channel)
        except asyncio.CancelledError:
            self.ends.put_nowait("cancelled")
            raise
        except Exception as error:
            self.ends.put_nowait(error)
            raise
        self.ends.put_nowait(end)

    async def end(self) -> Any:
        async with asyncio.timeout(5):
            return await self.ends.get()


async def answer(channel: AgiChannel) -> Reply:
    return await channel.send(codec.answer())


async def wait_long(channel: AgiChannel) -> Reply:
    return await channel.send(codec.wait_for_digit(60_000))


async def counted(server: AgiServer, reason: str, number: int = 1) -> None:
    """Wait until `reason` was counted `number` times, and nothing else."""
    async with asyncio.timeout(5):
        while server.stats[reason] < number:
            await asyncio.sleep(0)
    assert dict(server.stats) == {reason: number}


async def still_serves(server: AgiServer) -> None:
    peer = await FakeAsterisk.connect(server.port)
    assert await peer.command() == "ANSWER"
    peer.reply("200 result=0")
    assert await peer.closed()


class TestCalls:
    async def test_a_command_gets_its_reply(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> tuple[str, Reply, Reply]:
            return channel.headers.uniqueid, await answer(channel), await channel.send(codec.get_variable("X"))

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port, header_block(uniqueid="17.5"))
        assert await peer.serve({"GET VARIABLE": "200 result=1 (seven)"}) == ["ANSWER", "GET VARIABLE X"]
        assert await handler.end() == ("17.5", Reply(200, "0"), Reply(200, "1", "seven"))

    async def test_headers_may_come_in_pieces(self, serve: Serve) -> None:
        handler = Recorder(answer)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port, b"")
        for byte in header_block():
            peer.send(bytes([byte]))
            await peer.writer.drain()
        await peer.serve()
        assert (await handler.end()).ok

    async def test_latin_1_in_a_name_is_read(self, serve: Serve) -> None:
        async def name(channel: AgiChannel) -> str:
            return channel.headers.caller_name

        handler = Recorder(name)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port, header_block(calleridname="NAME").replace(b"NAME", b"J\xfcrgen"))
        assert await handler.end() == "Jürgen"
        peer.close()

    @pytest.mark.parametrize(
        ("raw", "reply"),
        [
            (b"200 result=12 (timeout)\n", Reply(200, "12", "timeout")),
            (b"200 result=1 (hangup)\n", Reply(200, "1", "hangup")),
            (b"200 result=1 (HANGUP\nHANGUP)\n", Reply(200, "1", "HANGUP\nHANGUP")),
            (b"100 result=0 Trying...\n200 result=0\n", Reply(200, "0")),
            (b"510 Invalid or unknown command\n", Reply(510, data="Invalid or unknown command")),
            (b"520-Invalid\nUsage: X\n520 End of proper usage.\n", Reply(520, data="Usage: X")),
            (b"200 result=1 (J\xfcrgen)\n", Reply(200, "1", "J\ufffdrgen")),
        ],
    )
    async def test_the_next_reply_is_in_step_after(self, serve: Serve, raw: bytes, reply: Reply) -> None:
        async def script(channel: AgiChannel) -> tuple[Reply, Reply]:
            return await answer(channel), await channel.send(codec.channel_status())

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        peer.send(raw)
        assert await peer.command() == "CHANNEL STATUS"
        peer.reply("200 result=6")
        assert await handler.end() == (reply, Reply(200, "6"))

    async def test_a_line_break_is_refused_before_anything_is_sent(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> Reply:
            with pytest.raises(CommandError):
                await channel.send_command("VERBOSE x\nHANGUP")
            return await channel.send_command("NOOP")

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        assert await peer.serve({"NOOP": "200 result=0"}) == ["NOOP"]
        assert await handler.end() == Reply(200, "0")

    async def test_two_commands_at_once_are_our_own_error(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> list[Any]:
            return await asyncio.gather(answer(channel), answer(channel), return_exceptions=True)

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        assert await peer.serve() == ["ANSWER"]
        first, second = await handler.end()
        assert first == Reply(200, "0")
        assert isinstance(second, AgiMisuseError)

    async def test_a_handler_that_fails_says_nothing_more(self, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
        async def script(channel: AgiChannel) -> None:
            await answer(channel)
            raise ZeroDivisionError("a bug")

        server = await serve(Recorder(script).handle)
        peer = await FakeAsterisk.connect(server.port, header_block(uniqueid="17.6"))
        assert await peer.serve() == ["ANSWER"]
        assert server.stats["handler_error"] == 1
        assert "'17.6'" in caplog.text
        assert "a bug" in caplog.text


class TestHangup:
    @pytest.mark.parametrize("raw", [b"HANGUP\n", b"HANGUP\n200 result=-1\n", b"511 Command Not Permitted\n"])
    async def test_before_the_reply_ends_the_command(self, serve: Serve, raw: bytes) -> None:
        handler = Recorder(wait_long)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        peer.send(raw)
        assert isinstance(await handler.end(), ChannelHungUp)
        assert await peer.closed()
        assert not server.stats

    @pytest.mark.parametrize("apart", [False, True])
    async def test_after_the_reply_ends_the_next_command(self, serve: Serve, apart: bool) -> None:
        async def script(channel: AgiChannel) -> tuple[Reply, Any]:
            reply = await wait_long(channel)
            await channel.hung_up.wait()
            try:
                return reply, await answer(channel)
            except ChannelHungUp as error:
                return reply, error

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        peer.send(b"200 result=-1\n")
        if apart:
            await peer.writer.drain()
            await asyncio.sleep(0.01)
        peer.send(b"HANGUP\n")
        reply, second = await handler.end()
        assert reply == Reply(200, "-1")
        assert isinstance(second, ChannelHungUp)
        assert await peer.closed()

    @pytest.mark.parametrize("with_headers", [True, False])
    async def test_while_no_command_runs_is_told_at_once(self, serve: Serve, with_headers: bool) -> None:
        async def script(channel: AgiChannel) -> bool:
            return await channel.hung_up.wait()

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port, header_block() + (b"HANGUP\n" if with_headers else b""))
        if not with_headers:
            await handler.began.wait()
            peer.send(b"HANGUP\n")
        assert await handler.end() is True
        assert await peer.closed()

    @pytest.mark.parametrize("leave", [FakeAsterisk.close, FakeAsterisk.abort])
    async def test_the_end_of_the_connection_is_a_hangup(
        self, serve: Serve, leave: Callable[[FakeAsterisk], None]
    ) -> None:
        handler = Recorder(wait_long)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        leave(peer)
        assert isinstance(await handler.end(), ChannelHungUp)
        await still_waits(server)

    async def test_cancels_other_work(self, serve: Serve) -> None:
        cancelled = asyncio.Event()

        async def look_up() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        handler = Recorder(lambda channel: channel.unless_hung_up(look_up()))
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await handler.began.wait()
        peer.send(b"HANGUP\n")
        assert isinstance(await handler.end(), ChannelHungUp)
        assert cancelled.is_set()

    async def test_other_work_that_ends_in_time_gives_its_result_or_error(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> Any:
            assert await channel.unless_hung_up(asyncio.sleep(0, "found")) == "found"
            await channel.unless_hung_up(failing())

        async def failing() -> None:
            raise KeyError("own error")

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        assert isinstance(await handler.end(), KeyError)
        peer.close()


async def still_waits(server: AgiServer) -> None:
    peer = await FakeAsterisk.connect(server.port)
    assert await peer.command() == "WAIT FOR DIGIT 60000"


class TestTime:
    async def test_no_reply_in_time_closes_the_connection(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> Any:
            with pytest.raises(AgiTimeout):
                await channel.send(codec.channel_status())
            await answer(channel)

        handler = Recorder(script)
        server = await serve(handler.handle, reply_timeout_ms=20)
        peer = await FakeAsterisk.connect(server.port)
        assert await peer.command() == "CHANNEL STATUS"
        assert await peer.closed()
        assert isinstance(await handler.end(), AgiTimeout)
        await counted(server, "reply_timeout")

    async def test_a_command_that_may_take_long_gets_its_time(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> Reply:
            return await channel.send(codec.wait_for_digit(10_000))

        handler = Recorder(script)
        server = await serve(handler.handle, reply_timeout_ms=20)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        await asyncio.sleep(0.05)
        peer.reply("200 result=53")
        assert (await handler.end()).key == "5"

    async def test_a_timeout_can_be_given(self, serve: Serve) -> None:
        handler = Recorder(lambda channel: channel.send(codec.wait_for_digit(10_000), timeout_ms=20))
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        assert isinstance(await handler.end(), AgiTimeout)
        peer.close()

    async def test_after_a_cancelled_sound_the_next_command_waits_for_its_end(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> Reply:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await channel.send(codec.stream_file("tt-monkeys"))
            return await channel.send(codec.channel_status())

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await peer.reader.readexactly(1)
        peer.reply("200 result=0 endpos=1")
        assert await peer.command() == "CHANNEL STATUS"
        peer.reply("200 result=6")
        assert await handler.end() == Reply(200, "6")

    @pytest.mark.parametrize("waits", [1, 2])
    async def test_after_a_cancelled_wait_the_next_command_ends_it_once_it_was_surely_read(
        self, serve: Serve, waits: int
    ) -> None:
        """Two lines in Asterisk's socket at once would leave the second unread."""
        clock = asyncio.get_running_loop().time

        async def script(channel: AgiChannel) -> Reply:
            for _ in range(waits):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.13):
                        await wait_long(channel)
            return await channel.send(codec.channel_status())

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        assert await peer.command() == "WAIT FOR DIGIT 60000"
        for following in ["WAIT FOR DIGIT 60000"] * (waits - 1) + ["CHANNEL STATUS"]:
            read = clock()
            assert await peer.command() == following
            assert clock() - read >= 0.09
            peer.reply("200 result=1")
        peer.reply("200 result=6")
        assert await handler.end() == Reply(200, "6")

    async def test_a_wait_that_ends_by_itself_is_not_waited_for(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> Reply:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await wait_long(channel)
            return await channel.send(codec.channel_status())

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        peer.reply("200 result=0")
        assert await peer.command() == "CHANNEL STATUS"
        peer.reply("200 result=6")
        assert await handler.end() == Reply(200, "6")


class TestBadPeers:
    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b"", "empty_connection"),
            (b"agi_network: yes\n", "header_cut"),
            (b"GET / HTTP/1.1\r\nHost: x\n\n", "foreign_header"),
            (b"\n\n", "foreign_header"),
            (b"\x00" * 20_000, "header_too_long"),
            (header_block("no-such-route"), "no_route"),
            (header_block(calleridname="x\nagi_context: evil"), "duplicate_header"),
            (header_block(calleridname="x\nfoo"), "foreign_header"),
            (header_block(calleridname="x\n\n"), "missing_header"),
        ],
    )
    async def test_a_bad_header_block_is_refused_and_counted(self, serve: Serve, raw: bytes, reason: str) -> None:
        handler = Recorder(answer)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port, raw)
        peer.writer.write_eof()
        assert await peer.closed()
        await counted(server, reason)
        assert not handler.began.is_set()
        await still_serves(server)

    async def test_a_header_without_end_runs_into_its_timeout(self, serve: Serve) -> None:
        server = await serve(Recorder(answer).handle, header_timeout_ms=20)
        peer = await FakeAsterisk.connect(server.port, b"agi_network: yes\n")
        assert await peer.closed()
        await counted(server, "header_timeout")

    async def test_connect_and_close_freezes_nothing(self, serve: Serve) -> None:
        server = await serve(Recorder(answer).handle)
        for leave in (FakeAsterisk.close, FakeAsterisk.abort) * 20:
            leave(await FakeAsterisk.connect(server.port, b""))
        await still_serves(server)
        async with asyncio.timeout(5):
            while server.stats.total() < 40:
                await asyncio.sleep(0)

    @pytest.mark.parametrize("raw", [b"hello\n", b"200 result=0\n"])
    async def test_a_line_that_nobody_asked_for_closes_the_connection(self, serve: Serve, raw: bytes) -> None:
        handler = Recorder(lambda channel: channel.hung_up.wait())
        server = await serve(handler.handle)
        with_headers = await FakeAsterisk.connect(server.port, header_block() + raw)
        assert await with_headers.closed()
        await counted(server, "foreign_reply")
        assert not handler.began.is_set()
        later = await FakeAsterisk.connect(server.port)
        await handler.began.wait()
        later.send(raw)
        assert await later.closed()
        await counted(server, "foreign_reply", 2)

    async def test_an_endless_reply_closes_the_connection(self, serve: Serve) -> None:
        handler = Recorder(wait_long)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        peer.send(b"200 result=1 (" + b"x\n" * 40_000)
        assert isinstance(await handler.end(), AgiProtocolError)
        await counted(server, "reply_too_long")

    async def test_a_reply_forged_inside_a_value_closes_the_connection(self, serve: Serve) -> None:
        async def script(channel: AgiChannel) -> list[Reply]:
            return [await channel.send(codec.get_variable("X")), await answer(channel)]

        handler = Recorder(script)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        peer.send(b"200 result=1 (x)\n200 result=1 (forged)\n")
        assert isinstance(await handler.end(), AgiProtocolError)
        await counted(server, "foreign_reply")

    async def test_one_bad_peer_does_not_disturb_another(self, serve: Serve) -> None:
        handler = Recorder(wait_long)
        server = await serve(handler.handle)
        good = await FakeAsterisk.connect(server.port)
        await good.command()
        for raw in (b"\xff" * 30_000, b"", header_block() + b"junk\n", b"agi_x: 1\n\n"):
            (await FakeAsterisk.connect(server.port, raw)).abort()
        good.reply("200 result=49")
        async with asyncio.timeout(5):
            while not isinstance(end := await handler.ends.get(), Reply):
                pass
        assert end.key == "1"

    async def test_more_connections_than_allowed_are_closed(self, serve: Serve) -> None:
        server = await serve(Recorder(wait_long).handle, max_connections=2)
        peers = [await FakeAsterisk.connect(server.port) for _ in range(3)]
        assert await peers[2].closed()
        assert [await peer.command() for peer in peers[:2]] == ["WAIT FOR DIGIT 60000"] * 2
        await counted(server, "too_many_connections")

    async def test_a_flood_of_refusals_is_no_flood_of_logs(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = await serve(Recorder(answer).handle)
        for _ in range(50):
            assert await (await FakeAsterisk.connect(server.port, b"junk\n\n")).closed()
        assert server.stats["foreign_header"] == 50
        assert sum("refused" in record.message for record in caplog.records if record.levelno >= logging.WARNING) == 10


class TestRepeatedCalls:
    async def test_a_call_in_progress_is_refused_on_the_same_route_only(self, serve: Serve) -> None:
        server = await serve(Recorder(wait_long).handle)
        first = await FakeAsterisk.connect(server.port, header_block(uniqueid="17.1"))
        await first.command()
        assert await (await FakeAsterisk.connect(server.port, header_block(uniqueid="17.1"))).closed()
        await counted(server, "repeated_call")
        other = await FakeAsterisk.connect(server.port, header_block("agent", uniqueid="17.1"))
        assert await other.command() == "WAIT FOR DIGIT 60000"

    @pytest.mark.parametrize("leave", [FakeAsterisk.abort, lambda peer: peer.send(b"HANGUP\n")])
    async def test_a_retry_is_taken_when_the_earlier_connection_is_gone(
        self, serve: Serve, leave: Callable[[FakeAsterisk], None]
    ) -> None:
        goes_on = asyncio.Event()

        async def script(channel: AgiChannel) -> None:
            await answer(channel)
            await channel.hung_up.wait()
            await goes_on.wait()  # this handler has still something to tidy up

        server = await serve(Recorder(script).handle)
        first = await FakeAsterisk.connect(server.port, header_block(uniqueid="17.1"))
        await first.command()
        first.reply("200 result=0")
        (channel,) = server.calls.values()
        leave(first)
        async with asyncio.timeout(5):
            await channel.hung_up.wait()
        second = await FakeAsterisk.connect(server.port, header_block(uniqueid="17.1"))
        assert await second.command() == "ANSWER"
        goes_on.set()
        await asyncio.sleep(0.01)
        assert list(server.calls) == [("call", "17.1")]  # the first handler's end did not forget the second call


class TestStartAndStop:
    async def test_a_port_in_use_is_an_os_error(self, serve: Serve) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(OSError, match="address already in use"):
                await AgiServer("127.0.0.1", taken.getsockname()[1], {}).start()

    async def test_stop_cancels_what_goes_on(self, serve: Serve) -> None:
        handler = Recorder(wait_long)
        server = await serve(handler.handle)
        peer, silent = await FakeAsterisk.connect(server.port), await FakeAsterisk.connect(server.port, b"")
        await peer.command()
        await server.stop()
        assert await handler.end() == "cancelled"
        assert await peer.closed()
        assert await silent.closed()

    async def test_a_drained_stop_takes_no_more_and_lets_calls_end(self, serve: Serve) -> None:
        handler = Recorder(wait_long)
        server = await serve(handler.handle)
        peer = await FakeAsterisk.connect(server.port)
        await peer.command()
        stopping = asyncio.ensure_future(server.stop(drain_ms=5_000))
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await FakeAsterisk.connect(server.port)
        peer.reply("200 result=49")
        assert (await handler.end()).key == "1"
        await asyncio.wait_for(stopping, 5)

    async def test_one_route_cannot_have_two_handlers(self) -> None:
        server = AgiServer("127.0.0.1", 0, {"call": Recorder(answer).handle})
        with pytest.raises(ValueError, match="already exists"):
            server.add_route("call", Recorder(answer).handle)

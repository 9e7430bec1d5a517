"""HttpLookup against a real HTTP server on loopback."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_address

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from ivr.flow.effects import LookUp
from ivr.flow.inputs import LookedUp, LookupFailed
from ivr.lookup import HttpLookup, _may_reach

HOST = "crm.example"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FixedResolver(AbstractResolver):
    """Names resolve to these addresses (several with spaces between)."""

    def __init__(self, **addresses: str) -> None:
        self.addresses = {name.replace("_", "."): value.split() for name, value in addresses.items()}
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        if host not in self.addresses:
            raise OSError(f"{host} is unknown")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.addresses[host]
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
async def server() -> AsyncIterator["Server"]:
    async with Server() as server:
        yield server


class Server:
    """Answers every request by `answer`, and keeps what was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = self._json
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._server = TestServer(app)

    async def __aenter__(self) -> "Server":
        await self._server.start_server()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._server.close()

    def url(self, path: str = "/", host: str = HOST) -> str:
        return f"http://{host}:{self._server.port}{path}"

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.raw_path, await request.read()))
        self.headers.append(dict(request.headers))
        return await self.answer(request)

    async def _json(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"tier": "gold"})


async def look_up(
    effect: LookUp,
    resolver: FixedResolver | None = None,
    *,
    allow: Sequence[str] = (HOST,),
    allow_private: Sequence[str] = (HOST,),
    size_limit: int = 262_144,
) -> LookedUp | LookupFailed:
    resolver = resolver or FixedResolver(crm_example="127.0.0.1")
    async with HttpLookup(allow=allow, allow_private=allow_private, size_limit=size_limit, resolver=resolver) as lookup:
        return await lookup.look_up(effect)


async def test_an_answer_is_its_status_and_json(server: Server) -> None:
    effect = LookUp(
        server.url("/customers/%2B15550100%2F1?a=1"), query={"fields": "tier & name"}, headers={"X-Key": "secret"}
    )
    assert await look_up(effect) == LookedUp(200, {"tier": "gold"})
    assert server.requests == [("GET", "/customers/%2B15550100%2F1?a=1&fields=tier+%26+name", b"")]
    assert server.headers[0]["X-Key"] == "secret"


async def test_a_body_is_sent_as_json(server: Server) -> None:
    assert await look_up(LookUp(server.url(), "POST", body={"pin": "1234"})) == LookedUp(200, {"tier": "gold"})
    assert server.requests == [("POST", "/", b'{"pin": "1234"}')]
    assert server.headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [204, 404, 410, 500, 503])
async def test_a_status_without_an_answer_needs_no_json(server: Server, status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text="" if status == 204 else "<html>no</html>", content_type="text/html")

    server.answer = answer
    assert await look_up(LookUp(server.url())) == LookedUp(status)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html></html>", "text/html"),
        (b"", "application/json"),
        (b'{"a": 1', "application/json"),
        (b"NaN", "application/json"),
        (b'"\xff"', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"a": 1} x', "application/json"),
    ],
)
async def test_what_is_no_json_is_a_bad_response(server: Server, body: bytes, content_type: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type)

    server.answer = answer
    result = await look_up(LookUp(server.url()))
    assert result == LookupFailed("bad_response", f"{HOST} sent no JSON but {len(body)} bytes of {content_type}")


@pytest.mark.parametrize("packed", [False, True])
async def test_an_endless_answer_is_cut_off(server: Server, packed: bool) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if packed:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65_536)
        except ConnectionError:
            return response

    server.answer = answer
    result = await look_up(LookUp(server.url(), timeout_ms=5_000), size_limit=100_000)
    assert result == LookupFailed("bad_response", f"{HOST} sent more than 100000 bytes")


@pytest.mark.parametrize("drip", [False, True])
async def test_the_timeout_counts_for_the_whole_answer(server: Server, drip: bool) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            if drip:
                await response.write(b" ")
            await asyncio.sleep(0.005)

    server.answer = answer
    result = await look_up(LookUp(server.url(), timeout_ms=50))
    assert result == LookupFailed("timeout", f"{HOST} did not answer in 50 ms")


async def test_a_connection_cut_in_the_middle_is_a_bad_response(server: Server) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    server.answer = answer
    result = await look_up(LookUp(server.url()))
    assert isinstance(result, LookupFailed)
    assert result.cause in ("bad_response", "unreachable")


async def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        result = await look_up(LookUp(f"http://{HOST}:{port}/"))
    assert isinstance(result, LookupFailed)
    assert result.cause == "unreachable"


async def test_an_unknown_name_is_unreachable(server: Server) -> None:
    result = await look_up(LookUp(server.url()), FixedResolver())
    assert isinstance(result, LookupFailed)
    assert result.cause == "unreachable"


class TestRefused:
    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://other.example/", "other.example is not among the hosts that the settings allow"),
            ("http://crm.exampel/", "did you mean 'crm.example'?"),
            (f"http://{HOST}.evil.example/", "not among the hosts"),
            (f"http://evil.example#@{HOST}/", "not among the hosts"),
            (f"http://{HOST}@evil.example/", "does not belong into the address"),
            (f"http://user:pass@{HOST}/", "does not belong into the address"),
            (f"ftp://{HOST}/", "only http and https"),
            ("file:///etc/passwd", "only http and https"),
            ("/customers", "only http and https"),
            ("http://[::1", "not a URL"),
            ("http://127.0.0.1/", "not among the hosts"),
            ("http://2130706433/", "not among the hosts"),
        ],
    )
    async def test_what_the_settings_do_not_allow_is_not_asked(self, url: str, why: str) -> None:
        resolver = FixedResolver(crm_example="127.0.0.1")
        result = await look_up(LookUp(url), resolver)
        assert isinstance(result, LookupFailed)
        assert result.cause == "refused"
        assert why in result.detail
        assert resolver.asked == 0

    async def test_upper_case_is_the_same_host(self, server: Server) -> None:
        assert (await look_up(LookUp(server.url(host="CRM.Example")))) == LookedUp(200, {"tier": "gold"})

    async def test_a_name_that_resolves_to_loopback_is_not_connected_to(self, server: Server) -> None:
        result = await look_up(LookUp(server.url()), allow_private=[])
        assert result == LookupFailed(
            "refused", f"{HOST} has the address 127.0.0.1, which is loopback, private or reserved"
        )
        assert server.requests == []

    @pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0"])
    async def test_an_address_written_out_is_checked_too(self, address: str) -> None:
        bare = address.strip("[]")
        result = await look_up(LookUp(f"http://{address}:1/"), allow=[bare, "::ffff:7f00:1"], allow_private=[])
        assert isinstance(result, LookupFailed)
        assert result.cause == "refused"
        assert "loopback, private or reserved" in result.detail

    async def test_one_allowed_address_among_others_is_the_one_connected_to(self, server: Server) -> None:
        resolver = FixedResolver(crm_example="169.254.169.254 127.0.0.1")
        assert await look_up(LookUp(server.url()), resolver) == LookedUp(200, {"tier": "gold"})

    async def test_a_name_that_changes_its_address_after_the_check_gains_nothing(self, server: Server) -> None:
        """DNS rebinding: the address that was checked is the one connected to; there is no second look-up."""

        async def answer(request: web.Request) -> web.Response:
            resolver.addresses[HOST] = ["169.254.169.254"]
            response = web.json_response({})
            response.force_close()
            return response

        server.answer = answer
        resolver = FixedResolver(crm_example="127.0.0.1")
        async with HttpLookup(allow=[HOST], allow_private=[HOST], resolver=resolver) as lookup:
            assert await lookup.look_up(LookUp(server.url())) == LookedUp(200, {})
            assert await lookup.look_up(LookUp(server.url())) == LookedUp(200, {})
        assert resolver.asked == 1

    async def test_a_redirect_is_not_followed(self, server: Server) -> None:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": server.url("/inner", "127.0.0.1")})

        server.answer = answer
        result = await look_up(LookUp(server.url()), allow=[HOST, "127.0.0.1"])
        assert result == LookupFailed("refused", f"{HOST} redirects (HTTP 302), which is not followed")
        assert len(server.requests) == 1

    async def test_a_header_with_a_line_break_is_not_sent(self, server: Server) -> None:
        result = await look_up(LookUp(server.url(), headers={"X-Name": "a\r\nX-Forged: b"}))
        assert isinstance(result, LookupFailed)
        assert server.requests == []

    async def test_cookies_do_not_pass_from_one_caller_to_the_next(self, server: Server) -> None:
        async def answer(request: web.Request) -> web.Response:
            response = web.json_response({})
            response.set_cookie("session", "first-caller")
            return response

        server.answer = answer
        async with HttpLookup(
            allow=[HOST], allow_private=[HOST], resolver=FixedResolver(crm_example="127.0.0.1")
        ) as lookup:
            for _ in range(2):
                await lookup.look_up(LookUp(server.url()))
        assert all("Cookie" not in headers for headers in server.headers)


@pytest.mark.parametrize(
    ("address", "by_anyone", "where_private_is_allowed"),
    [
        ("8.8.8.8", True, True),
        ("2606:4700::1111", True, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("10.1.2.3", False, True),
        ("192.168.0.1", False, True),
        ("172.16.0.1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("2002:a00:1::", False, True),  # 10.0.0.1 behind 6to4
        ("64:ff9b::a00:1", False, True),  # 10.0.0.1 behind NAT64
        ("64:ff9b::808:808", True, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("255.255.255.255", False, False),
        ("240.0.0.1", False, False),
        ("100.64.0.1", False, False),
    ],
)
def test_which_addresses_may_be_reached(address: str, by_anyone: bool, where_private_is_allowed: bool) -> None:
    assert _may_reach(ip_address(address), private=False) == by_anyone
    assert _may_reach(ip_address(address), private=True) == where_private_is_allowed


async def test_nothing_of_the_address_behind_the_host_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ivr")

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="no")

    server.answer = answer
    for effect in (
        LookUp(server.url("/pin/4711"), query={"pin": "4711"}, timeout_ms=2_000),
        LookUp("http://unknown.example/4711", query={"pin": "4711"}),
        LookUp("http://[bad/4711"),
        LookUp("gopher://x/4711"),
    ):
        result = await look_up(effect)
        assert isinstance(result, LookupFailed)
        assert "4711" not in result.detail
    assert len(caplog.records) == 4
    assert "4711" not in caplog.text


async def test_use_before_it_is_entered_is_our_own_error() -> None:
    with pytest.raises(RuntimeError, match="before it is entered"):
        await HttpLookup(allow=[]).look_up(LookUp("http://x/"))

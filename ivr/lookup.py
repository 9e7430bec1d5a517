"""Performs the flow's LookUp over HTTP, and lets no flow and no caller's input reach what the centre did not allow.

A host must be in the allow-list, and every address it resolves to is checked too: loopback, private, shared,
link-local (cloud metadata), multicast and reserved ones are refused. The check stands in the resolver of the connection
itself, so the address that was checked is the one connected to (no DNS rebinding). Redirects are not followed,
proxies of the environment are not used, and cookies are not kept from one caller to the next.
"""

import logging
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import Final, Literal, Self

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from documents import nearest
from ivr.flow.effects import LookUp
from ivr.flow.inputs import LookedUp, LookupFailed

log = logging.getLogger(__name__)

SIZE_LIMIT: Final = 262_144  # bytes of an answer, unpacked
TIMEOUT_LIMIT_MS: Final = 30_000  # no caller waits longer, whatever the flow says
_NAT64: Final = IPv6Network("64:ff9b::/96")


class HttpLookup:
    """Looks up over HTTP; enter it (`async with`) before use. `allow` are the hosts that may be asked at all,
    `allow_private` those of them that may have loopback or private addresses."""

    def __init__(
        self,
        *,
        allow: Iterable[str],
        allow_private: Iterable[str] = (),
        size_limit: int = SIZE_LIMIT,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.allow(allow, allow_private)
        self._size_limit = size_limit
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    def allow(self, hosts: Iterable[str], private: Iterable[str] = ()) -> None:
        """From now on these hosts may be asked, and `private` ones of them where they have loopback or private
        addresses."""
        self._allow = frozenset(host.lower() for host in hosts)
        self._allow_private = frozenset(host.lower() for host in private)

    async def __aenter__(self) -> Self:
        resolver = _CheckedResolver(self._resolver or aiohttp.DefaultResolver(), lambda: self._allow_private)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, limit=200, limit_per_host=50),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "User-Agent": "switchboard"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def look_up(self, effect: LookUp) -> LookedUp | LookupFailed:
        """The answer's status and JSON, or why there is none: `refused` by our rules, `unreachable`, `timeout`, or
        `bad_response` (no JSON, or too much of it). An error status needs no JSON. Details name the host, never the
        rest of the address: it may hold what the caller entered.
        """
        if self._session is None:
            raise RuntimeError("HttpLookup is used before it is entered")
        url_or_why = self._checked(effect)
        if isinstance(url_or_why, str):
            return _failed("refused", url_or_why)
        url, host = url_or_why, url_or_why.host
        timeout = aiohttp.ClientTimeout(total=max(1, min(effect.timeout_ms, TIMEOUT_LIMIT_MS)) / 1_000)
        try:
            async with self._session.request(
                effect.method,
                url,
                json=effect.body,
                headers=effect.headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                return await self._answer(response, str(host))
        except TimeoutError:
            return _failed("timeout", f"{host} did not answer in {effect.timeout_ms} ms")
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _AddressRefused):
                return _failed("refused", str(error.os_error))
            return _failed("unreachable", f"{host}: {error.os_error.strerror or type(error).__name__}")
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
            return _failed("bad_response", f"{host}: {type(error).__name__}")
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a header that cannot be sent
            return _failed("unreachable", f"{host}: {type(error).__name__}")

    def _checked(self, effect: LookUp) -> URL | str:
        try:
            url = URL(effect.url).update_query(effect.query)
        except ValueError:
            return "the address is not a URL"
        host = (url.raw_host or "").lower()
        if url.scheme not in ("http", "https") or not host:
            return f"only http and https with a host are looked up, not {url.scheme or 'nothing'}"
        if url.user is not None or url.password is not None:
            return f"{host}: a user or password does not belong into the address; use a header"
        if host not in self._allow:
            return f"{host} is not among the hosts that the settings allow; {nearest(host, self._allow)}"
        literal = _literal(host)  # aiohttp does not ask the resolver for these
        if literal is not None and not _may_reach(literal, host in self._allow_private):
            return str(_AddressRefused(host, host))
        return url

    async def _answer(self, response: aiohttp.ClientResponse, host: str) -> LookedUp | LookupFailed:
        if 300 <= response.status < 400:
            return _failed("refused", f"{host} redirects (HTTP {response.status}), which is not followed")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._size_limit:
                return _failed("bad_response", f"{host} sent more than {self._size_limit} bytes")
        try:
            return LookedUp(response.status, msgspec.json.decode(bytes(body)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if response.status != 204 and response.ok:
                return _failed("bad_response", f"{host} sent no JSON but {len(body)} bytes of {response.content_type}")
            return LookedUp(response.status)


class _AddressRefused(OSError):
    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} has the address {address}, which is loopback, private or reserved")


class _CheckedResolver(AbstractResolver):
    """Passes on only the addresses that may be connected to."""

    def __init__(self, inner: AbstractResolver, allow_private: Callable[[], frozenset[str]]) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        private = host.lower() in self._allow_private()
        allowed = [entry for entry in found if _may_reach(ip_address(entry["host"]), private)]
        if found and not allowed:
            raise _AddressRefused(host, found[0]["host"])
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _may_reach(address: IPv4Address | IPv6Address, private: bool) -> bool:
    """Link-local addresses (cloud metadata) and those that name no single host are out of reach in any case."""
    if isinstance(address, IPv6Address):
        # An IPv4 address can hide in an IPv6 one: mapped, 6to4, or behind NAT64.
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            address = inner
    if address.is_loopback:  # before `is_reserved`, which holds ::1 too
        return private
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    return address.is_global or (private and address.is_private)


def _failed(cause: Literal["timeout", "refused", "unreachable", "bad_response"], detail: str) -> LookupFailed:
    log.warning("lookup %s: %s", cause, detail)
    return LookupFailed(cause, detail)

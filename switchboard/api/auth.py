"""Who asks: by token or by session. Nobody is anybody until this says so.

A session travels in a cookie that scripts cannot read, that other sites' pages do not send along (SameSite), and that
needs a token in a header for every change (CSRF). Each login makes a new session, so none can be planted beforehand.
"""

import asyncio
import hmac
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from switchboard.api.accounts import SESSION_LONGEST_MS, Accounts, User, csrf_of
from switchboard.api.problems import Problem
from switchboard.api.throttle import Throttle
from switchboard.centre.settings import ApiSettings
from switchboard.operations import Actor
from switchboard.operations.base import AUDIT

if TYPE_CHECKING:
    from switchboard.engine import Engine

T = TypeVar("T")
CSRF_HEADER = "X-CSRF-Token"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_HASHES_AT_ONCE = 2  # each takes 64 MB


class Gate:
    """Finds out who asks, and opens and ends sessions."""

    def __init__(self, engine: "Engine", accounts: Accounts, settings: ApiSettings) -> None:
        self._engine = engine
        self._accounts = accounts
        self._settings = settings
        self._cookie = "__Host-switchboard" if settings.encrypted else "switchboard"
        self._per_account = Throttle(free=3, longest_s=60)
        self._per_address = Throttle(free=20, longest_s=900)
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        self.failed_logins = 0

    # Who asks

    async def actor(self, request: web.Request) -> Actor:
        """Who asks. Raises Problem 401, or 403 when a change comes by cookie without its CSRF token."""
        authorization = request.headers.get("Authorization")
        holder = None
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() == "bearer" and token:
                holder = await self._in_thread(self._accounts.holder_of_token, token.strip())
        elif (session := self.session(request)) is not None:
            holder = await self._in_thread(self._accounts.holder_of_session, session)
            if holder is not None:
                self._check_origin(request, session)
        if holder is None:
            raise Problem(
                401,
                "say who you are: 'Authorization: Bearer TOKEN', or the cookie of POST /v1/session",
                {"WWW-Authenticate": 'Bearer realm="switchboard"'},
            )
        return Actor(holder.name, holder.roles, "api", holder.agent)

    def session(self, request: web.Request) -> str | None:
        """The secret of the session that the request names, right or wrong."""
        return request.cookies.get(self._cookie)

    def address(self, request: web.Request) -> str:
        """The client's address: what our own proxy says, where there is one."""
        if self._settings.behind_proxy and (forwarded := request.headers.get("X-Forwarded-For")):
            return forwarded.rpartition(",")[2].strip()
        return request.remote or ""

    def _check_origin(self, request: web.Request, session: str) -> None:
        if request.method not in _READING:
            sent = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(sent.encode(), csrf_of(session).encode()):
                raise Problem(403, f"a change by cookie needs the session's csrf_token in the header {CSRF_HEADER}")
        elif request.headers.get("Upgrade", "").lower() == "websocket":
            # Browsers let any page open a WebSocket to anywhere, but say whose page it is.
            origin = request.headers.get("Origin", "")
            if origin.partition("://")[2] != request.host:
                raise Problem(403, "a page of another site may not open this stream with your session")

    # Sessions

    async def log_in(self, request: web.Request, name: str, password: str) -> tuple[User, str]:
        """The user and the secret of the new session. Raises Problem 401 or 429, the same for names that do not exist.

        A session that the request came with is ended."""
        user = await self._checked(request, name, password, "log_in")
        if (old := self.session(request)) is not None:
            await self._in_thread(self._accounts.close_session, old)
        session = await self._in_thread(self._accounts.open_session, user.name)
        self._audit(user.name, "log_in", request)
        return user, session

    async def log_out(self, request: web.Request, actor: Actor) -> None:
        if (session := self.session(request)) is not None:
            await self._in_thread(self._accounts.close_session, session)
            self._audit(actor.name, "log_out", request)

    async def change_password(self, request: web.Request, actor: Actor, current: str, new: str) -> None:
        """A user's own. Raises Problem."""
        if self.session(request) is None:
            raise Problem(403, "only a user who has logged in has a password; a token has none")
        user = await self._checked(request, actor.name, current, "change_own_password")
        async with self._hashing:
            await self._in_thread(self._accounts.set_password, user.name, new)
        self._audit(user.name, "change_own_password", request)

    def set_cookie(self, response: web.Response, session: str) -> None:
        response.set_cookie(
            self._cookie,
            session,
            max_age=SESSION_LONGEST_MS // 1000,
            path="/",
            secure=self._settings.encrypted,
            httponly=True,
            samesite="Strict",
        )

    def forget_cookie(self, response: web.Response) -> None:
        response.del_cookie(self._cookie, path="/", secure=self._settings.encrypted, httponly=True, samesite="Strict")

    async def _checked(self, request: web.Request, name: str, password: str, operation: str) -> User:
        tries = [(self._per_account, name), (self._per_address, self.address(request))]
        wait_s = max(throttle.wait_s(key) for throttle, key in tries)
        if wait_s > 0:
            retry_s = str(math.ceil(wait_s))
            raise Problem(429, f"too many failed tries; the next one in {retry_s} s", {"Retry-After": retry_s})
        for throttle, key in tries:
            throttle.tried(key)
        async with self._hashing:
            user = await self._in_thread(self._accounts.check_password, name, password)
        if user is None:
            self.failed_logins += 1
            self._audit(await self._in_thread(self._known, name), operation, request, refused="wrong name or password")
            raise Problem(401, "wrong name or password", {"WWW-Authenticate": 'Bearer realm="switchboard"'})
        self._per_account.forgive(name)
        self._per_address.forgive_one(self.address(request))  # or guessers would log in as themselves in between
        return user

    def _known(self, name: str) -> str:
        """The name, if a user has it: what else stands in that field may be somebody's password."""
        return name if any(user.name == name for user in self._accounts.users()) else "(unknown user)"

    def _audit(self, name: str, operation: str, request: web.Request, **what: str) -> None:
        data = {"operation": operation, "door": "api", "asked": {"address": self.address(request)}, **what}
        self._engine.fact(AUDIT, actor=name, data=data)

    async def _in_thread(self, work: Callable[..., T], *arguments: str) -> T:
        return await asyncio.to_thread(partial(work, *arguments))

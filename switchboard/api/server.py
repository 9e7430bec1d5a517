"""The HTTP server of a running engine: every operation of the table, sessions, the stream, health, metrics."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel

from switchboard.api import own_endpoints as own
from switchboard.api import requests
from switchboard.api.accounts import Accounts, csrf_of
from switchboard.api.auth import Gate
from switchboard.api.endpoints import Endpoint, of_operation
from switchboard.api.guard import MAX_BODY_BYTES, TIME_LIMIT_S, harden
from switchboard.api.metrics import EngineMetrics
from switchboard.api.openapi import text as openapi_text
from switchboard.api.problems import Problem
from switchboard.centre.settings import LOOPBACK, ApiSettings
from switchboard.operations import Actor, Done, Operation, perform, table
from switchboard.operations.base import answer_adapter
from switchboard.stream import serve as stream

if TYPE_CHECKING:
    from switchboard.engine import Engine

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
SHUTDOWN_S = 2.0
CENTRE_ROLES = frozenset({"supervisor", "planner", "auditor", "admin"})
"""Who sees the whole centre; an agent sees its own part."""


class ApiServer:
    """Serves the API as `settings.api` says, from `start` to `stop`."""

    def __init__(self, engine: "Engine", accounts: Accounts, settings: ApiSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._gate = Gate(engine, accounts, settings)
        self._metrics = EngineMetrics(engine, self._gate)
        self._description = openapi_text().encode()
        self._runner: web.AppRunner | None = None
        self.port = settings.port or 0

    async def start(self) -> None:
        """Listens. Raises OSError when the port is taken or the certificate cannot be read."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self.port, ssl_context=self._tls())
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._metrics.start()

    async def stop(self) -> None:
        self._metrics.stop()
        if self._runner:
            await self._runner.cleanup()

    def _tls(self) -> ssl.SSLContext | None:
        tls = self._settings.tls
        if tls is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        directory = self._engine.centre.directory
        context.load_cert_chain(directory / tls.certificate_file, directory / tls.key_file)
        return context

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        stream.prepare(app)
        handlers: list[tuple[Endpoint, Handle]] = [
            (own.LOG_IN, self._log_in),
            (own.WHO_AM_I, self._who_am_i),
            (own.LOG_OUT, self._log_out),
            (own.CHANGE_PASSWORD, self._change_password),
            (own.OPENAPI, self._openapi),
            (own.LIVE, self._live),
            (own.READY, self._ready),
            (own.METRICS, self._serve_metrics),
        ]
        for operation in table().values():
            endpoint = of_operation(operation)
            handlers.append((endpoint, partial(self._perform, operation, endpoint)))
        for endpoint, handle in handlers:
            self._add(app, endpoint, _in_time(self._metrics.counted(endpoint.name, handle)))
        self._add(app, own.STREAM, self._stream)
        harden(app, {*LOOPBACK, self._settings.host, *self._settings.allowed_hosts}, encrypted=self._settings.encrypted)
        return app

    @staticmethod
    def _add(app: web.Application, endpoint: Endpoint, handle: Handle) -> None:
        if endpoint.method == "GET":
            app.router.add_get(endpoint.path, handle)  # and HEAD
        else:
            app.router.add_route(endpoint.method, endpoint.path, handle)

    # Operations

    async def _perform(self, operation: Operation, endpoint: Endpoint, request: web.Request) -> web.Response:
        actor = await self._gate.actor(request)
        asked = await requests.arguments(request, endpoint, operation.ask)
        answer = await perform(self._engine, actor, operation.name, asked)
        return _json(answer_adapter(operation).dump_json(answer))

    # Sessions

    async def _log_in(self, request: web.Request) -> web.Response:
        _, asked = await requests.body(request, own.LogIn)
        user, session = await self._gate.log_in(request, asked.user, asked.password.get_secret_value())
        who = own.Session(name=user.name, roles=list(user.roles), agent=user.agent, csrf_token=csrf_of(session))
        response = _model(who)
        self._gate.set_cookie(response, session)
        return response

    async def _who_am_i(self, request: web.Request) -> web.Response:
        actor = await self._gate.actor(request)
        session = None if "Authorization" in request.headers else self._gate.session(request)
        csrf = csrf_of(session) if session is not None else None
        return _model(own.Session(name=actor.name, roles=sorted(actor.roles), agent=actor.agent, csrf_token=csrf))

    async def _log_out(self, request: web.Request) -> web.Response:
        await self._gate.log_out(request, await self._gate.actor(request))
        response = _model(Done(message="The session is over."))
        self._gate.forget_cookie(response)
        return response

    async def _change_password(self, request: web.Request) -> web.Response:
        actor = await self._gate.actor(request)
        _, asked = await requests.body(request, own.ChangePassword)
        current, new = asked.current.get_secret_value(), asked.new.get_secret_value()
        await self._gate.change_password(request, actor, current, new)
        return _model(Done(message="The password is changed; log in again."))

    # State

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        actor = await self._gate.actor(request)
        asked = requests.from_query(request, own.STREAM, own.StreamQuery)
        if not web.WebSocketResponse().can_prepare(request):
            raise Problem(426, "this is a WebSocket", {"Upgrade": "websocket"})
        view = asked.view or ("centre" if actor.roles & CENTRE_ROLES else "mine")
        agent = _agent_of(actor) if view == "mine" else None
        if agent is None and not actor.roles & CENTRE_ROLES:
            raise Problem(403, f"{actor.name} may not see the whole centre; view=mine shows an agent's own part")

        async def still_allowed() -> bool:
            try:
                return await self._gate.actor(request) == actor
            except Problem:
                return False

        return await stream.serve(
            request,
            self._engine.board,
            agent=agent,
            epoch=asked.epoch,
            after=asked.after,
            still_allowed=still_allowed,
        )

    # About the engine

    async def _openapi(self, request: web.Request) -> web.Response:
        return _json(self._description)

    async def _live(self, request: web.Request) -> web.Response:
        return _model(own.Health(status="ok", reasons=[]))

    async def _ready(self, request: web.Request) -> web.Response:
        reasons = self._engine.not_ready()
        health = own.Health(status="not ready" if reasons else "ok", reasons=reasons)
        return _model(health, status=503 if reasons else 200)

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        if self._settings.behind_proxy or not _is_local(request.remote):
            await self._gate.actor(request)
        return web.Response(body=await self._metrics.text(), headers={"Content-Type": self._metrics.CONTENT_TYPE})


def _in_time(handle: Handle) -> Handle:
    async def limited(request: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(TIME_LIMIT_S):
            return await handle(request)

    return limited


def _agent_of(actor: Actor) -> str:
    if actor.agent is None:
        raise Problem(403, f"{actor.name} is no agent")
    return actor.agent


def _is_local(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False


def _model(answer: BaseModel, status: int = 200) -> web.Response:
    return _json(answer.model_dump_json().encode(), status)


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")

"""What every request passes: an id, the hosts we answer to, a limit of size and time, and headers of security.

Whatever goes wrong further in becomes problem details here, and no inner detail of a fault of ours leaves the engine.
"""

import asyncio
import logging
import secrets
from collections.abc import Collection
from typing import cast

import sqlalchemy.exc
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from switchboard.api import problems
from switchboard.api.problems import Problem
from switchboard.operations import OperationRefused

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1 << 20
TIME_LIMIT_S = 30.0
REQUEST_ID = web.RequestKey("request_id", str)

_HEADERS = {
    "Server": "Switchboard",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_HSTS = "max-age=31536000"


def harden(app: web.Application, hosts: Collection[str], *, encrypted: bool) -> None:
    """Puts all of it around the application. `hosts` are the names by which it may be called."""

    async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
        response.headers.update(_HEADERS)
        response.headers["X-Request-ID"] = cast(web.Request, request).get(REQUEST_ID, "")
        if encrypted:
            response.headers["Strict-Transport-Security"] = _HSTS

    app.on_response_prepare.append(add_headers)
    app.middlewares[:] = [_answer_with_problems(), _only_for(hosts), *app.middlewares]


def _answer_with_problems() -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = request_id = secrets.token_hex(8)
        try:
            return await handler(request)
        except Problem as problem:
            return problems.response(problem, request_id)
        except OperationRefused as refusal:
            return problems.response(problems.refused(refusal), request_id)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))
            if request.method == "OPTIONS":
                return web.Response(status=204, headers={"Allow": allowed})
            detail = f"{request.method} is not possible here; {allowed} are"
            return problems.response(Problem(405, detail, {"Allow": allowed}), request_id)
        except web.HTTPException as error:
            return problems.response(Problem(error.status, _in_words(error, request)), request_id)
        except sqlalchemy.exc.SQLAlchemyError as error:
            log.error("request %s %s: a database fails: %s", request_id, request.path, error)
            detail = "a database of the engine cannot be used just now; the engine's log says why"
            return problems.response(Problem(503, detail), request_id)
        except TimeoutError:
            log.error("request %s %s took longer than %g s", request_id, request.path, TIME_LIMIT_S)
            return problems.response(Problem(503, f"this took longer than {TIME_LIMIT_S:g} s"), request_id)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("request %s %s %s failed", request_id, request.method, request.path)
            detail = "a fault of the engine; its log names this request by its id"
            return problems.response(Problem(500, detail), request_id)

    return middleware


def _only_for(hosts: Collection[str]) -> Middleware:
    """Refuses requests for other hosts: somebody else's page whose name was made to point to us (DNS rebinding)."""
    known = {host.lower() for host in hosts}

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _without_port(request.host).lower() not in known:
            raise Problem(421, "this engine does not answer to that host (settings.api.allowed_hosts)")
        return await handler(request)

    return middleware


def _without_port(host: str) -> str:
    """The name in a `Host` header: `a.example` of `a.example:4580`, `::1` of `[::1]:4580`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _in_words(error: web.HTTPException, request: web.Request) -> str:
    match error.status:
        case 404:
            return f"there is nothing at {request.path}; /v1/openapi.json describes what there is"
        case 413:
            return f"a request may have {MAX_BODY_BYTES} bytes at most"
        case _:
            return error.reason

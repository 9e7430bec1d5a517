"""Operations over HTTP: who may, what comes back, what goes to the audit log, and what no request gets past."""

import asyncio
import json
import re

import pytest

from router.live.journal import Fact, read
from switchboard.api import guard
from switchboard.engine import Engine
from switchboard.operations import table
from switchboard.operations.base import Request
from switchboard.operations.centre import Nothing
from tests.support.api import bearer, client


def audited(engine: Engine) -> list[Fact]:
    return [record for record in read(engine.journal.path) if isinstance(record, Fact) and record.kind == "audit"]


async def test_an_operation_is_asked_by_its_path_and_body_and_audited_with_before_and_after(engine: Engine) -> None:
    async with client(engine, bearer(engine.accounts, "supervisor")) as http:
        async with http.post("/v1/agents/ana/sign-in") as response:
            assert response.status == 200
            assert await response.json() == {"message": "ana is signed in."}
        async with http.post("/v1/agents/ana/pause", json={"reason": "lunch"}) as response:
            assert response.status == 200
    agent = engine.live.router.agent("ana")
    assert agent
    assert (agent.presence, agent.reason) == ("paused", "lunch")
    last = audited(engine)[-1]
    assert (last.actor, last.agent) == ("token test", "ana")
    assert last.data["operation"] == "pause"
    assert last.data["door"] == "api"
    assert last.data["before"]["presence"] == "ready"
    assert last.data["after"] == {"presence": "paused", "reason": "lunch"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/v1/nothing", None, 404, "/v1/openapi.json"),
        ("POST", "/v1/agents/nobody/sign-in", None, 404, "no agent 'nobody'"),
        ("POST", "/v1/agents/ana/ready", None, 409, "not signed in"),
        ("POST", "/v1/agents/ana/pause", "{}", 400, "reason: Field required"),
        ("POST", "/v1/agents/ana/pause", '{"reason": 5}', 400, "reason: Input should be a valid string"),
        ("POST", "/v1/agents/ana/pause", '{"reason": "lunch", "for": 5}', 400, "for: Extra inputs"),
        ("POST", "/v1/agents/ana/pause", "[]", 400, "object"),
        ("POST", "/v1/agents/ana/pause", '{"reason": "fun"}', 422, "unknown pause reason 'fun'"),
        ("POST", "/v1/agents/ana/pause", "{", 400, "no JSON"),
        ("POST", "/v1/reload", '{"agent": "ben"}', 400, "nothing is expected in the body"),
        ("GET", "/v1/state?verbose=1", None, 400, "unknown parameter 'verbose'"),
        ("PUT", "/v1/state", None, 405, "GET, HEAD, OPTIONS"),
    ],
)
async def test_what_is_wrong_is_said_as_problem_details(
    engine: Engine, method: str, path: str, body: str | None, status: int, words: str
) -> None:
    headers = bearer(engine.accounts, "supervisor") | {"Content-Type": "application/json"}
    async with client(engine, headers) as http, http.request(method, path, data=body) as response:
        problem = await response.json(content_type="application/problem+json")
        assert response.status == status == problem["status"]
        assert words in problem["detail"]
        assert problem["request_id"] == response.headers["X-Request-ID"]


async def test_a_body_of_another_type_is_refused(engine: Engine) -> None:
    async with client(engine, bearer(engine.accounts, "supervisor")) as http:
        for data in ({"reason": "lunch"}, b'{"reason": "lunch"}'):
            async with http.post("/v1/agents/ana/pause", data=data) as response:
                assert response.status == 415


async def test_nobody_may_anything_without_a_role_for_it(engine: Engine) -> None:
    tried = 0
    async with client(engine) as anonymous, client(engine, bearer(engine.accounts)) as roleless:
        for operation in table().values():
            path = "/v1" + re.sub(r"{\w+}", "ana", operation.path)
            async with anonymous.request(operation.method, path) as response:
                assert response.status == 401, path
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
            async with roleless.request(operation.method, path) as response:
                assert response.status in (400, 403, 422), path
                tried += response.status == 403
    assert tried > len(table()) / 3
    assert {fact.data["refused"] for fact in audited(engine)} == {"not allowed"}


async def test_an_agent_steers_itself_and_nobody_else(engine: Engine) -> None:
    async with client(engine, bearer(engine.accounts, "agent", agent="ana")) as http:
        async with http.post("/v1/agents/ana/sign-in") as response:
            assert response.status == 200
        async with http.post("/v1/agents/ben/sign-in") as response:
            assert response.status == 403
        async with http.get("/v1/state") as response:
            assert response.status == 403
        async with http.post("/v1/reload") as response:
            assert response.status == 403


async def test_every_answer_has_the_headers_of_security(engine: Engine) -> None:
    async with client(engine, bearer(engine.accounts, "admin")) as http:
        for method, path in (("GET", "/v1/state"), ("GET", "/nothing"), ("OPTIONS", "/v1/state"), ("GET", "/metrics")):
            async with http.request(method, path) as response:
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
                assert response.headers["Cache-Control"] == "no-store"
                assert response.headers["Server"] == "Switchboard"
                assert re.fullmatch("[0-9a-f]{16}", response.headers["X-Request-ID"])
                assert "Access-Control-Allow-Origin" not in response.headers


async def test_head_and_options_are_answered(engine: Engine) -> None:
    async with client(engine, bearer(engine.accounts, "admin")) as http:
        async with http.head("/v1/state") as response:
            assert response.status == 200
            assert int(response.headers["Content-Length"]) > 100
            assert await response.read() == b""
        async with http.options("/v1/state") as response:
            assert response.status == 204
            assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_other_hosts_are_not_answered(engine: Engine) -> None:
    async with client(engine, bearer(engine.accounts, "admin")) as http:
        async with http.get("/v1/state", headers={"Host": "evil.example"}) as response:
            assert response.status == 421
        async with http.get("/v1/state", headers={"Host": "localhost:4580"}) as response:
            assert response.status == 200


async def test_large_bodies_are_refused(engine: Engine) -> None:
    async with client(engine, bearer(engine.accounts, "admin")) as http:
        body = json.dumps({"reason": "x" * guard.MAX_BODY_BYTES})
        headers = {"Content-Type": "application/json"}
        async with http.post("/v1/agents/ana/pause", data=body, headers=headers) as response:
            assert response.status == 413


async def test_what_takes_too_long_and_what_breaks_says_no_more_than_that(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(request: Request, ask: Nothing) -> None:
        await asyncio.sleep(60)

    async def broken(request: Request, ask: Nothing) -> None:
        raise RuntimeError("inner secret")

    monkeypatch.setattr("switchboard.api.server.TIME_LIMIT_S", 0.05)
    state = table()["state"]
    async with client(engine, bearer(engine.accounts, "admin")) as http:
        for perform, status in ((slow, 503), (broken, 500)):
            with monkeypatch.context() as patch:
                patch.setattr("switchboard.api.server.perform", lambda *_, does=perform: does(None, None))
                async with http.get("/v1" + state.path) as response:
                    assert response.status == status
                    assert "secret" not in await response.text()


async def test_health_says_what_is_missing(engine: Engine) -> None:
    async with client(engine) as http:
        async with http.get("/health/live") as response:
            assert response.status == 200
        async with http.get("/health/ready") as response:
            assert response.status == 503
            assert (await response.json())["reasons"] == ["not in step with Asterisk"]

"""People who log in: the cookie, the CSRF token, what ends a session, and what slows down who guesses."""

import pytest
from aiohttp import ClientSession

from router.live.journal import Fact, read
from switchboard.api import accounts as rules
from switchboard.engine import Engine
from tests.support.api import PASSWORD, bearer, client


@pytest.fixture(autouse=True)
def eva(engine: Engine) -> None:
    engine.accounts.add_user("eva", PASSWORD, ["supervisor"])


async def log_in(http: ClientSession, user: str = "eva", password: str = PASSWORD) -> tuple[int, dict[str, str]]:
    async with http.post("/v1/session", json={"user": user, "password": password}) as response:
        return response.status, await response.json(content_type=None)


async def test_a_session_may_read_and_with_its_csrf_token_change(engine: Engine) -> None:
    async with client(engine) as http:
        status, session = await log_in(http)
        assert status == 200
        assert session["roles"] == ["supervisor"]
        async with http.get("/v1/state") as response:
            assert response.status == 200
        async with http.post("/v1/agents/ana/sign-in") as response:
            assert response.status == 403
            assert "X-CSRF-Token" in await response.text()
        async with http.post("/v1/agents/ana/sign-in", headers={"X-CSRF-Token": "0" * 64}) as response:
            assert response.status == 403
        async with http.post("/v1/agents/ana/sign-in", headers={"X-CSRF-Token": session["csrf_token"]}) as response:
            assert response.status == 200
        async with http.get("/v1/session") as response:
            assert (await response.json())["csrf_token"] == session["csrf_token"]


async def test_the_cookie_is_for_the_browser_alone(engine: Engine) -> None:
    async with client(engine) as http:
        async with http.post("/v1/session", json={"user": "eva", "password": PASSWORD}) as response:
            cookie = response.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path=/" in cookie


async def test_logging_out_ends_the_session_also_for_who_has_copied_the_cookie(engine: Engine) -> None:
    async with client(engine) as http, client(engine) as thief:
        _, session = await log_in(http)
        thief.cookie_jar.update_cookies({"switchboard": http.cookie_jar.filter_cookies(http._base_url)["switchboard"]})
        async with thief.get("/v1/state") as response:
            assert response.status == 200
        async with http.delete("/v1/session", headers={"X-CSRF-Token": session["csrf_token"]}) as response:
            assert response.status == 200
        for whoever in (http, thief):
            async with whoever.get("/v1/state") as response:
                assert response.status == 401


async def test_a_session_planted_before_the_login_is_worth_nothing_after_it(engine: Engine) -> None:
    async with client(engine) as http:
        http.cookie_jar.update_cookies({"switchboard": "planted"})
        assert (await log_in(http))[0] == 200
        assert http.cookie_jar.filter_cookies(http._base_url)["switchboard"].value != "planted"
        async with client(engine) as attacker:
            attacker.cookie_jar.update_cookies({"switchboard": "planted"})
            async with attacker.get("/v1/state") as response:
                assert response.status == 401


async def test_a_new_login_ends_the_session_before(engine: Engine) -> None:
    async with client(engine) as http, client(engine) as before:
        await log_in(http)
        before.cookie_jar.update_cookies(http.cookie_jar.filter_cookies(http._base_url))
        await log_in(http)
        async with before.get("/v1/state") as response:
            assert response.status == 401


async def test_unknown_names_and_wrong_passwords_get_the_same_answer_and_the_same_wait(engine: Engine) -> None:
    async with client(engine) as http:
        answers = {}
        for user in ("eva", "nobody"):
            answers[user] = [await log_in(http, user, "wrong password") for _ in range(4)]
        statuses = {user: [status for status, _ in told] for user, told in answers.items()}
        assert statuses["eva"] == statuses["nobody"] == [401, 401, 401, 429]
        details = {user: [problem["detail"] for _, problem in told] for user, told in answers.items()}
        assert details["eva"] == details["nobody"]
        async with http.post("/v1/session", json={"user": "eva", "password": PASSWORD}) as response:
            assert response.status == 429, "the right password has to wait as well, or the wait would tell"
            assert int(response.headers["Retry-After"]) >= 1


async def test_failed_logins_are_audited_without_what_was_typed(engine: Engine) -> None:
    async with client(engine) as http:
        await log_in(http, "eva", "hunter2 hunter2")
        await log_in(http, "my-password-in-the-wrong-field", "x")
    facts = [record for record in read(engine.journal.path) if isinstance(record, Fact)]
    assert [(fact.actor, fact.data["refused"]) for fact in facts if fact.kind == "audit"] == [
        ("eva", "wrong name or password"),
        ("(unknown user)", "wrong name or password"),
    ]
    text = engine.journal.path.read_text()
    assert "hunter2" not in text
    assert "my-password" not in text


async def test_a_user_changes_the_own_password_and_all_sessions_end(engine: Engine) -> None:
    new = "a quite different passphrase"
    async with client(engine) as http:
        _, session = await log_in(http)
        headers = {"X-CSRF-Token": session["csrf_token"]}
        async with http.put("/v1/session/password", json={"current": "x", "new": new}, headers=headers) as response:
            assert response.status == 401
        body = {"current": PASSWORD, "new": "short"}
        async with http.put("/v1/session/password", json=body, headers=headers) as response:
            assert response.status == 400
        body = {"current": PASSWORD, "new": new}
        async with http.put("/v1/session/password", json=body, headers=headers) as response:
            assert response.status == 200
        async with http.get("/v1/state") as response:
            assert response.status == 401
        assert (await log_in(http, "eva", new))[0] == 200


async def test_a_session_ends_when_idle_and_when_it_is_old(engine: Engine) -> None:
    now = [1_000_000]
    accounts = rules.Accounts(engine.directory, now_ms=lambda: now[0])
    idle = accounts.open_session("eva")
    now[0] += rules.SESSION_IDLE_MS
    assert accounts.holder_of_session(idle) is None
    busy = accounts.open_session("eva")
    for _ in range(rules.SESSION_LONGEST_MS // 600_000 - 1):
        now[0] += 600_000
        assert accounts.holder_of_session(busy)
    now[0] += 600_000
    assert accounts.holder_of_session(busy) is None


async def test_roles_that_are_taken_away_are_gone_at_once(engine: Engine) -> None:
    async with client(engine) as http:
        await log_in(http)
        engine.accounts.set_roles("eva", [], None)
        async with http.get("/v1/state") as response:
            assert response.status == 403
        engine.accounts.remove_user("eva")
        async with http.get("/v1/state") as response:
            assert response.status == 401


async def test_tokens_expire_are_revoked_and_are_never_kept(engine: Engine) -> None:
    headers = bearer(engine.accounts, "admin")
    token = headers["Authorization"].partition(" ")[2]
    assert engine.accounts.holder_of_token(token)
    stored = b"".join(path.read_bytes() for path in engine.directory.glob("accounts.db*"))
    assert token.encode() not in stored
    assert PASSWORD.encode() not in stored
    async with client(engine, headers) as http:
        async with http.get("/v1/state") as response:
            assert response.status == 200
        engine.accounts.revoke_token("test")
        async with http.get("/v1/state") as response:
            assert response.status == 401
    short = engine.accounts.create_token("short", ["admin"], days=1)
    later = rules.Accounts(engine.directory, now_ms=lambda: rules._wall_ms() + 86_400_000)
    assert later.holder_of_token(short) is None
    assert engine.accounts.holder_of_token(short)


async def test_accounts_are_readable_by_the_engines_user_only(engine: Engine) -> None:
    assert all(path.stat().st_mode & 0o077 == 0 for path in engine.directory.glob("accounts.db*"))

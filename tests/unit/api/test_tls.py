"""The API over TLS: served with the certificate of the settings, never in the open, and with the cookie of a host.

`tls/` has a certificate for 127.0.0.1 and its key, made for this test alone and trusted by nobody else:
`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out certificate.pem
-days 36500 -subj "/CN=only for the tests" -addext "subjectAltName=IP:127.0.0.1"`.
"""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from switchboard.engine import Engine
from tests.support.api import PASSWORD, running_engine

PAIR = Path(__file__).parent / "tls"
CERTIFICATE, KEY = PAIR / "certificate.pem", PAIR / "key.pem"


@pytest_asyncio.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    tls = f"{{port: 0, tls: {{certificate_file: {CERTIFICATE}, key_file: {KEY}}}}}"
    async with running_engine(tmp_path, monkeypatch, tls) as running:
        yield running


def trusting() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=CERTIFICATE))


async def test_logins_travel_encrypted_and_their_cookie_is_for_this_host_alone(engine: Engine) -> None:
    engine.accounts.add_user("eva", PASSWORD, ["supervisor"])
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address, not of a name
    base = f"https://127.0.0.1:{engine.api.port}"
    async with aiohttp.ClientSession(base, connector=trusting(), cookie_jar=jar) as http:
        async with http.post("/v1/session", json={"user": "eva", "password": PASSWORD}) as response:
            assert response.status == 200
            cookie = response.headers["Set-Cookie"]
            assert "max-age" in response.headers["Strict-Transport-Security"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
        async with http.get("/v1/state") as response:
            assert response.status == 200


async def test_who_speaks_in_the_open_gets_no_answer(engine: Engine) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{engine.api.port}") as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get("/v1/live")


async def test_who_does_not_trust_the_certificate_does_not_come_in(engine: Engine) -> None:
    async with aiohttp.ClientSession(f"https://127.0.0.1:{engine.api.port}") as http:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get("/v1/live")

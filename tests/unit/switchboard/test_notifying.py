"""Notifications: signed, tried again, never in anybody's way, and told when they are lost."""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ivr.flow.effects import Notify
from ivr.flow.session import Caller, Session
from switchboard import facts, notifying
from switchboard.centre.settings import NotifySettings
from switchboard.notifying import Notifier, as_email

SECRET = "a secret between the two"
SESSION = Session(Caller("+15550100", "100"), "main", "f", "tell", "en", 0)
EFFECT = Notify("main", "tell", "claims", data={"damage": "water ✓", "amount": 12.5})


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(notifying, "PAUSE_FACTOR", 1)
    monkeypatch.setattr(notifying, "STOPPING_S", 2.0)


@dataclass
class Receiver:
    """What a webhook was sent; `answers` are its statuses one after the other, the last one from then on."""

    answers: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    facts: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    hangs: bool = False

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        if self.hangs:
            await asyncio.sleep(60)
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})

    @asynccontextmanager
    async def notifier(self, directory: Path, **more: Any) -> AsyncIterator[Notifier]:
        application = web.Application()
        application.router.add_post("/hook", self.handle)
        (directory / "secret").write_text(SECRET)
        async with TestServer(application) as server:
            webhook = {"url": str(server.make_url("/hook")), "secret": {"secret_file": "secret"}, "timeout_s": 0.3}
            settings = NotifySettings.model_validate({"webhooks": {"claims": webhook}, "tries": 3, **more})

            def note(kind: str, *, contact: str, data: dict[str, Any]) -> None:
                self.facts.append((kind, contact, data))

            async with Notifier(settings, directory, fact=note) as notifier:
                yield notifier

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


async def test_a_webhook_can_tell_that_it_was_us_and_when(tmp_path: Path) -> None:
    receiver = Receiver()
    async with receiver.notifier(tmp_path) as notifier:
        notifier.notify("c1", SESSION, EFFECT)
        await receiver.until(lambda: receiver.facts)
    ((headers, body),) = receiver.got
    match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["Switchboard-Signature"])
    assert match
    assert abs(int(match[1]) - time()) < 10
    assert match[2] == hmac.new(SECRET.encode(), match[1].encode() + b"." + body, hashlib.sha256).hexdigest()
    said = json.loads(body)
    assert said.pop("id") == headers["Switchboard-Notification"]
    assert said == {
        "flow": "main",
        "node": "tell",
        "contact": "c1",
        "number": "+15550100",
        "dialled": "100",
        "language": "en",
        "data": {"damage": "water ✓", "amount": 12.5},
    }
    assert receiver.facts == [(facts.NOTIFIED, "c1", {"flow": "main", "node": "tell", "to": "claims", "tries": 1})]


async def test_what_may_pass_is_tried_again_under_the_same_name(tmp_path: Path) -> None:
    receiver = Receiver(answers=[503, 429, 204])
    async with receiver.notifier(tmp_path) as notifier:
        notifier.notify("c1", SESSION, EFFECT)
        await receiver.until(lambda: receiver.facts)
    assert len({headers["Switchboard-Notification"] for headers, _ in receiver.got}) == 1
    assert (receiver.facts[0][0], receiver.facts[0][2]["tries"]) == (facts.NOTIFIED, 3)


@pytest.mark.parametrize(
    ("status", "tries", "reason"),
    [(500, 3, "HTTP status 500"), (404, 1, "HTTP status 404"), (302, 1, "HTTP status 302")],
)
async def test_what_cannot_be_delivered_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, tries: int, reason: str
) -> None:
    receiver = Receiver(answers=[status])
    async with receiver.notifier(tmp_path) as notifier:
        notifier.notify("c1", SESSION, EFFECT)
        await receiver.until(lambda: receiver.facts)
    (kind, _, data) = receiver.facts[0]
    assert (kind, data["tries"], data["reason"]) == (facts.NOT_NOTIFIED, tries, reason)
    assert f"main.tell could not notify claims: {reason}" in caplog.text


async def test_a_webhook_that_never_answers_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "LINE_LENGTH", 20)
    monkeypatch.setattr(notifying, "STOPPING_S", 0.1)
    receiver = Receiver(hangs=True)
    async with receiver.notifier(tmp_path) as notifier:
        began = monotonic()
        for number in range(50):
            notifier.notify(f"c{number}", SESSION, EFFECT)
        assert monotonic() - began < 0.5
        full = [data for _, _, data in receiver.facts]
        assert len(full) == 30
        assert "20 others wait" in full[0]["reason"]
        await receiver.until(lambda: len(receiver.facts) > 30)
        assert receiver.facts[-1][2]["reason"] == "no answer in 0.3 s"
    assert len(receiver.facts) == 50, "each is told once, also those that the end of the engine cut off"
    assert receiver.facts[-1][2]["reason"] == "the engine stops"


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (Notify("main", "tell", "other"), "the settings have no 'other'"),
        (Notify("main", "tell", to=("a@b.example",)), "the settings have no 'e-mail'"),
    ],
)
async def test_a_receiver_that_the_settings_lack(tmp_path: Path, effect: Notify, reason: str) -> None:
    receiver = Receiver()
    async with receiver.notifier(tmp_path) as notifier:
        notifier.notify("c1", SESSION, effect)
        assert reason in receiver.facts[0][2]["reason"]


async def test_a_secret_that_is_not_there_is_the_admins_affair(tmp_path: Path) -> None:
    receiver = Receiver()
    async with receiver.notifier(tmp_path) as notifier:
        (tmp_path / "secret").unlink()
        notifier.notify("c1", SESSION, EFFECT)
        await receiver.until(lambda: receiver.facts)
    assert "No such file" in receiver.facts[0][2]["reason"]
    assert receiver.got == []


class MailServer:
    """A server that speaks enough SMTP (RFC 5321); `refuses`: the command it refuses, and how."""

    def __init__(self, refuses: tuple[str, str] = ("", "")) -> None:
        self.refuses = refuses
        self.mails: list[str] = []
        self.commands: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        while line := (await reader.readline()).decode():
            command = line.strip()
            self.commands.append(command)
            word, answer = self.refuses
            if word and command.upper().startswith(word):
                writer.write(f"{answer}\r\n".encode())
            elif command.upper() == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"221 bye\r\n" if command.upper() == "QUIT" else b"250 mail.example\r\n")
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]


MAIL = Notify("main", "tell", to=("a@b.example", "c@d.example"), subject="Wäter", text="Damage: ✓\n.\nThe end")


async def mailed(directory: Path, mail: MailServer, effect: Notify = MAIL) -> list[tuple[str, str, dict[str, Any]]]:
    receiver = Receiver()
    async with mail.running() as port:
        email = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "centre@b.example"}
        async with receiver.notifier(directory, email=email) as notifier:
            notifier.notify("c1", SESSION, effect)
            await receiver.until(lambda: receiver.facts)
    return receiver.facts


async def test_an_e_mail_is_sent(tmp_path: Path) -> None:
    mail = MailServer()
    assert await mailed(tmp_path, mail) == [
        (facts.NOTIFIED, "c1", {"flow": "main", "node": "tell", "to": "e-mail", "tries": 1})
    ]
    assert [line for line in mail.commands if line.startswith(("mail", "rcpt", "MAIL", "RCPT"))][1:] == [
        "rcpt TO:<a@b.example>",
        "rcpt TO:<c@d.example>",
    ]
    assert "=?utf-8?q?W=C3=A4ter?=" in mail.mails[0]
    assert "Auto-Submitted: auto-generated" in mail.mails[0]


@pytest.mark.parametrize(
    ("refuses", "tries"),
    [(("RCPT", "550 no such user"), 1), (("MAIL", "451 later"), 3), (("DATA", "554 no"), 1)],
)
async def test_a_server_that_refuses(tmp_path: Path, refuses: tuple[str, str], tries: int) -> None:
    ((kind, _, data),) = await mailed(tmp_path, MailServer(refuses))
    assert (kind, data["tries"]) == (facts.NOT_NOTIFIED, tries)


def test_what_a_caller_brings_begins_no_header() -> None:
    evil = Notify("f", "n", to=("a@b.example",), subject="Hi\r\nBcc: all@b.example\x00", text="a\x00b\x1b[31m\nc")
    message = as_email(evil, "centre@b.example", "1")
    assert message["Subject"] == "Hi Bcc: all@b.example"
    assert message["Bcc"] is None
    assert message.get_content() == "ab[31m\nc\n"

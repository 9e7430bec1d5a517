"""Tells others what flows notify them of: signed webhooks and e-mail, without any call waiting for it.

Each receiver has a line of its own, so that one that is slow or dead delays no other. A line is bounded, and so are the
attempts: what cannot be delivered is dropped, which the log, the journal and the contact's story say. With the end of
the engine there is a moment left for what is under way; notifications are no business of a restart.

A webhook is sent a POST of JSON with the header `Switchboard-Signature: t=UNIX_SECONDS,v1=HEX`, where HEX is the
HMAC-SHA-256 (RFC 2104), by the secret of the webhook, of `UNIX_SECONDS.BODY`. Receivers compare it in constant time,
and refuse what is older than some minutes. `Switchboard-Notification` names the notification, the same in every
attempt, so that one that arrived twice can be told.
"""

import asyncio
import hashlib
import hmac
import logging
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from secrets import token_hex
from time import time
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import msgspec

from ivr.flow.effects import Notify
from ivr.flow.session import Session
from switchboard import facts
from switchboard.centre.secrets import SecretError
from switchboard.centre.settings import EmailSettings, NotifySettings, WebhookSettings

log = logging.getLogger(__name__)

LINE_LENGTH: Final = 1_000
AT_ONCE: Final = 4
FIRST_PAUSE_S, PAUSE_FACTOR = 2.0, 4
STOPPING_S: Final = 3.0
SMTP_TIMEOUT_S: Final = 20
EMAIL: Final = "e-mail"


class NotDelivered(Exception):
    """An attempt failed; `again`: another one may succeed."""

    def __init__(self, why: str, again: bool = True) -> None:
        super().__init__(why)
        self.again = again


@dataclass(frozen=True, slots=True)
class Notification:
    """What is to be delivered."""

    id: str
    contact: str
    body: dict[str, Any]
    effect: Notify

    @property
    def receiver(self) -> str:
        return self.effect.webhook or EMAIL


class Notifier:
    """Delivers notifications while it is entered. `fact` writes down what became of them."""

    def __init__(self, settings: NotifySettings, directory: Path, *, fact: Callable[..., None]) -> None:
        self._settings = settings
        self._directory = directory
        self._fact = fact
        self._lines: dict[str, asyncio.Queue[Notification]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "switchboard"})
        self.change(self._settings)
        return self

    def change(self, settings: NotifySettings) -> None:
        """From now on these receivers are told. What waits for one that is no more fails."""
        self._settings = settings
        for receiver in (*settings.webhooks, *([EMAIL] if settings.email else [])):
            if receiver not in self._lines:
                self._lines[receiver] = asyncio.Queue(LINE_LENGTH)
                self._tasks += [asyncio.create_task(self._deliver_all(receiver)) for _ in range(AT_ONCE)]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOPPING_S):
                for line in self._lines.values():
                    await line.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._lines.values():
            while not line.empty():
                self._failed(line.get_nowait(), 0, "the engine stops")
        if self._http:
            await self._http.close()

    def notify(self, contact: str, session: Session, effect: Notify) -> None:
        """Takes it; returns at once, whatever becomes of it."""
        body = {
            "flow": effect.flow,
            "node": effect.node,
            "contact": contact,
            "number": session.caller.number,
            "dialled": session.caller.dialled,
            "language": session.language,
            "data": effect.data,
        }
        notification = Notification(token_hex(12), contact, body, effect)
        line = self._lines.get(notification.receiver)
        if line is None:
            self._failed(notification, 0, f"the settings have no {notification.receiver!r} (settings.notify)")
            return
        try:
            line.put_nowait(notification)
        except asyncio.QueueFull:
            self._failed(notification, 0, f"{LINE_LENGTH} others wait for the same receiver")

    async def _deliver_all(self, receiver: str) -> None:
        line = self._lines[receiver]
        while True:
            notification = await line.get()
            try:
                await self._deliver(notification)
            finally:
                line.task_done()

    async def _deliver(self, notification: Notification) -> None:
        tries, pause_s = 0, FIRST_PAUSE_S
        while True:
            tries += 1
            try:
                await self._attempt(notification)
            except NotDelivered as error:
                if not error.again or tries >= self._settings.tries:
                    self._failed(notification, tries, str(error))
                    return
            except asyncio.CancelledError:
                self._failed(notification, tries, "the engine stops")
                raise
            except Exception as error:
                log.exception("notifying %s failed", notification.receiver)
                self._failed(notification, tries, f"internal error: {type(error).__name__}")
                return
            else:
                self._told(facts.NOTIFIED, notification, {"tries": tries})
                return
            await asyncio.sleep(pause_s)
            pause_s *= PAUSE_FACTOR

    async def _attempt(self, notification: Notification) -> None:
        effect = notification.effect
        if effect.webhook in self._settings.webhooks:
            await self._post(self._settings.webhooks[effect.webhook], notification)
        elif effect.webhook or not self._settings.email:
            raise NotDelivered(f"the settings have no {notification.receiver!r} any more", again=False)
        else:
            message = as_email(effect, self._settings.email.sender, notification.id)
            await asyncio.to_thread(send_email, self._settings.email, message, self._directory)

    async def _post(self, webhook: WebhookSettings, notification: Notification) -> None:
        assert self._http
        try:
            secret = webhook.secret.read(self._directory)
        except SecretError as error:
            raise NotDelivered(str(error), again=False) from error
        body = msgspec.json.encode({"id": notification.id, **notification.body})
        headers = {
            "Content-Type": "application/json",
            "Switchboard-Notification": notification.id,
            "Switchboard-Signature": signature(secret, int(time()), body),
        }
        timeout = aiohttp.ClientTimeout(total=webhook.timeout_s)
        try:
            async with self._http.post(
                webhook.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                status = response.status
        except TimeoutError:
            raise NotDelivered(f"no answer in {webhook.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDelivered(f"{type(error).__name__}: {error}"[:200]) from None
        if not 200 <= status < 300:
            # What a receiver refuses it will refuse again; 408 and 429 ask for another attempt (RFC 9110, RFC 6585).
            raise NotDelivered(f"HTTP status {status}", again=status >= 500 or status in (408, 429))

    def _failed(self, notification: Notification, tries: int, why: str) -> None:
        effect = notification.effect
        log.error("%s.%s could not notify %s: %s", effect.flow, effect.node, notification.receiver, why)
        self._told(facts.NOT_NOTIFIED, notification, {"tries": tries, "reason": why})

    def _told(self, kind: str, notification: Notification, more: dict[str, object]) -> None:
        effect = notification.effect
        data = {"flow": effect.flow, "node": effect.node, "to": notification.receiver, **more}
        self._fact(kind, contact=notification.contact, data=data)


def signature(secret: str, at_s: int, body: bytes) -> str:
    """The header's value: `t=UNIX_SECONDS,v1=HEX`."""
    signed = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={signed.hexdigest()}"


def as_email(effect: Notify, sender: str, name: str) -> EmailMessage:
    """The e-mail. What callers and lookups bring into the subject cannot begin another header."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(effect.to)
    message["Subject"] = " ".join(_clean(effect.subject).split())[:200]
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(idstring=name, domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_clean(effect.text))
    return message


def _clean(text: str) -> str:
    return "".join(character for character in text if character in "\n\t" or character.isprintable())


def send_email(settings: EmailSettings, message: EmailMessage, directory: Path) -> None:
    """Blocks. Raises NotDelivered."""
    context = ssl.create_default_context()
    try:
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=SMTP_TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=SMTP_TIMEOUT_S)
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.username and settings.password:
                server.login(settings.username, settings.password.read(directory))
            server.send_message(message)
    except SecretError as error:
        raise NotDelivered(str(error), again=False) from None
    except smtplib.SMTPAuthenticationError:
        raise NotDelivered("the server refuses user name and password", again=False) from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise NotDelivered(f"the server said {error.smtp_code} {said}"[:200], again=error.smtp_code < 500) from None
    except smtplib.SMTPRecipientsRefused as error:
        again = all(code < 500 for code, _ in error.recipients.values())
        raise NotDelivered(f"the server refuses {', '.join(error.recipients)}"[:200], again=again) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}"[:200]) from None

"""panoramisk 1.4, mended: its Action, AMIProtocol and Manager for exactly one connection, which `client` supervises.

Each override says which defect it mends. Replaced rather than mended is `panoramisk.message.Message` (see `codec`): it
drops `Name:` lines without a value, takes repeated headers as they come, passes over blocks it does not understand, and
its parsing is most of the cost of an event.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any, Final

from panoramisk.actions import Action as PanoramiskAction
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager as PanoramiskManager

from router.ami.codec import Decoder, Event, Headers, Response, encode
from router.ami.errors import AmiDisconnected, AmiProtocolError, AmiRefused

log = logging.getLogger(__name__)

LIST_LIMIT: Final = 100_000  # items of one list; Asterisk with that many channels is not expected


class Action(PanoramiskAction):  # type: ignore[misc]  # panoramisk has no types
    """One attempt of one action. Its future holds the Response, or (`until` given) the list of events up to the one
    named so."""

    def __init__(self, name: str, action_id: str, headers: Headers, until: str | None = None) -> None:
        # panoramisk writes values as they are, so a line break in one is a header more; `encode` refuses it.
        self.wire = encode(name, action_id, headers)
        super().__init__({"Action": name, "ActionID": action_id}, as_list=until is not None)
        self.name = name
        self._until = until

    def __str__(self) -> str:
        # panoramisk shows the whole text, secrets and all.
        return f"{self.name} {self.action_id}"

    @property
    def multi(self) -> bool:
        # panoramisk guesses from the message's wording: QueueAdd never completes; Originate, Atxfer and PlayDTMF raise.
        return self._until is not None

    def add_message(self, message: Event | Response) -> bool:
        # panoramisk leaves a list that is answered with an error waiting for ever, and raises when the future is done.
        """Takes a message that carries this ActionID; true when nothing more is expected."""
        if self.future.done():
            return True
        if isinstance(message, Response):
            self.responses.append(message)
            if message.is_error:
                self.future.set_exception(AmiRefused(self.name, message.message))
            elif self._until is None:
                self.future.set_result(message)
        elif message.name == self._until:
            self.future.set_result([m for m in self.responses if isinstance(m, Event)])
        elif len(self.responses) > LIST_LIMIT:
            self.future.set_exception(AmiProtocolError(f"{self.name}: a list of more than {LIST_LIMIT} items"))
        else:
            self.responses.append(message)
        return bool(self.future.done())

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Protocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """The connection's bytes. `last_heard` is when the peer last sent anything, in the loop's time."""

    def __init__(self, manager: "Manager") -> None:
        # panoramisk gives the protocol its manager after the connection is up; data may come before that.
        self.manager = manager
        self.loop = asyncio.get_running_loop()
        self.decoder = Decoder()
        self.greeted: asyncio.Future[str] = self.loop.create_future()
        self.last_heard = self.loop.time()
        self.unexpected_responses = 0
        self.lost_because = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.factory = self.manager
        self.last_heard = self.loop.time()

    def send(self, action: Action, as_list: bool = False) -> "asyncio.Future[Any]":
        # panoramisk keeps an action whose time is up for ever, and swallows a failed write.
        self.responses[action.action_id] = action
        action.future.add_done_callback(lambda _: self.responses.pop(action.action_id, None))
        self.transport.write(action.wire)
        future: asyncio.Future[Any] = action.future
        return future

    def data_received(self, data: bytes) -> None:
        # panoramisk decodes each chunk by itself (a character cut in two is lost) and has no limit on a block.
        self.last_heard = self.loop.time()
        try:
            messages = self.decoder.receive(data)
        except AmiProtocolError as error:
            self.end(str(error))
            return
        if self.decoder.version and not self.greeted.done():
            self.greeted.set_result(self.decoder.version)
        for message in messages:
            self.handle_message(message)

    def handle_message(self, message: Event | Response) -> None:
        # panoramisk takes any event that carries an ActionID for the answer: an early OriginateResponse is lost.
        action: Action | None = self.responses.get(message.action_id)
        if isinstance(message, Response):
            if action is None:
                self.unexpected_responses += 1  # the action's time was up, or there never was one
            else:
                action.add_message(message)
        elif action is not None and action.multi:
            action.add_message(message)
        else:
            self.manager.dispatch(message)
            if message.name == "Shutdown":
                self.end("Asterisk is shutting down")

    def end(self, reason: str) -> None:
        """Drops the connection at once, for `reason`."""
        self.lost_because = self.lost_because or reason
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        # panoramisk keeps actions under way and sends them again after the reconnect: an Originate rang twice.
        reason = self.lost_because or (str(exc) if exc else "Asterisk closed the connection")
        self.closed = True
        if not self.greeted.done():
            self.greeted.set_exception(AmiProtocolError(reason))
            self.greeted.exception()  # nobody may be waiting for it any more
        for action in list(self.responses.values()):
            action.fail(AmiDisconnected(action.name, reason, sent=True))
        self.manager.connection_lost(reason)

    def close(self) -> None:
        # panoramisk puts actions under way back into its queue here, and waits for a peer that may never read.
        self.end("we closed the connection")


class Manager(PanoramiskManager):  # type: ignore[misc]  # panoramisk has no types
    """One connection. `on_event` gets every event that is no list item; `booted` is done once Asterisk has
    started fully, `lost` (with the reason) when the connection has ended."""

    protocol: Protocol | None

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, on_event: Callable[[Event], None]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(host=host, port=port, ssl=tls, loop=loop, protocol_factory=lambda: Protocol(self), log=log)
        self.lost: asyncio.Future[str] = loop.create_future()
        self.booted: asyncio.Future[None] = loop.create_future()
        self.callback_errors = 0
        self._on_event = on_event

    def connection_made(self, f: "asyncio.Task[Any]") -> None:
        # panoramisk logs in by itself here, reports a wrong password to nobody, and retries at a fixed pace for ever.
        if not f.cancelled() and f.exception() is None:
            _, self.protocol = f.result()

    def dispatch(self, event: Event) -> list[str]:
        # panoramisk lets an exception of a callback end the connection, and tries every pattern on every event.
        if event.name == "FullyBooted" and not self.booted.done():
            self.booted.set_result(None)
        try:
            self._on_event(event)
        except Exception:
            self.callback_errors += 1
            log.exception("the handler of AMI events failed on %r", event)
        return []

    def connection_lost(self, exc: Any) -> None:
        # panoramisk reconnects from here after a fixed two seconds; the supervisor decides.
        if not self.lost.done():
            self.lost.set_result(str(exc))

    async def send_awaiting_actions(self, *_: Any) -> None:
        """Sends nothing: panoramisk would replay actions here whose outcome is unknown."""

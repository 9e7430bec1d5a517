"""The AMI client: one connection to Asterisk's manager, kept up, with a clear outcome for every action.

Policies:

- *Up* means: logged in and `FullyBooted` seen. Then `on_up` runs (the full resync), and again after each reconnect;
  `on_down(reason)` comes once for each `on_up`.
- An action has one attempt. Cut off under way it fails with `AmiDisconnected` (`sent`), late with `AmiTimeout`; in
  both cases the outcome is unknown. Nothing is ever replayed: ask Asterisk, then act.
- A peer that says nothing for `ping_after_s` is pinged; without any sign of life for `ping_timeout_s` more, the
  connection is dropped. So a dead peer is found within the sum of the two. Asterisk answers the actions of a
  connection one after the other, so send none that blocks (Originate always with `Async: true`).
- Reconnecting waits `first_retry_s`, doubled each time up to `longest_retry_s`, less a random part (`jitter`) of up to
  a quarter, so that engines do not come in step. A connection that lasted `stable_after_s` starts the count anew; so a
  wrong password or a peer that cuts at once makes no storm.
- Events go to `on_event` one by one in Asterisk's order, synchronously as they are read: there is no queue of ours to
  overflow. A slow handler makes Asterisk wait; Asterisk drops a connection that does not read for its `writetimeout`,
  and the resync after the reconnect makes good what was missed. Not more than `most_under_way` actions wait for
  answers; one more is refused with `AmiBusy`.
- An exception in a callback is logged and counted; the connection stays.
"""

import asyncio
import logging
import random
import secrets
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass, field
from itertools import count
from typing import Any

from asterisk_conf.names import CHANNEL_PREFIX
from router.ami.codec import Event, Headers, Response
from router.ami.errors import (
    AmiBusy,
    AmiDisconnected,
    AmiError,
    AmiMisuse,
    AmiProtocolError,
    AmiRefused,
    AmiTimeout,
)
from router.ami.transport import Action, Manager, Protocol

__all__ = [
    "AmiAddress",
    "AmiBusy",
    "AmiClient",
    "AmiDisconnected",
    "AmiError",
    "AmiLimits",
    "AmiMisuse",
    "AmiProtocolError",
    "AmiRefused",
    "AmiTimeout",
    "Event",
    "Response",
]

log = logging.getLogger(__name__)

JITTER = 0.25  # the part of a retry's delay that is left to chance


@dataclass(frozen=True, slots=True)
class AmiAddress:
    """Where Asterisk's manager listens, and as whom to log in. The secret crosses the line as it is, so use `tls` for
    anything but loopback."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class AmiLimits:
    """Times in seconds, and how many actions may be under way."""

    connect_s: float = 5.0
    boot_s: float = 60.0
    action_s: float = 5.0
    ping_after_s: float = 5.0
    ping_timeout_s: float = 5.0
    first_retry_s: float = 0.5
    longest_retry_s: float = 30.0
    stable_after_s: float = 10.0
    most_under_way: int = 2_000


@dataclass(slots=True)
class AmiCounters:
    """Since the client was made: connections that came up, blocks refused, answers to nobody, callbacks that failed."""

    connections: int = 0
    refused_blocks: int = 0
    unexpected_responses: int = 0
    callback_errors: int = 0

    def __add__(self, other: "AmiCounters") -> "AmiCounters":
        return AmiCounters(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


class AmiClient:
    """Keeps one manager connection up from `start` to `stop`; see the module for the policies. `problem` says why
    there is no connection, for readiness and for people."""

    def __init__(
        self,
        address: AmiAddress,
        *,
        on_event: Callable[[Event], None],
        on_up: Callable[[], Awaitable[None]],
        on_down: Callable[[str], None],
        limits: AmiLimits | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.address = address
        self.problem = "not started"
        self._counters = AmiCounters()
        self._limits = limits or AmiLimits()
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._jitter = jitter
        self._action_ids = (f"{CHANNEL_PREFIX}{secrets.token_hex(4)}-{n}" for n in count(1))
        self._manager: Manager | None = None
        self._up = False
        self._lasted_s = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Logged in to a fully booted Asterisk: actions can be sent."""
        return self._up and self._manager is not None and not self._manager.lost.done()

    @property
    def counters(self) -> AmiCounters:
        return self._counters + _counted(self._manager) if self._manager else self._counters

    async def start(self) -> None:
        """Begins to connect and returns at once; `on_up` tells when the connection stands."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_connected())

    async def stop(self) -> None:
        """Closes the connection; actions under way fail with AmiDisconnected. `on_down` comes if it was up."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])
            self.problem = "stopped"

    async def action(self, name: str, headers: Headers | None = None, *, timeout_s: float | None = None) -> Response:
        """Carries out one action and gives Asterisk's answer.

        Raises AmiRefused, AmiTimeout, AmiDisconnected, AmiBusy or AmiMisuse.
        """
        response = await self._send(self._connected_protocol(name), name, headers or {}, None, timeout_s)
        assert isinstance(response, Response)
        return response

    async def collect(
        self, name: str, headers: Headers | None = None, *, until: str, timeout_s: float | None = None
    ) -> list[Event]:
        """Carries out an action that is answered by a list: the events before the one named `until`. Complete or not
        at all: raises as `action` does when it is refused, late or cut short."""
        events = await self._send(self._connected_protocol(name), name, headers or {}, until, timeout_s)
        assert isinstance(events, list)
        return events

    def _connected_protocol(self, action: str) -> Protocol:
        protocol = self._manager.protocol if self._manager and self._up else None
        if protocol is None or protocol.transport.is_closing():
            raise AmiDisconnected(action, self.problem or "the connection is ending", sent=False)
        if len(protocol.responses) >= self._limits.most_under_way:
            raise AmiBusy(f"{len(protocol.responses)} actions wait for Asterisk already; {action} was not sent")
        return protocol

    async def _send(
        self, protocol: Protocol, name: str, headers: Headers, until: str | None, timeout_s: float | None
    ) -> Response | list[Event]:
        action = Action(name, next(self._action_ids), headers, until)
        seconds = self._limits.action_s if timeout_s is None else timeout_s
        future = protocol.send(action)
        try:
            async with asyncio.timeout(seconds):
                answer: Response | list[Event] = await future
                return answer
        except TimeoutError:
            begun = f"it has begun the list, but {until} did not come" if until and action.responses else ""
            raise AmiTimeout(name, seconds, begun) from None

    # The connection

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            manager = Manager(self.address.host, self.address.port, self.address.tls, self._on_event)
            self._manager = manager
            self._lasted_s = 0.0
            try:
                self.problem = await self._one_connection(manager)
            except (AmiError, OSError) as error:
                self.problem = self._explain(error)
            finally:
                manager.close()
                self._manager = None
                self._counters += _counted(manager)
            failures = 0 if self._lasted_s >= self._limits.stable_after_s else failures + 1
            delay_s = self._retry_delay_s(failures)
            log.warning("AMI: %s; trying again in %.1f s", self.problem, delay_s)
            await asyncio.sleep(delay_s)

    async def _one_connection(self, manager: Manager) -> str:
        """Connects, logs in, serves until the connection ends, and says why it ended."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._limits.connect_s):
            await manager.connect()
            assert manager.protocol is not None
            await manager.protocol.greeted
        protocol = manager.protocol
        await self._log_in(manager, protocol)
        began = loop.time()
        self._up, self.problem = True, ""
        self._counters.connections += 1
        log.info("AMI: connected to %s as %r, protocol %s", self.address, self.address.user, protocol.decoder.version)
        helpers = [asyncio.create_task(self._tell_up()), asyncio.create_task(self._watch_silence(protocol))]
        reason = "the client is stopping"
        try:
            reason = await asyncio.shield(manager.lost)
        finally:
            self._up, self.problem, self._lasted_s = False, reason, loop.time() - began
            for helper in helpers:
                helper.cancel()
            self._tell_down(reason)
        return reason

    async def _log_in(self, manager: Manager, protocol: Protocol) -> None:
        credentials = {"Username": self.address.user, "Secret": self.address.secret, "Events": "on"}
        await self._send(protocol, "Login", credentials, None, self._limits.action_s)
        ends: set[asyncio.Future[Any]] = {manager.booted, manager.lost}
        await asyncio.wait(ends, timeout=self._limits.boot_s, return_when=asyncio.FIRST_COMPLETED)
        if manager.lost.done():
            raise AmiDisconnected("Login", manager.lost.result(), sent=True)
        if not manager.booted.done():
            raise AmiProtocolError(
                f"Asterisk at {self.address} has let {self.address.user!r} in but sent no FullyBooted event for "
                f"{self._limits.boot_s:g} s: either it is still starting, or the user's `read` rights in manager.conf "
                "lack `system`"
            )

    async def _tell_up(self) -> None:
        try:
            await self._on_up()
        except Exception:
            self._counters.callback_errors += 1
            log.exception("the handler of the AMI connection's beginning failed")

    def _tell_down(self, reason: str) -> None:
        try:
            self._on_down(reason)
        except Exception:
            self._counters.callback_errors += 1
            log.exception("the handler of the AMI connection's end failed")

    async def _watch_silence(self, protocol: Protocol) -> None:
        """Ends a connection whose peer is dead but whose TCP does not know it."""
        loop = asyncio.get_running_loop()
        while True:
            silent_s = loop.time() - protocol.last_heard
            if silent_s < self._limits.ping_after_s:
                await asyncio.sleep(self._limits.ping_after_s - silent_s)
                continue
            asked_at = loop.time()
            try:
                await self._send(protocol, "Ping", {}, None, self._limits.ping_timeout_s)
            except AmiTimeout:
                if protocol.last_heard < asked_at:
                    silent_s = loop.time() - protocol.last_heard
                    protocol.end(f"Asterisk has said nothing for {silent_s:.1f} s, not even to a Ping")
            except AmiError:
                pass  # refused: it lives; disconnected: the supervisor knows

    def _retry_delay_s(self, failures: int) -> float:
        doubled: float = self._limits.first_retry_s * 2 ** max(0, min(failures, 32) - 1)
        longest = min(self._limits.longest_retry_s, doubled)
        return longest * (1 - JITTER * self._jitter())

    def _explain(self, error: Exception) -> str:
        """The failed attempt in words for the person who must mend it."""
        user = self.address.user
        if isinstance(error, AmiRefused):
            return (
                f"Asterisk at {self.address} refused user {user!r} ({error.message!r}): check that manager.conf has "
                f"[{user}] with the same secret as the centre's configuration and lets this machine in (permit, deny)"
            )
        if isinstance(error, OSError):
            return (
                f"no connection to Asterisk's manager at {self.address} ({error or 'no answer'}): check that Asterisk "
                "runs and that manager.conf has enabled = yes, this port and this bindaddr"
            )
        return str(error)


def _counted(manager: Manager) -> AmiCounters:
    """What one connection has counted."""
    counters = AmiCounters(callback_errors=manager.callback_errors)
    if manager.protocol:
        counters.refused_blocks = manager.protocol.decoder.refused
        counters.unexpected_responses = manager.protocol.unexpected_responses
    return counters

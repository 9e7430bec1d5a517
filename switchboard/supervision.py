"""Supervisors monitor agents' talks: listen, whisper, barge in.

The supervisor's phone is rung and then hears exactly one channel, the agent's leg (Asterisk's ChanSpy, found by its
Uniqueid and never by a prefix). The supervisor changes the mode by a key, or anybody who may by an operation; both go
through the same extensions of the dialplan, which tell us by a UserEvent, so that every change is on record. The
monitoring ends with the talk: ChanSpy notices that only when the supervisor's phone sends audio, so the phone is hung
up from here as well.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from asterisk_conf.names import (
    CONTEXT_MONITOR,
    KEY_BARGE,
    KEY_LISTEN,
    KEY_WHISPER,
    MONITOR_PREFIX,
    USER_EVENT_MONITOR,
    VAR_MONITORED,
)
from router.ami import actions
from router.ami.client import AmiClient, AmiError, AmiRefused, Event
from router.live.legs import Leg
from router.live.tasks import Tasks
from switchboard import facts

log = logging.getLogger(__name__)

Mode = Literal["listen", "whisper", "barge"]
KEYS: dict[Mode, str] = {"listen": KEY_LISTEN, "whisper": KEY_WHISPER, "barge": KEY_BARGE}
RING_MS = 30_000


class CannotMonitor(Exception):
    """The message says why, for the person who asked."""


@dataclass(slots=True)
class Monitor:
    """A supervisor's phone on an agent's talk; `leg` is the agent's channel, `begun` once the phone is answered."""

    channel_id: str
    supervisor: str
    agent: str
    contact: str
    leg: str
    mode: Mode
    actor: str
    begun: bool = False


class Monitors:
    """All monitoring under way. `talk_of` gives the leg on which an agent talks, `fact` writes to the records."""

    def __init__(
        self,
        client: AmiClient,
        *,
        talk_of: Callable[[str], Leg | None],
        phone_of: Callable[[str], str],
        fact: Callable[..., None],
        epoch: str,
    ) -> None:
        self._client = client
        self._talk_of = talk_of
        self._phone_of = phone_of
        self._fact = fact
        self._epoch = epoch
        self._numbers = count(1)
        self._monitors: dict[str, Monitor] = {}
        self._tasks = Tasks()

    def all(self) -> list[Monitor]:
        return list(self._monitors.values())

    def of(self, supervisor: str) -> Monitor | None:
        """What this supervisor monitors."""
        return next((monitor for monitor in self._monitors.values() if monitor.supervisor == supervisor), None)

    async def start(self, agent: str, supervisor: str, mode: Mode, actor: str) -> Monitor:
        """Rings the supervisor's phone for the agent's talk. Raises CannotMonitor, AmiError."""
        if agent == supervisor:
            raise CannotMonitor("nobody monitors themselves")
        if other := self.of(supervisor):
            raise CannotMonitor(f"{supervisor} monitors {other.agent} already")
        leg = self._talk_of(agent)
        if leg is None:
            raise CannotMonitor(f"{agent} is not in a talk")
        channel_id = f"{MONITOR_PREFIX}{self._epoch}-{next(self._numbers)}."
        monitor = Monitor(channel_id, supervisor, agent, leg.contact, leg.channel_id, mode, actor)
        self._monitors[channel_id] = monitor
        try:
            await self._client.action(
                "Originate",
                actions.originate(
                    channel=self._phone_of(supervisor),
                    channel_id=channel_id,
                    context=CONTEXT_MONITOR,
                    extension=KEYS[mode],
                    caller_id=actions.caller_id(f"{mode} {agent}", ""),
                    timeout_ms=RING_MS,
                    variables={VAR_MONITORED: leg.channel_id},
                ),
            )
        except AmiRefused:
            del self._monitors[channel_id]
            raise
        return monitor

    async def change(self, monitor: Monitor, mode: Mode) -> None:
        """Changes how the supervisor takes part. Raises CannotMonitor, AmiError."""
        if not monitor.begun:
            raise CannotMonitor(f"the phone of {monitor.supervisor} is not answered yet")
        await self._client.action("Redirect", actions.redirect(monitor.channel_id, CONTEXT_MONITOR, KEYS[mode]))

    async def stop(self, monitor: Monitor) -> None:
        """Hangs up the supervisor's phone. Raises AmiError."""
        try:
            await self._client.action("Hangup", actions.hangup(monitor.channel_id))
        except AmiRefused:
            self._end(monitor, "")  # it was gone already

    # Events of Asterisk

    def on_event(self, event: Event) -> None:
        channel = event.get("Uniqueid", "")
        monitor = self._monitors.get(channel)
        match event.name:
            case "UserEvent" if monitor and event.get("UserEvent") == USER_EVENT_MONITOR:
                self._takes_part(monitor, event.get("Mode", ""))
            case "OriginateResponse" if monitor and event.get("Response") != "Success":
                self._end(monitor, "the phone did not answer")
            case "Hangup" if monitor:
                if monitor.begun:
                    self._end(monitor, "")
            case "Hangup":
                for other in self.all():
                    if other.leg == channel:
                        self._tasks.spawn(self._hang_up(other))

    def in_step(self, channels: Collection[str]) -> None:
        """Asterisk has just these channels: what is gone is over, and what an earlier engine began ends."""
        for monitor in self.all():
            if monitor.begun and monitor.channel_id not in channels:
                self._end(monitor, "")
            elif monitor.leg not in channels:
                self._tasks.spawn(self._hang_up(monitor))
        for channel in channels:
            if channel.startswith(MONITOR_PREFIX) and channel not in self._monitors:
                self._tasks.spawn(self._hang_up(Monitor(channel, "", "", "", "", "listen", "")))

    def _takes_part(self, monitor: Monitor, mode: str) -> None:
        known = next((each for each in KEYS if each == mode), None)
        if known is None:
            log.error("a supervisor takes part as %r; is the dialplan the rendered one?", mode)
            return
        what = "changed" if monitor.begun else "started"
        monitor.begun, monitor.mode = True, known
        self._record(monitor, what)

    def _end(self, monitor: Monitor, reason: str) -> None:
        if self._monitors.pop(monitor.channel_id, None):
            self._record(monitor, "ended" if monitor.begun else "failed", reason)

    def _record(self, monitor: Monitor, what: str, reason: str = "") -> None:
        data: dict[str, Any] = {"what": what, "supervisor": monitor.supervisor, "mode": monitor.mode}
        data |= {"reason": reason} if reason else {}
        self._fact(facts.SUPERVISION, contact=monitor.contact, agent=monitor.agent, actor=monitor.actor, data=data)

    async def _hang_up(self, monitor: Monitor) -> None:
        try:
            await self.stop(monitor)
        except AmiError as error:
            log.warning("cannot end what %s monitors: %s", monitor.supervisor or "somebody", error)

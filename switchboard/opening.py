"""Queues open and close: by their opening hours, and by people.

Looked at every second by the machine's wall clock (not by the engine's, which never jumps), so that after a jump of the
clock, a sleep of the machine or a restart the queues are as the hours say at that moment.

A person's switch beats the hours: until the time that it was given, or else until the hours change the next time. An
emergency without a time lasts until somebody ends it. Switches are kept over restarts, in a file.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from time import time

import msgspec

from ivr.flow.hours import Hours, State
from router.core.events import QueueState, QueueSwitched
from router.live.shell import LiveRouter
from switchboard.files import read_struct, write_struct

log = logging.getLogger(__name__)

REASONS: Mapping[State, str] = {
    "open": "opening hours",
    "closed": "outside opening hours",
    "holiday": "holiday",
    "emergency": "emergency switch of the hours",
}


class Switch(msgspec.Struct, frozen=True):
    """What a person said, until when (Unix ms), and what the hours said at that moment."""

    state: QueueState
    reason: str
    by: str
    at_ms: int
    until_ms: int | None = None
    hours: State | None = None


class Switches(msgspec.Struct):
    """The file."""

    queues: dict[str, Switch] = {}


class Opening:
    """Keeps the router's queues as hours and people say. `hours_of` gives the opening hours of each queue that has
    some, `file` keeps the switches, `wall_ms` is the wall clock."""

    def __init__(
        self,
        live: LiveRouter,
        *,
        hours_of: Callable[[], Mapping[str, Hours]],
        file: Path,
        wall_ms: Callable[[], int] = lambda: round(time() * 1000),
    ) -> None:
        self._live = live
        self._hours_of = hours_of
        self._file = file
        self._wall_ms = wall_ms
        self._switches = read_struct(file, Switches) or Switches()

    def switch(self, queue: str, state: QueueState, reason: str, by: str, until_ms: int | None = None) -> None:
        """A person opens or closes a queue."""
        now_ms = self._wall_ms()
        self._switches.queues[queue] = Switch(state, reason, by, now_ms, until_ms, self._hours(queue, now_ms))
        self._save()
        self.look()

    def follow_hours(self, queue: str) -> None:
        """What people switched is over."""
        if self._switches.queues.pop(queue, None):
            self._save()
        self.look()

    def switched(self, queue: str) -> Switch | None:
        """What a person said that still holds."""
        return self._switches.queues.get(queue)

    def look(self) -> None:
        """Brings every queue into the state that it should have now."""
        now_ms = self._wall_ms()
        router = self._live.router
        for queue in router.queues():
            state, reason = self._wanted(queue, now_ms)
            current = router.switch(queue)
            if (current.state, current.reason) != (state, reason) if current else state != "open":
                self._live.feed(QueueSwitched(queue, state, reason))

    async def run(self) -> None:
        """Looks at the beginning of every second, until it is cancelled."""
        while True:
            await asyncio.sleep(1 - self._wall_ms() % 1000 / 1000)
            self.look()

    def _wanted(self, queue: str, now_ms: int) -> tuple[QueueState, str]:
        hours = self._hours(queue, now_ms)
        if switch := self._switches.queues.get(queue):
            if _holds(switch, hours, now_ms):
                return switch.state, switch.reason
            del self._switches.queues[queue]
            self._save()
        if hours is None:
            return "open", ""
        state: QueueState = "closed" if hours == "holiday" else hours
        return state, REASONS[hours]

    def _hours(self, queue: str, now_ms: int) -> State | None:
        hours = self._hours_of().get(queue)
        return hours.state(now_ms) if hours else None

    def _save(self) -> None:
        try:
            write_struct(self._file, self._switches)
        except OSError as error:
            log.error("%s: cannot write; switches of queues are lost when the engine restarts: %s", self._file, error)


class EmergencyHours:
    """The names of the opening hours that the emergency switch has closed, as flows ask (`Library.emergencies`):
    those of which all queues that follow them are in an emergency, or, without such a queue, all queues there are.

    `queue_hours` names the hours of each queue that has some."""

    def __init__(self, live: LiveRouter, queue_hours: Callable[[], Mapping[str, str]]) -> None:
        self._live = live
        self._queue_hours = queue_hours

    def __contains__(self, hours: object) -> bool:
        router = self._live.router
        queues = router.queues()
        following = [queue for queue, name in self._queue_hours().items() if name == hours and queue in queues]
        switches = [router.switch(queue) for queue in following or queues]
        return bool(switches) and all(switch is not None and switch.state == "emergency" for switch in switches)


def _holds(switch: Switch, hours: State | None, now_ms: int) -> bool:
    if switch.until_ms is not None:
        return now_ms < switch.until_ms
    return switch.state == "emergency" or hours == switch.hours

"""The schedule of a live engine: what is to be in force later, when its moment comes, by the centre's clock."""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from switchboard.publishing.plan import PlanRefused
from switchboard.publishing.versions import Versions, VersionsUnavailable

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
LONGEST_PAUSE_S = 30.0
"""Between two tries to reach the store."""


class Schedule:
    """Keeps the time for `Releases`. `changing` is held while something changes."""

    def __init__(self, engine: "Engine", versions: Versions, changing: asyncio.Lock) -> None:
        self._engine = engine
        self._versions = versions
        self._changing = changing

    async def run(self) -> None:
        """Puts in force what is scheduled when its moment comes, and brings the store what it lacks, until it is
        cancelled."""
        pause_s = 0.0
        while True:
            try:
                await asyncio.to_thread(self._versions.restore)
                break
            except (VersionsUnavailable, OSError) as error:
                pause_s = min(2 * pause_s + LOOK_EVERY_S, LONGEST_PAUSE_S)
                log.warning("%s", error)
                await self.keep_time(pause_s)
        while True:
            await self.keep_time(LONGEST_PAUSE_S if self._versions.unsaved else LOOK_EVERY_S)
            if self._versions.unsaved:
                async with self._changing:
                    with suppress(VersionsUnavailable):
                        await asyncio.to_thread(self._versions.save)

    async def keep_time(self, for_s: float) -> None:
        """For so long, puts in force what is due."""
        until = time.monotonic() + for_s
        while True:
            while (due := self._versions.plan.due(now_ms())) is not None:
                await self._put_in_force(due.version)
            if time.monotonic() >= until:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _put_in_force(self, version: int) -> None:
        """A scheduled version, whose moment has come; one that cannot be is taken from the schedule."""
        from switchboard.operations import Actor, OperationRefused, perform

        itself = Actor("the schedule", frozenset({"admin"}), "engine")
        try:
            await perform(self._engine, itself, "promote", {"version": version})
        except OperationRefused as refusal:
            log.error("version %d of the flows was to be in force from now on, but is not: %s", version, refusal)
            with suppress(OperationRefused):
                await perform(self._engine, itself, "withdraw", {"version": version})


def moment(at: datetime, zone: ZoneInfo) -> int:
    """Unix ms of a time by this zone's clock. Raises PlanRefused for one that is past, or that there is not."""
    instant = at if at.tzinfo else at.replace(tzinfo=zone)
    at_ms = int(instant.timestamp() * 1000)
    if at.tzinfo is None and instant.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at:
        raise PlanRefused(f"clocks in {zone.key} skip {at:%H:%M} on {at:%Y-%m-%d}")
    if at_ms <= now_ms():
        raise PlanRefused(f"{at:%Y-%m-%d %H:%M} is past")
    return at_ms


def now_ms() -> int:
    """Wall time, Unix ms."""
    return time.time_ns() // 1_000_000

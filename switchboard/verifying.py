"""Performs the flow's Verify: asks the centre's own PINs or another source, and locks who has tried too often.

Wrong PINs count over calls and restarts (`switchboard.customer_pins`). An attempt is counted before it is looked at, so
that calls that try at the same time cannot try more often, and taken back when it was right or nobody could check it.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from ivr.agi.server import AgiChannel
from ivr.flow.effects import LookUp, Query, Verify
from ivr.flow.inputs import EffectFailed, Input, LookedUp, LookupFailed, Verified
from ivr.flow.session import Session
from switchboard.customer_pins import Pins

log = logging.getLogger(__name__)

_WRONG: Final = (204, 401, 403, 404, 410)
"""The HTTP status by which a source says that a PIN is wrong."""


class Verifier:
    """Performs `Verify`. `look_up` asks the source of a node that names one."""

    def __init__(
        self,
        pins: Pins,
        look_up: Callable[[LookUp | Query], Awaitable[Input]],
        now_ms: Callable[[], int],
    ) -> None:
        self._pins = pins
        self._look_up = look_up
        self._now_ms = now_ms
        self._checks: set[asyncio.Task[Input]] = set()

    async def verify(self, channel: AgiChannel, contact: str, session: Session, effect: Verify) -> Input:
        """Also when the caller hangs up meanwhile, what was tried is counted."""
        check = asyncio.create_task(self.check(effect))
        self._checks.add(check)
        check.add_done_callback(self._checks.discard)
        return await channel.unless_hung_up(asyncio.shield(check))

    async def check(self, effect: Verify) -> Input:
        """`right`, `wrong`, or `locked`, also for the wrong PIN that locks; EffectFailed when nobody can say it."""
        pins, who = self._pins, effect.who
        try:
            if not await asyncio.to_thread(pins.tries, who, effect.attempts, effect.lockout_ms, self._now_ms()):
                log.warning("a customer is locked after %d wrong PINs, and was tried again", effect.attempts)
                return Verified("locked")
            right = await self._is_right(effect)
            if right is None:
                await asyncio.to_thread(pins.was_none, who)
                return EffectFailed("nobody could check the PIN")
            if right:
                await asyncio.to_thread(pins.was_right, who)
                return Verified("right")
            if await asyncio.to_thread(pins.locked, who, self._now_ms()):
                log.warning(
                    "a customer is locked for %g min after %d wrong PINs", effect.lockout_ms / 60_000, effect.attempts
                )
                return Verified("locked")
        except (sqlite3.Error, OSError) as error:
            log.error("the customers' PINs cannot be used: %s", error)
            return EffectFailed("the customers' PINs cannot be used")
        return Verified("wrong")

    async def _is_right(self, effect: Verify) -> bool | None:
        if effect.check is None:
            return await asyncio.to_thread(self._pins.is_right, effect.who, effect.pin)
        match await self._look_up(effect.check):
            case LookedUp(status=status) if 200 <= status < 300 and status not in _WRONG:
                return True
            case LookedUp(status=status) if status in _WRONG:
                return False
            case LookedUp(status=status):
                log.warning("the source that checks PINs answered with HTTP status %d", status)
            case LookupFailed():
                pass  # it is in the log already
        return None

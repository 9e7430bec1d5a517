"""Lookups of flows, wherever they go, with a memory for equal questions (`cache_s` of a node)."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from ivr.agi.server import AgiChannel
from ivr.flow.effects import LookUp, Query
from ivr.flow.inputs import Input, LookedUp
from ivr.flow.session import Session

MOST_REMEMBERED: Final = 1_000


class FlowLookups:
    """Asks HTTP servers and databases. Remembers answers (found or not found, never failures) for as long as the
    question says; what is sensitive is neither remembered nor looked for."""

    def __init__(
        self,
        http: Callable[[LookUp], Awaitable[Input]],
        database: Callable[[Query], Awaitable[Input]],
        now_ms: Callable[[], int],
    ) -> None:
        self._http = http
        self._database = database
        self._now_ms = now_ms
        self._remembered: OrderedDict[bytes, tuple[int, LookedUp]] = OrderedDict()

    async def look_up(self, effect: LookUp | Query) -> Input:
        """The answer, from memory or from the source."""
        remember = effect.cache_ms > 0 and not effect.sensitive
        key = msgspec.json.encode(effect) if remember else b""
        if remember and (known := self._remembered.get(key)) and known[0] > self._now_ms():
            return known[1]
        answer = await (self._http(effect) if isinstance(effect, LookUp) else self._database(effect))
        if remember and isinstance(answer, LookedUp) and (200 <= answer.status < 300 or answer.status in (404, 410)):
            self._remembered[key] = (self._now_ms() + effect.cache_ms, answer)
            self._remembered.move_to_end(key)
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return answer

    async def query(self, channel: AgiChannel, contact: str, session: Session, effect: Query) -> Input:
        """For a caller, until the caller hangs up."""
        return await channel.unless_hung_up(self.look_up(effect))

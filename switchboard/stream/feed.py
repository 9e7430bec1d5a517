"""A numbered sequence of changes of one document, which any number of readers follow at their own pace.

Readers pull. Nothing is kept for any of them: the last changes are kept once, for all, and a reader who has fallen
further behind than that gets the document anew. So a slow reader costs no memory and delays nobody.
"""

import asyncio
from collections import deque
from itertools import islice
from typing import Any, Literal

import msgspec

from switchboard.stream.patch import Json, merge

KEPT = 1_000
"""How many changes are kept for readers to catch up with."""


class Snapshot(msgspec.Struct, frozen=True, tag_field="type", tag="snapshot"):
    """The whole document as of change `seq`."""

    epoch: str
    seq: int
    at_ms: int
    state: dict[str, Any]


class Change(msgspec.Struct, frozen=True, tag_field="type", tag="change"):
    """Change `seq`: a merge patch (RFC 7396) of the document as of `seq - 1`."""

    epoch: str
    seq: int
    at_ms: int
    patch: dict[str, Any]


class Alive(msgspec.Struct, frozen=True, tag_field="type", tag="alive"):
    """Nothing has changed, and the engine is there."""

    epoch: str
    seq: int
    at_ms: int


Message = Snapshot | Change | Alive
MessageType = Literal["snapshot", "change", "alive"]


class Feed:
    """One document and its changes. `epoch` is that of the engine's run: numbers of another one mean nothing here."""

    def __init__(self, epoch: str, kept: int = KEPT) -> None:
        self.epoch = epoch
        self.seq = 0
        self.document: Json = {}
        self._changes: deque[bytes] = deque(maxlen=kept)
        self._news: asyncio.Future[None] | None = None

    def publish(self, patch: Json, at_ms: int) -> None:
        """Makes the next change; an empty patch is none."""
        if not patch:
            return
        self.seq += 1
        merge(self.document, patch)
        self._changes.append(msgspec.json.encode(Change(self.epoch, self.seq, at_ms, patch)))
        if self._news and not self._news.done():
            self._news.set_result(None)

    def snapshot(self, at_ms: int) -> bytes:
        return msgspec.json.encode(Snapshot(self.epoch, self.seq, at_ms, self.document))

    def alive(self, at_ms: int) -> bytes:
        return msgspec.json.encode(Alive(self.epoch, self.seq, at_ms))

    def since(self, seq: int) -> list[bytes] | None:
        """The changes after `seq`; None when they are not kept any more, or never were."""
        behind = self.seq - seq
        if not 0 <= behind <= len(self._changes):
            return None
        return list(islice(self._changes, len(self._changes) - behind, None))

    async def news(self, seq: int) -> None:
        """Waits until there is a change after `seq`."""
        while self.seq == seq:
            if self._news is None or self._news.done():
                self._news = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._news)


class Reader:
    """Where one reader is in a feed. Pull `messages` as often as they can be taken."""

    def __init__(self, feed: Feed, epoch: str | None = None, after: int | None = None) -> None:
        """Goes on behind change `after` of `epoch`, where that is possible; otherwise begins with a snapshot."""
        self.feed = feed
        self.seq = after if after is not None and epoch == feed.epoch else -1

    def messages(self, at_ms: int) -> list[bytes]:
        """Everything since the last time, as changes or, when too much has happened, as a snapshot."""
        changes = self.feed.since(self.seq) if self.seq >= 0 else None
        self.seq = self.feed.seq
        return [self.feed.snapshot(at_ms)] if changes is None else changes

    async def news(self) -> None:
        await self.feed.news(self.seq)

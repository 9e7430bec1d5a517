"""The client's half of the stream: applies messages, and says where to go on after a lost connection."""

import msgspec

from switchboard.stream.feed import Change, Message, Snapshot
from switchboard.stream.patch import Json, merge

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class OutOfStep(Exception):
    """A change does not follow the one before: messages were lost. Connect again without `after`."""


class Mirror:
    """The document as the engine has it, after every message given to `apply`."""

    def __init__(self) -> None:
        self.epoch = ""
        self.seq = -1
        self.at_ms = 0
        self.document: Json = {}

    def apply(self, message: bytes | str) -> None:
        """Takes one message. Raises OutOfStep."""
        received = _decoder.decode(message)
        if isinstance(received, Snapshot):
            self.document = received.state
        elif received.epoch != self.epoch or received.seq != self.seq + isinstance(received, Change):
            raise OutOfStep(f"{received.epoch}/{received.seq} does not follow {self.epoch}/{self.seq}")
        elif isinstance(received, Change):
            merge(self.document, received.patch)
        self.epoch, self.seq, self.at_ms = received.epoch, received.seq, received.at_ms

    @property
    def place(self) -> dict[str, str]:
        """The query with which the stream goes on here."""
        return {"epoch": self.epoch, "after": str(self.seq)} if self.seq >= 0 else {}

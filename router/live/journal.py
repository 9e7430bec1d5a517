"""The journal: every input of the router with its decisions, and every IVR session, appended as lines of JSON.

What it promises. A record is handed to the operating system before any of its decisions is carried out, so a
`kill -9` of the engine loses nothing. It is forced to the disk by a thread every `SYNC_INTERVAL_S`, so a power cut
loses at most that much (policy `interval`); with the policy `always` it is forced before the decisions are carried
out, with `never` the operating system decides. A last line cut short by a crash is dropped and reported; anything
else that cannot be read is an error with its line.

A journal file starts with a `Header`: with it alone the file replays. The engine starts a new file at each start.
"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from router.core.decisions import AnyDecision
from router.core.events import AnyEvent
from router.core.policy import Policy

SYNC_INTERVAL_S = 0.2
FORMAT = 1
NOTHING = msgspec.Raw(b"null")
"""No session, no snapshot. (msgspec cannot decode `Raw | None`.)"""

SyncPolicy = Literal["interval", "always", "never"]


class Header(msgspec.Struct, frozen=True, tag_field="record", tag="header"):
    """What a file needs to be replayed: the policy and seed it began with, and the state to begin from."""

    at_ms: int
    format: int
    centre: str
    centre_hash: str
    seed: int
    policy_hash: str
    policy: Policy
    snapshot: msgspec.Raw = NOTHING


class Handled(msgspec.Struct, frozen=True, tag_field="record", tag="handled"):
    """An input of the router and what it decided."""

    at_ms: int
    event: AnyEvent
    decisions: tuple[AnyDecision, ...]


class SessionSaved(msgspec.Struct, frozen=True, tag_field="record", tag="session"):
    """The IVR session of a contact at a place where it waits; `session` is NOTHING when it is over."""

    at_ms: int
    contact: str
    session: msgspec.Raw


class Note(msgspec.Struct, frozen=True, tag_field="record", tag="note"):
    """Something a person looking at the journal later should know (a start, a stop, what recovery found)."""

    at_ms: int
    text: str


class Fact(msgspec.Struct, frozen=True, tag_field="record", tag="fact"):
    """Something that belongs to the centre's records and is no business of the router: a call that began, a flow that
    ended, a disposition, a recording, a change made by somebody (see `switchboard.facts` for the kinds)."""

    at_ms: int
    kind: str
    contact: str = ""
    agent: str = ""
    actor: str = ""
    data: dict[str, Any] = {}


Record = Header | Handled | SessionSaved | Note | Fact

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class JournalError(Exception):
    """A journal that cannot be read or written: says which file, which line, and why."""


def policy_hash(policy: Policy) -> str:
    return hashlib.sha256(_encoder.encode(policy)).hexdigest()[:16]


class Journal:
    """An open journal file, for appending. Not shared between processes: a lock file next to it sees to that."""

    def __init__(self, path: Path, sync: SyncPolicy = "interval") -> None:
        self.path = path
        self._sync = sync
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        self._written = 0
        self._dirty = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        if sync == "interval":
            self._thread = threading.Thread(target=self._sync_regularly, name="journal-sync", daemon=True)
            self._thread.start()

    def append(self, record: Record) -> None:
        """Hands the record to the operating system. Raises JournalError when it cannot take it (a full disk); a part
        already written is taken back, so that the file stays readable."""
        line = _encoder.encode(record) + b"\n"
        try:
            count = os.write(self._descriptor, line)
            if count < len(line):
                raise OSError(f"only {count} of {len(line)} bytes were taken")
            self._written += count
            if self._sync == "always":
                os.fdatasync(self._descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._written)
            raise JournalError(f"{self.path}: cannot write: {error}") from error
        self._dirty = True

    def rename(self, path: Path) -> None:
        """Gives the open file another name. So a journal gets the name by which `newest` finds it only when all that
        it takes over from the one before is in it."""
        self.path.rename(path)
        self.path = path

    def close(self) -> None:
        self._closing.set()
        if self._thread:
            self._thread.join()
        with contextlib.suppress(OSError):
            os.fdatasync(self._descriptor)
        os.close(self._descriptor)

    def _sync_regularly(self) -> None:
        while not self._closing.wait(SYNC_INTERVAL_S):
            if self._dirty:
                self._dirty = False
                with contextlib.suppress(OSError):
                    os.fdatasync(self._descriptor)


def read(path: Path) -> Iterator[Record]:
    """The records of a journal in order. Raises JournalError with the line for anything but a last line cut short."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from error
    with file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # the engine was killed while writing this; nothing of it was carried out
            try:
                record = _decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise JournalError(f"{path}:{number}: not a journal record: {error}") from error
            if number == 1 and not isinstance(record, Header):
                raise JournalError(f"{path}:1: a journal starts with a header, this is a {type(record).__name__}")
            if isinstance(record, Header) and record.format != FORMAT:
                raise JournalError(f"{path}:{number}: journal format {record.format}; this version reads {FORMAT}")
            yield record


def newest(directory: Path) -> Path | None:
    """The journal file that a starting engine continues, if there is one with at least a header."""
    for path in sorted(directory.glob("journal-*.jsonl"), reverse=True):
        with contextlib.suppress(JournalError):
            if next(read(path), None) is not None:
                return path
    return None

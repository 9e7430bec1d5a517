"""Reads an engine's journals from a position on, while the engine writes the newest one."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from router.live.journal import FORMAT, Header, JournalError, Record

PATTERN = "journal-*.jsonl"
_HEADER, _PUBLISHED = b'"record":"header"', b'"event":"PolicyPublished"'
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Position(msgspec.Struct, frozen=True):
    """Everything before byte `offset` of the journal `file` has been read; nothing at all without a file."""

    file: str = ""
    offset: int = 0


BEGINNING = Position()


class Follower:
    """The journals of a directory as one stream of records.

    Names of journals sort by time. An engine holds the lock of its directory, so once there is a newer journal nothing
    is added to an older one: a line cut short at its end was never carried out and is passed over.
    """

    def __init__(self, directory: Path, position: Position = BEGINNING) -> None:
        self.directory = directory
        self.position = position

    def journals(self) -> list[Path]:
        """All journals, the oldest first."""
        return sorted(self.directory.glob(PATTERN))

    def read(self, most_bytes: int) -> list[Record]:
        """The next records, some `most_bytes` of them, and moves the position behind them; none: there are no more yet.

        Raises JournalError for a line that is no record, and OSError when a journal cannot be read.
        """
        while True:
            path = self._current()
            if path is None:
                return []
            records = self._read(path, most_bytes)
            if records:
                return records
            newer = self._newer()
            if newer is None:
                return []
            records = self._read(path, most_bytes)  # what was added before there was a newer one
            if records:
                return records
            self.position = Position(newer.name, 0)

    def behind(self) -> int:
        """How many bytes of the journals are still to be read."""
        sizes = {path.name: path.stat().st_size for path in self.journals() if path.name >= self.position.file}
        return max(0, sum(sizes.values()) - (self.position.offset if self.position.file in sizes else 0))

    def read_again(self) -> Iterator[Record]:
        """Of the present journal the headers and policies before the position, which say what policy is in force."""
        path = self.directory / self.position.file
        if not self.position.file or not path.exists():
            return
        offset = 0
        with path.open("rb") as file:
            for line in file:
                offset += len(line)
                if offset > self.position.offset:
                    return
                if _HEADER in line[:100] or _PUBLISHED in line:
                    yield _decoder.decode(line)

    def _current(self) -> Path | None:
        """The journal at the position; the next one if that is gone, the oldest at the very beginning."""
        path = self.directory / self.position.file
        if self.position.file and path.exists():
            return path
        newer = self._newer()
        if newer is not None:
            self.position = Position(newer.name, 0)
        return newer

    def _newer(self) -> Path | None:
        return next((path for path in self.journals() if path.name > self.position.file), None)

    def _read(self, path: Path, most_bytes: int) -> list[Record]:
        with path.open("rb") as file:
            file.seek(self.position.offset)
            data = file.read(most_bytes)
            while data and b"\n" not in data and (more := file.read(most_bytes)):  # a line longer than that
                data += more
        whole = data[: data.rfind(b"\n") + 1]
        offset, records = self.position.offset, []
        for line in whole.splitlines(keepends=True):
            records.append(self._decode(path, offset, line))
            offset += len(line)
        self.position = Position(path.name, offset)
        return records

    def _decode(self, path: Path, offset: int, line: bytes) -> Record:
        try:
            record = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise JournalError(f"{path}: byte {offset}: not a journal record: {error}") from error
        if isinstance(record, Header) and record.format != FORMAT:
            raise JournalError(f"{path}: journal format {record.format}; this version reads {FORMAT}")
        return record

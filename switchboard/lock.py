"""One engine on a directory: a lock that the operating system releases when the engine dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class AlreadyRunning(Exception):
    """Another engine works on this directory; the message names it."""


class DirectoryLock:
    """Holds `DIRECTORY/engine.lock` as long as it is entered; the file names the process that has it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "engine.lock"
        self._descriptor = -1

    def __enter__(self) -> "DirectoryLock":
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 100).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise AlreadyRunning(
                f"{self._path}: another engine is at work here (process {holder or 'unknown'})"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

"""The file in which programs made for Asterisk find its `queue_log`: a copy of the table of that name, as it grows.

Which rows are in the file, and how long it was then, is noted with the next commit. After a crash what was appended
since is cut off and written again, so that no line is there twice; a file that was rotated away is left alone.
"""

import os
from pathlib import Path

from sqlalchemy import Connection, func, select

from switchboard.store import schema
from switchboard.store.batch import upsert
from switchboard.store.queue_log import written

_AT_ONCE = 5000


class QueueLogFile:
    """Appends to `path`, which it makes when it is not there. When it cannot be written the records go on, and the file
    follows later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written_id: int | None = None

    def note(self, connection: Connection) -> None:
        """Notes, in a transaction under way, what is in the file."""
        if self._written_id is not None:
            found = self.path.stat() if self.path.exists() else None
            inode, size = (found.st_ino, found.st_size) if found else (0, 0)
            row = {"id": 1, "written_id": self._written_id, "inode": inode, "size": size}
            upsert(connection, schema.queue_log_file, [row])

    def follow(self, connection: Connection) -> None:
        """Writes the rows that are not in the file yet. Raises OSError when it cannot; then it is to be asked again."""
        try:
            if self._written_id is None:
                self._resume(connection)
            self._append(connection)
        except OSError:
            self._written_id = None
            raise

    def _resume(self, connection: Connection) -> None:
        """Takes up where the database says; a file asked for only now begins with what comes from now on."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o640)
        noted = connection.execute(select(schema.queue_log_file)).one_or_none()
        if noted is None:
            self._written_id = connection.execute(select(func.max(schema.queue_log.c.id))).scalar() or 0
            return
        found = self.path.stat()
        if found.st_ino == noted.inode and found.st_size > noted.size:
            os.truncate(self.path, noted.size)
        self._written_id = noted.written_id

    def _append(self, connection: Connection) -> None:
        table = schema.queue_log
        while True:
            query = select(table).where(table.c.id > self._written_id).order_by(table.c.id).limit(_AT_ONCE)
            rows = connection.execute(query).all()
            if not rows:
                return
            lines = [
                written(row.at_ms, row.callid, row.queuename, row.agent, row.event, tuple(row[-5:])) for row in rows
            ]
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{line}\n" for line in lines)
            self._written_id = rows[-1].id

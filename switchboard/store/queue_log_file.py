"""The file in which programs made for Asterisk find its `queue_log`: a copy of the table of that name, as it grows.

Which rows are in the file, and how long it was then, is noted with the next commit. After a crash what was appended
since is cut off and written again, so that no line is there twice; a file that was rotated away is left alone.
"""

import os
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

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

    def begin(self, connection: Connection) -> None:
        """A file asked for only now begins with what comes from now on, even if it cannot be written yet."""
        if connection.execute(select(schema.queue_log_file)).one_or_none() is None:
            newest = connection.execute(select(func.max(schema.queue_log.c.id))).scalar() or 0
            self._note(connection, newest, inode=0, size=0)

    def follow(self, store: Engine) -> None:
        """Writes the rows that are not in the file yet. Raises OSError when it cannot; then it is to be asked again."""
        try:
            if self._written_id is None:
                with store.begin() as connection:
                    self._resume(connection)
            with store.begin() as connection:
                self._append(connection)
        except OSError:
            self._written_id = None
            raise

    def _resume(self, connection: Connection) -> None:
        """Takes up where the database says."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o640)
        noted = connection.execute(select(schema.queue_log_file)).one()
        found = self.path.stat()
        if found.st_ino == noted.inode and found.st_size > noted.size:
            os.truncate(self.path, noted.size)
        self._written_id = noted.written_id
        self._note_file(connection)

    def _append(self, connection: Connection) -> None:
        table, written_before = schema.queue_log, self._written_id
        while True:
            query = select(table).where(table.c.id > self._written_id).order_by(table.c.id).limit(_AT_ONCE)
            rows = connection.execute(query).all()
            if not rows:
                break
            lines = [
                written(row.at_ms, row.callid, row.queuename, row.agent, row.event, tuple(row[-5:])) for row in rows
            ]
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{line}\n" for line in lines)
            self._written_id = rows[-1].id
        if written_before != self._written_id:
            self._note_file(connection)

    def _note_file(self, connection: Connection) -> None:
        found = self.path.stat()
        self._note(connection, self._written_id or 0, found.st_ino, found.st_size)

    def _note(self, connection: Connection, written_id: int, inode: int, size: int) -> None:
        upsert(connection, schema.queue_log_file, [{"id": 1, "written_id": written_id, "inode": inode, "size": size}])

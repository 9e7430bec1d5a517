"""Customers' PINs, and how many wrong ones were tried: one SQLite file of the engine's directory, beside the journal.

Nothing in it can be read as it was entered: PINs are salted scrypt hashes, and customers are named by a keyed hash
(HMAC-SHA-256, with a key of this file). As with agents' PINs the hashes keep PINs from the eyes of those who look at
the file; whoever steals it can try all PINs of four digits.
"""

import hashlib
import hmac
import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from switchboard.centre.secrets import check_pin, hash_pin

log = logging.getLogger(__name__)

FILE_NAME: Final = "pins.db"
_TABLES: Final = """
    create table if not exists secret (id integer primary key check (id = 1), value blob not null);
    create table if not exists pins (who text primary key, hash text not null);
    create table if not exists wrong (who text primary key, count integer not null, locked_until_ms integer not null);
"""
_NOBODY: Final = hash_pin("0000", b"\0" * 16)
"""Checked for those who have no PIN, which then takes as long."""


class Pins:
    """The file. Every method blocks; times are Unix ms."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    def set(self, customer: str, pin: str) -> None:
        """Raises ValueError unless the PIN is 4 to 12 digits."""
        hashed = hash_pin(pin)
        with self._open() as (connection, who):
            connection.execute("insert or replace into pins values (?, ?)", (who(customer), hashed))
            connection.execute("delete from wrong where who = ?", (who(customer),))

    def remove(self, customer: str) -> bool:
        """Whether there was a PIN."""
        with self._open() as (connection, who):
            return connection.execute("delete from pins where who = ?", (who(customer),)).rowcount > 0

    def unlock(self, customer: str) -> bool:
        """Whether wrong PINs had been counted."""
        with self._open() as (connection, who):
            return connection.execute("delete from wrong where who = ?", (who(customer),)).rowcount > 0

    def is_right(self, customer: str, pin: str) -> bool:
        """Whether it is the customer's; whoever has none has no right one."""
        with self._open() as (connection, who):
            row = connection.execute("select hash from pins where who = ?", (who(customer),)).fetchone()
        right = check_pin(pin, row[0] if row else _NOBODY)
        if row is None:
            log.warning(
                "a customer without a PIN was asked for it: `switchboard pin set`, or a 'url' in the verify node"
            )
        return right and row is not None

    def tries(self, customer: str, attempts: int, lockout_ms: int, now_ms: int) -> bool:
        """Counts an attempt; False when the customer is locked. The last one that is allowed locks already."""
        with self._open() as (connection, who):
            row = connection.execute(
                "select count, locked_until_ms from wrong where who = ?", (who(customer),)
            ).fetchone()
            count, locked_until_ms = row or (0, 0)
            if locked_until_ms > now_ms:
                return False
            count = 1 if locked_until_ms else count + 1  # a lock that is over begins anew
            until_ms = now_ms + lockout_ms if count >= attempts else 0
            connection.execute("insert or replace into wrong values (?, ?, ?)", (who(customer), count, until_ms))
            return True

    def was_right(self, customer: str) -> None:
        """What was counted before is forgotten."""
        with self._open() as (connection, who):
            connection.execute("delete from wrong where who = ?", (who(customer),))

    def was_none(self, customer: str) -> None:
        """Nobody could look at the attempt: it is taken back."""
        with self._open() as (connection, who):
            connection.execute(
                "update wrong set count = max(count - 1, 0), locked_until_ms = 0 where who = ?", (who(customer),)
            )

    def locked(self, customer: str, now_ms: int) -> bool:
        with self._open() as (connection, who):
            row = connection.execute("select locked_until_ms from wrong where who = ?", (who(customer),)).fetchone()
        return row is not None and row[0] > now_ms

    @contextmanager
    def _open(self) -> Iterator[tuple[sqlite3.Connection, Callable[[str], str]]]:
        """One transaction, and what names a customer in it."""
        self._path.touch(mode=0o600)
        with closing(sqlite3.connect(self._path, timeout=5, isolation_level=None)) as connection:
            connection.executescript(_TABLES)
            connection.execute("begin immediate")
            connection.execute("insert or ignore into secret values (1, ?)", (secrets.token_bytes(32),))
            (key,) = connection.execute("select value from secret").fetchone()
            yield (
                connection,
                lambda customer: hmac.new(key, customer.encode("utf-8", "replace"), hashlib.sha256).hexdigest(),
            )
            connection.execute("commit")

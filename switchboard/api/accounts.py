"""Who may use the HTTP API: users with passwords, tokens for programs, and the sessions of users.

Passwords are kept as argon2id hashes (RFC 9106, the low-memory profile). Tokens and session secrets are 256 random
bits, so a plain SHA-256 of them is enough to keep and nothing can be guessed from it. Everything blocks: the API
calls it in a thread.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

if TYPE_CHECKING:  # the operations on accounts stand on this module
    from switchboard.operations.base import Role

FILE_NAME = "accounts.db"
FORMAT = 1
"""Of the tables (SQLite's `user_version`)."""
MARK = "swb_"
"""Tokens begin so, that scanners for leaked secrets know them."""
SESSION_IDLE_MS = 30 * 60_000
"""A session that is not used for so long is over."""
SESSION_LONGEST_MS = 12 * 3_600_000
"""However much it is used: a long shift."""
USE_NOTED_EVERY_MS = 60_000
"""The last use of a token or session is written down at most so often."""
_DAY_MS = 86_400_000

_metadata = sa.MetaData()

_users = sa.Table(
    "users",
    _metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("password_hash", sa.String(256), nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("agent", sa.String(64)),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)
_tokens = sa.Table(
    "tokens",
    _metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("agent", sa.String(64)),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger),
    sa.Column("used_ms", sa.BigInteger),
)
_sessions = sa.Table(
    "sessions",
    _metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("user", sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("used_ms", sa.BigInteger, nullable=False),
)
_changes = sa.Table(
    "changes",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
)


class AccountError(Exception):
    """There is no such account (`unknown`), or there is one of that name already."""

    def __init__(self, message: str, *, unknown: bool) -> None:
        super().__init__(message)
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a token or a session, and what that one may do."""

    name: str
    roles: frozenset["Role"]
    agent: str | None


@dataclass(frozen=True, slots=True)
class User:
    """A person. `agent` is the agent that this person is, if any."""

    name: str
    roles: tuple["Role", ...]
    agent: str | None
    created_ms: int


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: never the token itself."""

    name: str
    roles: tuple["Role", ...]
    agent: str | None
    created_ms: int
    expires_ms: int | None
    used_ms: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change made while no engine ran, which the next engine writes to the audit log."""

    at_ms: int
    actor: str
    data: dict[str, Any]


class AccountsTooNew(Exception):
    """The accounts were written by a newer version."""


def csrf_of(session: str) -> str:
    """What a page sends along with every change it makes by cookie; only who was told the session knows it."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Accounts:
    """The accounts of the engine that works in `directory`; `open` makes the file if it is not there.

    A database of its own: the records are made anew from the journals whenever that is needed, accounts cannot be; and
    people can see and steer the centre also while the records' database is locked, full or gone.
    """

    def __init__(
        self, directory: Path, *, now_ms: Callable[[], int] = _wall_ms, hasher: PasswordHasher | None = None
    ) -> None:
        """Everything but this can raise sqlalchemy.exc.SQLAlchemyError."""
        self._now_ms = now_ms
        self._hasher = hasher or PasswordHasher()
        self._path = directory / FILE_NAME
        self._engine = sa.create_engine(sa.URL.create("sqlite", database=str(self._path)))
        sa.event.listen(self._engine, "connect", _prepare)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def close(self) -> None:
        self._engine.dispose()

    def open(self) -> None:
        """Makes the file and its tables. Raises AccountsTooNew, OSError or sqlalchemy.exc.SQLAlchemyError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with self._engine.begin() as db:
            found = db.exec_driver_sql("PRAGMA user_version").scalar_one()
            if found > FORMAT:
                raise AccountsTooNew(f"{self._path} has format {found}; this version of Switchboard knows {FORMAT}")
            _metadata.create_all(db)
            db.exec_driver_sql(f"PRAGMA user_version = {FORMAT}")

    # Users

    def users(self) -> list[User]:
        with self._engine.connect() as db:
            return [_user(row) for row in db.execute(sa.select(_users).order_by(_users.c.name))]

    def user(self, name: str) -> User:
        with self._engine.connect() as db:
            row = db.execute(sa.select(_users).where(_users.c.name == name)).one_or_none()
        if row is None:
            raise AccountError(f"there is no user {name!r}", unknown=True)
        return _user(row)

    def add_user(self, name: str, password: str, roles: Iterable["Role"], agent: str | None = None) -> None:
        row = {
            "name": name,
            "password_hash": self._hasher.hash(password),
            "roles": sorted(set(roles)),
            "agent": agent,
            "created_ms": self._now_ms(),
        }
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(_users).values(row))
        except sa.exc.IntegrityError:
            raise AccountError(f"there is a user {name!r} already", unknown=False) from None

    def set_roles(self, name: str, roles: Iterable["Role"], agent: str | None) -> None:
        """Takes effect at once, also in sessions under way."""
        self._change_user(name, {"roles": sorted(set(roles)), "agent": agent})

    def set_password(self, name: str, password: str) -> None:
        """Ends all sessions of the user."""
        self._change_user(name, {"password_hash": self._hasher.hash(password)})
        with self._engine.begin() as db:
            db.execute(sa.delete(_sessions).where(_sessions.c.user == name))

    def remove_user(self, name: str) -> None:
        with self._engine.begin() as db:
            gone = db.execute(sa.delete(_users).where(_users.c.name == name)).rowcount
        if not gone:
            raise AccountError(f"there is no user {name!r}", unknown=True)

    def check_password(self, name: str, password: str) -> User | None:
        """The user, if the password is right. Takes the same time when there is no such user."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(_users).where(_users.c.name == name)).one_or_none()
        try:
            self._hasher.verify(row.password_hash if row else self._nobody, password)
        except VerificationError:
            return None
        if row is None:
            return None
        if self._hasher.check_needs_rehash(row.password_hash):
            self._change_user(name, {"password_hash": self._hasher.hash(password)})
        return _user(row)

    def _change_user(self, name: str, values: dict[str, Any]) -> None:
        with self._engine.begin() as db:
            changed = db.execute(sa.update(_users).where(_users.c.name == name).values(values)).rowcount
        if not changed:
            raise AccountError(f"there is no user {name!r}", unknown=True)

    # Tokens

    def tokens(self) -> list[Token]:
        with self._engine.connect() as db:
            return [_token(row) for row in db.execute(sa.select(_tokens).order_by(_tokens.c.name))]

    def create_token(
        self, name: str, roles: Iterable["Role"], agent: str | None = None, days: int | None = None
    ) -> str:
        """The new token, which expires after so many days: this is the only time that anybody sees it."""
        token, now_ms = MARK + secrets.token_urlsafe(32), self._now_ms()
        row = {
            "name": name,
            "hash": _hash(token),
            "roles": sorted(set(roles)),
            "agent": agent,
            "created_ms": now_ms,
            "expires_ms": now_ms + days * _DAY_MS if days is not None else None,
        }
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(_tokens).values(row))
        except sa.exc.IntegrityError:
            raise AccountError(f"there is a token {name!r} already; revoke it first", unknown=False) from None
        return token

    def revoke_token(self, name: str) -> None:
        with self._engine.begin() as db:
            gone = db.execute(sa.delete(_tokens).where(_tokens.c.name == name)).rowcount
        if not gone:
            raise AccountError(f"there is no token {name!r}", unknown=True)

    def holder_of_token(self, token: str) -> Holder | None:
        """Who asks with this token; None when it is wrong, revoked or expired."""
        now_ms = self._now_ms()
        with self._engine.connect() as db:
            row = db.execute(sa.select(_tokens).where(_tokens.c.hash == _hash(token))).one_or_none()
        if row is None or (row.expires_ms is not None and row.expires_ms <= now_ms):
            return None
        if row.used_ms is None or now_ms - row.used_ms >= USE_NOTED_EVERY_MS:
            with self._engine.begin() as db:
                db.execute(sa.update(_tokens).where(_tokens.c.hash == row.hash).values(used_ms=now_ms))
        return Holder(f"token {row.name}", frozenset(row.roles), row.agent)

    # Sessions

    def open_session(self, user: str) -> str:
        """A new session of the user: its secret, which goes into a cookie."""
        secret, now_ms = secrets.token_urlsafe(32), self._now_ms()
        with self._engine.begin() as db:
            db.execute(
                sa.delete(_sessions).where(
                    (_sessions.c.used_ms <= now_ms - SESSION_IDLE_MS)
                    | (_sessions.c.created_ms <= now_ms - SESSION_LONGEST_MS)
                )
            )
            db.execute(sa.insert(_sessions).values(hash=_hash(secret), user=user, created_ms=now_ms, used_ms=now_ms))
        return secret

    def holder_of_session(self, secret: str) -> Holder | None:
        """Who has this session; None when it is over. Looking is using."""
        now_ms = self._now_ms()
        with self._engine.connect() as db:
            joined = _sessions.join(_users, _sessions.c.user == _users.c.name)
            wanted = sa.select(_sessions, _users.c.roles, _users.c.agent).select_from(joined)
            row = db.execute(wanted.where(_sessions.c.hash == _hash(secret))).one_or_none()
        if row is None:
            return None
        if now_ms - row.used_ms >= SESSION_IDLE_MS or now_ms - row.created_ms >= SESSION_LONGEST_MS:
            self.close_session(secret)
            return None
        if now_ms - row.used_ms >= USE_NOTED_EVERY_MS:
            with self._engine.begin() as db:
                db.execute(sa.update(_sessions).where(_sessions.c.hash == row.hash).values(used_ms=now_ms))
        return Holder(row.user, frozenset(row.roles), row.agent)

    def close_session(self, secret: str) -> None:
        with self._engine.begin() as db:
            db.execute(sa.delete(_sessions).where(_sessions.c.hash == _hash(secret)))

    # Changes made while no engine runs

    def note_change(self, actor: str, data: dict[str, Any]) -> None:
        """Keeps for the audit log what was changed without an engine that writes one."""
        with self._engine.begin() as db:
            db.execute(sa.insert(_changes).values(at_ms=self._now_ms(), actor=actor, data=data))

    def take_changes(self) -> list[Change]:
        """The changes noted since the last time, once."""
        with self._engine.begin() as db:
            rows = db.execute(sa.select(_changes).order_by(_changes.c.id)).all()
            if rows:
                db.execute(sa.delete(_changes).where(_changes.c.id <= rows[-1].id))
        return [Change(row.at_ms, row.actor, row.data) for row in rows]


def _prepare(connection: Any, _record: object) -> None:
    # Write-ahead logging, so that the command line and the engine can work on the file at the same time.
    for pragma in ("journal_mode=WAL", "busy_timeout=5000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _user(row: Any) -> User:
    return User(row.name, tuple(row.roles), row.agent, row.created_ms)


def _token(row: Any) -> Token:
    return Token(row.name, tuple(row.roles), row.agent, row.created_ms, row.expires_ms, row.used_ms)

"""Published versions of the flows in the store: what is in them, and which is in force.

A version is written once and never changed; files of equal content share one blob. What is in force is the newest row
of `flow_plans`. Its primary key counts up, so of two who change the plan at once the database refuses one.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, func, inspect, select
from sqlalchemy.exc import IntegrityError

from switchboard.store import schema


class VersionInfo(msgspec.Struct, frozen=True):
    """A version. `base` is the version in force that its author looked at (0: none), `hash` that of all its content,
    `files` the SHA-256 of each file by its place in the centre's directory."""

    number: int
    base: int
    created_ms: int
    author: str
    note: str
    hash: str
    files: dict[str, str]


class PlanRow(msgspec.Struct, frozen=True):
    """A state of what is in force: who made it so, by what, and when."""

    revision: int
    at_ms: int
    actor: str
    what: str
    plan: dict[str, Any]


class OutOfDate(Exception):
    """Somebody else has changed what is in force meanwhile."""


def content_hash(files: Mapping[str, str]) -> str:
    """One hash for the whole content of a version, of its files' hashes by their places."""
    text = "".join(f"{place}\0{digest}\n" for place, digest in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def there(engine: Engine) -> bool:
    """Whether the database has the tables for versions."""
    with engine.connect() as connection:
        return inspect(connection).has_table(schema.flow_plans.name)


def versions(connection: Connection) -> dict[int, VersionInfo]:
    """All versions by number, the oldest first."""
    query = select(schema.flow_versions).order_by(schema.flow_versions.c.number)
    return {row["number"]: VersionInfo(**row) for row in connection.execute(query).mappings()}


def newest_plan(connection: Connection) -> PlanRow | None:
    """What is in force."""
    query = select(schema.flow_plans).order_by(schema.flow_plans.c.revision.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return PlanRow(**row) if row else None


def plans(connection: Connection) -> list[PlanRow]:
    """All that was in force, the oldest first."""
    query = select(schema.flow_plans).order_by(schema.flow_plans.c.revision)
    return [PlanRow(**row) for row in connection.execute(query).mappings()]


def next_number(connection: Connection) -> int:
    """That of a new version."""
    return (connection.execute(select(func.max(schema.flow_versions.c.number))).scalar_one() or 0) + 1


def contents(connection: Connection, info: VersionInfo) -> dict[str, bytes]:
    """The files of a version by their places."""
    wanted = set(info.files.values())
    query = select(schema.flow_blobs).where(schema.flow_blobs.c.hash.in_(wanted))
    blobs = {row.hash: bytes(row.content) for row in connection.execute(query)}
    return {place: blobs[digest] for place, digest in info.files.items()}


def add_version(connection: Connection, info: VersionInfo, files: Mapping[str, bytes]) -> None:
    """Writes a version. Raises OutOfDate where there is one of that number already."""
    wanted = {info.files[place]: content for place, content in files.items()}
    query = select(schema.flow_blobs.c.hash).where(schema.flow_blobs.c.hash.in_(wanted))
    known = set(connection.execute(query).scalars())
    new = [{"hash": digest, "content": content} for digest, content in wanted.items() if digest not in known]
    try:
        if new:
            connection.execute(schema.flow_blobs.insert(), new)
        connection.execute(schema.flow_versions.insert(), [msgspec.structs.asdict(info)])
    except IntegrityError as error:
        raise OutOfDate(f"there is a version {info.number} already") from error


def add_plan(connection: Connection, row: PlanRow) -> None:
    """Puts a plan in force. Raises OutOfDate unless the newest one is of the revision before."""
    newest = newest_plan(connection)
    if (newest.revision if newest else 0) != row.revision - 1:
        raise OutOfDate("somebody else has changed what is in force meanwhile")
    put_plan(connection, row)


def put_plan(connection: Connection, row: PlanRow) -> None:
    """Puts a plan in force in a store that may lack those before it. Raises OutOfDate if it has that revision."""
    try:
        connection.execute(schema.flow_plans.insert(), [msgspec.structs.asdict(row)])
    except IntegrityError as error:
        raise OutOfDate("somebody else has changed what is in force meanwhile") from error

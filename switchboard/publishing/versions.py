"""The versions of one centre and its plan: kept in the store, and as far as an engine needs them in its directory.

The store has everything. The engine's directory has the plan as last known (`versions/plan.json`) and the versions
that calls have met, laid out as files (`versions/7/flows/main.yaml`). So an engine starts, takes calls and goes on with
those in progress while the database is away. A plan that had to be changed meanwhile (a canary was halted) is `unsaved`
and goes to the store when that is back.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from documents import DocumentError, Problem
from ivr.speech.rendering import keep
from switchboard.centre import Centre, load_centre
from switchboard.centre.files import SOUNDS, pinned_name
from switchboard.centre.secrets import SecretError
from switchboard.files import read_struct, write_struct
from switchboard.publishing.plan import Plan
from switchboard.store import versions as store
from switchboard.store.database import StoreError, reason, upgrade
from switchboard.store.versions import OutOfDate, PlanRow, VersionInfo

log = logging.getLogger(__name__)

DIRECTORY = "versions"


class VersionsUnavailable(Exception):
    """The store cannot be reached, or lacks a version; the message says why."""


class Kept(msgspec.Struct, omit_defaults=True):
    """The file `plan.json`: the plan as last known, the versions met so far, and the plans that the store lacks."""

    plan: Plan = Plan()
    versions: dict[int, VersionInfo] = {}
    unsaved: list[PlanRow] = []


class Versions:
    """Versions and plan. `directory` is the engine's, `centre` the centre's; `database` opens the store. Everything
    blocks, and one thing at a time: the caller sees to that."""

    def __init__(self, directory: Path, centre: Path, database: Callable[[], Engine]) -> None:
        self._directory = directory / DIRECTORY
        self._file = self._directory / "plan.json"
        self._centre = centre
        self._database = database
        self._kept = read_struct(self._file, Kept) or Kept()

    @property
    def plan(self) -> Plan:
        """As last known."""
        return self._kept.plan

    @property
    def unsaved(self) -> bool:
        """The store lacks the newest plan."""
        return bool(self._kept.unsaved)

    def info(self, number: int) -> VersionInfo | None:
        """What is known of a version that calls here have met."""
        return self._kept.versions.get(number)

    # Looking

    def look(self) -> bool:
        """Takes the plan from the store, if that has a newer one and can be read; whether it can. Nothing is written
        into the store."""
        try:
            with self._connected(create=False) as connection:
                newest = store.newest_plan(connection) if connection else None
                known = store.versions(connection) if connection else {}
        except VersionsUnavailable as error:
            log.warning("%s; version %d of the flows, the last known, is in force", error, self.plan.in_force)
            return False
        if newest is not None and newest.revision > self.plan.revision:
            plan = msgspec.convert(newest.plan, Plan)
            for number in plan.live() - {0}:
                self._lay_out(known[number])
            self._keep(Kept(plan, {**self._kept.versions, **known}))
        return True

    def all(self) -> dict[int, VersionInfo]:
        """All versions, the oldest first; without the store those that are known here."""
        try:
            with self._connected(create=False) as connection:
                return store.versions(connection) if connection else {}
        except VersionsUnavailable:
            return dict(sorted(self._kept.versions.items()))

    def history(self) -> list[PlanRow]:
        """All that was in force, the oldest first. Raises VersionsUnavailable."""
        with self._connected(create=False) as connection:
            return store.plans(connection) if connection else []

    def load(self, number: int, *, checked: bool = True) -> Centre:
        """The centre with this version of its flows; 0: with those of its directory. Unless `checked`, the version need
        not go together with the rest of the centre. Raises DocumentError, VersionsUnavailable."""
        if not number:
            return load_centre(self._centre, checked=checked)
        info = self.info(number) or self.all().get(number)
        if info is None:
            raise VersionsUnavailable(f"there is no version {number}")
        return load_centre(self._centre, published=self._lay_out(info), version=number, checked=checked)

    # Changing

    def publish(self, content: Mapping[str, bytes], files: Mapping[str, str], **about: object) -> VersionInfo:
        """Writes a new version, which is not in force by that; `files` are the SHA-256 of its `content`. Raises
        VersionsUnavailable, OSError."""
        with self._connected() as connection:
            assert connection is not None
            info = VersionInfo(
                number=max(store.next_number(connection), max(self._kept.versions, default=0) + 1),
                hash=store.content_hash(files),
                files=dict(files),
                **about,  # type: ignore[arg-type]
            )
            store.add_version(connection, info, content)
            self._write(info, content)
        self._keep(Kept(self.plan, {**self._kept.versions, info.number: info}, self._kept.unsaved))
        return info

    def change(self, plan: Plan, actor: str, what: str, *, at_once: bool = False) -> None:
        """Puts a plan in force. Raises OutOfDate when somebody else has changed it, and VersionsUnavailable; unless it
        has to be `at_once`: then it waits here for the store."""
        row = PlanRow(plan.revision, _now_ms(), actor, what, msgspec.to_builtins(plan))
        unsaved = [*self._kept.unsaved, row]
        try:
            self._save(unsaved)
            unsaved = []
        except VersionsUnavailable as error:
            if not at_once:
                raise
            log.warning("%s; the plan goes there when it can", error)
        self._keep(Kept(plan, self._kept.versions, unsaved))

    def save(self) -> None:
        """Brings the store what it lacks. Raises VersionsUnavailable."""
        if not self._kept.unsaved:
            return
        try:
            self._save(self._kept.unsaved)
        except OutOfDate:
            log.error("the store has another plan of what is in force; the one of this engine is given up")
            self._kept = Kept(Plan(), self._kept.versions)
            self.look()
            return
        self._keep(Kept(self.plan, self._kept.versions))

    def restore(self) -> None:
        """A store that has lost what this engine knows (its file was deleted) gets it again. Raises
        VersionsUnavailable, OSError."""
        if not self.plan.revision:
            return
        with self._connected() as connection:
            assert connection is not None
            newest = store.newest_plan(connection)
            if newest is not None and newest.revision >= self.plan.revision:
                return
            known = store.versions(connection)
            for number, info in self._kept.versions.items():
                if number not in known and self._place(number).is_dir():
                    store.add_version(connection, info, self._read(info))
            if newest is None and not any(row.revision == 1 for row in self._kept.unsaved):
                plan = msgspec.to_builtins(self.plan)
                row = PlanRow(self.plan.revision, _now_ms(), "the engine", "restored from the engine's directory", plan)
                store.put_plan(connection, row)
                self._keep(Kept(self.plan, self._kept.versions))
        self.save()

    def _save(self, rows: list[PlanRow]) -> None:
        with self._connected() as connection:
            assert connection is not None
            for row in rows:
                store.add_plan(connection, row)

    def _keep(self, kept: Kept) -> None:
        """A plan that cannot be written down holds all the same, until the engine ends."""
        self._kept = kept
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            write_struct(self._file, kept)
        except OSError as error:
            log.error(
                "%s: cannot write; without the store a restart would not know what is in force: %s", self._file, error
            )

    # Files

    def _place(self, number: int) -> Path:
        return self._directory / str(number)

    def _lay_out(self, info: VersionInfo) -> Path:
        """The version as files; made from the store when they are not there. Raises VersionsUnavailable."""
        place = self._place(info.number)
        if not place.is_dir():
            with self._connected(create=False) as connection:
                if connection is None:
                    raise VersionsUnavailable(f"version {info.number} is not in {place}, and there is no store")
                content = store.contents(connection, info)
            try:
                self._write(info, content)
            except OSError as error:
                raise VersionsUnavailable(f"{place}: {error.strerror or error}") from error
        return place

    def _write(self, info: VersionInfo, content: Mapping[str, bytes]) -> None:
        """Whole or not at all. Recordings get a second place, under a name of their own beside the centre's."""
        place, beside = self._place(info.number), self._directory / f".{info.number}.new"
        shutil.rmtree(beside, ignore_errors=True)
        for name, data in content.items():
            path = beside / name
            if ".." in path.parts:  # the store may be somebody else's
                raise VersionsUnavailable(f"version {info.number} has a file outside the centre: {name!r}")
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.startswith(f"{SOUNDS}/"):
                recording = self._centre / SOUNDS / name.split("/")[1] / f"{pinned_name(info.files[name])}.wav"
                if not recording.is_file():
                    keep(recording, data)
                with suppress(OSError):  # one file for all versions, where both places are on one disk
                    path.hardlink_to(recording)
                    continue
            path.write_bytes(data)
        shutil.rmtree(place, ignore_errors=True)  # of a number that never reached the store
        beside.rename(place)

    def _read(self, info: VersionInfo) -> dict[str, bytes]:
        return {name: (self._place(info.number) / name).read_bytes() for name in info.files}

    # The store

    @contextmanager
    def _connected(self, *, create: bool = True) -> Iterator[Connection | None]:
        """A transaction; None: there is no store yet, and none is to be made."""
        try:
            engine = self._database()
            if _missing(engine) or not store.there(engine):
                if not create:
                    yield None
                    return
                upgrade(engine)
            try:
                with engine.begin() as connection:
                    yield connection
            finally:
                engine.dispose()
        except (SQLAlchemyError, StoreError, SecretError) as error:
            raise VersionsUnavailable(f"the store of the versions cannot be used: {reason(error)}") from error


def _missing(engine: Engine) -> bool:
    """A database of SQLite whose file is not there: connecting would make it."""
    database = engine.url.database
    return engine.dialect.name == "sqlite" and not (database and Path(database).exists())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def unavailable(error: VersionsUnavailable, place: Path) -> DocumentError:
    """The same, for those who want a centre and can only be told of its documents."""
    return DocumentError([Problem(str(error), str(place))])

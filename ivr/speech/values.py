"""Values that speech synthesis says while the caller is on the line: an amount from a lookup, a time to be rung back.

A value that has been said before is a file by its text, voice and format, and costs a look at the disk. A new one is
said in a thread, and the caller waits for it a moment in silence; is it not there then, it is put together from single
words that were rendered ahead, and the next caller has the whole. Digits one by one are always put together, and never
kept. Every number here has a bound: how many are made at once, how many wait to be made, how long one may take, and how
much is kept.
"""

import asyncio
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from ivr.flow.effects import Say
from ivr.speech.rendering import keep, key
from ivr.speech.synthesis import Environment, Synthesiser, SynthesisFailed, Voice, engines
from ivr.words.language import Unspeakable, language, words

log = logging.getLogger(__name__)

AT_ONCE: Final = 2
MOST_UNDER_WAY: Final = 32
TIME_LIMIT_S: Final = 20.0
"""So long may the engine take for one value; after that it is stopped."""
REST_S: Final = 30.0
"""So long a voice is not asked again that has failed."""
_PLAYABLE = re.compile(r"/[A-Za-z0-9._/-]+", re.ASCII)
_USED_S: Final = 3_600.0
"""What was used within this time is not deleted: somebody may hear it just now."""
_CLEAN_EVERY: Final = 50

Sounds = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueRules:
    """How values are said. `voice_of`: who says such a value in this language (None: Asterisk's own sounds do).
    `piece`: the sound of a single word that was rendered ahead. `wait_s`: how long a caller waits for a new value."""

    voice_of: Callable[[Say, str], Voice | None]
    piece: Callable[[str, str], str | None]
    formats: Sequence[str]
    wait_s: float = 1.5
    keep_bytes: int = 200_000_000
    environment: Environment = field(default_factory=Environment)


class SpokenValues:
    """The values of one centre, kept in `directory`, which Asterisk must see under the same path.

    `rules` are asked anew for every value, so that a reload takes effect at once.
    """

    def __init__(
        self,
        directory: Path,
        rules: Callable[[], ValueRules],
        *,
        known: Mapping[str, type[Synthesiser]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directory = directory.absolute()
        self.hits = self.made = self.late = self.failed = 0
        self._rules = rules
        self._clock = clock
        self._workers = _Workers(known)
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self._resting: dict[Voice, float] = {}
        if not _PLAYABLE.fullmatch(str(self.directory)):
            log.error("%s has characters that no sound may have; values are said by Asterisk's sounds", self.directory)

    async def sounds(self, values: Iterable[Say], tag: str) -> dict[Say, Sounds]:
        """What says these values in this language. Those that are missing in it are for Asterisk's own sounds."""
        rules = self._rules()
        wanted = {value: asked for value in values if (asked := self._asked(value, tag, rules))}
        said: dict[Say, Sounds] = {}
        for value in [value for value in wanted if value.what == "digits"]:
            # Whose telephone or account it is shall not lie on a disk, and no two callers would share it.
            if pieces := self._pieces(wanted[value][1], tag, rules):
                said[value] = pieces
                del wanted[value]
        making = {name: self._make(name, text, voice, rules) for name, text, voice in wanted.values()}
        waiting = [future for future in making.values() if future]
        if waiting:
            await asyncio.wait(waiting, timeout=rules.wait_s)
        for value, (name, text, _) in wanted.items():
            if self._there(name, rules):
                said[value] = (str(self.directory / name),)
            elif pieces := self._pieces(text, tag, rules):
                self.late += 1
                said[value] = pieces
        return said

    async def warm(self, tags: Iterable[str]) -> None:
        """Starts what is slow to start, before a caller waits for it."""
        rules = self._rules()
        for tag in tags:
            asked = self._asked(Say("number", "1"), tag, rules)
            if asked and (future := self._make(*asked, rules)):
                await asyncio.wait([future])

    def close(self) -> None:
        """Ends the voices; what is being said may go on to its time limit, but nobody waits for it."""
        self._workers.close()

    def _asked(self, value: Say, tag: str, rules: ValueRules) -> tuple[str, str, Voice] | None:
        voice = rules.voice_of(value, tag)
        if voice is None or not _PLAYABLE.fullmatch(str(self.directory)):
            return None
        try:
            text = words(value.what, value.value, tag)
        except Unspeakable:
            return None  # the performer says what is wrong with it
        return (key(text, voice), text, voice) if text else None

    def _paths(self, name: str, rules: ValueRules) -> list[Path]:
        return [self.directory / f"{name}.{form}" for form in rules.formats]

    def _there(self, name: str, rules: ValueRules) -> bool:
        try:
            for path in self._paths(name, rules):
                if time.time() - path.stat().st_mtime > _USED_S / 2:
                    os.utime(path)
        except OSError:
            return False
        return True

    def _pieces(self, text: str, tag: str, rules: ValueRules) -> Sounds:
        known = language(tag)
        sounds = [rules.piece(tag, piece) for piece in known.split(text)] if known else []
        return tuple(sound for sound in sounds if sound) if all(sounds) else ()

    def _make(self, name: str, text: str, voice: Voice, rules: ValueRules) -> "asyncio.Future[None] | None":
        """The making under way, if there is any."""
        if self._there(name, rules):
            self.hits += 1
            return None
        if future := self._under_way.get(name):
            return future
        if len(self._under_way) >= MOST_UNDER_WAY or self._resting.get(voice, 0.0) > self._clock():
            return None
        job = partial(self._workers.say, text, voice, rules, self._paths(name, rules))
        future = asyncio.get_running_loop().run_in_executor(self._workers.pool, job)
        self._under_way[name] = future
        future.add_done_callback(lambda done: self._is_made(name, voice, rules, done))
        return future

    def _is_made(self, name: str, voice: Voice, rules: ValueRules, done: "asyncio.Future[None]") -> None:
        del self._under_way[name]
        if done.cancelled():
            return
        if error := done.exception():
            self.failed += 1
            self._resting[voice] = self._clock() + REST_S
            log.warning("%s could not say a value, and is not asked for %.0f s: %s", voice, REST_S, error)
            return
        self.made += 1
        if self.made % _CLEAN_EVERY == 1:
            self._workers.pool.submit(clean, self.directory, rules.keep_bytes)


class _Workers:
    """Threads that say texts; each has engines of its own, started when they are first needed."""

    def __init__(self, known: Mapping[str, type[Synthesiser]] | None) -> None:
        self.pool = ThreadPoolExecutor(AT_ONCE, "speech")
        self._known = known
        self._own = threading.local()
        self._started = ExitStack()
        self._lock = threading.Lock()

    def say(self, text: str, voice: Voice, rules: ValueRules, paths: Sequence[Path]) -> None:
        """Raises SynthesisFailed, AudioError, OSError."""
        from ivr.speech.audio import as_sounds, read_audio  # numpy and scipy, which take a second

        made = as_sounds(read_audio(self._engine(voice, rules).speak(text, voice)), rules.formats)
        for path, form in zip(paths, rules.formats, strict=True):
            keep(path, made[form])

    def _engine(self, voice: Voice, rules: ValueRules) -> Synthesiser:
        own: dict[tuple[str, Environment], Synthesiser] = self._own.__dict__.setdefault("engines", {})
        engine = own.get((voice.engine, rules.environment))
        if engine is None:
            engine = (self._known or engines())[voice.engine](rules.environment)
            if problem := engine.missing():
                raise SynthesisFailed(f"{voice.engine}: {problem}")
            with self._lock:
                own[voice.engine, rules.environment] = self._started.enter_context(engine)
        return engine

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._started.close()


def clean(directory: Path, keep_bytes: int) -> int:
    """Deletes what was not used for longest until no more than this is kept; how many files it were."""
    found = []
    for path in directory.glob("[!.]*"):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((about.st_mtime, about.st_size, path))
    total, deleted = sum(size for _, size, _ in found), 0
    for used, size, path in sorted(found):
        if total <= keep_bytes or time.time() - used < _USED_S:
            break
        path.unlink(missing_ok=True)
        total, deleted = total - size, deleted + 1
    return deleted

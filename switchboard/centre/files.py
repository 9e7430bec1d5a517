"""The files of a centre's directory: found, read as YAML with lines, and nothing from outside the directory.

What callers meet in the IVR can be published apart from the rest: the flows with their tests, prompts, hours,
calendars, recordings, and of `centre.yaml` the numbers with their flows, the languages and the zone (`ENTRY`). A
published version is a directory with just these; read with one, all this comes from there, and everything else from the
centre's own.
"""

import difflib
import hashlib
import io
import json
import os
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from documents import DocumentError, Problem, Source, read
from ivr.speech.rendering import DIRECTORY as RENDERED

REQUIRED = ("centre.yaml", "skills.yaml", "agents.yaml", "queues.yaml")
OPTIONAL = ("hours.yaml", "prompts.yaml")
FLOWS, TESTS, SOUNDS, CALENDARS = "flows", "tests", "sounds", "calendars"
CENTRE, ENTRY = "centre.yaml", ("time_zone", "languages", "numbers")
PUBLISHED = "published"
"""Beside the recordings of each language, those of published versions, by what they say (`sounds/en/published`)."""
# YAML files that others read: scenarios and what-ifs (the simulation), secrets (never part of a centre's hash).
_ELSEWHERE = re.compile(r"(scenario|secrets|what-if)[A-Za-z0-9_.-]*\.yaml")
_MAX_BYTES = 8_000_000


class UnusableDirectory(DocumentError):
    """There is no centre here at all: the directory is missing, empty, or cannot be read."""


@dataclass(slots=True)
class Files:
    """What was read, and what was wrong with it.

    `unreadable` are the files, by their place in the directory, that hold no document. `hash` covers every byte of what
    decides how calls are treated; tests, scenarios and secrets are no part of it. `rendered` are, by language, the
    names of what speech synthesis has made, which follows from the prompts. `content` has the SHA-256 of everything
    that is published, by its place; `pinned` the name of each recording of a published version, by language and name.
    """

    directory: Path
    published: Path | None = None
    documents: dict[str, Source] = field(default_factory=dict)
    flows: list[Source] = field(default_factory=list)
    tests: list[Path] = field(default_factory=list)
    sounds: dict[str, frozenset[str]] = field(default_factory=dict)
    calendars: dict[str, str] = field(default_factory=dict)
    rendered: dict[str, frozenset[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    content: dict[str, str] = field(default_factory=dict)
    pinned: dict[tuple[str, str], str] = field(default_factory=dict)
    hash: str = ""

    @property
    def flows_root(self) -> Path:
        """The directory of what is published apart."""
        return self.published or self.directory


def read_files(directory: Path, published: Path | None = None) -> Files:
    """Reads everything that belongs to a centre; what `published` has comes from that directory, which a version was
    laid out in. Raises UnusableDirectory when there is nothing to read."""
    _refuse_unusable(directory)
    files = Files(directory, published)
    digest = hashlib.sha256()
    for path in _yaml_here(files):
        if source := _read(files, path, digest):
            files.documents[path.name] = source
    _enter(files, digest)
    for name in REQUIRED:
        if not os.path.lexists(directory / name):
            files.problems.append(Problem("this file is missing", shown(directory / name)))
    for path in _inside(files, FLOWS, "*.yaml"):
        if source := _read(files, path, digest):
            files.flows.append(source)
    files.tests = [*_inside(files, f"{FLOWS}/{TESTS}", "*.yaml"), *_inside(files, TESTS, "*.yaml")]
    for path in files.tests:
        _bytes(files, path)
    _find_sounds(files, digest)
    _find_calendars(files, digest)
    files.hash = digest.hexdigest()[:16]
    return files


def shown(path: Path) -> str:
    """A path for people: relative to where they stand if it is below that, otherwise as they gave it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


def _refuse_unusable(directory: Path) -> None:
    name = shown(directory)
    try:
        entries = os.listdir(directory)
    except FileNotFoundError:
        siblings = [p.name for p in directory.absolute().parent.glob("*/")]
        close = difflib.get_close_matches(directory.name, siblings, n=1)
        hint = f"did you mean {shown(directory.absolute().parent / close[0])!r}?" if close else ""
        raise UnusableDirectory([Problem("there is no such directory", name, hint=hint)]) from None
    except NotADirectoryError:
        raise UnusableDirectory([Problem("a centre is a directory, this is a file", name)]) from None
    except OSError as error:
        raise UnusableDirectory([Problem(f"cannot be read: {error.strerror}", name)]) from None
    if "centre.yaml" not in entries:
        hint = f"a centre has {', '.join(REQUIRED)} and {FLOWS}/"
        message = "no centre.yaml here" if entries else "this directory is empty"
        raise UnusableDirectory([Problem(message, name, hint=hint)])


def _yaml_here(files: Files) -> Iterator[Path]:
    """The documents in the directory itself; others that look like documents are problems."""
    known = (*REQUIRED, *OPTIONAL)
    published = [files.published / name for name in OPTIONAL] if files.published else []
    for path in sorted([*files.directory.iterdir(), *(path for path in published if path.exists())]):
        if path.name in known:
            if path.name in OPTIONAL and path.parent != files.flows_root:
                continue
            yield path
        elif path.suffix in (".yaml", ".yml") and not _ELSEWHERE.fullmatch(path.name):
            close = difflib.get_close_matches(path.stem, [name.removesuffix(".yaml") for name in known], n=1)
            hint = f"did you mean '{close[0]}.yaml'?" if close else f"known: {', '.join(known)}"
            files.problems.append(Problem("this is no document of a centre", shown(path), hint=hint))


def entry(data: Any) -> bytes:
    """What is published of this `centre.yaml`."""
    part = {name: data[name] for name in ENTRY if name in data} if isinstance(data, dict) else {}
    if isinstance(numbers := part.get("numbers"), dict):
        part["numbers"] = {str(number): flow for number, flow in sorted(numbers.items(), key=str)}
    return json.dumps(part, indent=2, ensure_ascii=False, default=str).encode() + b"\n"


def _enter(files: Files, digest: "hashlib._Hash") -> None:
    """The numbers, languages and zone: those of the version, if one is read."""
    if (source := files.documents.get(CENTRE)) is None:
        return
    if files.published is not None:
        version = _read(files, files.published / CENTRE, digest)
        if version and isinstance(source.data, dict):
            source = files.documents[CENTRE] = replace(source, data={**source.data, **version.data})
    files.content[CENTRE] = hashlib.sha256(entry(source.data)).hexdigest()


def _inside(files: Files, folder: str, pattern: str) -> list[Path]:
    path = files.flows_root / folder
    if not os.path.lexists(path):
        return []
    if not path.is_dir():
        files.problems.append(Problem("a directory belongs here, not a file", shown(path)))
        return []
    for wrong in sorted(path.glob("*.yml")):
        files.problems.append(Problem("the name of a document ends in .yaml", shown(wrong)))
    return sorted(path.glob(pattern))


def _read(files: Files, path: Path, digest: "hashlib._Hash") -> Source | None:
    """The document in this file; if there is none, that is a problem."""
    content = _bytes(files, path, digest)
    if content is not None:
        try:
            return read(content.decode("utf-8-sig"), shown(path))
        except DocumentError as error:
            files.problems += error.problems
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            message = f"not UTF-8 text: byte 0x{content[error.start]:02x}"
            files.problems.append(Problem(message, shown(path), line, hint="save the file as UTF-8"))
    files.unreadable.add(_place(files, path))
    return None


def _place(files: Files, path: Path) -> str:
    """Where a file stands in the centre."""
    root = files.published if files.published and path.is_relative_to(files.published) else files.directory
    return path.relative_to(root).as_posix()


def _bytes(files: Files, path: Path, digest: "hashlib._Hash | None" = None) -> bytes | None:
    """The file's content, unless it is no file of this directory; counted into the digest."""
    name = shown(path)
    roots = [root.resolve() for root in (files.directory, files.published) if root]
    if not any(path.resolve().is_relative_to(root) for root in roots):
        files.problems.append(Problem("this link leads out of the centre's directory", name, hint="copy the file here"))
        return None
    if not path.is_file():
        what = "a directory" if path.is_dir() else "a broken link" if path.is_symlink() else "something else"
        files.problems.append(Problem(f"a file belongs here, not {what}", name))
        return None
    try:
        if path.stat().st_size > _MAX_BYTES:
            files.problems.append(Problem(f"larger than {_MAX_BYTES:,} bytes", name))
            return None
        content = path.read_bytes()
    except OSError as error:
        files.problems.append(Problem(f"cannot be read: {error.strerror}", name))
        return None
    place = _place(files, path)
    if place not in REQUIRED:
        files.content[place] = hashlib.sha256(content).hexdigest()
    if digest:
        digest.update(f"{place}\0{len(content)}\0".encode())
        digest.update(content)
    return content


def _find_sounds(files: Files, digest: "hashlib._Hash") -> None:
    """The recordings of the centre itself: `sounds/LANGUAGE/NAME.wav`, names without the ending."""
    for language in _directories(files.directory / SOUNDS):
        rendered = (language / RENDERED).glob("[!.]*")
        files.rendered[language.name] = frozenset(f"{RENDERED}/{path.stem}" for path in rendered)
    for language in _directories(files.flows_root / SOUNDS):
        names = set()
        made = (language / RENDERED, language / PUBLISHED)
        for path in sorted(language.rglob("*.wav")):
            if any(path.is_relative_to(directory) for directory in made):
                continue
            content = _bytes(files, path, digest)
            if content is None:
                continue
            name = path.relative_to(language).with_suffix("").as_posix()
            names.add(name)
            if files.published:
                files.pinned[language.name, name] = pinned_name(files.content[_place(files, path)])
            if problem := _unplayable(content):
                hint = "convert it: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"
                files.problems.append(Problem(problem, shown(path), hint=hint))
        files.sounds[language.name] = frozenset(names)


def pinned_name(content: str) -> str:
    """The name of a published recording, of its content's SHA-256."""
    return f"{PUBLISHED}/{content[:20]}"


def _directories(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _find_calendars(files: Files, digest: "hashlib._Hash") -> None:
    """The calendars that opening hours may name: `calendars/NAME.ics`."""
    root = files.flows_root / CALENDARS
    for path in sorted(root.glob("*.ics")) if root.is_dir() else ():
        content = _bytes(files, path, digest)
        if content is not None:
            files.calendars[path.name] = content.decode("utf-8-sig", "replace")


def _unplayable(content: bytes) -> str:
    """Why Asterisk's `wav` format would refuse this: it plays 16-bit linear PCM, mono, 8,000 Hz."""
    try:
        with wave.open(io.BytesIO(content)) as recording:
            rate, channels, width = recording.getframerate(), recording.getnchannels(), recording.getsampwidth()
    except (wave.Error, EOFError) as error:
        return f"not a WAV recording of linear PCM: {error or 'it breaks off'}"
    if (rate, channels, width) != (8_000, 1, 2):
        return f"a recording is 8,000 Hz, mono, 16 bits; this is {rate:,} Hz, {channels} channel(s), {8 * width} bits"
    return ""

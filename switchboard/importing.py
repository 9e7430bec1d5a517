"""What was imported, written as a centre of its own: complete, checked, and all of it or nothing."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from documents import DocumentError, Problem
from documents.writing import yaml_text
from ivr.importing.draft import KINDS, Draft
from ivr.importing.format import MAX_BYTES, SourceFile
from ivr.importing.mending import mend
from ivr.importing.tidy import tidy
from switchboard.centre import Centre, load_centre

REPORT = "imported.md"


def source_files(paths: Sequence[Path]) -> list[SourceFile]:
    """The files with these names. Raises DocumentError for what cannot be read."""
    problems, files = [], []
    for path in paths:
        try:
            if path.stat().st_size > MAX_BYTES:
                problems.append(Problem(f"larger than {MAX_BYTES:,} bytes", str(path)))
                continue
            content = path.read_bytes()
        except OSError as error:
            problems.append(Problem(f"cannot be read: {error.strerror}", str(path)))
            continue
        if not content.strip():
            problems.append(Problem("this file is empty", str(path)))
        files.append(SourceFile(str(path), content))
    if problems:
        raise DocumentError(problems)
    return files


def write_centre(draft: Draft, directory: Path, *, name: str, time_zone: str) -> Centre:
    """Writes the draft into a new directory and loads it. Raises DocumentError, and leaves nothing behind, when the
    directory is there already or the centre cannot be used."""
    if os.path.lexists(directory) and not (directory.is_dir() and not any(directory.iterdir())):
        hint = "name a directory that is not there yet; nothing is overwritten"
        raise DocumentError([Problem("this is there already", str(directory), hint=hint)])
    parent = directory.absolute().parent
    if not parent.is_dir():
        raise DocumentError([Problem("there is no such directory", str(directory.parent))])
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=parent))
    except OSError as error:
        raise DocumentError([Problem(f"cannot be written: {error.strerror}", str(directory))]) from None
    try:
        _write(draft, made, name, time_zone)
        _checked(made, directory)
        made.chmod(0o755)
        if directory.is_dir():
            directory.rmdir()
        made.rename(directory)
    except OSError as error:
        raise DocumentError([Problem(f"cannot be written: {error.strerror}", str(directory))]) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return load_centre(directory)


def _checked(made: Path, directory: Path) -> None:
    """What was made is a centre; if not, its problems are told by the names that it would have had."""
    try:
        load_centre(made)
    except DocumentError as error:
        raise DocumentError(
            Problem(p.message, _as_if(p.file, made, directory), p.line, p.path, p.hint, p.severity)
            for p in error.problems
        ) from None


def _as_if(file: str, made: Path, directory: Path) -> str:
    """The file's name, had it been made in its place."""
    return str(directory) + file.partition(made.name)[2] if made.name in file else file


def _write(draft: Draft, directory: Path, name: str, time_zone: str) -> None:
    for flow in draft.flows.values():
        mend(draft, flow)
        tidy(flow)
    draft.complete()
    (directory / "flows").mkdir()
    languages = list(dict.fromkeys((draft.language, *draft.languages)))
    documents: dict[str, dict[str, Any]] = {
        "centre.yaml": {"name": name, "time_zone": time_zone, "languages": languages, "numbers": draft.numbers},
        "skills.yaml": {"skills": {}},
        "agents.yaml": {"agents": {}},
        "queues.yaml": {"queues": draft.queues},
        "hours.yaml": {"hours": draft.hours},
        "prompts.yaml": {"prompts": draft.prompts},
    }
    documents |= {f"flows/{flow.name}.yaml": flow.document() for flow in draft.flows.values()}
    for file, document in documents.items():
        (directory / file).write_text(yaml_text(document), encoding="utf-8")
    (directory / REPORT).write_text(report(draft), encoding="utf-8")


def report(draft: Draft) -> str:
    """What a person must know, in Markdown: for each thing file, line, what stands there, why, and what to do."""
    lines = ["# What became of what was imported", ""]
    if draft.steps:
        total = sum(draft.steps.values())
        parts = ", ".join(f"{count} {what}" for what, count in sorted(draft.steps.items(), key=lambda item: -item[1]))
        lines += [f"{total} steps: {parts}.", ""]
    for kind, title in KINDS.items():
        found = list(draft.of(kind))
        if found:
            lines += [f"## {title} ({len(found)})", ""]
            for finding in found:
                where = f"{finding.file}:{finding.line}" if finding.line else finding.file
                done = f" *{_plain(finding.do)}*" if finding.do else ""
                lines.append(f"- {_plain(where)}: `{finding.text.replace('`', chr(39))}`: {_plain(finding.why)}.{done}")
            lines.append("")
    if not draft.findings:
        lines += ["Everything was carried over.", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text of others in Markdown: nothing in it is markup."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in text)

"""Importing in tests: a source as text, its centre, and callers who try it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from ivr.flow.effects import Collect, Dial, Effect, Enqueue, HangUp, Play, Say, TakeVoicemail
from ivr.flow.inputs import Dequeued, DialEnded, Input, Played, VoicemailTaken
from ivr.flow.machine import Machine
from ivr.flow.session import Caller
from ivr.flow.told import press
from ivr.importing.draft import Draft
from ivr.importing.format import SourceFile, Wanted
from ivr.importing.registry import import_formats
from switchboard.centre import Centre
from switchboard.importing import write_centre

MONDAY_NOON = 1_767_614_400_000  # 5 January 2026, 12:00 UTC


def draft_of(kind: str, text: str, *starts: str, name: str = "") -> Draft:
    """What is read from this source."""
    format = import_formats()[kind]
    file = SourceFile(name or format.example_file, dedent(text).strip("\n").encode())
    return format.read([file], Wanted(starts))


def centre_of(directory: Path, kind: str, text: str, *starts: str) -> tuple[Centre, Draft]:
    """The centre that the source becomes, in a new directory below this one."""
    draft = draft_of(kind, text, *starts)
    return write_centre(draft, directory / "made", name="Imported", time_zone="UTC"), draft


@dataclass
class Call:
    """How a call went: what was heard (sounds or texts), and where it ended."""

    heard: list[str] = field(default_factory=list)
    end: str = ""
    attributes: dict[str, object] = field(default_factory=dict)


def call(centre: Centre, *does: str, number: str = "", now_ms: int = MONDAY_NOON, caller: str = "") -> Call:
    """A caller who presses keys (empty: is silent), or comes back from a queue or an outside call by `<exit>`.

    The call is over when the flow ends it, or when nothing is left to do.
    """
    number = number or next(iter(centre.numbers))
    machine, made, left = Machine(centre.library), Call(), list(does)
    session, effects = machine.start(centre.numbers[number], Caller(caller, number), now_ms)
    for _ in range(200):
        made.attributes = dict(session.attributes)
        made.end = _told(effects, made.heard)
        if session.finished:
            return made
        answer = _answer(effects[-1], left)
        if answer is None:
            return made
        session, effects = machine.resume(session, answer, now_ms)
    raise AssertionError(f"the call does not end: {made}")


def _told(effects: list[Effect], heard: list[str]) -> str:
    end = ""
    for effect in effects:
        if isinstance(effect, Play | Collect | TakeVoicemail):
            for item in effect.spoken:
                if isinstance(item, Say):
                    heard.append(f"{item.what} {item.value}")
                else:
                    heard += item.sounds or [item.text]
        if isinstance(effect, Enqueue):
            end = f"queue {effect.queue}"
        elif isinstance(effect, Dial):
            end = f"dials {effect.number}"
        elif isinstance(effect, TakeVoicemail):
            end = f"mailbox {effect.mailbox}"
        elif isinstance(effect, HangUp):
            end = f"hangs up {effect.reason}"
        elif isinstance(effect, Collect):
            end = "asks"
    return end


def _answer(effect: Effect, left: list[str]) -> Input | None:
    if isinstance(effect, Play):
        return Played()
    if not left:
        return None
    done = left.pop(0)
    exit = re.fullmatch("<(.*)>", done)
    if isinstance(effect, Collect):
        return press(effect, done)[0]
    assert exit, f"{done!r} where the flow waits for {effect}"
    if isinstance(effect, Enqueue):
        return Dequeued(exit[1])
    if isinstance(effect, Dial):
        return DialEnded(exit[1])  # type: ignore[arg-type]
    assert isinstance(effect, TakeVoicemail)
    return VoicemailTaken("message", 9_000)

"""Prompts rendered ahead: each text is said once by its voice, and kept under a name made of both.

A rendered prompt lies beside the centre's recordings, as `sounds/LANGUAGE/tts/KEY` in each format, so whoever changes a
text or a voice gets another name, and callers in the old version still hear the old text.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from ivr.speech.synthesis import Voice

DIRECTORY = "tts"
_RECIPE = 1
"""Counted up when the same text and voice would be rendered otherwise."""


def key(text: str, voice: Voice) -> str:
    """The name under which this text by this voice is kept."""
    said = json.dumps([_RECIPE, voice.engine, voice.name, voice.speed, " ".join(text.split())], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:20]


def sound_name(text: str, voice: Voice) -> str:
    """The sound, as the centre's prompts would name it, without `centre:` and the file's ending."""
    return f"{DIRECTORY}/{key(text, voice)}"


def files_of(sounds: Path, language: str, name: str, formats: Sequence[str]) -> list[Path]:
    """Where a sound of this name lies in each format, below the centre's directory of sounds."""
    return [sounds / language / f"{name}.{form}" for form in formats]


def keep(path: Path, content: bytes) -> None:
    """Writes a file at once: whoever plays it meanwhile hears the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)

"""Small files of the engine's own: what supervisors have changed, kept over restarts."""

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from documents import DocumentError, Problem

Kept = TypeVar("Kept", bound=msgspec.Struct)


def read_struct(path: Path, kind: type[Kept]) -> Kept | None:
    """What `write_struct` wrote; None when there is nothing. Raises DocumentError when it cannot be understood."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        hint = "put a good copy there, or delete the file: what it kept is then forgotten"
        raise DocumentError([Problem(str(error), str(path), hint=hint)]) from error


def write_struct(path: Path, value: msgspec.Struct) -> None:
    """Writes the file, whole or not at all. Raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)

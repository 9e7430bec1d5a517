"""A history's directory: written as a whole or not at all."""

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from documents import DocumentError, Problem, why
from simulations.history.form import AGENT_TIMES_SCHEMA, CHOICES_SCHEMA, CONTACTS_SCHEMA, History
from simulations.history.refusals import Refusals

FORMAT = 1
CONTACTS, AGENT_TIMES, CHOICES, ABOUT, REFUSED = (
    "contacts.parquet",
    "agent_times.parquet",
    "choices.parquet",
    "import.json",
    "refused.csv",
)
KEY = ".caller-key"
"""The key of the callers' hashes. Who has it can try numbers; without it nothing more can be added."""


def read_history(directory: Path) -> History:
    """Raises DocumentError when there is no history, or one that this version cannot read."""
    about = read_about(directory)
    tables = []
    for name, schema in ((CONTACTS, CONTACTS_SCHEMA), (AGENT_TIMES, AGENT_TIMES_SCHEMA), (CHOICES, CHOICES_SCHEMA)):
        path = directory / name
        try:
            table = pq.read_table(path)
            tables.append(table.select(schema.names).cast(schema))
        except (OSError, KeyError, pa.ArrowException) as error:
            message = f"this table of the history cannot be read: {error}"
            raise DocumentError([Problem(message, str(path), hint="import it anew with --replace")]) from None
    return History(tables[0], tables[1], tables[2], about)


def read_about(directory: Path) -> dict[str, Any]:
    path = directory / ABOUT
    if directory.exists() and not directory.is_dir():
        raise DocumentError([Problem("this is a file; a history is a directory", str(directory))])
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "make one: switchboard history import SOURCE --to " + str(directory)
        raise DocumentError([Problem("there is no history here", str(directory), hint=hint)]) from None
    except (OSError, ValueError) as error:
        raise DocumentError([Problem(f"cannot be read: {why(error)}", str(path))]) from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else None
        raise DocumentError([Problem(f"a history of format {found}; this version reads {FORMAT}", str(path))])
    return about


def caller_key(directory: Path) -> bytes:
    """The key of the history in this directory; a new one if there is none."""
    try:
        return bytes.fromhex((directory / KEY).read_text())
    except FileNotFoundError:
        return secrets.token_bytes(32)
    except ValueError:
        raise DocumentError([Problem("this is no key of callers' hashes", str(directory / KEY))]) from None


def write_history(history: History, refusals: Refusals, key: bytes, directory: Path) -> None:
    """Beside the directory first, then in its place. Raises OSError."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = directory.with_name(f".{directory.name}.{os.getpid()}")
    old = directory.with_name(f".{directory.name}.{os.getpid()}.old")
    try:
        made.mkdir()
        pq.write_table(history.contacts, made / CONTACTS, compression="zstd")
        pq.write_table(history.agent_times, made / AGENT_TIMES, compression="zstd")
        pq.write_table(history.choices, made / CHOICES, compression="zstd")
        refusals.write(made / REFUSED)
        (made / ABOUT).write_text(json.dumps(history.about | {"format": FORMAT}, indent=1) + "\n", encoding="utf-8")
        descriptor = os.open(made / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key.hex())
        if directory.exists():
            directory.rename(old)
        made.rename(directory)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if directory.exists():
            shutil.rmtree(old, ignore_errors=True)
        elif old.exists():
            old.rename(directory)

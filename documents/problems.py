"""A problem in a document: what is wrong, where, and what would be right."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document that a person wrote.

    `path` is where in the document (`queues.billing.steps[1].where`), `line` counts from 1,
    `hint` says what would be right. An `error` keeps the document from being used, a `warning` does not.
    """

    message: str
    file: str = ""
    line: int | None = None
    path: str = ""
    hint: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.file or 'line'}:{self.line}" if self.line else self.file
        parts = [part for part in (where, self.path, self.message) if part]
        return ": ".join(parts) + (f" ({self.hint})" if self.hint else "")


class DocumentError(ValueError):
    """A document cannot be used; `problems` says why, each with its place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)  # so that it can be made anew from its args: pickle and SimPy do that

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def why(error: Exception) -> str:
    """Why a file cannot be read or written, in words: without the numbers and names that Python puts around them."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not {error.encoding.upper()} text (byte {error.object[error.start]:#04x} at place {error.start})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def nearest(name: object, valid: Iterable[str]) -> str:
    """A hint for a wrong name: the nearest valid ones, or, if none is near, what there is."""
    names = sorted(set(valid))
    if not names:
        return "none is defined"
    folded: dict[str, str] = {}
    for valid_name in names:
        folded.setdefault(valid_name.casefold(), valid_name)
    close = difflib.get_close_matches(str(name).casefold(), folded, n=2, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(folded[match]) for match in close) + "?"
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"known: {shown}"

"""What is different between two versions of a centre's directory."""

from dataclasses import dataclass
from typing import Any

from documents import ABSENT, DocumentError, differences
from ivr.flow import changes as in_flows
from switchboard.centre.centre import Centre
from switchboard.centre.files import CALENDARS, SOUNDS, read_files

_BY_MEANING = ("prompts.yaml",)
"""Documents whose changes the flows' comparison tells."""
_WHOLE = {SOUNDS: "the recording", CALENDARS: "the calendar"}
"""What is only said to have changed, by its folder."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One difference in a document of the centre: `path` inside `file`; None where there was, or is, nothing."""

    file: str
    path: str
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.file}: {self.path} is {self.after} (was not there)"
        if self.after is None:
            return f"{self.file}: {self.path} is not there any more (was {self.before})"
        return f"{self.file}: {self.path} is {self.after} (was {self.before})"


def centre_changes(before: Centre, after: Centre) -> list[Changed | in_flows.Change]:
    """Flows and prompts by meaning; the other documents place by place; recordings and calendars that came, went or
    changed.

    Raises DocumentError when a directory cannot be read any more.
    """
    found: list[Changed | in_flows.Change] = list(in_flows.changes(before.library, after.library))
    old, new = (read_files(centre.directory, centre.published) for centre in (before, after))
    for files in (old, new):
        if files.problems:
            raise DocumentError(files.problems)
    for name in sorted({*old.documents, *new.documents}):
        if name not in _BY_MEANING:
            data = [files.documents[name].data if name in files.documents else {} for files in (old, new)]
            for one in differences(*data):
                values = (None if value is ABSENT else value for value in (one.before, one.after))
                found.append(Changed(name, ".".join(map(str, one.path)), *values))
    for name in sorted({*old.content, *new.content}):
        kind = next((kind for folder, kind in _WHOLE.items() if name.startswith(f"{folder}/")), None)
        was, now = old.content.get(name), new.content.get(name)
        if kind is None or was == now:
            continue
        if was is None or now is None:
            noun = kind.removeprefix("the ")
            found.append(Changed(name, kind, was and noun, now and noun))
        else:
            found.append(Changed(name, kind, "another one", "a new one"))
    return found

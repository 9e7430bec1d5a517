"""All that the flows of one centre stand on, in one version: given to the machine, never changed by it."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from ivr.flow.document import Flow
from ivr.flow.hours import Hours
from ivr.flow.prompts import Prompts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Library:
    """`zone` is the centre's time zone; `languages` are those that callers may choose, the default one among them.
    `emergencies` has the names of the opening hours that somebody has closed by the emergency switch; it is looked at
    anew each time, so that the switch is met by calls in progress too. `version` is the number under which all this was
    published; 0: it was not."""

    flows: Mapping[str, Flow]
    prompts: Prompts
    hours: Mapping[str, Hours] = field(default_factory=dict)
    default_language: str = "en"
    languages: frozenset[str] = frozenset({"en"})
    zone: tzinfo = UTC
    emergencies: Container[str] = frozenset()
    version: int = 0

    def local(self, now_ms: int) -> datetime:
        """The centre's wall clock at `now_ms` (Unix ms)."""
        return (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(self.zone)

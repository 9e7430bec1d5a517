"""A centre, as loaded: everything that its directory says, checked as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from documents import Problem
from ivr.flow.document import Flow
from ivr.flow.hours import Hours
from ivr.flow.library import Library
from ivr.flow.prompts import Prompts
from ivr.words import What
from router.core.policy import Policy
from switchboard.centre.model import Phone, RecordingDocument, WhisperDocument
from switchboard.centre.secrets import PinSource
from switchboard.centre.settings import AnnouncementSettings, Settings


@dataclass(frozen=True, slots=True)
class AgentDetails:
    """What the engine needs of an agent besides the routing policy."""

    name: str
    display_name: str
    extension: str | None
    phone: Phone | None
    pin: PinSource | None
    supervisor: bool = False


@dataclass(frozen=True, slots=True)
class Centre:
    """A whole centre. `hash` is that of every byte that was read; `warnings` are what keeps nothing from working.

    `numbers` are the flows by the number that callers dial; `languages` begin with the default one; `sounds` are the
    names of the centre's own recordings by language; `tests` the files of flow tests; `queue_hours` the name of the
    opening hours of each queue that opens and closes by the clock; `whispers` what agents hear before a queue's talks,
    `recording` which of them are recorded; `announcements` what callers hear while they wait in each queue;
    `escalations` the second level of each queue that has one; `queue_extensions` the numbers by which agents transfer
    to queues; `dispositions` what agents may say of how a contact ended; `hold_reasons` why a caller is on hold;
    to queues; `dispositions` what agents may say of how a contact ended; `hold_reasons` why a caller is on hold;
    `desks` the phones that belong to nobody; `says` the kinds of values that callers may hear, `words` the sounds of
    the single words of which they can be made, by language and word, as far as they are rendered; `phrases` what the
    engine itself says; `published` the directory of the published version that flows, prompts, hours and recordings are
    from (None: the centre's own), and `content` the SHA-256 of each of these by its place.
    """

    directory: Path
    name: str
    zone: ZoneInfo
    languages: tuple[str, ...]
    numbers: Mapping[str, str]
    skills: Mapping[str, str]
    policy: Policy
    library: Library
    agents: Mapping[str, AgentDetails]
    queue_hours: Mapping[str, str]
    whispers: Mapping[str, WhisperDocument]
    recording: Mapping[str, RecordingDocument]
    announcements: Mapping[str, AnnouncementSettings]
    escalations: Mapping[str, str]
    queue_extensions: Mapping[str, str]
    dispositions: Mapping[str, str]
    hold_reasons: tuple[str, ...]
    desks: Mapping[str, Phone]
    settings: Settings
    sounds: Mapping[str, frozenset[str]]
    says: frozenset[What]
    words: Mapping[tuple[str, str], str]
    phrases: Prompts
    tests: tuple[Path, ...]
    hash: str
    content: Mapping[str, str]
    published: Path | None = None
    warnings: tuple[Problem, ...] = ()

    @property
    def flows(self) -> Mapping[str, Flow]:
        return self.library.flows

    @property
    def version(self) -> int:
        """The number under which the flows were published; 0: they were not."""
        return self.library.version

    @property
    def prompts(self) -> Prompts:
        return self.library.prompts

    @property
    def hours(self) -> Mapping[str, Hours]:
        return self.library.hours

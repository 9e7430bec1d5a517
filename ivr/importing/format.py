"""What every format of a source is, and what is read from one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from documents import DocumentError, Problem
from ivr.importing.draft import Draft

MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was found: its name for people, and its bytes."""

    name: str
    content: bytes

    @property
    def text(self) -> str:
        """Its text. Raises DocumentError where it is none."""
        try:
            text = self.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = self.content.decode("cp1252", "replace")  # what is older than UTF-8 was written on such machines
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise DocumentError([Problem("this is no text: it holds a zero byte", self.name, line)])
        return text


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the importer is asked for.

    `starts`: where callers enter (a context of a dialplan, an IVR of FreePBX by id or name, a dialog of VoiceXML); by
    default what the source itself shows. `language`: that of the prompts.
    """

    starts: tuple[str, ...] = ()
    language: str = "en"


class Format:
    """One format. A subclass lives in a file of its own in `ivr/importing/formats/`."""

    name: ClassVar[str]
    """What `--format` takes."""

    title: ClassVar[str]
    """What people call it."""

    example: ClassVar[str]
    """A small source that makes a flow; a test imports it."""

    example_file: ClassVar[str]
    """What the example would be called."""

    def recognises(self, file: SourceFile) -> bool:
        """Whether this file is one of this format, by its name and its first lines."""
        raise NotImplementedError

    def read(self, files: Sequence[SourceFile], wanted: Wanted) -> Draft:
        """The flows in these files. Raises DocumentError for what cannot be read at all, with file and line."""
        raise NotImplementedError

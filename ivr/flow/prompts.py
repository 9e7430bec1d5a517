"""The centre's prompts: what each says in every language, and which recordings say it."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from documents import Source, validate
from ivr.flow import effects
from ivr.flow.names import LanguageTag, PromptName

Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Sound = Annotated[
    str,
    Field(
        # No segment begins with a dot, so no sound can leave the directory of sounds.
        pattern=r"^(centre:)?[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
        max_length=200,
        description="An Asterisk sound (`vm-goodbye`), or `centre:NAME` for a recording of the centre itself; "
        "without the file's ending.",
    ),
]


class PromptEntry(BaseModel):
    """One prompt: its text, its recordings or both, for each language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: dict[LanguageTag, Text] = Field(default_factory=dict, description="What it says, by language.")
    sounds: dict[LanguageTag, tuple[Sound, ...]] = Field(
        default_factory=dict, description="The sounds that say it, played in this order, by language."
    )

    speaks: LanguageTag | None = Field(
        default=None, description="It is said in this language whatever the caller's is: the offer of a language."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "PromptEntry":
        if not self.text and not any(self.sounds.values()):
            raise ValueError("a prompt needs a text or sounds")
        if self.speaks and (self.sounds or self.text.keys() != {self.speaks}):
            raise ValueError(f"a prompt that always speaks {self.speaks} has a text in {self.speaks} and nothing else")
        return self

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self.text) | frozenset(language for language, sounds in self.sounds.items() if sounds)


class PromptsDocument(RootModel[dict[PromptName, PromptEntry]]):
    """prompts.yaml: the centre's prompts by name."""


class Prompts:
    """Looks prompts up. A language that a prompt lacks falls back: `es-MX`, `es`, the default language, any.

    `made`: by name and language, the sounds of prompts that name none themselves: recordings that are called as the
    prompt, and what speech synthesis has rendered. `pinned`: by language and sound, the name under which exactly that
    recording is kept for a published version, whatever becomes of the sound's own file.
    """

    def __init__(
        self,
        entries: Mapping[str, PromptEntry],
        default_language: str,
        made: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
        pinned: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.entries = dict(entries)
        self.default_language = default_language
        self.made = made or {}
        self.pinned = pinned or {}
        self._spoken: dict[tuple[str, str], effects.Prompt] = {}

    def prompt(self, name: str, language: str) -> effects.Prompt:
        """Raises KeyError when there is no such prompt."""
        spoken = self._spoken.get((name, language))
        if spoken is None:
            spoken = self._spoken[name, language] = self._resolve(name, language)
        return spoken

    def _resolve(self, name: str, language: str) -> effects.Prompt:
        entry = self.entries[name]
        if entry.speaks:
            heard_as = (language, language.partition("-")[0], self.default_language)
            sounds = next((self.made[name, tag] for tag in heard_as if (name, tag) in self.made), ())
            return effects.Prompt(str(name), entry.text[entry.speaks], sounds)
        wanted = (language, language.partition("-")[0], self.default_language, *sorted(entry.languages))
        best = next(tag for tag in wanted if tag in entry.languages)
        text = next((text for tag, text in entry.text.items() if tag == best), "")
        sounds = next((sounds for tag, sounds in entry.sounds.items() if tag == best), ())
        sounds = sounds or self.made.get((name, best), ())
        return effects.Prompt(str(name), text, tuple(self.pinned.get((best, sound), sound) for sound in sounds))


def load_prompts(source: Source, default_language: str, at: tuple[str | int, ...] = ()) -> Prompts:
    """Raises documents.DocumentError with every problem."""
    entries = validate(source, PromptsDocument, at).root
    return Prompts({str(name): entry for name, entry in entries.items()}, default_language)

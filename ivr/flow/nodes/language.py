from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.flow.effects import HangUp, SetLanguage
from ivr.flow.names import Computed, LanguageTag, Target
from ivr.flow.node import Fixture, Node, NodeError, Result, WrongInput
from ivr.flow.turn import Turn


class Language(Node):
    """Sets the language that the caller hears from now on; one of the centre's."""

    type: Literal["language"]
    language: LanguageTag | None = Field(None, description="Its tag, such as `es`.")
    value: Computed | None = Field(None, description="Instead of `language`: an expression that yields its tag.")
    next: Target = Field(description="Where to go afterwards.")

    example: ClassVar[str] = """
        as-on-record:
          type: language
          value: contact.tongue
          next: main-menu
          error: in-spanish
        in-spanish:
          type: language
          language: es
          next: spanish-menu
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture(
            "changes the language, then goes on",
            ((None, (SetLanguage("es"), HangUp("main-menu"))),),
            attributes=(("tongue", "es"),),
        ),
        WrongInput(
            "takes `error` for a language that the centre does not speak",
            ((None, (SetLanguage("es"), HangUp("spanish-menu"))),),
            attributes=(("tongue", "tlh"),),
        ),
        WrongInput("takes `error` where there is no value", ((None, (SetLanguage("es"), HangUp("spanish-menu"))),)),
    )

    @model_validator(mode="after")
    def _one_language(self) -> Self:
        if (self.language is None) == (self.value is None):
            raise ValueError("either 'language' or 'value' is needed")
        return self

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def enter(self, turn: Turn) -> Result:
        language = turn.value(self.value) if self.value else str(self.language)
        if not isinstance(language, str) or language not in turn.library.languages:
            raise NodeError(f"the centre does not speak {language!r}")
        turn.set_language(language)
        return "next"

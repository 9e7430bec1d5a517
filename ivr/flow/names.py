"""The words of a flow document that stand for something else: nodes, prompts, queues, expressions.

They are types, so that one walk over a validated node finds all that it refers to (`ivr.flow.node.Node.refers`) and
nobody has to list it twice.
"""

import re
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from documents import Expression, ExpressionError, nearest


class Matching:
    """Makes `Annotated[str, Matching(...)]` a text of this pattern, with an error that says it in words."""

    def __init__(self, pattern: str, in_words: str) -> None:
        self.pattern = pattern
        self.in_words = in_words

    def check(self, text: str) -> str:
        if not re.search(self.pattern, text):
            raise ValueError(self.in_words)
        return text

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}


NO_SPACE_AROUND = Matching(r"^\S(.*\S)?$", "a name has no spaces before or after it")
ID = Matching(
    # Nothing that separates or closes something where ids are shown or joined.
    r"^[^\s\"'`.,:;/\\|<>(){}\[\]&#]+$",
    "an id has no spaces, no quotes, no brackets, and none of . , : ; / \\ | & #",
)


class Name(str):
    """A name of something; `kind` says of what."""

    kind: ClassVar[str] = "name"
    matching: ClassVar[Matching] = NO_SPACE_AROUND

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strict=True, min_length=1, max_length=80)
        return core_schema.no_info_after_validator_function(lambda value: cls(cls.matching.check(value)), text)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return cls.matching.__get_pydantic_json_schema__(schema, handler)


class Target(Name):
    """The id of a node of the same flow, in letters of any script."""

    kind = "node"
    matching = ID


class PromptName(Name):
    kind = "prompt"


class QueueName(Name):
    kind = "queue"


class FlowName(Name):
    kind = "flow"


class HoursName(Name):
    kind = "hours"


class DatabaseName(Name):
    kind = "database"


class WebhookName(Name):
    kind = "webhook"


class CurrencyName(Name):
    """A currency by its code (ISO 4217), such as `EUR`."""

    kind = "currency"
    matching = Matching(r"^[A-Z]{3}$", "a currency is a code of three capital letters, such as EUR")


class LanguageTag(Name):
    """A language tag (RFC 5646) such as `en`, `es` or `pt-BR`."""

    kind = "language"
    matching = Matching(r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", "a language is a tag such as en, es or pt-BR")


CONTACT_FIELDS = ("language", "number", "dialled")
"""What `contact` has of its own; no attribute may take these names."""


def _free(name: str) -> str:
    if name in CONTACT_FIELDS:
        raise ValueError(f"contact.{name} is given by the call and cannot be set")
    return name


AttributeName = Annotated[
    str,
    Field(max_length=60, description="The name of an attribute: `contact.NAME`."),
    Matching(r"^[A-Za-z_][A-Za-z0-9_]*$", "an attribute's name has only letters a to z, digits and _"),
    AfterValidator(_free),
]
ExitName = Annotated[str, Field(min_length=1, max_length=60, description="The name of an exit."), ID]
VARIABLES = ("contact", "caller", "now")


class OverVariables:
    """Makes `Annotated[Expression, OverVariables(...)]` a field that is compiled when the document is loaded."""

    def __init__(self, *names: str) -> None:
        self.names = frozenset(names)

    def compile(self, value: object) -> Expression:
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            raise ValueError("an expression is written as text")
        try:
            expression = Expression(value)
        except ExpressionError as error:
            raise ValueError(f"not a CEL expression: {error}") from None
        for name in sorted(expression.names - self.names):
            hint = f"{nearest(name, self.names)}; text is written in quotes inside the expression: \"'{name}'\""
            raise ValueError(f"there is no variable {name!r} here ({hint})")
        return expression

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.compile)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        over = ", ".join(f"`{name}`" for name in sorted(self.names))
        return {"type": ["string", "number", "boolean"], "description": f"A CEL expression over {over}."}


Computed = Annotated[Expression, OverVariables(*VARIABLES)]
"""An expression over `contact`, `caller` and `now`."""

_TO_ASK = (*VARIABLES, "secret", "key", "by", "pin")

ComputedToAsk = Annotated[Expression, OverVariables(*_TO_ASK)]
"""Also over `secret`, the sensitive digits that this flow has collected, and what identify and verify ask with: `key`,
`by`, `pin`."""

ComputedFromAnswer = Annotated[Expression, OverVariables(*VARIABLES, "data", "status")]
"""Also over a lookup's answer: `data` (its JSON) and `status` (its HTTP status)."""


_PIECES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class TextTemplate:
    """A text in which each `{{ expression }}` is replaced by its value."""

    __slots__ = ("expressions", "pieces", "text")
    variables: ClassVar[tuple[str, ...]] = VARIABLES
    longest: ClassVar[int] = 5_000
    what: ClassVar[str] = "a text"

    def __init__(self, text: str) -> None:
        fixed = _PIECES.sub("", text)
        if "{{" in fixed or "}}" in fixed:
            raise ValueError(f"{self.what} has a }}}} for each {{{{")
        self.text = text
        over = OverVariables(*self.variables)
        self.pieces = [
            over.compile(piece.strip()) if position % 2 else piece for position, piece in enumerate(_PIECES.split(text))
        ]
        self.expressions = tuple(piece for piece in self.pieces if isinstance(piece, Expression))

    def fill(self, value: Any) -> str:
        """The text, with `value(expression)` for each expression."""
        return "".join(str(value(piece)) if isinstance(piece, Expression) else piece for piece in self.pieces)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strict=True, min_length=1, max_length=cls.longest)
        return core_schema.no_info_after_validator_function(cls, text)


class UrlTemplate(TextTemplate):
    """An HTTP address in which each `{{ expression }}` is replaced by its value, percent-encoded.

    Scheme and host are fixed, so that no caller can choose whom the centre talks to (RFC 3986 section 3).
    """

    __slots__ = ()
    variables = _TO_ASK
    longest = 2_000
    what = "an address"
    _BASE = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(?=[/?]|$)")

    def __init__(self, text: str) -> None:
        if not self._BASE.match(text):
            raise ValueError(
                "an address begins with http:// or https:// and a fixed host name; "
                "user names, passwords and {{ }} cannot stand there"
            )
        super().__init__(text)
        if re.search(r"[\s#]", _PIECES.sub("", text)):
            raise ValueError("an address has neither spaces nor a '#' part")

    def fill(self, value: Any) -> str:
        """The address, with `value(expression)` for each expression."""
        return super().fill(lambda expression: quote(str(value(expression)), safe=""))

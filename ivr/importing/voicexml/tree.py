"""XML as a tree with lines. Nothing outside the file is read: no entity is declared or expanded, no DTD fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from documents import DocumentError, Problem
from ivr.importing.format import SourceFile

MAX_DEPTH = 200
MAX_ELEMENTS = 100_000


@dataclass(slots=True)
class Element:
    """An element: its local name, attributes, and what is in it, texts and elements in order."""

    name: str
    attributes: dict[str, str]
    line: int
    file: str
    children: list[Element | str] = field(default_factory=list)

    def get(self, attribute: str) -> str:
        return self.attributes.get(attribute, "").strip()

    def all(self, *names: str) -> Iterator[Element]:
        """Its own elements with these names."""
        return (child for child in self.children if isinstance(child, Element) and child.name in names)

    @property
    def elements(self) -> list[Element]:
        return [child for child in self.children if isinstance(child, Element)]

    @property
    def text(self) -> str:
        """All text in it, in one line."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def __str__(self) -> str:
        """The element's tag, as it stands."""
        return "<" + " ".join([self.name, *(f'{name}="{value}"' for name, value in self.attributes.items())]) + ">"


def parse(file: SourceFile) -> Element:
    """The root element. Raises DocumentError for what is not well-formed, and for entities."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    stack: list[Element] = []
    roots: list[Element] = []
    count = 0

    def refuse(message: str, hint: str = "") -> None:
        raise DocumentError([Problem(message, file.name, parser.CurrentLineNumber, hint=hint)])

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) >= MAX_DEPTH or count > MAX_ELEMENTS:
            refuse(f"elements nested deeper than {MAX_DEPTH}, or more than {MAX_ELEMENTS:,} of them")
        own = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition(" ")[2], own, parser.CurrentLineNumber, file.name)
        (stack[-1].children if stack else roots).append(element)
        stack.append(element)

    def end(name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        if stack:
            stack[-1].children.append(data)

    def entity(*_: object) -> None:
        refuse("entities are not allowed", "write out what they stand for")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.EntityDeclHandler = entity
    parser.SkippedEntityHandler = entity
    parser.ExternalEntityRefHandler = lambda *_: 0
    try:
        parser.Parse(file.content, True)
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code) or "not well-formed"
        hint = "it must be plain VoiceXML, as a browser would get it"
        raise DocumentError([Problem(f"not XML: {why}", file.name, error.lineno, hint=hint)]) from None
    except (LookupError, ValueError) as error:
        raise DocumentError([Problem(f"not XML: {error}", file.name)]) from None
    if roots[0].name != "vxml":
        hint = "the outermost element is <vxml>"
        raise DocumentError([Problem(f"<{roots[0].name}> is not VoiceXML", file.name, roots[0].line, hint=hint)])
    return roots[0]

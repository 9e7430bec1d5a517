"""VoiceXML's dialogs as nodes, in the order of the form interpretation algorithm (VoiceXML 2.0, appendix C): the items
of a form one after the other, what is filled, and back to the first item that was cleared.

What is compiled leads to labels, so that dialogs may lead to each other before they have nodes; `tidy.resolve` puts the
nodes in their place.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ivr.importing.draft import Draft, FlowDraft, Kind
from ivr.importing.voicexml.asking import PROPERTIES, ask_field, ask_menu, record, transfer
from ivr.importing.voicexml.expressions import Untranslatable, condition, expression, literal, variable
from ivr.importing.voicexml.prompts import say_of
from ivr.importing.voicexml.tree import Element

MAX_DEPTH = 5
_EXECUTABLE = (
    "assign", "audio", "clear", "data", "disconnect", "else", "elseif", "exit", "foreach", "goto", "if", "log", "mark",
    "prompt", "reprompt", "return", "script", "submit", "throw", "value", "var", "enumerate",
)  # fmt: skip
_NOT_EXECUTED = (
    "noinput", "nomatch", "catch", "help", "error", "filled", "grammar", "option", "property", "link", "param",
    "choice", "meta", "metadata",
)  # fmt: skip
_ITEMS = ("block", "field", "subdialog", "transfer", "record", "initial", "object")


@dataclass(frozen=True, slots=True)
class Around:
    """Where something stands: the elements that enclose it (the document first), what comes when its form is done, and
    where a `clear` or a `goto nextitem` leads."""

    enclosing: tuple[Element, ...]
    document: str
    done: str
    items: tuple[tuple[str, str], ...] = ()
    returns: str = ""
    depth: int = 0

    def item(self, name: str) -> str:
        return dict(self.items).get(name, "")


@dataclass(slots=True)
class Voice:
    """One flow in the making. `documents` are the files by their names without directories."""

    draft: Draft
    flow: FlowDraft
    documents: dict[str, Element]
    labels: dict[str, str] = field(default_factory=dict)
    dialogs: dict[tuple[str, str], str] = field(default_factory=dict)
    to_do: list[Callable[[], None]] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    """What each field takes, for saying it."""
    seen: set[int] = field(default_factory=set)
    looked_through: set[int] = field(default_factory=set)
    mentioned: frozenset[str] = frozenset()
    """The variables at which some expression looks."""
    _end: str = ""

    def run(self) -> None:
        while self.to_do:
            self.to_do.pop(0)()

    # Nodes

    def label(self) -> str:
        name = f"label-{len(self.labels)}-"
        self.labels[name] = ""
        return name

    def node(self, wanted: str, node: dict[str, Any]) -> str:
        if self.flow.full:
            return self.end()
        name = self.flow.new_id(wanted)
        self.flow.nodes[name] = node
        return name

    def end(self, reason: str = "normal") -> str:
        if reason == "normal" and self._end:
            return self._end
        name = self.flow.new_id("end" if reason == "normal" else reason)
        self.flow.nodes[name] = {"type": "hangup"} | ({} if reason == "normal" else {"reason": reason[:80]})
        if reason == "normal":
            self._end = name
        return name

    def find(self, kind: Kind, element: Element, why: str, do: str = "") -> None:
        if kind == "left out":
            self.draft.count("left out") if id(element) not in self.seen else None
            self.seen.add(id(element))
        self.draft.find(kind, element.file, element.line, str(element), why, do)

    # Dialogs

    def dialog(self, document: str, wanted: str, element: Element) -> str:
        """The label of a dialog; of the first one where none is wanted."""
        root = self.documents.get(document)
        if root is None:
            why = f"the file {document!r} was not given; the call ends there"
            self.find("left out", element, why, "import it together with this one")
            return self.end(f"not imported: {document}")
        found = [dialog for dialog in root.all("form", "menu") if not wanted or dialog.get("id") == wanted]
        if not found:
            what = f"there is no dialog {wanted!r}" if wanted else "there is no dialog"
            self.find("left out", element, f"{what} in {document}; the call ends there")
            return self.end(f"no dialog {wanted or document}")
        key = (document, wanted or found[0].get("id"))
        if key not in self.dialogs:
            label = self.dialogs[key] = self.label()
            around = Around((root,), document, self.end())
            self.to_do.append(lambda: self.labels.__setitem__(label, self.compiled(found[0], around)))
        return self.dialogs[key]

    def compiled(self, dialog: Element, around: Around) -> str:
        """The first node of a form or a menu."""
        self.draft.count("carried over")
        inside = replace(around, enclosing=(*around.enclosing, dialog))
        self.unheeded(dialog, ("form", "menu"))
        if dialog.name == "menu":
            return ask_menu(self, dialog, inside)
        return self._form(dialog, inside)

    def _form(self, form: Element, around: Around) -> str:
        """The items of a form, each leading to the next one; then what the form does when they are filled."""
        items = list(form.all(*_ITEMS))
        labels = [self.label() for _ in items]
        named = tuple((item.get("name"), label) for item, label in zip(items, labels, strict=True) if item.get("name"))
        around = replace(around, items=(*named, *([("", labels[0])] if labels else [])))
        after = around.done
        for filled in reversed(list(form.all("filled"))):
            after = self.content(filled.children, replace(around, done=after), after)
        for item, label in reversed(list(zip(items, labels, strict=True))):
            self.labels[label] = self._item(item, around, after)
            after = label
        start = labels[0] if labels else after
        return self.content(list(form.all("var", "script")), around, start)

    def _item(self, item: Element, around: Around, after: str) -> str:
        """One item; `cond` passes over it."""
        self.draft.count("carried over")
        inside = replace(around, enclosing=(*around.enclosing, item))
        made = self._of_item(item, inside, after)
        if item.get("cond"):
            made = self._if(item, item.get("cond"), made, after)
        return made

    def _of_item(self, item: Element, around: Around, after: str) -> str:
        if item.name == "block":
            return self.content(item.children, around, after)
        self.unheeded(item, _ITEMS)
        if item.name == "field":
            return ask_field(self, item, around, after)
        if item.name == "transfer":
            return transfer(self, item, around, after)
        if item.name == "record":
            return record(self, item, around, after)
        if item.name == "subdialog":
            return self._subdialog(item, around, after)
        if item.name == "initial":
            self.find("left out", item, "speech that fills several fields at once", "the fields are asked one by one")
            return after
        self.find("left out", item, "an object of one maker's browser", "tell the other system by a notify or a lookup")
        return self.filled(item, around, after)

    def filled(self, item: Element, around: Around, after: str) -> str:
        """What an item does when it has its value."""
        for filled in reversed(list(item.all("filled"))):
            after = self.content(filled.children, around, after)
        return after

    def _subdialog(self, item: Element, around: Around, after: str) -> str:
        document, _, wanted = item.get("src").partition("#")
        behind = self.filled(item, around, after)
        root = self.documents.get(_file(document) or around.document)
        found = [d for d in root.all("form") if not wanted or d.get("id") == wanted] if root else []
        if root is None or not found or around.depth >= MAX_DEPTH:
            self.find("left out", item, "what it calls is not in the files", "import it together with this one")
            return behind
        inside = Around((root,), _file(document) or around.document, behind, (), behind, around.depth + 1)
        start = self.compiled(found[0], inside)
        given = {variable(p.get("name")): p for p in item.all("param") if p.get("name")}
        for name, parameter in reversed(given.items()):
            start = self._assigned(parameter, name, parameter.get("expr") or f"'{parameter.get('value')}'", start)
        return start

    # What is executed

    def content(self, children: Sequence[Element | str], around: Around, after: str) -> str:
        """The first node of these, which lead to `after`. A `clear` makes the form begin there again."""
        elements = [child for child in children if isinstance(child, Element)]
        for element in elements:
            if element.name == "clear":
                after = self._cleared(element, around) or after
        pending: list[Element | str] = []
        for child in reversed(list(children)):
            if isinstance(child, str) or child.name in ("prompt", "audio", "value", "enumerate"):
                pending.insert(0, child)
                continue
            after = self._said(pending, around, after)
            pending = []
            if child.name not in _NOT_EXECUTED:
                self.draft.count("carried over")
                after = self._executed(child, around, after)
        return self._said(pending, around, after)

    def _said(self, children: Sequence[Element | str], around: Around, after: str) -> str:
        """A node that plays this, if it is anything to be heard."""
        say = say_of(self, children, around)
        self.draft.count("carried over", sum(isinstance(child, Element) for child in children))
        for position in range((len(say) - 1) // 20 * 20, -1, -20):
            if part := say[position : position + 20]:
                after = self.node("say", {"type": "play", "say": part, "next": after})
        return after

    def _executed(self, element: Element, around: Around, after: str) -> str:
        name = element.name
        if name in ("var", "assign"):
            text = element.get("expr")
            return self._assigned(element, variable(element.get("name")), text, after) if text else after
        if name == "if":
            return self._conditions(element, around, after)
        if name == "goto":
            return self._goto(element, around)
        if name in ("exit", "disconnect"):
            return self.end()
        if name == "return":
            return around.returns or self.end()
        if name in ("log", "mark", "reprompt", "clear"):
            return after
        if name == "throw":
            return self._thrown(element, around, after)
        if name == "submit":
            self.find("left out", element, "what a server answers with is not known; the call ends there",
                      "look it up by a lookup node, or tell it by a notify node")  # fmt: skip
            return self.end("not imported: submit")
        do = {"script": "write it as expressions", "data": "look it up by a lookup node"}.get(name, "")
        known = f"<{name}> has no counterpart" if name in _EXECUTABLE else f"<{name}> is not known here"
        self.find("left out", element, f"{known}; callers go on behind it", do)
        return after

    def _assigned(self, element: Element, name: str, text: str, after: str) -> str:
        try:
            term = expression(text)
        except Untranslatable as why:
            self.find("left out", element, str(why), "set it by a set node")
            return after
        if term.kind == "nothing":
            return after
        return self.node(f"set-{name}", {"type": "set", "attributes": {name: term.cel}, "next": after})

    def _if(self, element: Element, text: str, yes: str, no: str) -> str:
        try:
            when = condition(text)
        except Untranslatable as why:
            self.find("left out", element, f"{why}; callers go on as if it were not so", "write it as a branch")
            return no
        if when in ("true", "false"):
            return yes if when == "true" else no
        return self.node("if", {"type": "branch", "conditions": [{"when": when, "to": yes}], "otherwise": no})

    def _conditions(self, element: Element, around: Around, after: str) -> str:
        """`if`, with `elseif` and `else` between what they lead to."""
        parts: list[tuple[Element, list[Element | str]]] = [(element, [])]
        for child in element.children:
            if isinstance(child, Element) and child.name in ("elseif", "else"):
                parts.append((child, []))
            else:
                parts[-1][1].append(child)
        otherwise = after
        for part, children in reversed(parts):
            made = self.content(children, around, after)
            otherwise = made if part.name == "else" else self._if(part, part.get("cond"), made, otherwise)
        return otherwise

    def _goto(self, element: Element, around: Around) -> str:
        item = element.get("nextitem")
        if item:
            if found := around.item(item):
                return found
            self.find("left out", element, f"there is no item {item!r} in this form; the call ends there")
            return self.end()
        target = element.get("next") or literal(element.get("expr") or element.get("expritem")) or ""
        return self.leads(element, target, around)

    def leads(self, element: Element, target: str, around: Around) -> str:
        """Where `#dialog`, `file.vxml` or `file.vxml#dialog` leads."""
        if not target:
            self.find("left out", element, "where it leads only the call knows; it ends there", "lead on by a branch")
            return self.end("not imported: goto")
        document, _, dialog = target.partition("#")
        return self.dialog(_file(document) if document else around.document, dialog, element)

    def _cleared(self, element: Element, around: Around) -> str:
        """The first item that is to be filled again."""
        names = element.get("namelist").split()
        found = [label for name, label in around.items if name in names]
        return found[0] if found else around.item("") if not names else ""

    def _thrown(self, element: Element, around: Around, after: str) -> str:
        event = element.get("event")
        handler = self.handler(around, event)
        if handler is None:
            self.find("left out", element, f"nothing here catches {event!r}; the call ends there")
            return self.end()
        return self.content(handler.children, around, after)

    def handler(self, around: Around, event: str) -> Element | None:
        """What catches an event, from the inside out."""
        for place in reversed(around.enclosing):
            for handler in place.all("catch", "help", "noinput", "nomatch", "error"):
                events = handler.get("event").split() if handler.name == "catch" else [handler.name]
                if any(event == name or event.startswith(f"{name}.") for name in events):
                    return handler
        return None

    def unheeded(self, element: Element, kinds: tuple[str, ...]) -> None:
        """Names what directly in an element has no counterpart, once."""
        if id(element) in self.looked_through:
            return
        self.looked_through.add(id(element))
        self.seen.add(id(element))
        for child in element.all("link"):
            self.find(
                "left out", child, "a link that counts everywhere", "the flow's `operator` key leads from everywhere"
            )
        for child in element.all("help"):
            self.find("left out", child, "help is asked for by speech")
        for child in element.all("catch", "error"):
            events = child.get("event") or child.name
            if not re.fullmatch(r"\s*(noinput|nomatch)(\s+(noinput|nomatch))*\s*", events):
                self.find(
                    "left out", child, "an event that no node of this flow raises", "`on_error` is where errors lead"
                )
        for child in element.all("property"):
            if child.get("name") not in PROPERTIES:
                self.find("left out", child, "this property has no counterpart")
        known = (*_EXECUTABLE, *_NOT_EXECUTED, *_ITEMS, *kinds)
        for child in element.elements:
            if child.name not in known:
                self.find("left out", child, f"<{child.name}> is not known here")


def _file(target: str) -> str:
    """The file's name, without directories and what is asked of it."""
    return re.split(r"[/\\]", target.partition("?")[0])[-1]


file_name = _file

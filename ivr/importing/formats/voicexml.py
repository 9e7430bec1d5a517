import re
from collections.abc import Sequence
from typing import ClassVar

from documents import DocumentError, Problem, nearest
from ivr.importing.draft import Draft
from ivr.importing.format import Format, SourceFile, Wanted
from ivr.importing.tidy import resolve, tidy
from ivr.importing.voicexml.expressions import variable
from ivr.importing.voicexml.translate import Around, Voice, file_name
from ivr.importing.voicexml.tree import Element, parse

_ROOT = re.compile(rb"<(?:\w+:)?vxml[\s>]")


class VoiceXml(Format):
    """VoiceXML 2.0 and 2.1: menus and forms that are answered by keys."""

    name: ClassVar[str] = "voicexml"
    title: ClassVar[str] = "VoiceXML"
    example_file: ClassVar[str] = "menu.vxml"
    example: ClassVar[str] = """
        <?xml version="1.0" encoding="UTF-8"?>
        <vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="en-US">
          <menu id="main">
            <prompt>For your balance press 1. For a person press 2.</prompt>
            <choice dtmf="1" next="#balance">balance</choice>
            <choice dtmf="2" next="#person">person</choice>
            <noinput count="3"><goto next="#person"/></noinput>
            <nomatch>That is not one of the choices.<reprompt/></nomatch>
          </menu>
          <form id="balance">
            <field name="account" type="digits?length=6">
              <prompt>Please enter your account.</prompt>
              <filled>
                <if cond="account == '000000'"><goto next="#person"/></if>
                <prompt>You entered <value expr="account"/>.</prompt>
              </filled>
            </field>
            <block><exit/></block>
          </form>
          <form id="person"><transfer name="call" dest="tel:+15550100" bridge="true"/></form>
        </vxml>
        """

    def recognises(self, file: SourceFile) -> bool:
        return _ROOT.search(file.content[:20_000]) is not None

    def read(self, files: Sequence[SourceFile], wanted: Wanted) -> Draft:
        documents = {file_name(file.name): parse(file) for file in files}
        if len(documents) < len(files):
            raise DocumentError([Problem("two files of the same name", files[0].name)])
        first = next(iter(documents))
        language = (
            documents[first].get("lang").partition("-")[0].lower() if wanted.language == "en" else wanted.language
        )
        draft = Draft(language or "en")
        reached: set[int] = set()
        for start in wanted.starts or ("",):
            document, dialog = _start(documents, start, first)
            reached |= _follow(documents, draft, document, dialog)
        _report(documents, draft, reached)
        return draft


def _follow(documents: dict[str, Element], draft: Draft, document: str, dialog: str) -> set[int]:
    """One flow, from a dialog. Returns which dialogs were reached, by their places in memory."""
    root = documents[document]
    name = dialog or document.rpartition(".")[0]
    flow = draft.flow(name, f"Imported from {document}.")
    voice = Voice(draft, flow, documents, mentioned=_mentioned(documents))
    if root.get("application") and file_name(root.get("application")) not in documents:
        voice.find("left out", root, "the root document was not given", "import it together with this one")
    start = voice.dialog(document, dialog, root)
    flow.start = voice.content(list(root.all("var", "script")), Around((root,), document, start), start)
    voice.run()
    voice.unheeded(root, ("form", "menu"))
    resolve(flow, voice.labels, voice.end())
    tidy(flow)
    return {
        id(next(d for d in documents[place].all("form", "menu") if not wanted or d.get("id") == wanted))
        for place, wanted in voice.dialogs
    } | voice.seen


def _mentioned(documents: dict[str, Element]) -> frozenset[str]:
    """The variables at which some expression looks."""
    found: set[str] = set()
    to_do = list(documents.values())
    while to_do:
        element = to_do.pop()
        to_do += element.elements
        for name in ("cond", "expr", "namelist"):
            found |= {variable(word) for word in re.findall(r"[A-Za-z_][\w.]*", element.get(name))}
    return frozenset(found)


def _start(documents: dict[str, Element], start: str, first: str) -> tuple[str, str]:
    """The document and dialog of `dialog`, `file.vxml` or `file.vxml#dialog`."""
    document, mark, dialog = start.partition("#")
    if not mark and document not in documents:
        document, dialog = first, start
    document = document or first
    if document not in documents:
        raise DocumentError([Problem(f"there is no file {document!r}", first, hint=nearest(document, documents))])
    ids = [element.get("id") for element in documents[document].all("form", "menu")]
    if not ids:
        raise DocumentError(
            [Problem("there is no form and no menu", documents[document].file, documents[document].line)]
        )
    if dialog and dialog not in ids:
        raise DocumentError(
            [Problem(f"there is no dialog {dialog!r}", documents[document].file, hint=nearest(dialog, ids))]
        )
    return document, dialog


def _report(documents: dict[str, Element], draft: Draft, reached: set[int]) -> None:
    """Names the dialogs that nothing leads to."""
    for root in documents.values():
        for dialog in root.all("form", "menu"):
            if id(dialog) not in reached:
                draft.count("not reached")
                why = "no caller gets here from where the flow begins"
                do = f"--start {dialog.get('id')} imports it" if dialog.get("id") else ""
                draft.find("left out", dialog.file, dialog.line, str(dialog), why, do)

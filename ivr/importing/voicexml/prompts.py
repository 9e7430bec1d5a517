"""What VoiceXML says: texts, recordings with a text for when they are missing, and values."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ivr.importing.voicexml.expressions import Untranslatable, expression, literal, variable
from ivr.importing.voicexml.tree import Element

if TYPE_CHECKING:
    from ivr.importing.voicexml.translate import Around, Voice

_SPOKEN = {"number": "number", "currency": "number", "date": "date", "time": "time"}
_MARKUP = (
    "break",
    "emphasis",
    "p",
    "s",
    "paragraph",
    "sentence",
    "prosody",
    "say-as",
    "voice",
    "sub",
    "phoneme",
    "desc",
)
_AS = {"digits": "digits", "phone": "digits", "telephone": "digits", "number": "number", "cardinal": "number",
       "date": "date", "time": "time", "currency": "number"}  # fmt: skip


def say_of(voice: "Voice", children: Sequence[Element | str], around: "Around") -> list[Any]:
    """The prompts and values of these."""
    said: list[Any] = []
    _Saying(voice, around, said, _language(around)).all(children)
    return said


def _language(around: "Around") -> str:
    """The language that holds here (`xml:lang`), empty for the flow's."""
    return next((tag for e in reversed(around.enclosing) if (tag := e.get("lang").partition("-")[0].lower())), "")


class _Saying:
    def __init__(self, voice: "Voice", around: "Around", said: list[Any], language: str) -> None:
        self.voice, self.around, self.said, self.language = voice, around, said, language
        self.words: list[str] = []

    def all(self, children: Sequence[Element | str], spoken: str = "") -> None:
        self._inside(children, spoken)
        self._flush()

    def _inside(self, children: Sequence[Element | str], spoken: str) -> None:
        for child in children:
            if isinstance(child, str):
                self.words += child.split()
            elif child.name == "prompt":
                self._prompt(child)
            elif child.name == "audio":
                self._audio(child)
            elif child.name == "value":
                self._value(child, spoken)
            elif child.name == "enumerate":
                self._enumerate(child)
            elif child.name in _MARKUP:
                kind = (child.get("interpret-as") or child.get("type")).rpartition(":")[2]
                self._inside(child.children, _AS.get(kind, spoken))
            elif child.name not in ("mark", "desc"):
                self.voice.find("left out", child, f"<{child.name}> is nothing that is said here")

    def _flush(self) -> None:
        text = " ".join(self.words)
        self.words = []
        if re.search(r"\w", text):
            draft = self.voice.draft
            self.said.append(draft.text(text))

    def _prompt(self, prompt: Element) -> None:
        self._flush()
        if prompt.get("count") not in ("", "1"):
            why = "what is said at the first time is said at every time"
            self.voice.find("changed", prompt, why)
            return
        if prompt.get("cond"):
            self.voice.find("changed", prompt, "it is said always, not only if", "lead round it by a branch")
        self._inside(prompt.children, "")
        self._flush()

    def _audio(self, audio: Element) -> None:
        self._flush()
        source = audio.get("src") or (literal(audio.get("expr")) or "")
        inside = audio.text
        if not source:
            if audio.get("expr"):
                self.voice.find(
                    "left out", audio, "which recording it is only the call knows", "write it as a value to be said"
                )
            self._inside(audio.children, "")
            self._flush()
            return
        stem = re.sub(r"\.\w+$", "", re.split(r"[/\\:?]", source)[-1]) or "audio"
        draft = self.voice.draft
        name = draft.text(inside or f"Recording {source}.", stem)
        do = f"put it into sounds/{draft.language}/{name}.wav" + ("" if inside else ", and its text into prompts.yaml")
        why = "the recording is not in this file" + ("; until it is there, its text is spoken" if inside else "")
        self.voice.find("to do", audio, why, do)
        self.said.append(name)
        for child in audio.all("value"):
            self.voice.find("left out", child, "a value inside a recording's text")

    def _value(self, value: Element, spoken: str) -> None:
        text = value.get("expr")
        if (known := literal(text)) is not None:
            self.words += known.split()
            return
        self._flush()
        what = spoken or _SPOKEN.get(self.voice.kinds.get(variable(text), ""), "")
        try:
            term = expression(text)
        except Untranslatable as why:
            self.voice.find("left out", value, f"{why}; it is not said")
            return
        if not what and variable(text) not in self.voice.kinds and term.kind != "number":
            self.voice.find(
                "changed", value, "it is said as digits, and passed over if it is a text", "choose how it is said"
            )
        silent = self.voice.draft.silence()
        self.said.append(
            {"say": what or ("number" if term.kind == "number" else "digits"), "value": term.cel, "otherwise": silent}
        )

    def _enumerate(self, enumerate_: Element) -> None:
        self._flush()
        menu = self.around.enclosing[-1]
        for choice in menu.all("choice", "option"):
            if choice.get("dtmf") and choice.text:
                self.said.append(self.voice.draft.text(f"For {choice.text}, press {choice.get('dtmf')}."))
        if enumerate_.text or enumerate_.elements:
            self.voice.find("changed", enumerate_, "choices are named in our words: For ..., press ...")

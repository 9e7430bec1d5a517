"""A centre in the making: nodes, prompts, queues and opening hours as an importer finds them, and what it found that
has no place here.

Names are made fit for our documents; what two sources call alike stays two things.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ivr.flow.document import MAX_NODES

Kind = Literal["left out", "changed", "to do"]
KINDS: dict[Kind, str] = {
    "left out": "Not carried over",
    "changed": "Carried over, but not quite the same",
    "to do": "To be done by hand",
}
SILENT = "silent"
_MOST_TEXT, _LONGEST_SOUND = 160, 200


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the source that the flow does not have, or not so.

    `text` is what stands there, `why` the reason, `do` what a person may do about it.
    """

    kind: Kind
    file: str
    line: int
    text: str
    why: str
    do: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.text}: {self.why}" + (f" ({self.do})" if self.do else "")


@dataclass(slots=True)
class FlowDraft:
    """One flow: nodes by id, as documents write them."""

    name: str
    description: str = ""
    start: str = ""
    on_error: str = ""
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def new_id(self, wanted: str) -> str:
        """An id like `wanted` that no node has yet; the node is put there later."""
        name = node_id(wanted)
        number, taken = 2, name
        while taken in self.nodes:
            taken, number = f"{name}-{number}", number + 1
        self.nodes[taken] = {}
        return taken

    @property
    def full(self) -> bool:
        return len(self.nodes) >= MAX_NODES - 10

    def document(self) -> dict[str, Any]:
        head: dict[str, Any] = {"schema": 2, "name": self.name}
        if self.description:
            head["description"] = self.description
        head["start"] = self.start
        if self.on_error:
            head["on_error"] = self.on_error
        return {**head, "nodes": self.nodes}


@dataclass(slots=True)
class Draft:
    """Everything that was read. `numbers` are the flows by the number that was dialled; `steps` counts what the source
    has, by what became of it."""

    language: str = "en"
    flows: dict[str, FlowDraft] = field(default_factory=dict)
    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    hours: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    languages: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)
    _sounds: dict[str, str] = field(default_factory=dict)
    _queue_names: dict[str, str] = field(default_factory=dict)

    def flow(self, wanted: str, description: str = "") -> FlowDraft:
        """A new flow, called like this."""
        name = _free(ascii_name(plain_name(wanted), "flow"), self.flows)
        made = self.flows[name] = FlowDraft(name, description[:2_000])
        return made

    def find(self, kind: Kind, file: str, line: int, text: str, why: str, do: str = "") -> None:
        """Notes what a person must know; the same thing is noted once."""
        text = " ".join(text.split())
        finding = Finding(kind, file, line, text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "...", why, do)
        if finding not in self.findings:
            self.findings.append(finding)

    # What flows refer to

    def sound(self, sound: str, file: str, line: int) -> str:
        """The prompt that plays this recording of an Asterisk, by the name that its dialplan calls it."""
        name = re.sub(r"^/var/lib/asterisk/sounds/", "", sound.strip()).strip("/")
        name = re.sub(r"\.(wav|gsm|ulaw|alaw|sln\d*|g722|mp3)$", "", name, flags=re.IGNORECASE)
        if name not in self._sounds:
            prompt = _free(plain_name(name), self.prompts)
            self._sounds[name] = prompt
            if _SOUND.fullmatch(name) and len(name) <= _LONGEST_SOUND:
                self.prompts[prompt] = {"sounds": {self.language: [name]}}
                do = f"or put it into sounds/{self.language}/{prompt}.wav and delete 'sounds'; write down its text"
                self.find("to do", file, line, name, "this recording must be among Asterisk's sounds", do)
            else:
                self.prompts[prompt] = {"text": {self.language: f"Recording {name}."[:2_000]}}
                do = f"put it into sounds/{self.language}/{prompt}.wav, and its text into prompts.yaml"
                self.find("to do", file, line, name, "this recording is nothing that Asterisk plays by name", do)
        return self._sounds[name]

    def text(self, text: str, wanted: str = "", language: str = "") -> str:
        """The prompt that says this."""
        text, language = " ".join(text.split())[:2_000], language or self.language
        self.speaks(language)
        entry = {"text": {language: text}}
        for name, known in self.prompts.items():
            if known == entry:
                return name
        name = _free(plain_name(wanted or " ".join(text.split()[:4])), self.prompts)
        self.prompts[name] = entry
        return name

    def silence(self) -> str:
        """A prompt for where nothing is said."""
        self.prompts.setdefault(SILENT, {"sounds": {self.language: ["silence/1"]}})
        return SILENT

    def speaks(self, language: str) -> None:
        """Notes that callers may hear this language."""
        if language not in (self.language, *self.languages):
            self.languages.append(language)

    def queue(self, wanted: str, longest_wait_s: float = 3_600) -> str:
        """The queue of this name; the exit `timeout` is taken after the longest wait."""
        if wanted not in self._queue_names:
            name = _free(ascii_name(wanted, "queue"), self.queues)
            self._queue_names[wanted] = name
            self.queues[name] = {
                "goal": {"answered_within_s": 20, "share": 0.8},
                "steps": [{"name": "everyone"}],
                "longest_wait_s": 0,
                "last_action": {"exit": "timeout"},
            }
        name = self._queue_names[wanted]
        wait = min(max(longest_wait_s, 1), 86_400)
        self.queues[name]["longest_wait_s"] = max(self.queues[name]["longest_wait_s"], wait)
        return name

    def opening_hours(self, wanted: str, weekly: Mapping[str, list[str]]) -> str:
        """The hours of this week; equal ones are the same."""
        for name, known in self.hours.items():
            if known == {"weekly": weekly}:
                return name
        name = _free(plain_name(wanted), self.hours)
        self.hours[name] = {"weekly": dict(weekly)}
        return name

    def complete(self) -> None:
        """What a whole centre needs: a queue, a number for every flow, something in every language for every prompt (a
        recording of Asterisk's has the same name in all). Prompts that no flow plays go."""
        self._drop_unplayed()
        if not self.queues:
            made = self.queue("office")
            self.find("to do", "queues.yaml", 0, made, "nobody is put into a queue; a centre has one all the same")
        for number, flow in enumerate((flow for flow in self.flows if flow not in self.numbers.values()), 100):
            why = f"a number was made up for the flow {flow!r}"
            self.find("to do", "centre.yaml", 0, str(number), why, "write the real one")
            self.numbers[str(number)] = flow
        for name, prompt in self.prompts.items():
            for language in self.languages:
                said = prompt.get("sounds", {}), prompt.get("text", {})
                if any(language in each for each in said):
                    continue
                for each in said:
                    if each:
                        each[language] = next(iter(each.values()))
                if said[1]:
                    why = f"the prompt has no text in {language!r} yet"
                    self.find("to do", "prompts.yaml", 0, name, why, "translate it")

    def _drop_unplayed(self) -> None:
        played = {name for flow in self.flows.values() for node in flow.nodes.values() for name in _texts(node)}
        self.prompts = {name: prompt for name, prompt in self.prompts.items() if name in played}
        gone = {sound for sound, name in self._sounds.items() if name not in self.prompts}
        self.findings = [f for f in self.findings if f.kind != "to do" or f.text not in gone]

    def count(self, what: str, number: int = 1) -> None:
        self.steps[what] = self.steps.get(what, 0) + number

    def of(self, kind: Kind) -> Iterator[Finding]:
        return (finding for finding in self.findings if finding.kind == kind)


def _texts(value: Any) -> Iterator[str]:
    """All texts in the data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


_SOUND = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def plain_name(text: str) -> str:
    """A name as people would write it: letters, digits and dashes."""
    name = re.sub(r"\W+", "-", text.replace("#", "pound").replace("*", "star")).strip("-_").lower()
    return name[:60].strip("-") or "unnamed"


def node_id(text: str) -> str:
    return plain_name(text)


def ascii_name(text: str, what: str) -> str:
    """A name of a queue or a flow: a letter, and then letters, digits, `_` and `-`; after `what` if need be."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:50]
    return name if re.match("[A-Za-z]", name) else f"{what}-{name or 'unnamed'}"


def attribute(text: str) -> str:
    """An attribute's name: letters a to z, digits and `_`; none of those that the call itself has."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII)[:56].strip("_") or "value"
    name = name if re.match("[A-Za-z_]", name) else f"v{name}"
    return f"{name}_" if name in ("language", "number", "dialled") else name


def mailbox(text: str) -> str:
    """A mailbox's name: a letter or digit first, then `_` and `-` too."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")[:40] or "messages"


def _free(name: str, taken: Mapping[str, object]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free

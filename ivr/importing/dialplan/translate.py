"""Follows a dialplan as Asterisk would, from where callers enter, and writes down a node wherever the caller meets
something.

Partial evaluation (N. Jones, C. Gomard, P. Sestoft, "Partial Evaluation and Automatic Program Generation", 1993): the
variables on which our documents need a fixed value (what is played, where a Goto leads, how a Dial went) are followed
while importing, all others become attributes of the contact. So a place is a priority together with the values of the
variables that are followed; equal places are one node, and `ivr.importing.tidy` joins what turns out to be the same.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ivr.importing.dialplan import patterns
from ivr.importing.dialplan.accounting import SPECIAL, Account
from ivr.importing.dialplan.expressions import constant, filled_in, value
from ivr.importing.dialplan.operators import UNKNOWN, Operand, Scope, Untranslatable
from ivr.importing.dialplan.places import Place
from ivr.importing.dialplan.source import Dialplan, Extension, Include, Step
from ivr.importing.dialplan.variables import Variables
from ivr.importing.draft import Draft, FlowDraft, Kind
from ivr.importing.times import Span, WrongTime, add_hours

MAX_QUIET = 2_000
MAX_VALUE = 1_000
MAX_DEPTH = 6
DIALLED = "exten"
"""The attribute that holds what the caller dialled, where a pattern matched it."""


class Undecided(Exception):
    """Whether an include counts depends on the time."""

    def __init__(self, key: str, include: Include, span: Span) -> None:
        self.key, self.include, self.span = key, include, span


Node = dict[str, Any]
Deferred = Callable[[], Node]
Went = Place | Deferred | str
"""What an application comes to: the place after it, where callers notice nothing; a node, made when it is sure to be
needed; or the id of one that is there."""


@dataclass(slots=True)
class Here:
    """An application at its place."""

    flow: "Translator"
    place: Place
    step: Step
    application: str
    arguments: str

    @property
    def scope(self) -> Scope:
        return self.flow.scope(self.place)

    def to(self, place: Place) -> str:
        return self.flow.to(place)

    def find(self, kind: Kind, why: str, do: str = "") -> None:
        self.flow.find(kind, self.step, why, do)

    def split(self) -> list[str]:
        """The arguments; commas in brackets and quotes separate nothing."""
        return split_arguments(filled_in(self.arguments, self.scope))

    def constant(self, text: str) -> str:
        return constant(text, self.scope)


@dataclass(slots=True)
class Translator:
    """One flow in the making."""

    plan: Dialplan
    draft: Draft
    flow: FlowDraft
    applications: dict[str, Callable[[Here], Went]]
    elsewhere: Callable[[str, str], str | None]
    """The node for a destination that is known by its name; None: there is none."""
    variables: Variables
    account: Account
    ids: dict[Place, str] = field(default_factory=dict)
    to_do: list[Place] = field(default_factory=list)
    by_name: Collection[str] = ()
    """Contexts that are known by their names, though they are here too."""
    latest: Step | None = None
    """The step that was looked at last, for what is said of where it leads."""
    _end: str = ""

    def run(self) -> None:
        """Makes all nodes that can be reached from those asked for so far."""
        while self.to_do:
            place = self.to_do.pop()
            self.flow.nodes[self.ids[place]] = self._node(place)

    # Places and nodes

    def to(self, place: Place) -> str:
        """The id of the node that the caller meets who comes to this place."""
        found = self.walk(place)
        if isinstance(found, str):
            return found
        if found not in self.ids:
            if self.flow.full:
                step = self.step(found)
                if step:
                    self.find("left out", step, "the flow has too many nodes", "import it in parts, by --start")
                return self.end()
            self.ids[found] = self.flow.new_id(self._named(found))
            self.to_do.append(found)
        return self.ids[found]

    def end(self, reason: str = "normal") -> str:
        """A node that hangs up."""
        if reason == "normal" and self._end:
            return self._end
        name = self.flow.new_id("end" if reason == "normal" else reason)
        self.flow.nodes[name] = {"type": "hangup"} | ({} if reason == "normal" else {"reason": reason[:80]})
        if reason == "normal":
            self._end = name
        return name

    def walk(self, place: Place) -> Place | str:
        """The first place from here at which the caller meets something, or the id of a node that is there already."""
        passed: set[Place] = set()
        while place not in passed and len(passed) < MAX_QUIET:
            passed.add(place)
            if place.context in self.by_name and (known := self.elsewhere(place.context, place.extension)):
                self._known_by_name(place)
                return known
            try:
                step = self.step(place)
                went = self._beyond(place) if step is None else self._apply(place, step)
            except Undecided:
                return place
            if step is not None:
                self.account.note(step, "carried over" if isinstance(went, str) else "without effect")
                self.account.reached.add(place.context)
            if isinstance(went, str):
                return went
            if not isinstance(went, Place):
                return place
            place = went
        if (step := self.step(place)) is not None:
            self.find("left out", step, "a loop in which the caller has no part; it hangs up here")
        return self.end()

    def _known_by_name(self, place: Place) -> None:
        """Notes that the extension's steps are a node of ours, which is all that is taken of them."""
        extension = self._extension(place)
        steps = list(extension.steps.values()) if extension else []
        for step in steps:
            self.account.note(step, "carried over")
        if steps and place.context not in ONE_STEP:
            why = (
                f"known by its name: {place.context},{place.extension} is one node, its {len(steps)} steps are not read"
            )
            self.find("changed", steps[0], why, "look whether they do more, and write it behind the node")

    def _apply(self, place: Place, step: Step) -> Went:
        application, arguments = place.inline or (step.application, step.arguments)
        self.latest = step
        here = Here(self, place, step, application, arguments)
        handler = self.applications.get(application.lower())
        if handler is None:
            here.find("left out", f"{application} has no counterpart; callers go on behind it")
            return place.next
        try:
            return handler(here)
        except (Untranslatable, WrongTime) as error:
            here.find("left out", f"{error}; callers go on behind it")
            return place.next

    def _node(self, place: Place) -> Node:
        try:
            step = self.step(place)
            assert step is not None
            went = self._apply(place, step)
        except Undecided as undecided:
            return self._decided(place, undecided)
        assert not isinstance(went, Place | str)
        self.account.note(step, "carried over")
        self.account.reached.add(place.context)
        try:
            return went()
        except (Untranslatable, WrongTime) as error:
            self.find("left out", step, f"{error}; callers go on behind it")
            return {"type": "play", "say": [self.draft.silence()], "next": self.to(place.next)}

    def _decided(self, place: Place, undecided: Undecided) -> Node:
        """A node that asks for the time, for an include that counts at certain times."""
        yes, no = (self.to(place.with_values(**{undecided.key: answer})) for answer in "10")
        return self.by_time(undecided.span, undecided.include.context, yes, no)

    def by_time(self, span: Span, name: str, yes: str, no: str) -> Node:
        hours = add_hours(self.draft, name, [span])
        if hours is not None:
            return {"type": "hours", "hours": hours, "open": yes, "closed": no}
        return {"type": "branch", "conditions": [{"when": span.condition(), "to": yes}], "otherwise": no}

    def _named(self, place: Place) -> str:
        """An id that says where the node comes from."""
        try:
            extension = self._extension(place)
        except Undecided:
            extension = None
        label = ""
        if extension:
            label = next((name for name, number in extension.labels.items() if number == place.priority), "")
        parts = [place.context] if place.context != self.flow.start else []
        parts += [place.extension.lstrip("_").rstrip(".!") or "any"]
        parts += [label or str(place.priority)] if label or place.priority != 1 else []
        return "-".join(parts)

    def here(self, place: Place) -> Here | None:
        """The application at a place that `walk` has found."""
        try:
            step = self.step(place)
        except Undecided:
            return None
        if step is None:
            return None
        application, arguments = place.inline or (step.application, step.arguments)
        return Here(self, place, step, application, arguments)

    # Where priorities are

    def step(self, place: Place) -> Step | None:
        """The priority's step. Raises Undecided where it depends on the time."""
        extension = self._extension(place)
        return extension.steps.get(place.priority) if extension else None

    def exists_step(self, place: Place) -> bool:
        try:
            return self.step(place) is not None
        except Undecided:
            return True

    def _extension(self, place: Place) -> Extension | None:
        return self.find_extension(place, lambda extension: place.priority in extension.steps)

    def find_extension(self, place: Place, has: Callable[[Extension], bool]) -> Extension | None:
        """The first extension that matches and has what is looked for. Raises Undecided where that depends on the
        time."""
        for extension, undecided in self._candidates(place.context, dict(place.known)):
            if has(extension) and _fits(extension, place.extension):
                if undecided is not None:
                    raise undecided
                return extension
        return None

    def _candidates(
        self,
        name: str,
        known: dict[str, str | None],
        visited: set[str] | None = None,
        above: Undecided | None = None,
    ) -> Iterator[tuple[Extension, Undecided | None]]:
        """All extensions that count in this context, in the order in which Asterisk tries them, each with the include
        of which it must be known first whether it counts. Each context counts once, as in Asterisk."""
        visited = set() if visited is None else visited
        context = self.plan.contexts.get(name)
        if context is None or name in visited:
            return
        visited.add(name)
        for extension in sorted(context.extensions.values(), key=lambda extension: patterns.rank(extension.name)):
            yield extension, above
        for include in context.includes:
            key = f"include {name} {include.context} {include.when}"
            answer = known.get(key) if include.when else "1"
            if answer != "0":
                undecided = above if above or answer else self._undecided(key, include)
                yield from self._candidates(include.context, known, visited, undecided)

    def _undecided(self, key: str, include: Include) -> Undecided | None:
        try:
            return Undecided(key, include, Span(include.when))
        except WrongTime as error:
            text = f"include => {include.context},{include.when}"
            self.draft.find("changed", include.file, include.line, text, f"{error}; it counts always")
            return None

    def _beyond(self, place: Place) -> Place | str:
        """Where there is no such priority: an invalid extension, the end of a macro, or the end of the call."""
        if place.context not in self.plan.contexts:
            return self.elsewhere(place.context, place.extension) or self.end(f"no context {place.context}")
        if place.priority > 1 or place.extension in (*SPECIAL, "t", "e", "s"):
            if place.stack and place.stack[-1].macro:
                return self.returned(place)
            return self.end()
        if place.extension == "i":
            return place.at(place.context, "e") if self.exists(place, "e") else self.end()
        return place.at(place.context, "i")

    def exists(self, place: Place, extension: str, context: str = "") -> bool:
        wanted = place.at(context or place.context, extension)
        try:
            return self._extension(wanted) is not None
        except Undecided:
            return True

    def returned(self, place: Place) -> Place | str:
        """Behind the Gosub or Macro that led here."""
        if not place.stack:
            return self.end()
        frame = place.stack[-1]
        return replace(place.at(frame.context, frame.extension, frame.priority), stack=place.stack[:-1])

    def keys(self, place: Place) -> list[Extension]:
        """The extensions that a caller can dial here."""
        found: dict[str, Extension] = {}
        for extension, _ in self._candidates(place.context, dict(place.known)):
            if patterns.dialled(extension.name) and 1 in extension.steps:
                found.setdefault(extension.name, extension)
        return list(found.values())

    def extensions(self, place: Place) -> list[Extension]:
        """All extensions to which a Goto may lead here, but for those that Asterisk goes to by itself."""
        found: dict[str, Extension] = {}
        for extension, _ in self._candidates(place.context, dict(place.known)):
            if 1 in extension.steps and extension.name not in (*SPECIAL, "i", "t", "e", "s"):
                found.setdefault(extension.name, extension)
        return list(found.values())

    def invalid(self, place: Place) -> str:
        """Where keys lead that are no extension."""
        return self.to(place.at(place.context, "i"))

    # What is known

    def scope(self, place: Place) -> Scope:
        names = self.variables
        dialled = place.extension
        extension = Operand(f"contact.{DIALLED}") if dialled.startswith("_") else Operand(constant=dialled)
        known = {**self.plan.variables, "CONTEXT": place.context, **dict(place.known)}
        return Scope(known, names.followed, names.numbers, names.blanks, extension)

    def assign(self, place: Place, name: str, text: str, scope: Scope | None = None) -> tuple[Place, dict[str, str]]:
        """The place with the variable set to the value of `text` in the scope (by default that of the place), and the
        attributes that contacts get for it."""
        scope = scope or self.scope(place)
        found = value(text, scope)
        if name not in self.variables.followed:
            return place, self.variables.assignment(name, found, scope)
        if found.constant is not None:
            if len(found.constant) > MAX_VALUE:
                raise Untranslatable(f"{name} grows longer than {MAX_VALUE:,} characters")
            return place.with_values(**{name: found.constant}), {}
        return place.with_values(**{name: UNKNOWN}), self.variables.assignment(name, found, scope)

    def outcome(self, place: Place, name: str, status: str) -> Place:
        """The place with how an application went, where the dialplan looks at that."""
        return place.with_values(**{name: status}) if name in self.variables.used else place

    # What people are told

    def carried(self, step: Step) -> None:
        """Notes that a step is part of a node."""
        self.account.note(step, "carried over")

    def find(self, kind: Kind, step: Step, why: str, do: str = "") -> None:
        self.account.note(step, kind)
        self.draft.find(kind, step.file, step.line, step.text, why, do)


ONE_STEP = frozenset({"app-blackhole"})
"""Of these contexts the name says all."""


def _fits(extension: Extension, dialled: str) -> bool:
    """Whether an extension is the one that was dialled; a pattern's name stands for itself."""
    if extension.name == dialled:
        return True
    return not dialled.startswith("_") and patterns.matches(extension.name, dialled)


def split_arguments(text: str) -> list[str]:
    """Arguments as Asterisk separates them; `|` separates in dialplans older than 1.6 that have no comma."""
    comma = "," if "," in text or "|" not in re.sub(r"\$\[.*?\]", "", text) else "|"
    parts, depth, quotes, start = [], 0, False, 0
    for position, character in enumerate(text):
        if character == '"':
            quotes = not quotes
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == comma and depth <= 0 and not quotes:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]

"""The applications that play and ask: Playback, Background, WaitExten, Read, Say..."""

import re
from collections.abc import Callable
from typing import Any

from ivr.importing.dialplan import patterns
from ivr.importing.dialplan.expressions import value
from ivr.importing.dialplan.operators import Untranslatable, quoted
from ivr.importing.dialplan.places import Place
from ivr.importing.dialplan.source import Extension
from ivr.importing.dialplan.translate import DIALLED, Here, Node, Went
from ivr.importing.draft import attribute

_PROGRAM = "a program: write what it looked up as a lookup node"
RESPONSE_S, DIGIT_S = 10.0, 5.0
"""Asterisk's own time-outs."""
_AT_ONCE_S = 0.5
"""How long a Background without WaitExten still takes a key."""
_MOST_CHOICES, _LONGEST_CHOICE, _MOST_KEYS = 50, 10, 40
_MOST_SAID = 20


def playback(here: Here) -> Went:
    say = sounds(here, here.split()[0])
    if not say:
        return here.place.next
    return lambda: {"type": "play", "say": say, "next": here.to(here.place.next)}


def sounds(here: Here, files: str) -> list[Any]:
    """The prompts of `file&file`."""
    names = [name.strip() for name in here.constant(files).split("&")]
    return [here.flow.draft.sound(name, here.step.file, here.step.line) for name in names if name][:_MOST_SAID]


def speak(here: Here) -> Went:
    """Speech synthesis: `Festival(text)`, `Flite(text)`."""
    return _spoken(here, here.split()[0], "")


def agi(here: Here) -> Went:
    """A program; those that only speak a text (`googletts.agi,"text",en`) are a prompt."""
    program, *given = here.split()
    if not re.search(r"(googletts|picotts|espeak|flite|festival|polly)[\w.-]*$", program, re.IGNORECASE) or not given:
        here.find("left out", f"{here.application} has no counterpart; callers go on behind it", _PROGRAM)
        return here.place.next
    return _spoken(here, given[0], given[1] if len(given) > 1 else "")


def _spoken(here: Here, written: str, language: str) -> Went:
    text = here.constant(written).strip().strip("\"'")
    if not text:
        return here.place.next
    here.find("changed", "the text is a prompt, spoken by the voice of the centre")
    tag = language.strip("\"'").partition("-")[0].lower()
    name = here.flow.draft.text(text, language=tag if re.fullmatch("[a-z]{2}", tag) else "")
    return lambda: {"type": "play", "say": [name], "next": here.to(here.place.next)}


def say(what: str) -> Callable[[Here], Went]:
    """The handler of an application that speaks a value."""

    def handler(here: Here) -> Went:
        found = value(here.split()[0], here.scope)
        if found.constant == "":
            return here.place.next
        expression = quoted(found.constant) if found.constant is not None else here.scope.missing(found, "''")
        if found.constant is None and found.kind == "truth":
            raise Untranslatable(f"{here.arguments!r} is no value to be said")
        item = {"say": what, "value": expression, "otherwise": here.flow.draft.silence()}
        return lambda: {"type": "play", "say": [item], "next": here.to(here.place.next)}

    return handler


def say_time(here: Here) -> Went:
    moment = here.split()[0]
    if moment and value(moment, here.scope).constant != "":
        raise Untranslatable("only the present time is said by a flow")
    here.find("changed", "the time is said in the language's own way, not by a format")
    item = {"say": "datetime", "value": "now.datetime"}
    return lambda: {"type": "play", "say": [item], "next": here.to(here.place.next)}


def background(here: Here) -> Went:
    first = sounds(here, here.split()[0])
    if not first and not here.flow.keys(_dialling(here)):
        return here.place.next
    return lambda: _ask(here, first, here.place.next)


def wait_exten(here: Here) -> Went:
    return lambda: _menu(here, [], _seconds(here), _after_silence(here))


def _ask(here: Here, said: list[Any], place: Place) -> Node:
    """A Background, with those that follow it, up to WaitExten."""
    while len(said) < _MOST_SAID:
        following = here.flow.walk(place)
        if isinstance(following, str):
            return _menu(here, said, _AT_ONCE_S, following)
        found = here.flow.here(following)
        if found is None:
            break
        if found.application.lower() == "waitexten":
            here.flow.carried(found.step)
            return _menu(_with_timeouts(here, found), said, _seconds(found), _after_silence(found))
        if found.application.lower() != "background" or len(found.split()) > 3:
            break
        try:
            more = sounds(found, found.split()[0])
        except Untranslatable:
            break
        here.flow.carried(found.step)
        said, place = [*said, *more], following.next
    return _menu(here, said, _AT_ONCE_S, here.to(place))


def _with_timeouts(here: Here, later: Here) -> Here:
    """The Background, with what was set between it and the WaitExten."""
    return Here(here.flow, later.place, here.step, here.application, here.arguments)


def _dialling(here: Here) -> Place:
    """Where keys are looked up."""
    given = here.split() if here.application.lower() == "background" else []
    return here.place.at(here.constant(given[3]), "s") if len(given) > 3 and given[3] else here.place


def _seconds(here: Here) -> float:
    """How long a WaitExten waits for the first key."""
    written = here.constant(here.split()[0]) or here.place.value("TIMEOUT(response)") or ""
    return _number(written, RESPONSE_S)


def _number(text: str, default: float) -> float:
    try:
        return min(max(float(text), _AT_ONCE_S), 60.0)
    except ValueError:
        return default


def _after_silence(here: Here) -> str:
    """A WaitExten goes on behind itself, else to `t`, else to `e`; else the call ends."""
    place = here.place
    if here.flow.exists_step(place.next):
        return here.to(place.next)
    for special in ("t", "e"):
        if here.flow.exists(place, special):
            return here.to(place.at(place.context, special))
    return here.flow.end()


def _menu(here: Here, said: list[Any], first_digit_s: float, silence: str) -> Node:
    """A menu of what can be dialled here; with patterns, digits and then a branch."""
    place = _dialling(here)
    keys = here.flow.keys(place)
    said = said or [here.flow.draft.silence()]
    if not keys:
        return {"type": "play", "say": said, "next": silence}
    invalid = here.flow.invalid(place)
    asking = {
        "say": said,
        "no_input": {"retries": 0, "to": silence},
        "no_match": {"retries": 0, "to": invalid},
        "first_digit_s": first_digit_s,
        "inter_digit_s": _number(place.value("TIMEOUT(digit)") or "", DIGIT_S),
    }
    choices = all(not key.pattern and len(key.name) <= _LONGEST_CHOICE for key in keys)
    if choices and len(keys) <= _MOST_CHOICES:
        to = {key.name: here.to(place.at(place.context, key.name)) for key in keys}
        return {"type": "menu", "say": said, "choices": to, **{k: v for k, v in asking.items() if k != "say"}}
    why = "keys wait for more of them, as longer numbers can be dialled here too"
    here.find("changed", why, "a menu of the keys alone answers at once")
    wanted = here.flow.flow.new_id(f"{here.flow.ids.get(here.place, place.context)}-dialled")
    here.flow.flow.nodes[wanted] = by_digits(here, place, keys, f"contact.{DIALLED}", invalid)
    return {
        "type": "collect",
        **asking,
        "into": DIALLED,
        "max_digits": min(_MOST_KEYS, max(patterns.longest(key.name) for key in keys)),
        "terminator": "",
        "pattern": "[0-9*#A-D]*",
        "next": wanted,
    }


def by_digits(here: Here, place: Place, keys: list[Extension], dialled: str, otherwise: str) -> Node:
    """A branch to the extension that matches what was dialled, in the order in which Asterisk tries them."""
    conditions = [
        {
            "when": f"{dialled}.matches({quoted(f'^{patterns.anything(key.name)}$')})"
            if key.pattern
            else f"{dialled} == {quoted(key.name)}",
            "to": here.to(place.at(place.context, key.name)),
        }
        for key in keys
    ]
    while len(conditions) > _MOST_CHOICES:
        more = here.flow.flow.new_id(f"{place.context}-more")
        rest = conditions[_MOST_CHOICES - 1 :][-_MOST_CHOICES:]
        here.flow.flow.nodes[more] = {"type": "branch", "conditions": rest, "otherwise": otherwise}
        conditions, otherwise = conditions[: len(conditions) - len(rest)], more
    return {"type": "branch", "conditions": conditions, "otherwise": otherwise}


def read(here: Here) -> Went:
    name, files, most, options, attempts, seconds = [*here.split(), *[""] * 6][:6]
    said = sounds(here, files) or [here.flow.draft.silence()]
    if not name:
        raise Untranslatable("Read names no variable")
    if options.strip("e"):
        here.find("changed", f"the options {options!r} of Read are not heeded")
    retries = {"retries": min(max(int(_number(here.constant(attempts), 1)), 1) - 1, 10)}

    def node() -> Node:
        got, nothing = (_status(here, outcome) for outcome in ("OK", "TIMEOUT"))
        limit = here.constant(most)
        return {
            "type": "collect",
            "say": said,
            "into": attribute(name),
            "max_digits": min(max(int(limit), 1), _MOST_KEYS) if limit.isdecimal() and int(limit) else _MOST_KEYS,
            "pattern": "[0-9*#A-D]*",
            "first_digit_s": _number(here.constant(seconds), RESPONSE_S),
            "inter_digit_s": _number(here.constant(seconds) or here.place.value("TIMEOUT(digit)") or "", DIGIT_S),
            "no_input": {**retries, "to": nothing},
            "no_match": {**retries, "to": nothing},
            "next": got,
        }

    return node


def _status(here: Here, outcome: str) -> str:
    return here.to(here.flow.outcome(here.place.next, "READSTATUS", outcome))

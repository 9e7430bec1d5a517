"""The applications that decide where a call goes on, and what is remembered: Goto, GotoIf, Gosub, Set..."""

import re
from dataclasses import replace

from ivr.importing.dialplan.asking import by_digits
from ivr.importing.dialplan.expressions import condition, filled_in, outside, value
from ivr.importing.dialplan.operators import Untranslatable
from ivr.importing.dialplan.places import Frame, Place
from ivr.importing.dialplan.source import Extension
from ivr.importing.dialplan.translate import DIALLED, MAX_DEPTH, Here, Node, Went, split_arguments
from ivr.importing.dialplan.variables import TIMEOUTS, split_assignment
from ivr.importing.freepbx.destinations import HOUSEKEEPING
from ivr.importing.times import Span


def goto(here: Here) -> Went:
    return jump(here, here.arguments)


def jump(here: Here, text: str, place: Place | None = None) -> Went:
    """The place at `[[context,]extension,]priority`. An extension that only the call knows becomes a branch."""
    place = place or here.place
    parts = [part.strip() for part in split_arguments(filled_in(text, here.scope))]
    context = here.constant(parts[0]) if len(parts) > 2 else place.context
    priority = here.constant(parts[-1])
    if len(parts) < 2:
        return _at_priority(here, place, priority)
    dialled = value(parts[-2], here.scope)
    if dialled.constant is not None:
        return _at_priority(here, place.at(context, dialled.constant or place.extension), priority)
    return lambda: _by_what_was_dialled(here, place.at(context, "s"), dialled.cel)


def _at_priority(here: Here, place: Place, priority: str) -> Place:
    """The place at a number or a label."""
    if priority.isdecimal():
        return replace(place, priority=int(priority), inline=None)

    def has(extension: Extension) -> bool:
        return priority in extension.labels

    found = here.flow.find_extension(place, has)
    if found is None:
        if place.context not in here.flow.plan.contexts:
            return replace(place, priority=1, inline=None)  # what is elsewhere is known by its name
        raise Untranslatable(f"{place.context},{place.extension} has no priority {priority!r}")
    return replace(place, priority=found.labels[priority], inline=None)


def _by_what_was_dialled(here: Here, place: Place, dialled: str) -> Node:
    """A branch to the extension of this name, be it a number or a word."""
    extensions = here.flow.extensions(place)
    if not extensions:
        here.find("left out", f"where this leads only the call knows, and {place.context} has nothing to go to")
        return {"type": "hangup", "reason": f"nothing to go to in {place.context}"[:80]}
    own = f"contact.{DIALLED}"
    if dialled == own:
        return by_digits(here, place, extensions, own, here.flow.invalid(place))
    branch = here.flow.flow.new_id(f"{place.context}-way")
    here.flow.flow.nodes[branch] = by_digits(here, place, extensions, own, here.flow.invalid(place))
    return {"type": "set", "attributes": {DIALLED: dialled}, "next": branch}


def _id(here: Here, went: Went) -> str:
    """The node of what an application came to."""
    if isinstance(went, str):
        return went
    if isinstance(went, Place):
        return here.to(went)
    name = here.flow.flow.new_id(f"{here.place.context}-way")
    here.flow.flow.nodes[name] = went()
    return name


def _two_ways(text: str) -> tuple[str, str, str]:
    """`condition?yes:no`"""
    asked, _, ways = outside(text, "?")
    yes, _, no = outside(ways, ":")
    return asked, yes.strip(), no.strip()


def _way(here: Here, text: str) -> Went:
    return jump(here, text) if text else here.place.next


def goto_if(here: Here) -> Went:
    asked, yes, no = _two_ways(here.arguments)
    try:
        known = condition(asked, here.scope)
    except Untranslatable as why:
        here.find("left out", f"{why}; callers go on as if it were not so", "ask for it by a lookup or a branch")
        return _way(here, no)
    if isinstance(known, bool):
        return _way(here, yes if known else no)
    when = known
    return lambda: {
        "type": "branch",
        "conditions": [{"when": when, "to": _id(here, _way(here, yes))}],
        "otherwise": _id(here, _way(here, no)),
    }


def goto_if_time(here: Here) -> Went:
    asked, yes, no = _two_ways(re.sub(r"(\d):(\d\d)", "\\1\x01\\2", here.arguments))  # colons of the clock are none
    yes, no = (way.replace("\x01", ":") for way in (yes, no))
    span = Span(here.constant(asked.replace("\x01", ":")))
    if len(re.split(r"[,|]", asked)) > 4:
        here.find("changed", "the time zone is that of the centre")
    return lambda: here.flow.by_time(
        span, f"hours-{here.place.context}", _id(here, _way(here, yes)), _id(here, _way(here, no))
    )


def exec_if(here: Here) -> Went:
    asked, yes, no = _two_ways(here.arguments)
    known = condition(asked, here.scope)
    places = [replace(here.place, inline=call) if (call := _inline(text)) else here.place.next for text in (yes, no)]
    if isinstance(known, bool):
        return places[0 if known else 1]
    when = known
    return lambda: {
        "type": "branch",
        "conditions": [{"when": when, "to": here.to(places[0])}],
        "otherwise": here.to(places[1]),
    }


def _inline(text: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    return (found[1], found[2] or "") if found else None


def gosub(here: Here) -> Went:
    return _call(here, here.arguments)


def gosub_if(here: Here) -> Went:
    asked, yes, no = _two_ways(here.arguments)
    known = condition(asked, here.scope)
    if isinstance(known, bool):
        chosen = yes if known else no
        return _call(here, chosen) if chosen else here.place.next
    when = known
    return lambda: {
        "type": "branch",
        "conditions": [{"when": when, "to": _id(here, _call(here, yes) if yes else here.place.next)}],
        "otherwise": _id(here, _call(here, no) if no else here.place.next),
    }


def _call(here: Here, text: str) -> Went:
    """A Gosub: its arguments are variables there."""
    found = re.fullmatch(r"(.*?)\((.*)\)\s*", text, re.DOTALL)
    given = split_arguments(found[2]) if found and found[2].strip() else []
    frame = Frame(here.place.context, here.place.extension, here.place.priority + 1, macro=False)
    return _pushed(here, jump(here, found[1] if found else text), frame, given)


def macro(here: Here) -> Went:
    name, *given = here.split()
    frame = Frame(here.place.context, here.place.extension, here.place.priority + 1, macro=True)
    context = f"macro-{here.constant(name)}"
    if context.removeprefix("macro-") in HOUSEKEEPING:
        return here.place.next
    if context not in here.flow.plan.contexts:
        raise Untranslatable(f"there is no [{context}] in the files")
    return _pushed(here, here.place.at(context, "s"), frame, given)


def _pushed(here: Here, went: Went, frame: Frame, given: list[str]) -> Went:
    if not isinstance(went, Place):
        raise Untranslatable("where it leads only the call knows")
    if went.context not in here.flow.plan.contexts:
        raise Untranslatable(f"there is no [{went.context}] in the files")
    if len(went.stack) >= MAX_DEPTH:
        raise Untranslatable(f"subroutines are nested deeper than {MAX_DEPTH}")
    place = replace(went, stack=(*went.stack, frame))
    attributes: dict[str, str] = {}
    for number, text in enumerate(given, 1):
        place, more = here.flow.assign(place, f"ARG{number}", text, here.scope)
        attributes |= more
    if attributes:
        return lambda: {"type": "set", "attributes": attributes, "next": here.to(place)}
    return place


def return_(here: Here) -> Went:
    return here.flow.returned(here.place)


def set_(here: Here) -> Went:
    return _assigned(here, [here.arguments])


def mset(here: Here) -> Went:
    return _assigned(here, here.split())


_LANGUAGE = re.compile(r"\s*(?:CHANNEL\(language\)|LANGUAGE\(\))\s*=\s*(.*)", re.DOTALL)
_TIMEOUT = re.compile(r"\s*(TIMEOUT\((?:digit|response)\))\s*=\s*(.*)", re.DOTALL)
_OF_ASTERISK = re.compile(r"\s*_*([A-Z_]+)\(([^)]*)\)\s*=")


def _assigned(here: Here, texts: list[str]) -> Went:
    place = here.place.next
    attributes: dict[str, str] = {}
    for text in texts:
        if language := _LANGUAGE.fullmatch(text):
            return _language(here, here.constant(language[1]).strip().strip('"'))
        if timeout := _TIMEOUT.fullmatch(text):
            assert timeout[1] in TIMEOUTS
            place = place.with_values(**{timeout[1]: here.constant(timeout[2])})
        elif (found := split_assignment(text)) is not None:
            place, more = here.flow.assign(place, found[0], found[1])
            attributes |= more
        else:
            name = (_OF_ASTERISK.match(text) or [text])[0].rstrip(" =")
            here.find("left out", f"{name} is a thing of Asterisk's, which flows do not set")
    if attributes:
        return lambda: {"type": "set", "attributes": attributes, "next": here.to(place)}
    return place


def _language(here: Here, tag: str) -> Went:
    tag = tag.replace("_", "-")
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        raise Untranslatable(f"{tag!r} is no language tag such as en or pt-BR")
    here.flow.draft.speaks(tag)
    return lambda: {"type": "language", "language": tag, "next": here.to(here.place.next)}


def while_(here: Here) -> Went:
    """`While` ... `EndWhile` of one extension."""
    behind = _partner(here, 1)
    known = condition(here.arguments, here.scope)
    if isinstance(known, bool):
        return here.place.next if known else behind
    when = known
    return lambda: {
        "type": "branch",
        "conditions": [{"when": when, "to": here.to(here.place.next)}],
        "otherwise": here.to(behind),
    }


def end_while(here: Here) -> Went:
    return _partner(here, -1)


def _partner(here: Here, direction: int) -> Place:
    """Behind the EndWhile of a While, or at the While of an EndWhile."""
    place, depth = here.place, 0
    for _ in range(1_000):
        place = replace(place, priority=place.priority + direction, inline=None)
        step = here.flow.step(place)
        if step is None:
            break
        name = step.application.lower()
        if name == ("endwhile" if direction > 0 else "while") and depth == 0:
            return place.next if direction > 0 else place
        depth += {"while": direction, "endwhile": -direction}.get(name, 0)
    raise Untranslatable("While and EndWhile do not belong together")

"""Where VoiceXML waits for the caller: fields, menus, transfers and recordings."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ivr.importing.draft import mailbox
from ivr.importing.voicexml.expressions import Untranslatable, expression, literal, variable
from ivr.importing.voicexml.grammars import asked_by
from ivr.importing.voicexml.prompts import say_of
from ivr.importing.voicexml.tree import Element

if TYPE_CHECKING:
    from ivr.importing.voicexml.translate import Around, Voice

_MOST_RETRIES = 10
_SAYING = ("prompt", "audio", "value", "enumerate")
_LEAVES = frozenset({"goto", "exit", "disconnect", "submit", "return", "throw"})
_KEYS = re.compile(r"[0-9A-D*#]{1,10}")
_TIME = re.compile(r"([0-9]*\.?[0-9]+)(ms|s)")


def ask_menu(voice: "Voice", menu: Element, around: "Around") -> str:
    """A menu; `dtmf="true"` numbers its choices."""
    me = voice.label()
    choices: dict[str, str] = {}
    free = iter("123456789")
    for choice in menu.all("choice"):
        keys = choice.get("dtmf").replace(" ", "")
        if not keys and menu.get("dtmf") == "true":
            keys = choice.attributes["dtmf"] = next(free, "")
        if not _KEYS.fullmatch(keys):
            voice.find("left out", choice, "a choice that can only be said, not pressed", "give it a key")
            continue
        voice.draft.count("carried over")
        if choice.get("event"):
            handler = voice.handler(around, choice.get("event"))
            choices[keys] = voice.content(handler.children, around, me) if handler else voice.end()
            if handler is None:
                voice.find("left out", choice, f"nothing here catches {choice.get('event')!r}; the call ends there")
        else:
            target = choice.get("next") or literal(choice.get("expr")) or ""
            choices[keys] = voice.leads(choice, target, around)
    say = _question(voice, menu, around)
    if not choices:
        voice.find("left out", menu, "a menu without keys; it plays, and the call ends")
        voice.labels[me] = voice.node(menu.get("id") or "menu", {"type": "play", "say": say, "next": voice.end()})
        return me
    node = {"type": "menu", "say": say, "choices": choices, **_tries(voice, menu, around, me)}
    voice.labels[me] = voice.node(menu.get("id") or "menu", node)
    return me


def ask_field(voice: "Voice", item: Element, around: "Around", after: str) -> str:
    """A field: a menu where some keys are asked for, else digits."""
    name = variable(item.get("name") or "field")
    asked = asked_by(item)
    for element, why in asked.lost:
        voice.find("left out", element, why, "" if asked.kind else "digits are asked for instead")
    if not asked.kind and not asked.lost:
        voice.find("left out", item, "no grammar says what is asked for", "digits are asked for instead")
    me = voice.label()
    voice.kinds[name] = asked.kind
    behind = voice.filled(item, around, after)
    say, tries = _question(voice, item, around), _tries(voice, item, around, me)
    if asked.kind == "choices":
        choices = {
            keys: voice.node(f"{name}-{value}", {"type": "set", "attributes": {name: _literal(value)}, "next": behind})
            for keys, value in asked.choices.items()
        }
        node: dict[str, Any] = {"type": "menu", "say": say, "choices": choices, **tries}
    else:
        sizes = {"min_digits": asked.least, "max_digits": asked.most}
        pattern = {"currency": "[0-9*]*", "number": "[0-9*]*"}.get(asked.kind)
        terminator = _property(around, "termchar")
        node = {
            "type": "collect",
            "say": say,
            "into": name,
            **sizes,
            **({"pattern": pattern} if pattern else {}),
            **({"terminator": terminator} if terminator in ("*", "#") else {}),
            "next": behind,
            **tries,
        }
    voice.labels[me] = voice.node(item.get("name") or "field", node)
    return me


def _literal(value: str | bool) -> str:
    return (
        str(value).lower() if isinstance(value, bool) else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    )


def _question(voice: "Voice", item: Element, around: "Around") -> list[Any]:
    """What is said before the caller is waited for."""
    prompts = [c for c in item.children if isinstance(c, str) or c.name in _SAYING]
    voice.draft.count("carried over", sum(isinstance(child, Element) for child in prompts))
    say = say_of(voice, prompts, around)
    if len(say) > 20:
        voice.find("changed", item, "only the first 20 prompts are said")
    return say[:20] or [voice.draft.silence()]


def _tries(voice: "Voice", item: Element, around: "Around", me: str) -> dict[str, Any]:
    """Time-outs, barge-in, and what silence and wrong keys lead to."""
    tries = {event: _after(voice, item, around, event, me) for event in ("no_input", "no_match")}
    seconds = {"first_digit_s": _seconds(_first(item, "timeout") or _property(around, "timeout")),
               "inter_digit_s": _seconds(_property(around, "interdigittimeout"))}  # fmt: skip
    times = {name: value for name, value in seconds.items() if value}
    barge = _first(item, "bargein") or _property(around, "bargein")
    return {**tries, **times, **({"barge_in": False} if barge == "false" else {})}


def _first(item: Element, attribute: str) -> str:
    """An attribute of the item's prompts."""
    return next((prompt.get(attribute) for prompt in item.all("prompt") if prompt.get(attribute)), "")


PROPERTIES = frozenset({"timeout", "interdigittimeout", "termchar", "bargein", "inputmodes"})
"""Those that are heeded; and `inputmodes`, since a flow takes keys whatever it says."""


def _property(around: "Around", name: str) -> str:
    """A property, from the inside out."""
    for place in reversed(around.enclosing):
        for element in place.all("property"):
            if element.get("name") == name:
                return element.get("value")
    return ""


def _seconds(text: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        return 0.0
    return min(max(float(found[1]) / (1000 if found[2] == "ms" else 1), 0.1), 60.0)


def _after(voice: "Voice", item: Element, around: "Around", event: str, me: str) -> dict[str, Any]:
    """What happens at the first, second... silence: words and the question again, until a handler leads away."""
    name = event.replace("_", "")
    handlers = _handlers(around, name)
    leaving = next(((count, handler) for count, handler in handlers if _leads_away(handler)), None)
    asking = [handler for _, handler in handlers if not _leads_away(handler)]
    retries: dict[str, Any] = {"retries": _MOST_RETRIES if leaving is None else min(leaving[0] - 1, _MOST_RETRIES)}
    for handler in [handler for _, handler in handlers]:
        if id(handler) not in voice.seen:
            voice.seen.add(id(handler))
            voice.draft.count("carried over")
    if retries["retries"] and asking and (leaving is None or handlers[0][1] is asking[0]):
        say = say_of(
            voice,
            [c for c in asking[0].children if isinstance(c, str) or c.name in ("prompt", "audio", "value")],
            around,
        )
        retries |= {"say": say[:20]} if say else {}
        for later in asking[1:]:
            if later.text != asking[0].text:
                voice.find("changed", later, "each time the words of the first time are said")
        others = [
            e for h in asking for e in h.elements if e.name not in ("prompt", "audio", "value", "reprompt", "log")
        ]
        for other in others:
            voice.find("left out", other, f"after {name} only words are said before it is asked again")
    if leaving is None:
        if handlers or name == "noinput":
            why = f"{name}: asked {_MOST_RETRIES + 1} times, and then the call ends"
            voice.find("changed", handlers[0][1] if handlers else item, why, "lead to a person instead")
        return {**retries, "to": voice.end()}
    return {**retries, "to": voice.content(leaving[1].children, replace(around), me)}


def _handlers(around: "Around", event: str) -> list[tuple[int, Element]]:
    """What catches the event, by the count from which it does; the inmost of equal counts."""
    found: dict[int, Element] = {}
    for place in reversed(around.enclosing):
        for handler in place.all(event, "catch"):
            if handler.name == "catch" and event not in handler.get("event").split():
                continue
            count = handler.get("count")
            found.setdefault(int(count) if count.isdecimal() and int(count) else 1, handler)
    return sorted(found.items(), key=lambda item: item[0])


def _leads_away(handler: Element) -> bool:
    return any(child.name in _LEAVES for child in handler.elements)


def transfer(voice: "Voice", item: Element, around: "Around", after: str) -> str:
    """A call to another number; the item's variable tells how it went, as a browser would."""
    number = _number(voice, item)
    name = variable(item.get("name") or "transfer")
    voice.kinds[name] = "choices"
    behind = voice.filled(item, around, after)
    if not number:
        voice.find("left out", item, "where it leads is no telephone number", "a dial node connects with one")
        return behind
    voice.find("to do", item, f"outside number {number}", "allow it in settings.outbound of centre.yaml, with a trunk")
    said = {"busy": "busy", "no_answer": "noanswer", "otherwise": "network_busy"}
    blind = item.get("bridge") in ("", "false") and item.get("type") in ("", "blind")
    if not blind:
        said["answered"] = "far_end_disconnect"
    ways = dict.fromkeys(said, behind)
    if name in voice.mentioned:
        ways = {
            way: voice.node(f"{name}-{status}", {"type": "set", "attributes": {name: f"'{status}'"}, "next": behind})
            for way, status in said.items()
        }
    ring = _seconds(item.get("connecttimeout"))
    node = {"type": "dial", "number": number, **({"ring_s": max(ring, 1.0)} if ring else {}), **ways}
    made = voice.node(item.get("name") or "transfer", node)
    say = say_of(voice, [c for c in item.children if not isinstance(c, str) and c.name in ("prompt", "audio")], around)
    return voice.node("say", {"type": "play", "say": say[:20], "next": made}) if say else made


def _number(voice: "Voice", item: Element) -> str:
    """The number as an expression; empty if there is none."""
    written = item.get("dest") or literal(item.get("destexpr")) or ""
    found = re.fullmatch(r"(?:tel:|sips?:|phone://)?(\+?[0-9-]{2,25})(?:[@;].*)?", written)
    if found:
        return f"'{found[1].replace('-', '')}'"
    if item.get("destexpr") and not written:
        try:
            return expression(re.sub(r"^\s*'tel:'\s*\+\s*", "", item.get("destexpr"))).cel
        except Untranslatable:
            return ""
    return ""


def record(voice: "Voice", item: Element, around: "Around", after: str) -> str:
    """A recording; its id is the item's variable."""
    name = variable(item.get("name") or "recording")
    voice.kinds[name] = "choices"
    behind = voice.filled(item, around, after)
    longest = _seconds(item.get("maxtime")) or 60.0
    silence = _seconds(item.get("finalsilence"))
    voice.find(
        "changed", item, "the recording is kept in the mailbox 'recordings'; what is said after it cannot play it"
    )
    node: dict[str, Any] = {
        "type": "record",
        "say": _question(voice, item, around),
        "into": name,
        "mailbox": mailbox("recordings"),
        "max_s": longest,
        **({"silence_s": max(1, round(silence))} if silence else {}),
        "next": behind,
        "too_short": behind,
    }
    return voice.node(item.get("name") or "record", node)

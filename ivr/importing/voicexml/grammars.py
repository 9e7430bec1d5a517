"""What a field may take: digits, or one of some keys. Grammars for speech have no counterpart here."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from ivr.importing.voicexml.tree import Element

_BUILTIN = re.compile(r"(?:builtin:)?(?:dtmf/|grammar/)?(\w+)(?:\?(.*))?", re.DOTALL)
_DIGITS = {"digits": (1, 40), "number": (1, 15), "phone": (3, 20), "currency": (1, 15), "date": (8, 8), "time": (4, 4)}
_KEYS = re.compile(r"[0-9A-D*#]{1,10}")


@dataclass(slots=True)
class Asked:
    """What is asked: digits (`least` to `most`), or `choices`, keys with the value that each stands for (True and False
    for yes and no). `lost` are grammars that could not be taken over, with why."""

    kind: str = ""
    least: int = 1
    most: int = 40
    choices: dict[str, str | bool] = field(default_factory=dict)
    lost: list[tuple[Element, str]] = field(default_factory=list)


def asked_by(item: Element) -> Asked:
    """What the field asks for."""
    asked = Asked()
    if item.get("type"):
        _builtin(item, item.get("type"), asked)
    for option in item.all("option"):
        if _KEYS.fullmatch(option.get("dtmf").replace(" ", "")):
            asked.kind = "choices"
            asked.choices[option.get("dtmf").replace(" ", "")] = option.get("value") or option.text
        else:
            asked.lost.append((option, "an option that can only be said, not pressed"))
    for grammar in item.all("grammar"):
        _grammar(grammar, asked)
    return asked


def _builtin(element: Element, text: str, asked: Asked) -> None:
    found = _BUILTIN.fullmatch(text)
    parameters = dict(parse_qsl((found[2] or "").replace(";", "&"))) if found else {}
    if found and found[1] == "boolean":
        asked.kind = "choices"
        asked.choices |= {parameters.get("y", "1"): True, parameters.get("n", "2"): False}
    elif found and found[1] in _DIGITS:
        asked.kind = found[1]
        asked.least, asked.most = _DIGITS[found[1]]
        length = [parameters.get(name, "") for name in ("length", "minlength", "maxlength")]
        least, most = (length[0] or length[1], length[0] or length[2])
        asked.least = min(max(int(least), 1), 40) if least.isdecimal() else asked.least
        asked.most = min(max(int(most), asked.least), 40) if most.isdecimal() else max(asked.most, asked.least)
    else:
        asked.lost.append((element, f"the grammar {text!r} is not known here"))


def _grammar(grammar: Element, asked: Asked) -> None:
    source = grammar.get("src")
    if source.startswith("builtin:"):
        if "builtin:grammar/" in source and asked.kind:
            return
        _builtin(grammar, source, asked)
        return
    if source or grammar.get("expr") or grammar.get("srcexpr"):
        asked.lost.append((grammar, "a grammar of another file"))
        return
    keys = _keys(grammar)
    if keys:
        asked.kind = "choices"
        asked.choices |= keys
    else:
        asked.lost.append((grammar, "a grammar for speech, or of more than single keys"))


def _keys(grammar: Element) -> dict[str, str | bool]:
    """The keys of `<one-of><item>1</item>...`, or of `1 | 2 | 3`; none if there is anything else."""
    rules = list(grammar.all("rule"))
    if not rules:
        words = [word.strip().strip('"') for word in re.sub(r"^[^=]*=|;|\[|\]", "", grammar.text).split("|")]
        return dict(zip(words, words, strict=True)) if words and all(map(_KEYS.fullmatch, words)) else {}
    if grammar.get("mode") != "dtmf":
        return {}
    if len(rules) != 1 or [child.name for child in rules[0].elements] != ["one-of"]:
        return {}
    keys: dict[str, str | bool] = {}
    for item in rules[0].elements[0].all("item"):
        written = " ".join(" ".join(child for child in item.children if isinstance(child, str)).split())
        tag = next((tag.text for tag in item.all("tag")), "")
        if not _KEYS.fullmatch(written.replace(" ", "")) or item.get("repeat"):
            return {}
        found = re.fullmatch(r"\s*(?:out(?:\.\w+)?\s*=\s*)?['\"]?([^'\"]*?)['\"]?;?\s*", tag)
        keys[written.replace(" ", "")] = (found[1] if found and found[1] else "") or written.replace(" ", "")
    return keys

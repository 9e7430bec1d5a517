"""The story of a contact as the records have it, in words: those of `switchboard.story` for what the router did."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from router.core.decisions import AnyDecision, Decision, Offer
from router.core.events import AnyEvent, Event
from switchboard.store.records import Happening, Whole
from switchboard.story import decision_text, event_text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Line(NamedTuple):
    """One line of a story; `offer` is the decision that it tells, with all that was compared."""

    at_ms: int
    kind: str
    text: str
    offer: Offer | None = None


def story_lines(whole: Whole) -> Iterator[Line]:
    """What has words, in order; without control characters, which callers may send and terminals obey."""
    for happening in whole.happenings:
        if text := _text(happening):
            offer = happening.what if isinstance(happening.what, Offer) else None
            yield Line(happening.at_ms, happening.kind, _CONTROL.sub(" ", text), offer)


def _text(happening: Happening) -> str:
    what = happening.what
    match happening.kind:
        case "event" if isinstance(what, Event):
            return event_text(cast(AnyEvent, what))
        case "decision" if isinstance(what, Decision):
            return decision_text(cast(AnyDecision, what))
        case "node":
            via = f" (by {what['via']})" if what["via"] else ""
            return f"comes to {what['node']} of the flow {what['flow']}{via}"
        case "fact":
            who = f" by {what['actor'] or what['agent']}" if what["actor"] or what["agent"] else ""
            return f"{_plain(happening.name)}{who}{_data(what['data'])}"
        case "change":
            refused = f"; refused: {what['refused']}" if what["refused"] else ""
            return f"{what['actor']} asks for {_plain(happening.name)}{_data(what['asked'])}{refused}"
        case _:
            return f"{happening.name}{_data(what)}"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _data(data: dict[str, Any]) -> str:
    said = ", ".join(f"{_plain(name)} {value}" for name, value in data.items() if value not in ("", None, [], {}))
    return f" ({said})" if said else ""

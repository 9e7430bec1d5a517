"""What a caller, a server and the clock may do next, as far as a flow can tell it apart: the answers to try when every
exit is to be reached.

Values are found in the flows themselves: the keys of exits, and what expressions compare with.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice, product
from typing import Any, get_args

from documents import Expression, ExpressionError
from ivr.flow import effects, inputs
from ivr.flow.effects import Effect
from ivr.flow.inputs import Input
from ivr.flow.library import Library
from ivr.flow.node import Node, Part
from ivr.flow.nodes.collect import luhn
from ivr.flow.session import Session
from ivr.flow.speak import Value
from ivr.flow.told import press, url_of
from ivr.flow.turn import clock
from ivr.words import What

_LITERAL = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"|(?<![\w.'\"])(\d{1,15})(?![\w.'\"])")
_MATCHES = re.compile(r"matches\('([^'\\]*)'\)")
_DATA = re.compile(r"\bdata((?:\.\w+)+)")
_KEYS = re.compile(r"[0-9A-D*#]{1,40}")
_CLASS = re.compile(r"\[([^\]]*)\]|\\d|(.)", re.DOTALL)
_MOST_LITERALS, _MOST_ANSWERS = 12, 40
_DIGITS = "1234567890" * 4
DEFAULT_AT = datetime(2026, 1, 5, 10)
_SAYABLE: dict[What, tuple[Any, ...]] = {
    "number": (7,),
    "digits": ("12",),
    "date": ("2026-02-03",),
    "time": ("09:30",),
    "datetime": ("2026-02-03T09:30",),
    "money": (12.5, "EUR", "12.50 EUR"),
}
"""Values of each kind that is said; of money the amount, the currency, or both may come from elsewhere."""
_DAYS = 366


@dataclass(frozen=True, slots=True)
class Move:
    """One thing to try: the answer, the item of `does` that says it (None: it needs none), and what lookups and PINs
    must be like for it."""

    answer: Input
    does: Any = None
    lookup: tuple[str, dict[str, Any]] | None = None
    pin: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What is fixed within one call: how lookups are answered, by what is asked, and the PINs of customers."""

    lookups: tuple[tuple[str, dict[str, Any]], ...] = ()
    pins: tuple[tuple[str, str], ...] = ()
    wrong_pins: int = 0

    def lookup(self, asked: str) -> dict[str, Any] | None:
        return next((stub for question, stub in self.lookups if question == asked), None)


NEW_WORLD = World()


@dataclass
class Trying:
    """All that may be tried in the flows of a library."""

    library: Library
    literals: list[str | int] = field(init=False)
    _of_node: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found: dict[str | int, None] = {}
        for text in self.expressions:
            for match in _LITERAL.finditer(text):
                found[int(match[3]) if match[3] else match[1] if match[1] is not None else match[2]] = None
            found |= {entry: None for pattern in _MATCHES.findall(text) if (entry := _fitting(pattern))}
        self.literals = list(found)

    @property
    def expressions(self) -> Iterator[str]:
        """Every expression of the flows."""
        for flow in self.library.flows.values():
            for node in flow.nodes.values():
                yield from (reference.name for reference in node.refers() if reference.kind == "expression")

    # When and who

    def moments(self) -> list[datetime]:
        """Times that the flows tell apart: for each way in which opening hours and conditions on the clock may stand
        together, the first one there is."""
        of_the_clock = []
        for text in dict.fromkeys(self.expressions):
            expression = Expression(text)
            if expression.names == {"now"}:
                of_the_clock.append(expression)
        if not of_the_clock and not self.library.hours:
            return [DEFAULT_AT]
        found: dict[tuple[Any, ...], datetime] = {}
        for at in _calendar():
            wall = at.replace(tzinfo=self.library.zone)
            now_ms = int(wall.timestamp() * 1000)
            states = tuple(hours.state(now_ms) for hours in self.library.hours.values())
            shown = {"now": clock(self.library.local(now_ms))}
            found.setdefault((*states, *(_shown(expression, shown) for expression in of_the_clock)), at)
        return list(found.values())

    def callers(self) -> list[str]:
        """Numbers that callers may have: one, none, those that expressions name, and more, for shares of callers."""
        named = [literal for literal in map(str, self.literals) if re.fullmatch(r"\+?\d{6,15}", literal)]
        return ["+15550123", "", *named[:4], *(f"+1555010{digit}" for digit in range(4))]

    # What may be answered

    def moves(self, session: Session, effect: Effect, world: World) -> list[Move]:
        """What may be done now, the likeliest first."""
        node = self.library.flows[session.flow].nodes[session.node]
        moves = list(self._moves(session, node, effect, world))
        if session.place is not None:
            moves.append(Move(inputs.Dequeued("answered"), {"from_queue": "answered"}))
        return moves[:_MOST_ANSWERS]

    def _moves(self, session: Session, node: Node, effect: Effect, world: World) -> Iterator[Move]:
        if isinstance(effect, effects.Play):
            yield Move(inputs.Played())
            yield from (Move(inputs.Played(key), {"press": key}) for key in effect.keys)
        elif isinstance(effect, effects.Collect):
            yield from self._keys(session, effect)
        elif isinstance(effect, effects.LookUp | effects.Query):
            yield from self._lookups(node, effect, world)
        elif isinstance(effect, effects.Verify):
            yield from self._verified(node, effect, world)
        elif isinstance(effect, effects.Enqueue):
            exits = [
                exit for exit in node.exits() if exit not in ("error", "otherwise") and not exit.startswith("key ")
            ]
            for exit in dict.fromkeys(("answered", *exits, "gone")):
                yield Move(inputs.Dequeued(exit), {"from_queue": exit})
            yield from (Move(inputs.WayOut(key), {"press": key}) for key in effect.keys)
        elif isinstance(effect, effects.BookCallback):
            yield Move(inputs.CallbackBooked(), {"callback": "booked"})
            yield Move(inputs.CallbackBooked(merged=True), {"callback": "merged"})
            yield Move(inputs.EffectFailed("refused"), {"callback": "refused"})
        elif isinstance(effect, effects.TakeVoicemail):
            for seconds in (effect.min_ms / 1000 + 1, 0):
                kept = "message" if seconds * 1000 >= effect.min_ms else ""
                yield Move(inputs.VoicemailTaken(kept, round(seconds * 1000)), {"voicemail_s": seconds})
        elif isinstance(effect, effects.Dial):
            yield from (Move(inputs.DialEnded(o), {"dial": o}) for o in get_args(inputs.DialOutcome))

    def _keys(self, session: Session, effect: effects.Collect) -> Iterator[Move]:
        for keys in self._entries(session.flow, session.node):
            answer, left = press(effect, keys)
            if not left:
                yield Move(answer, {"press": keys})
        yield Move(inputs.Keys("", "timeout"), "silence")
        yield from self._lengths(effect)

    def _entries(self, flow: str, name: str) -> list[str]:
        """The keys that the node itself, and what is compared anywhere, speak of."""
        if (flow, name) not in self._of_node:
            node = self.library.flows[flow].nodes[name]
            found = [exit for exit in node.exits() if _KEYS.fullmatch(exit)]
            found += node.own_keys()
            operator = self.library.flows[flow].operator
            found += [operator.key] if operator else []
            pattern = getattr(node, "pattern", None)
            found += [entry] if pattern and (entry := _fitting(str(pattern))) else []
            found += [text for literal in self.literals if _KEYS.fullmatch(text := str(literal))]
            self._of_node[flow, name] = list(dict.fromkeys(found))[:_MOST_ANSWERS]
        return self._of_node[flow, name]

    def _lengths(self, effect: effects.Collect) -> Iterator[Move]:
        """Digits of several lengths, with a check digit and without, and keys that fit nowhere."""
        most = effect.max_digits
        for length in dict.fromkeys((most, 1, (most + 1) // 2, min(4, most))):
            for beginning in ("", *self._beginnings):
                digits = (beginning + _DIGITS)[:length]
                checked = digits[:-1] + next(d for d in "0123456789" if luhn(digits[:-1] + d))
                for keys in dict.fromkeys((checked, digits)):
                    yield Move(press(effect, keys)[0], {"press": keys})
        for key in "*9#8":
            answer, left = press(effect, key)
            if not left:
                yield Move(answer, {"press": key})

    @cached_property
    def _beginnings(self) -> list[str]:
        """Digits with which some expression may want an entry to begin."""
        return [text for literal in self.literals if (text := str(literal)).isdecimal() and len(text) < 4][:4]

    def _lookups(self, node: Node, effect: effects.LookUp | effects.Query, world: World) -> Iterator[Move]:
        question = asked(effect)
        known = world.lookup(question)
        if known is not None:
            yield Move(_answer(known))
            return
        likeliest, *others = self._data(node)
        failures = ({"status": 404}, {"fails": "timeout"}, {"status": 500})
        for answer in ({"data": likeliest}, *failures, *({"data": data} for data in others)):
            yield _looked_up(question, effect, answer)

    def _data(self, node: Node) -> list[Any]:
        """Answers with everything that the node's expressions take from them."""
        references = [reference for reference in node.refers() if reference.kind == "expression"]
        paths = list(dict.fromkeys(path for r in references for path in _DATA.findall(r.name)))
        if not paths:
            return [{}]
        wanted = {path: ["x"] for path in paths}
        for reference in references:
            for path in _DATA.findall(reference.name):
                name = str(reference.path[-1])
                wanted[path] = [*self._compared_with(name), *self._sayable.get(name, ()), *wanted[path]]
        fitting = [_nested(dict(zip(paths, chosen, strict=True))) for chosen in islice(product(*wanted.values()), 12)]
        values: list[Any] = ["x", True, False, 1, *self.literals[:_MOST_LITERALS]]
        same = [_nested(dict.fromkeys(paths, value)) for value in values]
        one = [
            _nested({path: value if path == changed else "x" for path in paths})
            for changed in paths[:4]
            for value in values[1:]
        ]
        return [*fitting, *same, *(one if len(paths) > 1 else []), {}][:_MOST_ANSWERS]

    @cached_property
    def _sayable(self) -> dict[str, list[Any]]:
        """By attribute, where some node says it: values that can be said so."""
        found: dict[str, list[Any]] = {}
        for flow in self.library.flows.values():
            for node in flow.nodes.values():
                for value in _said(node):
                    for name in sorted(value.value.fields("contact") or ()):
                        found[name] = list(dict.fromkeys([*found.get(name, ()), *_SAYABLE[value.say]]))
        return found

    def _compared_with(self, name: str) -> list[Any]:
        """What some expression compares this attribute with, and for numbers the next one."""
        compared = re.compile(rf"contact\.{re.escape(name)}\s*(?:[=!]=|[<>]=?)\s*(?:'([^'\\]*)'|(\d{{1,9}})\b)")
        found: list[Any] = []
        for text in self.expressions:
            for literal, number in compared.findall(text):
                found += [int(number) + 1, int(number)] if number else [literal]
        return list(dict.fromkeys(found))[:4]

    def _verified(self, node: Node, effect: effects.Verify, world: World) -> Iterator[Move]:
        """As flow tests check PINs: by those that are given, or by a lookup."""
        if world.wrong_pins >= effect.attempts:
            yield Move(inputs.Verified("locked"))
            return
        wrong = inputs.Verified("locked" if world.wrong_pins + 1 >= effect.attempts else "wrong")
        if effect.check is not None:
            for move in self._lookups(node, effect.check, world):
                if isinstance(move.answer, inputs.LookupFailed):
                    yield Move(inputs.EffectFailed(move.answer.cause), None, move.lookup)
                else:
                    assert isinstance(move.answer, inputs.LookedUp)
                    right = 200 <= move.answer.status < 300 and move.answer.status != 204
                    yield Move(inputs.Verified("right") if right else wrong, None, move.lookup)
            return
        known = dict(world.pins).get(effect.who)
        if known is None:
            yield Move(inputs.Verified("right"), None, None, (effect.who, effect.pin))
        elif known == effect.pin:
            yield Move(inputs.Verified("right"))
            return
        yield Move(wrong)

    @cached_property
    def fields(self) -> frozenset[str] | None:
        """The attributes at which some expression looks; None: it cannot be told."""
        found: set[str] = set()
        for text in self.expressions:
            fields = Expression(text).fields("contact")
            if fields is None:
                return None
            found |= fields
        return frozenset(found)


def _said(part: Any) -> Iterator[Value]:
    """Every value that is spoken within, wherever a node has it."""
    if isinstance(part, Value):
        yield part
    elif isinstance(part, Part):
        for _, inner in part:
            yield from _said(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _said(inner)


def asked(effect: effects.LookUp | effects.Query) -> str:
    """What tells lookups of flow tests apart."""
    if isinstance(effect, effects.Query):
        return f"{effect.database} {sorted(effect.parameters.items(), key=str)}"
    return url_of(effect)


def after(world: World, move: Move) -> World:
    """The world, with what the move has fixed."""
    lookups, pins, wrong = world.lookups, world.pins, world.wrong_pins
    if move.lookup is not None:
        lookups = (*lookups, move.lookup)
    if move.pin is not None:
        pins = (*pins, move.pin)
    if isinstance(move.answer, inputs.Verified):
        wrong = 0 if move.answer.result == "right" else wrong + 1
    return World(lookups, pins, wrong)


def _looked_up(question: str, effect: effects.LookUp | effects.Query, answer: dict[str, Any]) -> Move:
    stub: dict[str, Any]
    if isinstance(effect, effects.Query):
        stub = {
            "database": effect.database,
            **({"parameters": effect.parameters} if effect.parameters else {}),
            **answer,
        }
    else:
        stub = {"url": question, **answer}
    return Move(_answer(stub), None, (question, stub))


def _answer(stub: dict[str, Any]) -> Input:
    if "fails" in stub:
        return inputs.LookupFailed(stub["fails"])
    return inputs.LookedUp(stub.get("status", 200), stub.get("data"))


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """`{".a.b": 1}` as `{"a": {"b": 1}}`."""
    made: dict[str, Any] = {}
    for path, value in values.items():
        place = made
        *outer, last = path[1:].split(".")
        for name in outer:
            inner = place.setdefault(name, {})
            place = inner if isinstance(inner, dict) else place
        place[last] = value
    return made


def _fitting(pattern: str) -> str:
    """An entry that a simple pattern accepts; empty where it is none."""
    text, made = pattern.strip("^$"), ""
    position = 0
    while position < len(text):
        found = _CLASS.match(text, position)
        assert found
        position = found.end()
        allowed = found[1] if found[1] is not None else "0-9" if found[2] is None else found[2]
        character = next(
            (c for c in "1234567890*#" if re.fullmatch(f"[{re.escape(allowed)}]".replace(r"\-", "-"), c)), ""
        )
        if not character:
            return ""
        count = re.match(r"\{(\d+)(?:,\d*)?\}|[+*?]", text[position:])
        position += count.end() if count else 0
        made += character * (int(count[1]) if count and count[1] else 1)
    return made


def _calendar() -> Iterator[datetime]:
    """Two weeks by the half hour, and then a year by day and night."""
    yield DEFAULT_AT
    monday = DEFAULT_AT.replace(hour=0)
    yield from (monday + timedelta(minutes=30 * step) for step in range(14 * 48))
    yield from (monday + timedelta(days=day, hours=hour) for day in range(_DAYS) for hour in (3, 10, 20))


def _shown(expression: Expression, variables: dict[str, Any]) -> Any:
    try:
        return expression.value(variables)
    except ExpressionError:
        return None

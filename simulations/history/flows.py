"""What callers did in a centre's flows, as a scenario says it: who dials which number when, what they press at each
node, and what the lookups bring.

Records say by which exit a caller left a node; a scenario says what callers press each time they are asked. A node that
asks again after silence, or after wrong keys, is left by these exits only after so many tries, so the shares of a
single time are found from the shares of the exits.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy

from documents import DocumentError, Problem
from ivr.flow.asking import AskingNode
from ivr.flow.document import Flow
from ivr.flow.looking import AskingSource
from ivr.flow.node import Node
from ivr.flow.nodes.collect import Collect
from ivr.flow.nodes.identify import Identify
from ivr.flow.nodes.verify import Verify
from simulations.history.choosing import SILENT
from simulations.history.days import DAY_MS, MINUTE_MS, Days
from simulations.history.form import History, Ints
from simulations.history.zones import Bools, local_ms
from simulations.scenario import HANG_UP, SILENCE
from simulations.setting import Centre

KEYS = "1234567890*#"
_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class FlowCallers:
    """Callers of one `number`: how many in each interval of each day (days x intervals), and what they did.

    `entered_ms` and `day_of` (an index into the days) are of all who entered its flow within the days and hours that
    count, also of those who called again, whom `counts` leaves out.
    """

    name: str
    number: str
    entered_ms: Ints
    day_of: Ints
    counts: Ints
    choices: dict[str, dict[str, float]]
    lookups: dict[str, list[dict[str, Any]]]


def through_flows(history: History) -> Bools:
    """Which contacts came through a flow."""
    known = set(history.choices["contact"].to_pylist())
    return numpy.array([name in known for name in history.texts("contact").tolist()], dtype=numpy.bool_)


def flow_callers(
    history: History, centre: Centre, days: Days, zone: ZoneInfo, again: frozenset[str], notes: list[str]
) -> tuple[FlowCallers, ...]:
    """For every number of the centre whose flow callers entered within the days and hours that count. Who calls `again`
    after giving up is no arrival.

    Raises DocumentError when there is nothing of these flows in the history.
    """
    assert centre.library is not None
    flows, numbers = centre.library.flows, _number_of_flow(centre)
    rows = _rows(history)
    moments = numpy.array([steps[0][0] for steps in rows.values()], dtype=numpy.int64)
    days_of, intervals_of = _places(moments, days, zone)
    entered: dict[str, list[int]] = {}
    contacts = list(rows)
    for place in numpy.flatnonzero(days_of >= 0).tolist():
        entered.setdefault(rows[contacts[place]][0][1], []).append(place)
    found = []
    for flow, places in sorted(entered.items(), key=lambda item: -len(item[1])):
        if flow not in numbers:
            notes.append(
                f"{len(places)} callers entered the flow {flow!r}, which no number of the centre leads to: left out"
            )
            continue
        exits: dict[str, Counter[str]] = {}
        counts = numpy.zeros((len(days.dates), days.intervals), dtype=numpy.int64)
        for place in places:
            if contacts[place] not in again:
                counts[days_of[place], intervals_of[place]] += 1
            for _, through, node, exit in rows[contacts[place]]:
                exits.setdefault(f"{through}.{node}", Counter())[exit] += 1
        choices, lookups = _said(flows, exits, notes)
        number = numbers[flow]
        found.append(
            FlowCallers(_name(flow, number), number, moments[places], days_of[places], counts, choices, lookups)
        )
    if not found:
        hint = "import the centre's own records or journals; other sources do not know what callers pressed"
        raise DocumentError([Problem("the history has no callers in the flows of this centre", hint=hint)])
    return tuple(found)


def _number_of_flow(centre: Centre) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, flow in (centre.numbers or {}).items():
        found.setdefault(flow, number)
    return found


def _name(flow: str, number: str) -> str:
    return f"callers of {flow} ({number})"


def _rows(history: History) -> dict[str, list[tuple[int, str, str, str]]]:
    """Of each contact what it chose, in order: (ms, flow, node, exit)."""
    columns = [history.choices[name].to_pylist() for name in ("contact", "at_ms", "flow", "node", "choice")]
    found: dict[str, list[tuple[int, str, str, str]]] = {}
    for contact, at_ms, flow, node, exit in zip(*columns, strict=True):
        found.setdefault(contact, []).append((at_ms, flow, node, exit))
    for steps in found.values():
        steps.sort(key=lambda step: step[0])  # stable: those of one moment stay as they were recorded
    return found


def _places(moments: Ints, days: Days, zone: ZoneInfo) -> tuple[Ints, Ints]:
    """The day and the interval of each moment; the day -1 outside of those that count."""
    wall = local_ms(moments, zone)
    day, minute = wall // DAY_MS, wall % DAY_MS // MINUTE_MS
    places = {each.toordinal(): place for place, each in enumerate(days.dates)}
    epoch = 719_163  # the ordinal of 1970-01-01
    place = numpy.array([places.get(int(number) + epoch, -1) for number in day], dtype=numpy.int64)
    interval = (minute - days.first_minute) // days.interval_minutes
    inside = (minute >= days.first_minute) & (interval < days.intervals)
    return numpy.where(inside, place, -1), interval


def _said(
    flows: Mapping[str, Flow], exits: Mapping[str, Counter[str]], notes: list[str]
) -> tuple[dict[str, dict[str, float]], dict[str, list[dict[str, Any]]]]:
    """What callers press and lookups bring, for every node of the flows that takes keys or asks. Where nobody came,
    callers hang up and lookups fail, so that it is seen when a simulated caller comes there."""
    choices: dict[str, dict[str, float]] = {}
    lookups: dict[str, list[dict[str, Any]]] = {}
    unseen, unknown = [], []
    for flow in flows.values():
        for name, node in flow.nodes.items():
            place = f"{flow.name}.{name}"
            counts = exits.get(place, Counter())
            if isinstance(node, AskingSource) and (node.url or node.database):
                lookups[place] = lookup_answers(counts)
                if node.results and counts.keys() & {"ok", "next"}:
                    unknown.append(f"{place} ({', '.join(node.results)})")
            if node.asks:
                choices[place] = pressed(flow, node, counts)
                if not counts:
                    unseen.append(place)
    gone = sorted(place for place in exits if place.partition(".")[0] not in flows)
    if gone:
        notes.append(f"the centre has no such flow any more, so they are left out: {', '.join(gone)}")
    if unseen:
        notes.append(f"nobody came to {', '.join(unseen)}; who does in the simulation hangs up there")
    if unknown:
        notes.append(f"the records do not say what lookups brought; fill in the 'data' of {', '.join(unknown)}")
    return choices, lookups


def lookup_answers(counts: Counter[str]) -> list[dict[str, Any]]:
    """What a lookup brought, by the exits taken; the data are not known."""
    total = counts.total()
    if not total:
        return [{"share": 1.0, "fails": "timeout"}]
    kinds: Counter[str] = Counter()
    for exit, count in counts.items():
        known = {"no_match": "not_found", "locked": "not_found"}.get(exit, exit)
        known = known if known in ("not_found", "error", "timeout") else "ok"
        kinds[known] += count
    answers: dict[str, dict[str, Any]] = {
        "ok": {"status": 200, "data": {}},
        "not_found": {"status": 404},
        "error": {"fails": "unreachable"},
        "timeout": {"fails": "timeout"},
    }
    shares = _rounded({kind: count / total for kind, count in kinds.items()})
    return [{"share": share, **answers[kind]} for kind, share in shares.items()]


def pressed(flow: Flow, node: Node, counts: Counter[str]) -> dict[str, float]:
    """What callers press each time this node asks, as shares, by how often they left it by which exit."""
    if not counts:
        return {HANG_UP: 1.0}
    keys: Counter[str] = Counter()
    for exit, count in counts.items():
        keys[_keys_of(flow, node, exit)] += count
    total = counts.total()
    if not isinstance(node, AskingNode):
        return _rounded({key: count / total for key, count in keys.items()})
    wrong = _wrong(flow, node)
    silent, wrongly = keys.pop(SILENCE, 0) / total, keys.pop(wrong, 0) / total
    silence, mistakes = one_try(silent, wrongly, node.no_input.retries, node.no_match.retries)
    others = keys.total()
    left = 1 - silence - mistakes
    found = {key: left * count / others for key, count in keys.items()} if others else {}
    if not others:  # nobody ever pressed anything that fits
        silence, mistakes = silence / (silence + mistakes), mistakes / (silence + mistakes)
    found |= {SILENCE: silence, wrong: mistakes}
    return _rounded({key: share for key, share in found.items() if share > 0})


def _keys_of(flow: Flow, node: Node, exit: str) -> str:
    """What to press to leave by this exit."""
    if exit in SILENT:
        return SILENCE
    if exit == "operator" and flow.operator is not None:
        return flow.operator.key
    if exit == "no_match":
        return _wrong(flow, node)
    if exit == HANG_UP or set(exit) <= set(KEYS + "ABCD"):
        return exit
    return entry(node) if isinstance(node, Collect | Identify | Verify) else SILENCE


def _wrong(flow: Flow, node: Node) -> str:
    """Keys that do not fit."""
    operator = flow.operator.key if flow.operator is not None else ""
    for key in reversed(KEYS):
        if not _fits(node, key) and key not in (operator, "#"):
            return key
    return "**"


def _fits(node: Node, digits: str) -> bool:
    if isinstance(node, Collect | Identify):
        return node.fits(digits)
    if isinstance(node, Verify):
        return digits.isdecimal() and node.min_digits <= len(digits) <= node.max_digits
    return digits in node.exits()


def entry(node: Collect | Identify | Verify) -> str:
    """Digits that this node takes; silence where none of the usual ones does."""
    for length in range(node.min_digits, node.max_digits + 1):
        for first in "1234567890":
            digits = (first + "0123456789" * 4)[:length]
            for tried in (digits, first * length, *(digits[:-1] + last for last in "0123456789")):
                if _fits(node, tried):
                    return tried
    return SILENCE


def one_try(silent: float, wrong: float, again_silent: int, again_wrong: int) -> tuple[float, float]:
    """The shares of silence and of wrong keys at a single question, after which so many exits are by silence and by
    wrong keys; the node asks again so often after either."""
    s, w = silent ** (1 / (again_silent + 1)), wrong ** (1 / (again_wrong + 1))
    for _ in range(_ROUNDS):
        if s + w >= 1:
            s, w = s / (s + w) * 0.999, w / (s + w) * 0.999
        by_silence, by_wrong = exits_of(s, w, again_silent, again_wrong)
        if silent:
            s *= (silent / by_silence) ** (1 / (again_silent + 1))
        if wrong:
            w *= (wrong / by_wrong) ** (1 / (again_wrong + 1))
    return float(s), float(w)


def exits_of(s: float, w: float, again_silent: int, again_wrong: int) -> tuple[float, float]:
    """How many leave by silence and by wrong keys, if each question meets silence with `s` and wrong keys with `w`."""
    there = numpy.zeros((again_silent + 1, again_wrong + 1))
    there[0, 0] = 1.0
    by_silence = by_wrong = 0.0
    for i in range(again_silent + 1):
        for k in range(again_wrong + 1):
            if i < again_silent:
                there[i + 1, k] += s * there[i, k]
            else:
                by_silence += s * there[i, k]
            if k < again_wrong:
                there[i, k + 1] += w * there[i, k]
            else:
                by_wrong += w * there[i, k]
    return float(by_silence), float(by_wrong)


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    """To four digits, adding up to 1, the largest first."""
    found = {key: round(share, 4) for key, share in sorted(shares.items(), key=lambda item: -item[1])}
    largest = next(iter(found))
    found[largest] = round(found[largest] + 1 - sum(found.values()), 4)
    return {key: share for key, share in found.items() if share > 0}

"""The router's happenings in the words of Asterisk's `queue_log`.

Source: Asterisk, `apps/app_queue.c` and `main/logger.c` (`ast_queue_log`), and the page "Queue Logs" of its
documentation. A line is `TIME|CALLID|QUEUE|AGENT|EVENT|DATA1|...`: TIME in whole seconds of Unix time, durations in
whole seconds but for those of rings, which are milliseconds. Nothing that came from outside can end a field or a line.

Where the router knows more than `app_queue` can say, the nearest event is used: a contact that moves to another queue
leaves the first one by EXITWITHTIMEOUT, or by WITHDRAW when somebody moved it; a declined, busy or unreachable phone is
RINGNOANSWER, as there; a contact that a full or closed queue sends away at once has not entered it. The context of a
BLINDTRANSFER is the queue.
"""

import re
from typing import NamedTuple

from switchboard.store import schema
from switchboard.store.batch import Batch
from switchboard.store.rows import OfferRow, Stay

NONE = "NONE"
MEMBER_CHANGED_BY = "MANAGER"
"""The call id of ADDMEMBER and REMOVEMEMBER when a program does it."""
MOST_DATA = 5
_LONGEST_FIELD = 200
_LONGEST_CALLID = 150
_UNSAFE = re.compile(r"[|\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Line(NamedTuple):
    """One line without its time."""

    callid: str
    queue: str
    agent: str
    event: str
    data: tuple[str | int, ...] = ()


def safe(text: object) -> str:
    """`text` as a field: without separators, line breaks and other control characters."""
    return _UNSAFE.sub(" ", str(text))[:_LONGEST_FIELD]


def callid(contact: str) -> str:
    """The contact's name as a field."""
    return safe(contact)[:_LONGEST_CALLID]


def written(at_ms: int, callid: str, queue: str, agent: str, event: str, data: tuple[str, ...]) -> str:
    """The line as it stands in the file, without its end. Trailing empty data is left out, as Asterisk does."""
    fields = [*map(safe, data)]
    while fields and not fields[-1]:
        fields.pop()
    return "|".join([str(at_ms // 1000), *(safe(field) for field in (callid, queue, agent, event)), *(fields or [""])])


def entered(stay: Stay) -> Line:
    return Line(stay.contact, stay.queue, NONE, "ENTERQUEUE", ("", stay.caller, stay.entry_position))


def connected(stay: Stay, offer: OfferRow, now_ms: int) -> Line:
    ring_s = (now_ms - offer.offered_ms) // 1000
    return Line(stay.contact, stay.queue, stay.agent, "CONNECT", (_waited_s(stay, now_ms), offer.offer, ring_s))


def not_taken(stay: Stay, offer: OfferRow, now_ms: int) -> Line:
    event = "RINGCANCELED" if offer.cause == "cancelled" else "RINGNOANSWER"
    return Line(stay.contact, stay.queue, offer.agent, event, (now_ms - offer.offered_ms,))


def talked(stay: Stay, directed_to: str, now_ms: int) -> Line:
    """The end of a talk, by a hang-up or by a transfer (to an agent, or else to a queue)."""
    answered_ms = now_ms if stay.answered_ms is None else stay.answered_ms
    times = (_waited_s(stay, answered_ms), (now_ms - answered_ms) // 1000, stay.entry_position)
    if stay.transferred_to:
        return Line(
            stay.contact,
            stay.queue,
            stay.agent,
            "BLINDTRANSFER",
            (directed_to or stay.transferred_to, stay.transferred_to, *times),
        )
    event = "COMPLETECALLER" if stay.ended_by == "caller" else "COMPLETEAGENT"
    return Line(stay.contact, stay.queue, stay.agent, event, times)


def handed_over(stay: Stay, agent: str, to_agent: str, now_ms: int) -> Line:
    answered_ms = now_ms if stay.answered_ms is None else stay.answered_ms
    data = ("BRIDGE", to_agent, _waited_s(stay, answered_ms), (now_ms - answered_ms) // 1000, stay.entry_position)
    return Line(stay.contact, stay.queue, agent, "ATTENDEDTRANSFER", data)


def left(stay: Stay, position: int, now_ms: int, reason: str) -> Line:
    """The contact stops waiting here without an agent; `stay.outcome` says how, `reason` why, or by which key."""
    place = (position, stay.entry_position, _waited_s(stay, now_ms))
    match stay.outcome:
        case "abandoned":
            return Line(stay.contact, stay.queue, NONE, "ABANDON", place)
        case "left" if reason:
            return Line(stay.contact, stay.queue, NONE, "EXITWITHKEY", (reason, *place))
        case "left" | "merged" | "lost":
            return Line(stay.contact, stay.queue, NONE, "WITHDRAW", (*place, stay.outcome))
        case "moved" if stay.ended_by:
            return Line(stay.contact, stay.queue, NONE, "WITHDRAW", (*place, "moved"))
        case "overflowed" | "moved" if reason.startswith("nobody"):  # is signed in, is available
            return Line(stay.contact, stay.queue, NONE, "EXITEMPTY", place)
        case _:
            return Line(stay.contact, stay.queue, NONE, "EXITWITHTIMEOUT", place)


def member(agent: str, queue: str, *, added: bool) -> Line:
    return Line(MEMBER_CHANGED_BY, queue, agent, "ADDMEMBER" if added else "REMOVEMEMBER")


def paused(agent: str, queue: str, reason: str) -> Line:
    return Line(NONE, queue, agent, "PAUSEALL" if queue == NONE else "PAUSE", (reason,))


def unpaused(agent: str, queue: str) -> Line:
    return Line(NONE, queue, agent, "UNPAUSEALL" if queue == NONE else "UNPAUSE")


def _waited_s(stay: Stay, now_ms: int) -> int:
    return max(0, now_ms - stay.queued_ms) // 1000


def add(batch: Batch, at_ms: int, line: Line) -> None:
    """Puts the line among the rows to be written."""
    data = [safe(value) for value in line.data] + [""] * (MOST_DATA + 1 - len(line.data))
    batch.add(
        schema.queue_log,
        at_ms=at_ms,
        callid=callid(line.callid),
        queuename=safe(line.queue),
        agent=safe(line.agent),
        event=line.event,
        **{f"data{number}": value for number, value in enumerate(data[:MOST_DATA], start=1)},
    )

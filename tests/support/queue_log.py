"""What Asterisk's own `queue_log` looks like: the grammar of its lines, after `apps/app_queue.c` of Asterisk 22.

The tests hold both our lines and those of a real Asterisk to it.
"""

import re
from typing import NamedTuple

_PLACE = r"\d+\|\d+\|\d+"  # position, original position, wait in seconds
GRAMMAR = {
    "QUEUESTART": r"",
    "ENTERQUEUE": r"[^|]*\|[^|]*\|\d+(\|.*)?",  # URL, caller, position
    "CONNECT": r"\d+\|[^|]+\|\d+",  # wait, the agent's channel, ring in seconds
    "COMPLETECALLER": r"\d+\|\d+\|\d+",  # wait, talk, original position
    "COMPLETEAGENT": r"\d+\|\d+\|\d+",
    "ABANDON": _PLACE,
    "EXITWITHKEY": rf"[0-9*#]\|{_PLACE}",
    "EXITWITHTIMEOUT": _PLACE,
    "EXITEMPTY": _PLACE,
    "WITHDRAW": rf"{_PLACE}\|[^|]*",
    "RINGNOANSWER": r"\d+",  # ms
    "RINGCANCELED": r"\d+",
    "BLINDTRANSFER": r"[^|]+\|[^|]+\|\d+\|\d+\|\d+",  # extension, context, wait, talk, original position
    "ATTENDEDTRANSFER": r"BRIDGE\|[^|]+\|\d+\|\d+\|\d+",
    "ADDMEMBER": r"(PAUSED)?",
    "REMOVEMEMBER": r"",
    "PAUSE": r"[^|]*",
    "UNPAUSE": r"[^|]*",
    "PAUSEALL": r"[^|]*",
    "UNPAUSEALL": r"[^|]*",
}


class Line(NamedTuple):
    """A line in its parts."""

    time_s: int
    callid: str
    queue: str
    agent: str
    event: str
    data: list[str]


def parse(line: str) -> Line:
    """The line's parts. Raises AssertionError for what Asterisk would not write."""
    time_s, callid, queue, agent, event, data = line.split("|", 5)
    assert re.fullmatch(r"\d{10}", time_s), line
    assert callid, line
    assert queue, line
    assert agent, line
    assert event in GRAMMAR, line
    assert re.fullmatch(GRAMMAR[event], data), line
    return Line(int(time_s), callid, queue, agent, event, data.split("|"))

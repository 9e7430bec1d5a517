"""Asterisk's `queue_log`: `TIME|CALLID|QUEUE|AGENT|EVENT|DATA...`, its full vocabulary.

Source: `apps/app_queue.c`, `main/logger.c` and `apps/app_agent_pool.c` of Asterisk 22, and the page "Queue Logs" of its
documentation; events of older versions (`TRANSFER`, `AGENTCALLBACKLOGIN`, ...) from `doc/queuelog.txt` of theirs.
Durations are in seconds but for those of rings, which are milliseconds.

A stay begins with ENTERQUEUE and ends with one of ENDS. Where a file begins in the middle of it, the event that ends
it tells how long it waited and talked, so its beginning is known all the same. QUEUESTART says that Asterisk was
restarted: whoever was there then is lost, and their rows are `open`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from simulations.history.callers import CallerHashes
from simulations.history.form import agent_times_table, contacts_table
from simulations.history.log_lines import LogLines
from simulations.history.refusals import Refusals
from simulations.history.rows import AT_ONCE

NONE = "NONE"
ENDS = {
    "COMPLETECALLER": "the caller ended the talk: wait, talk, original position",
    "COMPLETEAGENT": "the agent ended the talk: wait, talk, original position",
    "TRANSFER": "the agent transferred (before Asterisk 12): extension, context, wait, talk, original position",
    "BLINDTRANSFER": "extension, context, wait, talk, original position",
    "ATTENDEDTRANSFER": "method, what it was transferred to (one or two fields), wait, talk, original position",
    "ABANDON": "the caller hung up: position, original position, wait",
    "EXITWITHKEY": "key, position, original position, wait",
    "EXITWITHTIMEOUT": "position, original position, wait",
    "EXITEMPTY": "nobody to serve the queue: position, original position, wait",
    "WITHDRAW": "taken out of the queue: position, original position, wait, information",
    "SYSCOMPAT": "the two channels could not be joined, and the call was dropped",
}
OF_CONTACTS = {
    "ENTERQUEUE": "URL, caller, position",
    "CONNECT": "wait, the agent's channel, ring in seconds",
    "RINGNOANSWER": "ring in milliseconds",
    "RINGCANCELED": "the caller was gone: ring in milliseconds",
    "AGENTDUMP": "the agent hung up on the announcement; the caller goes on waiting",
    **ENDS,
}
OF_AGENTS = {
    "ADDMEMBER": "PAUSED, if paused",
    "REMOVEMEMBER": "",
    "AGENTLOGIN": "channel",
    "AGENTLOGOFF": "channel, seconds",
    "AGENTCALLBACKLOGIN": "extension@context (before Asterisk 1.6)",
    "AGENTCALLBACKLOGOFF": "extension@context, seconds, reason (before Asterisk 1.6)",
    "PAUSE": "reason",
    "UNPAUSE": "reason",
    "PAUSEALL": "reason",
    "UNPAUSEALL": "reason",
}
OF_SYSTEM = {
    "QUEUESTART": "Asterisk began to log",
    "CONFIGRELOAD": "",
    "PENALTY": "a member's penalty was changed",
    "RINGINUSE": "whether a member rings while in use was changed",
    "OUTCALL": "a call out of the dialplan, by the application QueueUpdate",
}
EVENTS = OF_CONTACTS | OF_AGENTS | OF_SYSTEM

LONGEST_MS = 7 * 86_400_000
"""A wait or a talk above a week is a mistake."""


_UNKNOWN = "the call is not there: its beginning is missing, or it is over"


class _Broken(ValueError):
    """A line that cannot be: the reason, and the value that is wrong."""

    def __init__(self, reason: str, value: str) -> None:
        super().__init__(reason)
        self.reason, self.value = reason, value


@dataclass(slots=True)
class _Stay:
    line: int
    file: int
    contact: str
    queue: str
    arrived_ms: int
    caller: str = ""
    position: int | None = None
    answered_ms: int | None = None
    wait_ms: int | None = None
    agent: str = ""
    ring_ms: int | None = None
    talk_ms: int | None = None
    offers: int = 0
    refused: int = 0
    outcome: str = "open"
    exit: str = ""
    ended_by: str = ""
    transferred_to: str = ""


_COLUMNS = tuple(name for name in _Stay.__dataclass_fields__ if name != "answered_ms")


@dataclass(slots=True)
class _AgentTimes:
    """When each agent was signed in and paused, by queue (the empty queue: everywhere)."""

    rows: list[tuple[str, str, str, str, int, int]] = field(default_factory=list)
    _since: dict[tuple[str, str], tuple[int, str, str]] = field(default_factory=dict)

    def begins(self, agent: str, queue: str, state: str, reason: str, now_ms: int) -> None:
        self.ends(agent, queue, now_ms)
        self._since[agent, queue] = (now_ms, state, reason)

    def ends(self, agent: str, queue: str, now_ms: int) -> None:
        since = self._since.pop((agent, queue), None)
        if since is not None and since[0] < now_ms:
            self.rows.append((agent, queue, since[1], since[2], since[0], now_ms))

    def signed_in(self, agent: str, queue: str) -> bool:
        return (agent, queue) in self._since

    def queues_of(self, agent: str) -> list[str]:
        return [queue for name, queue in self._since if name == agent]

    def end_all(self, now_ms: int) -> None:
        for agent, queue in list(self._since):
            self.ends(agent, queue, now_ms)


def read_queue_logs(
    sources: Sequence[tuple[str, Iterable[list[str]]]],
    zone: ZoneInfo | None,
    hashes: CallerHashes,
    refusals: Refusals,
    notes: list[str],
) -> tuple[Any, Any]:
    """Contacts (READING_SCHEMA) and agent times of these logs together: rotated, overlapping, in any order.

    A source is a name and blocks of lines. A line that stands in the log twice is a duplicate and refused; so the same
    file twice, or two exports that overlap, count once.
    """
    lines = LogLines(refusals)
    for name, blocks in sources:
        lines.read(name, blocks, zone, notes)
    return _Reader(lines, hashes, refusals).tables()


class _Reader:
    """One pass over all lines in the order of their time, with what is open at that moment."""

    def __init__(self, lines: LogLines, hashes: CallerHashes, refusals: Refusals) -> None:
        self._lines, self._hashes, self._refusals = lines, hashes, refusals
        self._open: dict[tuple[str, str], _Stay] = {}
        self._columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self._written: list[Any] = []
        self._agents = _AgentTimes()
        self._now_ms = 0
        self._contact_events: dict[str, Callable[[_Stay, str, list[str]], bool]] = {
            "CONNECT": self._connect,
            "RINGNOANSWER": self._not_answered,
            "RINGCANCELED": self._cancelled,
            "AGENTDUMP": self._not_answered,
            "COMPLETECALLER": self._completed,
            "COMPLETEAGENT": self._completed,
            "TRANSFER": self._transferred,
            "BLINDTRANSFER": self._transferred,
            "ATTENDEDTRANSFER": self._transferred,
            "ABANDON": self._left_at_2,
            "EXITWITHTIMEOUT": self._left_at_2,
            "EXITEMPTY": self._left_at_2,
            "WITHDRAW": self._left_at_2,
            "EXITWITHKEY": self._left_by_key,
            "SYSCOMPAT": self._incompatible,
        }

    def tables(self) -> tuple[Any, Any]:
        seen: set[str] = set()
        files = self._lines.files
        for now_ms, text, owner, line in self._lines.in_order():
            if now_ms != self._now_ms:
                self._now_ms = now_ms
                seen.clear()
            if text in seen:
                self._refusals.add(files[owner], line, "a duplicate of another line", text)
                continue
            seen.add(text)
            try:
                self._take(text.split("|"), owner, line)
            except _Broken as broken:
                self._refusals.add(files[owner], line, broken.reason, broken.value)
        self._lines.forget()
        for stay in list(self._open.values()):
            self._lost(stay)
        self._agents.end_all(self._now_ms)
        self._gather()
        return pa.concat_tables(self._written), agent_times_table(self._agents.rows)

    def _gather(self) -> None:
        """The contacts that are over become a table, which needs a fraction of their memory."""
        owners = self._columns["file"]
        names, files = self._lines.names, self._lines.files
        named = {"source": [names[owner] for owner in owners], "file": [files[owner] for owner in owners]}
        self._written.append(contacts_table(self._columns | named, len(owners)))
        self._columns = {name: [] for name in _COLUMNS}

    def _take(self, fields: list[str], owner: int, line: int) -> None:
        if len(fields) < 5:
            raise _Broken("a line has TIME|CALLID|QUEUE|AGENT|EVENT and data", "|".join(fields))
        _, callid, queue, agent, event, *data = fields
        if event in self._contact_events:
            stay = self._open.get((callid, queue)) or _Stay(line, owner, callid, queue, -1)
            if self._contact_events[event](stay, agent, data):
                self._open.pop((callid, queue), None)
                self._close(stay, event)
            else:
                self._open[callid, queue] = stay
        elif event == "ENTERQUEUE":
            if (earlier := self._open.pop((callid, queue), None)) is not None:
                self._lost(earlier)
            caller, position = _of(data, 1), _of(data, 2)
            self._open[callid, queue] = _Stay(
                line,
                owner,
                callid,
                queue,
                self._now_ms,
                self._hashes(caller),
                int(position) if position.isdecimal() else None,
            )
        elif event in OF_AGENTS:
            self._agent(event, agent, "" if queue == NONE else queue, data)
        elif event == "QUEUESTART":
            for stay in list(self._open.values()):
                self._lost(stay)
            self._open.clear()
        elif event not in OF_SYSTEM:
            raise _Broken(f"{event!r} is no event of Asterisk's queue_log", "|".join(fields))

    # Contacts. Each returns whether the stay is over.

    def _connect(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        wait_ms, ring_ms = _seconds(data, 0), _seconds(data, 2) if _of(data, 2) else None
        if stay.arrived_ms < 0:
            stay.arrived_ms = self._now_ms - wait_ms
        # The line's own wait has whole seconds; times have fractions in some tables.
        stay.wait_ms = self._now_ms - stay.arrived_ms if self._now_ms % 1000 else wait_ms
        stay.answered_ms, stay.agent, stay.ring_ms = self._now_ms, agent, ring_ms
        stay.offers += 1
        return False

    def _not_answered(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        stay.offers += 1
        stay.refused += 1
        return False

    def _cancelled(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        stay.offers += 1
        return False

    def _completed(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        self._talked(stay, agent, _seconds(data, 0), _seconds(data, 1))
        return True

    def _transferred(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        # What an attended transfer went to has one field or two, so the times are counted from the end.
        while data and not data[-1]:
            data.pop()
        if len(data) < 4:
            raise _Broken("a transfer has its destination, wait, talk and position", "|".join(data))
        self._talked(stay, agent, _seconds(data, -3), _seconds(data, -2))
        stay.transferred_to = data[0] if len(data) == 4 or data[0] not in _METHODS else data[1]
        return True

    def _talked(self, stay: _Stay, agent: str, wait_ms: int, talk_ms: int) -> None:
        if stay.arrived_ms < 0:
            stay.arrived_ms = self._now_ms - wait_ms - talk_ms
        if stay.answered_ms is None:
            stay.wait_ms, stay.offers = wait_ms, stay.offers + 1
        elif self._now_ms % 1000:
            talk_ms = self._now_ms - stay.answered_ms
        stay.agent, stay.talk_ms = agent, talk_ms

    def _left_at_2(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        self._leaves(stay, _seconds(data, 2))
        if len(data) > 3:
            stay.exit = data[3]
        return True

    def _left_by_key(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        self._leaves(stay, _seconds(data, 3))
        stay.exit = _of(data, 0)
        return True

    def _incompatible(self, stay: _Stay, agent: str, data: list[str]) -> bool:
        if stay.arrived_ms < 0:
            raise _Broken(_UNKNOWN, stay.contact)
        self._leaves(stay, self._now_ms - stay.arrived_ms)
        return True

    def _leaves(self, stay: _Stay, wait_ms: int) -> None:
        if stay.arrived_ms < 0:
            stay.arrived_ms = self._now_ms - wait_ms
        stay.wait_ms = self._now_ms - stay.arrived_ms if self._now_ms % 1000 else wait_ms

    def _close(self, stay: _Stay, event: str) -> None:
        outcome, ended_by, exit = _FATES[event]
        # The engine of Switchboard says why it withdrew a contact.
        stay.outcome = "left" if event == "WITHDRAW" and stay.exit == "left" else outcome
        stay.ended_by, stay.exit = ended_by, stay.exit or exit
        self._write(stay)

    def _lost(self, stay: _Stay) -> None:
        """The log says no more of it: it waited at least until now, or talked for a time not known."""
        if stay.arrived_ms < 0:
            self._refusals.add(self._lines.files[stay.file], stay.line, _UNKNOWN, stay.contact)
            return
        if stay.answered_ms is not None:
            stay.outcome = "answered"
        else:
            stay.wait_ms = max(0, self._now_ms - stay.arrived_ms)
        self._write(stay)

    def _write(self, stay: _Stay) -> None:
        for name, values in self._columns.items():
            values.append(getattr(stay, name))
        if len(self._columns["line"]) >= AT_ONCE:
            self._gather()

    # Agents

    def _agent(self, event: str, agent: str, queue: str, data: list[str]) -> None:
        reason, times, now_ms = _of(data, 0), self._agents, self._now_ms
        match event:
            case "ADDMEMBER":
                state = "paused" if reason == "PAUSED" else "available"
                times.begins(agent, queue, state, "", now_ms)
            case "AGENTLOGIN" | "AGENTCALLBACKLOGIN":
                times.begins(agent, "", "available", "", now_ms)
            case "REMOVEMEMBER":
                times.ends(agent, queue, now_ms)
            case "AGENTLOGOFF" | "AGENTCALLBACKLOGOFF":
                times.ends(agent, "", now_ms)
            case _:
                state = "available" if event.startswith("UNPAUSE") else "paused"
                queues = [queue] if queue else times.queues_of(agent)
                for each in queues:
                    if times.signed_in(agent, each):
                        times.begins(agent, each, state, reason if state == "paused" else "", now_ms)


_METHODS = frozenset({"BRIDGE", "APP", "LINK", "THREEWAY"})
_FATES = {
    "COMPLETECALLER": ("answered", "caller", ""),
    "COMPLETEAGENT": ("answered", "agent", ""),
    "TRANSFER": ("answered", "transfer", ""),
    "BLINDTRANSFER": ("answered", "transfer", ""),
    "ATTENDEDTRANSFER": ("answered", "transfer", ""),
    "ABANDON": ("abandoned", "", ""),
    "EXITWITHKEY": ("left", "", ""),
    "EXITWITHTIMEOUT": ("overflowed", "", "timeout"),
    "EXITEMPTY": ("overflowed", "", "empty"),
    "WITHDRAW": ("moved", "", "withdrawn"),
    "SYSCOMPAT": ("failed", "", "incompatible"),
}


def _of(data: list[str], place: int) -> str:
    return data[place] if place < len(data) else ""


def _seconds(data: list[str], place: int) -> int:
    """A duration in whole seconds, as milliseconds. Raises _Broken."""
    try:
        text = data[place]
        found_ms = int(text) * 1000
    except (IndexError, ValueError):
        raise _Broken("a duration in seconds is missing", "|".join(data)) from None
    if not 0 <= found_ms <= LONGEST_MS:
        raise _Broken("a duration below 0 s or above a week", text)
    return found_ms

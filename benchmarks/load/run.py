"""One load of calls at one rate, and what was measured meanwhile."""

import time
from dataclasses import dataclass
from typing import Any

from load.bench import NATIVE_NUMBER, NUMBERS, Bench
from load.figures import Quantiles, offers, quantiles, until_next, until_rung_for
from load.machine import cpu_s, machine_cpu_s, memory_kb, own_cpu_s
from load.sipp import called, calling, phones, phones_did

TALK_MS = 500
"""Longer than the joining takes, or the agent would be gone before it."""
KEY_AFTER_MS = 1_200
"""After the answer. Without RTP, Asterisk waits 500 ms for some before it goes on (main/channel.c, `__ast_answer`)."""
SETTLED_S = 3.0
"""So long after the last caller came, all calls must be over; otherwise they came faster than they were served."""
MORE_THAN_SERVED = 1.1
"""Where there is to be a standing queue, callers come so many times as fast as the agents can serve them."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the callers do. `native`: in Asterisk's own queue. `queueing`: agents talk for so long that callers have to
    wait, and an agent who is free always finds somebody waiting."""

    name: str
    number: str
    native: bool = False
    key_after_ms: int = 0
    queueing: bool = False


MENU = Load("menu", NUMBERS["menu"], key_after_ms=KEY_AFTER_MS)
QUEUE = Load("queue", NUMBERS["queue"])
NATIVE = Load("native", NATIVE_NUMBER, native=True)
BUSY = Load("busy", NUMBERS["queue"], queueing=True)
NATIVE_BUSY = Load("native busy", NATIVE_NUMBER, native=True, queueing=True)


@dataclass(frozen=True, slots=True)
class Measured:
    """One load at one rate. `talks`: one more than calls where an agent answered and hung up before the two were
    joined, so that another one was rung. CPU in seconds, times in ms (p50, p99, maximum)."""

    load: str
    native: bool
    queueing: bool
    rate: float
    calls: int
    failed: int
    talks: int
    resent: int
    took_s: float
    late_s: float
    asterisk_cpu_s: float
    engine_cpu_s: float
    sipp_and_relay_cpu_s: float
    others_cpu_s: float
    engine_kb: int
    response_ms: Quantiles | None
    variable_ms: Quantiles | None
    first_sound_ms: Quantiles | None
    answer_to_ring_ms: Quantiles | None
    offer_to_ring_ms: Quantiles | None
    free_to_offer_ms: Quantiles | None
    free_to_ring_ms: Quantiles | None

    @property
    def proper(self) -> bool:
        """No call failed, and each had an agent."""
        return self.failed == 0 and self.talks >= self.calls

    @property
    def sustained(self) -> bool:
        """And they were served as fast as they came."""
        return self.proper and self.late_s <= SETTLED_S

    @property
    def cpu_ms(self) -> float:
        """Of Asterisk and the engine, for each call."""
        return (self.asterisk_cpu_s + self.engine_cpu_s) / self.calls * 1_000


async def run(on: Bench, load: Load, rate: float, seconds: float, reply_limit_ms: int = 30_000) -> Measured:
    """Brings `rate` calls a second for so long, and waits for the last to end; a call has failed when what its caller
    waits for has not come within the limit."""
    directory, calls, talk_ms, pace = on.new_run(load.name.replace(" ", "-")), round(rate * seconds), TALK_MS, rate
    if load.queueing:
        talk_ms, pace = round(len(on.agents) / rate * 1_000), rate * MORE_THAN_SERVED
    since_s = time.time()
    async with phones(directory, on.phones_port, talk_ms) as agents:
        await on.seen_by_relay()
        began, before = time.monotonic(), _cpu_s(on, agents)
        async with calling(
            directory,
            on.sip_port,
            load.number,
            pace,
            calls,
            key_after_ms=load.key_after_ms,
            reply_limit_ms=reply_limit_ms,
        ) as process:
            callers = await called(directory, process, calls)
        took_s, after = time.monotonic() - began, _cpu_s(on, agents)
        seen = await on.seen_by_relay()
    spent_s = {name: after[name] - before[name] for name in before}
    answered, offered = phones_did(directory), [] if load.native else offers(on.engine_directory, since_s)
    rang = [(at, agent) for at, agent, _ in answered.rang]
    ours_s = spent_s["phones"] + spent_s["relay"] + spent_s["callers and this"]
    return Measured(
        load=load.name,
        native=load.native,
        queueing=load.queueing,
        rate=rate,
        calls=calls,
        failed=calls - callers.succeeded,
        talks=answered.talks,
        resent=callers.resent + answered.resent,
        took_s=took_s,
        late_s=took_s - calls / pace - (load.key_after_ms + talk_ms) / 1_000,
        asterisk_cpu_s=spent_s["asterisk"],
        engine_cpu_s=0.0 if load.native else spent_s["engine"],
        sipp_and_relay_cpu_s=ours_s,
        others_cpu_s=spent_s["machine"] - spent_s["asterisk"] - spent_s["engine"] - ours_s,
        engine_kb=memory_kb(on.engine.pid),
        response_ms=_seen(seen, "response_ms"),
        variable_ms=_seen(seen, "variable_ms"),
        first_sound_ms=_seen(seen, "first_sound_ms"),
        answer_to_ring_ms=None if load.queueing else quantiles(until_rung_for(callers.answered_at, answered.rang)),
        offer_to_ring_ms=quantiles(until_next(offered, rang)),
        free_to_offer_ms=quantiles(until_next(answered.hung_up, offered)) if load.queueing else None,
        free_to_ring_ms=quantiles(until_next(answered.hung_up, rang)) if load.queueing else None,
    )


def _cpu_s(on: Bench, agents: int) -> dict[str, float]:
    """Processor time so far; that of the callers is known when they have ended."""
    assert on.relay
    return {
        "asterisk": cpu_s(on.asterisk.pid),
        "engine": cpu_s(on.engine.pid),
        "relay": cpu_s(on.relay.pid),
        "phones": cpu_s(agents),
        "callers and this": own_cpu_s(),
        "machine": machine_cpu_s(),
    }


def _seen(seen: dict[str, Any], name: str) -> Quantiles | None:
    return Quantiles(*seen[name]) if seen[name] else None

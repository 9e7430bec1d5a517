"""The demo's day: who calls when, presses what and waits how long; how agents behave; and the centre, compressed.

One minute of the demo stands for `COMPRESSION` minutes: talks, wrap-up, steps and goals are that much shorter than in
the example, while prompts and ringing take the time they take.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from asterisk_conf.phones import Answer, Keys, PlannedCall
from asterisk_conf.site import Ports
from ivr.flow.hours import Hours, HoursEntry
from router.core.policy import Goal, Policy, Queue, Step
from switchboard.centre import Centre
from switchboard.centre.secrets import PinSource, SecretSource, hash_pin

COMPRESSION = 3.0
PIN = "2468"
MEAN_TALK_S, TALK_SCV = 9.0, 0.5
IMPATIENT, PATIENCES_S = 0.2, (4.0, 7.0, 11.0, 17.0, 26.0)
"""The share of callers who would hang up while waiting, and after how long; the others wait to the end. (A SIPp caller
who is impatient hangs up at that moment even if an agent is there by then; so they are few.)"""
MEAN_RING_S, RING_SCV = 1.2, 0.15
DECLINED = 0.04

_MAIN, _FRAUD = "+34915550100", "+34915550199"
_SUBJECTS = {"2": 0.38, "3": 0.32, "4": 0.17, "1": 0.13}
# Account numbers that pass the check of the example's flow (Luhn); those of gold customers begin with 9.
_ACCOUNTS = ("1234567897", "4929123457", "9123456786", "9000000001", "5500005550")
_ANSWER_S = 0.7
"""Asterisk's answer and the first prompt's beginning, before which keys would be early."""


@dataclass(frozen=True, slots=True)
class Day:
    """Everything that happens from outside: the callers' calls in order, and what each agent's phone does in turn."""

    calls: tuple[PlannedCall, ...]
    answers: dict[str, tuple[Answer, ...]]


def plan_day(agents: Sequence[str], calls: int, seconds: float, seed: int) -> Day:
    """Draws a day of `calls` calls that arrive over `seconds`, more of them in the middle."""
    draw = np.random.Generator(np.random.PCG64(seed))
    starts = np.sort(draw.beta(1.6, 1.6, calls)) * seconds
    starts -= starts[0]
    planned = tuple(_caller(draw, number, float(start)) for number, start in enumerate(starts))
    return Day(planned, {agent: _answers(draw) for agent in agents})


def _caller(draw: np.random.Generator, number: int, start_s: float) -> PlannedCall:
    caller = f"+346{10_000_000 + number * 137:08d}"
    patience_s = float(draw.choice(PATIENCES_S)) if draw.random() < IMPATIENT else None
    if draw.random() < 0.05:
        return PlannedCall(_FRAUD, caller, start_s, (), patience_s and 6.0 + patience_s)
    language = "2" if draw.random() < 0.45 else "1"
    subject = str(draw.choice(list(_SUBJECTS), p=list(_SUBJECTS.values())))
    keys = [Keys(_ANSWER_S + 1.5, language), Keys(_ANSWER_S + 4.0, subject)]
    in_queue_s = _ANSWER_S + 5.0
    if subject != "1" and draw.random() < 0.85:
        keys.append(Keys(_ANSWER_S + 6.5, str(draw.choice(_ACCOUNTS))))
        in_queue_s += 4.5
    elif subject != "1":
        in_queue_s += 10.0
    return PlannedCall(_MAIN, caller, start_s, tuple(keys), patience_s and in_queue_s + patience_s)


def _answers(draw: np.random.Generator, count: int = 40) -> tuple[Answer, ...]:
    """What a phone does with one offer after the other."""
    talks = _lognormal(draw, MEAN_TALK_S, TALK_SCV, count)
    rings = _lognormal(draw, MEAN_RING_S, RING_SCV, count)
    declines = draw.random(count) < DECLINED
    return tuple(
        Answer(round(float(ring), 1), 603 if declined else 200, round(float(talk), 1))
        for ring, talk, declined in zip(rings, talks, declines, strict=True)
    )


def _lognormal(draw: np.random.Generator, mean: float, scv: float, count: int) -> NDArray[np.float64]:
    variance = np.log1p(scv)
    return draw.lognormal(np.log(mean) - variance / 2, np.sqrt(variance), count)


def demo_centre(centre: Centre, directory: Path, ports: Ports) -> tuple[Centre, str]:
    """The centre as the demo runs it, and its AMI secret: open at any hour, compressed, on its own ports and in its
    own directory, with a secret of its own and the demo PIN for everybody."""
    secret = secrets.token_urlsafe(24)
    secret_file = directory / "ami-secret"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret)
    settings = centre.settings.model_copy(
        update={
            "engine": centre.settings.engine.model_copy(
                update={"directory": str(directory / "engine"), "agi_host": "127.0.0.1", "agi_port": ports.ami + 1}
            ),
            "asterisk": centre.settings.asterisk.model_copy(
                update={
                    "ami_host": "127.0.0.1",
                    "ami_port": ports.ami,
                    "ami_secret": SecretSource(secret_file=str(secret_file.absolute())),
                }
            ),
            "api": centre.settings.api.model_copy(update={"port": 0}),
            "announcements": centre.settings.announcements.model_copy(update={"every_s": 20}),
        }
    )
    always = Hours(HoursEntry.model_validate({"weekly": {"mon-sun": ["00:00-24:00"]}}), centre.zone)
    pin = PinSource(hash=hash_pin(PIN))
    changed = replace(
        centre,
        settings=settings,
        policy=compressed(centre.policy),
        library=replace(centre.library, hours=dict.fromkeys(centre.library.hours, always)),
        agents={name: replace(agent, pin=pin) for name, agent in centre.agents.items()},
    )
    return changed, secret


def compressed(policy: Policy) -> Policy:
    """The policy with every time but ringing divided by COMPRESSION, and growth of priority multiplied."""
    return msgspec.structs.replace(policy, queues=tuple(_compressed(queue) for queue in policy.queues))


def _compressed(queue: Queue) -> Queue:
    return msgspec.structs.replace(
        queue,
        goal=Goal(_shorter(queue.goal.answered_within_ms), queue.goal.share, _shorter(queue.goal.short_abandon_ms)),
        steps=tuple(_compressed_step(step) for step in queue.steps),
        wrap_up_ms=_shorter(queue.wrap_up_ms),
        preferred_agent_ms=_shorter(queue.preferred_agent_ms),
        longest_wait_ms=queue.longest_wait_ms and _shorter(queue.longest_wait_ms),
        priority_per_minute=queue.priority_per_minute * COMPRESSION,
    )


def _compressed_step(step: Step) -> Step:
    until = step.until
    after_ms = until.after_ms and _shorter(until.after_ms)
    return msgspec.structs.replace(step, until=msgspec.structs.replace(until, after_ms=after_ms))


def _shorter(ms: int) -> int:
    return round(ms / COMPRESSION)

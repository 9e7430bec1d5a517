"""Replay of a journal: to continue after a crash, and to prove that the same input gives the same decisions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from router.core.decisions import AnyDecision, ContactFinished
from router.core.router import Router
from router.live.journal import NOTHING, Fact, Handled, Header, JournalError, Note, SessionSaved, read


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place where the core decided otherwise than the journal says."""

    record: int
    handled: Handled
    decided: tuple[AnyDecision, ...]

    def __str__(self) -> str:
        recorded = msgspec.json.encode(self.handled.decisions).decode()
        decided = msgspec.json.encode(self.decided).decode()
        event = msgspec.json.encode(self.handled.event).decode()
        return f"record {self.record}, at {self.handled.at_ms}: {event}\n  journal: {recorded}\n  core:    {decided}"


@dataclass(slots=True)
class Replayed:
    """A journal replayed: the router as it was at the end, and the IVR sessions still open then. `talks`: the queue and
    the agent of each contact's last talk, if it was in this journal."""

    header: Header
    router: Router
    events: int = 0
    decisions: int = 0
    last_ms: int = 0
    sessions: dict[str, msgspec.Raw] = field(default_factory=dict)
    talks: dict[str, tuple[str, str]] = field(default_factory=dict)
    divergence: Divergence | None = None


def replay(path: Path, *, stop_at: int | None = None, on_fact: Callable[[Fact], None] = lambda fact: None) -> Replayed:
    """Runs the journal through a fresh core and compares every decision; `on_fact` is told the facts.

    After a divergence the replay goes on, because a restart must not fail on it; the first one is kept. `stop_at`
    ends it before that record (counted from 1), to look at the state from which a decision was made.
    """
    replayed: Replayed | None = None
    for number, record in enumerate(read(path), start=1):
        if number == stop_at:
            break
        match record:
            case Header():
                if replayed is not None:
                    raise JournalError(f"{path}:{number}: a second header")
                if record.snapshot == NOTHING:
                    router = Router(record.policy, seed=record.seed)
                else:
                    router = Router.restore(bytes(record.snapshot))
                replayed = Replayed(record, router, last_ms=record.at_ms)
            case _ if replayed is None:
                raise JournalError(f"{path}: has no header")
            case Handled():
                decided = tuple(replayed.router.handle(record.event, record.at_ms))
                replayed.events += 1
                replayed.decisions += len(decided)
                for decision in record.decisions:
                    if (
                        isinstance(decision, ContactFinished)
                        and decision.outcome == "answered"
                        and not decision.transferred_to
                    ):
                        replayed.talks[decision.contact] = (decision.queue, decision.agent or "")
                if decided != record.decisions and replayed.divergence is None:
                    replayed.divergence = Divergence(number, record, decided)
            case SessionSaved(contact=contact, session=session):
                if session == NOTHING:
                    replayed.sessions.pop(contact, None)
                    replayed.talks.pop(contact, None)
                else:
                    replayed.sessions[contact] = session
            case Fact():
                on_fact(record)
            case Note():
                pass
        replayed.last_ms = max(replayed.last_ms, record.at_ms)
    if replayed is None:
        raise JournalError(f"{path}: is empty")
    return replayed

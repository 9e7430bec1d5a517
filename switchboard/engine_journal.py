"""The engine's journal: the file that a starting engine continues, and the one that it begins.

A new file gets the name by which `newest` finds it only when all that a restart needs is in it: the router's state in
its header, then the open sessions and what some parts keep as facts.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from router.core.router import Router
from router.live.journal import FORMAT, NOTHING, Fact, Header, Journal, JournalError, newest, policy_hash
from router.live.recovery import Replayed, replay
from switchboard.facts import SERVED_BEFORE

if TYPE_CHECKING:
    from switchboard.engine import Engine

log = logging.getLogger(__name__)


def recover(engine: "Engine") -> Replayed | None:
    """What the last engine on the directory left behind, replayed; None for the first one."""
    path = newest(engine.directory)
    if path is None:
        return None

    talks: dict[str, tuple[str, str]] = {}

    def remember(fact: Fact) -> None:
        engine.destinations.remember(fact)
        engine.desks.remember(fact)
        engine.releases.remember(fact)
        if fact.kind == SERVED_BEFORE:
            talks[fact.contact] = (str(fact.data["queue"]), fact.agent)

    recovered = replay(path, on_fact=remember)
    recovered.talks = talks | recovered.talks
    log.info("continuing %s: %d events, %d open sessions", path, recovered.events, len(recovered.sessions))
    if recovered.divergence:
        log.warning("%s: this version decides differently than the one that wrote it: %s", path, recovered.divergence)
    return recovered


def begin(engine: "Engine", router: Router, *, seed: int, with_state: bool) -> Journal:
    """A new file with its header, not found by `newest` yet. Raises JournalError, and leaves nothing behind."""
    now_ms = engine.clock.now_ms()
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    journal = Journal(Path(engine.directory, f"{stamp}.jsonl"), engine.centre.settings.engine.journal_sync)
    snapshot = msgspec.Raw(router.snapshot()) if with_state else NOTHING
    policy = router.policy
    header = Header(now_ms, FORMAT, engine.centre.name, engine.centre.hash, seed, policy_hash(policy), policy, snapshot)
    try:
        journal.append(header)
    except JournalError:
        journal.close()
        journal.path.unlink()
        raise
    return journal


def carry_over(engine: "Engine") -> None:
    """Writes into a journal just begun what a restart needs besides the router's state, and gives it its name."""
    for contact in engine.calls.contacts():
        engine.save_session(contact, engine.calls.session(contact))
        queue, agent = engine.calls.served(contact)
        if queue:
            engine.fact(SERVED_BEFORE, contact=contact, agent=agent, data={"queue": queue})
    engine.destinations.carry_over(engine.clock.now_ms())
    engine.desks.carry_over()
    engine.releases.carry_over()
    if not engine.live.journal_broken:
        journal = engine.live.journal
        journal.rename(journal.path.with_name(f"journal-{journal.path.name}"))

"""Where a contact stands in its queue, and how long it may take."""

from bisect import bisect_left

from router.core.entities import Contact
from router.core.ewt import WaitEstimate
from router.core.index import Index
from router.core.lines import Entry
from router.core.rankings import Rank
from router.core.state import State
from router.core.strategies import ContactFacts


def position(state: State, index: Index, contact: Contact) -> int:
    """1 for the contact that goes first of those that wait in its queue, by the contact ranking (without what
    depends on the agent), then age. One that is being offered stands where it stood."""
    ranking, now_ms = state.current.contact_ranking, state.clock_ms
    own_facts = state.facts_of(contact)
    own_entry = (contact.arrived_ms, contact.seq, contact.id)
    own = (ranking.plain_rank(own_facts, contact.arrived_ms, now_ms), contact.arrived_ms, contact.seq)
    ahead = 0
    for line in index.queue_lines.get(contact.queue, {}).values():
        if line.facts.priority == own_facts.priority and line.facts.queue is own_facts.queue:
            ahead += bisect_left(line.entries, own_entry)  # only the age can differ
            continue

        def rank(entry: Entry, facts: ContactFacts = line.facts) -> tuple[Rank, int, int]:
            return (ranking.plain_rank(facts, entry[0], now_ms), entry[0], entry[1])

        ahead += bisect_left(line.entries, own, key=rank)
    return 1 + ahead


def estimated_wait(state: State, index: Index, contact: Contact, now_ms: int) -> WaitEstimate | None:
    """The wait still to come for a contact that waits, from its position and how its queue drains."""
    ahead = position(state, index, contact) - 1
    return state.estimator.estimate(contact.queue, ahead, max(0, now_ms - contact.queued_ms), now_ms)

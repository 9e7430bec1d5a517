"""The matcher: who gets whom, in both regimes and across queues.

When an event has been worked in, some agents are newly free and some contacts newly wait (or may newly be taken by
others). Every other pair was looked at before, so nobody else is free for anybody else. Then

1. each newly free agent bids for the contact that goes first of those it may take. The best bid (by contact ranking,
   age, arrival number, then the agents' order) is taken up, and the contact goes to the agent who goes first of
   those free for it: the bidder, unless others are free as well. Until no bid is left.
2. each contact that newly waits and was not taken, the one that goes first first, gets the agent who goes first of
   those free for it.

Ties: among contacts the earlier arrival time, then the earlier arrival event; among agents the order in the policy.
"""

from heapq import heapify, heappop, heappush

from router.core.decisions import Candidate, Record
from router.core.index import LISTED, Index
from router.core.lines import Line
from router.core.offers import Offers
from router.core.rankings import Rank
from router.core.state import Agent, Contact, State

LOOKED_AT = 24
"""At most so many agents are looked at to find those whom a record lists as not chosen."""

AgentBid = tuple[Rank, int, str]
ContactBid = tuple[Rank, int, int, str]


class Matcher:
    def __init__(self, state: State, index: Index, offers: Offers) -> None:
        self._state = state
        self._index = index
        self._offers = offers

    def match(self, agents: dict[str, Agent], contacts: dict[str, Contact]) -> None:
        """Makes all offers that are now due; `agents` are newly free, `contacts` newly wait."""
        if agents:
            self._agents_bid(agents, contacts)
        waiting = [contact for contact in contacts.values() if contact.id in self._index.line_of]
        if len(waiting) > 1:
            waiting.sort(key=self.plain_rank)
        for contact in waiting:
            found = self.agents_for(contact)
            if found:
                found.sort()
                self._offer(contact, found, None)

    def plain_rank(self, contact: Contact) -> tuple[Rank, int, int]:
        """Sorts contacts by the contact ranking, without what depends on the agent, then age."""
        ranking, now_ms = self._state.current.contact_ranking, self._state.clock_ms
        rank = ranking.plain_rank(self._state.facts_of(contact), contact.arrived_ms, now_ms)
        return rank, contact.arrived_ms, contact.seq

    def _agents_bid(self, agents: dict[str, Agent], contacts: dict[str, Contact]) -> None:
        order = self._state.current.order
        bids: list[tuple[ContactBid, int, str, list[ContactBid]]] = []

        def bid(name: str) -> None:
            found = self.contacts_for(name) if self._index.free.get(name) else []
            if found:
                found.sort()
                heappush(bids, (found[0], order[name], name, found))

        for name in agents:
            bid(name)
        heapify(bids)
        alone = len(agents) == 1
        while bids:
            best, _, name, found = heappop(bids)
            chosen = best[3]
            if chosen in self._index.line_of and self._index.free.get(name):
                contact = self._state.contacts[chosen]
                bidder = [self._own_bid(name, contact)]
                takers = bidder if alone and chosen not in contacts else sorted(self.agents_for(contact))
                self._offer(contact, takers, found)
            if self._index.free.get(name):
                bid(name)

    # Candidates

    def contacts_for(self, agent: str) -> list[ContactBid]:
        """The first of each line that the agent may take now, with its rank for this agent."""
        index = self._index
        ranking, now_ms = self._state.current.contact_ranking, self._state.clock_ms
        fits = index.pool_of[agent].fits
        found = []
        for line in index.lines_for(agent, index.free[agent]):
            arrived_ms, seq, contact = line.entries[0]
            rank = ranking.rank(line.facts, arrived_ms, now_ms, fits[line.of.number])
            found.append((rank, arrived_ms, seq, contact))
        return found

    def agents_for(self, contact: Contact) -> list[AgentBid]:
        """The first of each pool that may take the contact now, and the preferred agent, each with its rank."""
        index = self._index
        line = index.line_of[contact.id]
        class_ = line.of
        if line.held_for is not None:
            held_for = self._preferred(contact, line)
            return [] if held_for is None else [self._own_bid(held_for, contact)]
        ranking, channel, fits, refused = class_.step.ranking, class_.channel, class_.fits, line.refused
        preferred = self._preferred(contact, line) if ranking.looks_at_preferred else None
        found = [] if preferred is None else [self._own_bid(preferred, contact)]
        for pool in index.pools_for(class_):
            for standing, order, name in pool.order(channel, ranking):
                if name not in refused and name != preferred:
                    found.append((ranking.rank(standing, fits[pool.number], False), order, name))
                    break
        return found

    def _preferred(self, contact: Contact, line: Line) -> str | None:
        """The preferred agent, if free for the contact."""
        name = contact.preferred
        if name is None or name in line.refused or not self._index.may_take(name, line.of):
            return None
        return name if line.of.channel in self._index.free.get(name, ()) else None

    def _own_bid(self, name: str, contact: Contact) -> AgentBid:
        """The rank of an agent who is free for the contact."""
        line = self._index.line_of[contact.id]
        pool = self._index.pool_of[name]
        ranking = line.of.step.ranking
        standing, order, _ = pool.place(name, line.of.channel, ranking)
        return ranking.rank(standing, line.of.fits[pool.number], name == contact.preferred), order, name

    # The offer and its record

    def _offer(self, contact: Contact, takers: list[AgentBid], compared: list[ContactBid] | None) -> None:
        """To the first of `takers`; `compared` are the contacts that its agent could have had."""
        state = self._state
        name = takers[0][2]
        line = self._index.line_of[contact.id]
        contact_ranking = state.current.contact_ranking
        if compared is None:
            fit = line.of.fits[self._index.pool_of[name].number]
            rank = contact_ranking.rank(line.facts, contact.arrived_ms, state.clock_ms, fit)
            compared = [(rank, contact.arrived_ms, contact.seq, contact.id)]
        step = line.of.step
        record = Record(
            contact.version,
            contact.queue,
            step.spec.name,
            step.ranking.names,
            tuple([Candidate(bid[2], tuple(map(float, bid[0]))) for bid in takers[:LISTED]]),
            contact_ranking.names,
            tuple([Candidate(bid[3], tuple(map(float, bid[0]))) for bid in compared[:LISTED]]),
            self._not_chosen(line, takers),
        )
        self._offers.make(contact, state.agents[name], record)

    def _not_chosen(self, line: Line, takers: list[AgentBid]) -> tuple[tuple[str, str], ...]:
        """Some who could not be chosen: who refused, then who may but is not free, then who may not."""
        state, index = self._state, self._index
        reasons = [(name, "refused this contact") for name in line.refused]
        for name in index.members(line.of)[:LOOKED_AT]:
            if len(reasons) >= LISTED:
                break
            if line.of.channel not in index.free.get(name, ()) and name not in line.refused:
                reasons.append((name, state.agents[name].why_not_free()))
        if len(reasons) < LISTED:
            reasons.extend(index.outsiders(line.of))
        return tuple(reasons[:LISTED])

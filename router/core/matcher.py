"""The matcher: who gets whom, in both regimes and across queues.

When an event has been worked in, some agents are newly free and some contacts newly wait (or may newly be taken by
others). Every other pair was looked at before: there is nobody free for anybody else, unless a reservation kept agents
back that it does no longer (`reservations`). So

1. each newly free agent bids for the contact that goes first of those it may take; and each contact that newly waits
   bids for itself, if anybody is free for it, as does the first of every line for which agents may be kept back;
2. the best bid (by contact ranking, age, arrival number, then the agents' order) is taken up: its contact goes to the
   agent who goes first of those free for it, which is the bidder unless others are free as well;
3. whoever is still free bids again, until no bid is left.

Ties: among contacts the earlier arrival time, then the earlier arrival event; among agents the order in the policy.
"""

from heapq import heappop, heappush

from router.core.decisions import Candidate, ContactHeldBack, Record
from router.core.entities import Agent, Contact
from router.core.index import LISTED, Index
from router.core.lines import Line
from router.core.offers import Offers
from router.core.rankings import Rank
from router.core.state import State

LOOKED_AT = 24
"""At most so many agents are looked at to find those whom a record lists as not chosen."""

AgentBid = tuple[Rank, int, str]
ContactBid = tuple[Rank, int, int, str]
Bid = tuple[ContactBid, int, str, list[ContactBid]]
"""For a contact: its rank for the bidder, the bidder's order and name, and all that the bidder compared."""

NO_RECORD = Record(0, "", "")

ITSELF = -1
"""In place of the agent's order: the contact bids for itself."""


class Matcher:
    def __init__(self, state: State, index: Index, offers: Offers) -> None:
        self._state = state
        self._index = index
        self._offers = offers

    def match(self, agents: dict[str, Agent], contacts: dict[str, Contact]) -> None:
        """Makes all offers that are now due; `agents` are newly free, `contacts` newly wait."""
        state, index = self._state, self._index
        if not index.reserving:
            if not agents and len(contacts) == 1:
                self._only_contact(next(iter(contacts.values())))
                return
            if len(agents) == 1 and not contacts and not state.explains:
                self._only_agent(next(iter(agents)))
                return
        bids: list[Bid] = []
        for name in agents:
            self._agent_bids(bids, name)
        for contact in contacts.values():
            if contact.line is not None:
                self._own_bids(bids, contact)
        for class_ in index.reserving.values():
            for line in class_.all_lines():
                self._own_bids(bids, state.contacts[line.entries[0][2]])
        while bids:
            best, order, bidder, compared = heappop(bids)
            wanted = state.contacts.get(best[3])
            place = None if wanted is None else wanted.line
            if wanted is None or place is None:  # somebody else has got it
                if order != ITSELF:
                    self._agent_bids(bids, bidder)
                continue
            if order == ITSELF:
                self._take_up_own(bids, best, wanted)
                continue
            if index.free.get(bidder):
                alone = len(agents) == 1 and wanted.id not in contacts and not place.of.reserved
                takers = [self._own_bid(bidder, wanted, place)] if alone else sorted(self.agents_for(wanted))
                if takers:  # else they are kept for others since this bid was made
                    self._offer(bids, wanted, takers, compared)
            self._agent_bids(bids, bidder)

    def _only_contact(self, contact: Contact) -> None:
        """What comes of the bids when this contact alone newly waits, and nobody is newly free."""
        if contact.line is not None and (takers := self.agents_for(contact)):
            if self._state.explains:
                takers.sort()
                self._offer([], contact, takers, [self._rank_for(contact, takers[0][2])])
            else:
                self._offers.make(contact, self._state.agents[min(takers)[2]], NO_RECORD)

    def _only_agent(self, name: str) -> None:
        """What comes of the bids when this agent alone is newly free, nobody newly waits, and nobody asks why."""
        state, index = self._state, self._index
        while index.free.get(name):
            lines = index.lines_for(name, index.free[name])
            if not lines:
                return
            if len(lines) > 1:
                ranking, fits = state.current.contact_ranking, index.pool_of[name].fits
                lines = [ranking.first(lines, fits, state.clock_ms)]
            self._offers.make(state.contacts[lines[0].entries[0][2]], state.agents[name], NO_RECORD)

    def _agent_bids(self, bids: list[Bid], name: str) -> None:
        """For the contact that goes first of those it may take, if the agent is free and there is one."""
        found = sorted(self.contacts_for(name)) if self._index.free.get(name) else []
        if found:
            heappush(bids, (found[0], self._state.current.order[name], name, found))

    def _own_bids(self, bids: list[Bid], contact: Contact) -> None:
        """The contact bids for itself, if anybody is free for it."""
        takers = self.agents_for(contact)
        if takers:
            heappush(bids, (self._rank_for(contact, min(takers)[2]), ITSELF, "", []))

    def _take_up_own(self, bids: list[Bid], bid: ContactBid, contact: Contact) -> None:
        """The bid of a contact for itself: whom it was made for may be gone, and it ranks by whom it gets."""
        takers = sorted(self.agents_for(contact))
        if not takers:
            return
        now = self._rank_for(contact, takers[0][2])
        if now == bid:
            self._offer(bids, contact, takers, [bid])
        else:
            heappush(bids, (now, ITSELF, "", []))

    def _rank_for(self, contact: Contact, agent: str) -> ContactBid:
        line = contact.line
        assert line is not None
        fit = line.of.fits.get(self._index.pool_of[agent].number, 0)
        ranking, now_ms = self._state.current.contact_ranking, self._state.clock_ms
        return ranking.rank(line.facts, contact.arrived_ms, now_ms, fit), contact.arrived_ms, contact.seq, contact.id

    def plain_rank(self, contact: Contact) -> tuple[Rank, int, int]:
        """Sorts contacts by the contact ranking, without what depends on the agent, then age."""
        ranking, now_ms = self._state.current.contact_ranking, self._state.clock_ms
        rank = ranking.plain_rank(self._state.facts_of(contact), contact.arrived_ms, now_ms)
        return rank, contact.arrived_ms, contact.seq

    # Candidates

    def contacts_for(self, agent: str) -> list[ContactBid]:
        """The first of each line that the agent may take now, with its rank for this agent."""
        ranking, now_ms = self._state.current.contact_ranking, self._state.clock_ms
        fits = self._index.pool_of[agent].fits
        found = []
        for line in self._index.lines_for(agent, self._index.free[agent]):
            arrived_ms, seq, contact = line.entries[0]
            rank = ranking.rank(line.facts, arrived_ms, now_ms, fits.get(line.of.number, 0))
            found.append((rank, arrived_ms, seq, contact))
        return found

    def agents_for(self, contact: Contact) -> list[AgentBid]:
        """The first of each pool that may take the contact now, and the preferred agent, each with its rank."""
        index, line = self._index, contact.line
        assert line is not None
        class_ = line.of
        if line.held_for is not None:
            held_for = self._if_free(line.held_for, line)
            return [] if held_for is None else [self._own_bid(held_for, contact, line)]
        ranking, channel, fits, refused = class_.step.ranking, class_.channel, class_.fits, line.refused
        preferred = self._if_free(contact.preferred, line) if ranking.looks_at_preferred else None
        found = [] if preferred is None else [self._own_bid(preferred, contact, line)]
        for pool in index.pools_for(class_):
            for standing, order, name in pool.order(channel, ranking):
                if name not in refused and name != preferred:
                    found.append((ranking.rank(standing, fits[pool.number], False), order, name))
                    break
        return found

    def _if_free(self, name: str | None, line: Line) -> str | None:
        """The agent, if there is one who is free for contacts of this line."""
        if name is None or name in line.refused or not (line.directed or self._index.may_take(name, line.of)):
            return None
        if line.of.channel not in self._index.free.get(name, ()):
            return None
        return name if line.directed or not self._index.kept_back(name, line.of) else None

    def _own_bid(self, name: str, contact: Contact, line: Line) -> AgentBid:
        """The rank of an agent who is free for the contact, which waits in this line."""
        pool = self._index.pool_of[name]
        ranking = line.of.step.ranking
        standing, order, _ = pool.place(name, line.of.channel, ranking)
        return ranking.rank(standing, line.of.fits.get(pool.number, 0), name == contact.preferred), order, name

    # The offer and its record

    def _offer(self, bids: list[Bid], contact: Contact, takers: list[AgentBid], compared: list[ContactBid]) -> None:
        """To the first of `takers`; `compared` are the contacts that its agent could have had."""
        state = self._state
        line = contact.line
        assert line is not None
        record = self._record(contact, line, takers, compared) if state.explains else NO_RECORD
        self._offers.make(contact, state.agents[takers[0][2]], record)
        if line.of.reserved and line.entries:
            self._own_bids(bids, state.contacts[line.entries[0][2]])

    def _record(self, contact: Contact, line: Line, takers: list[AgentBid], compared: list[ContactBid]) -> Record:
        state = self._state
        step = line.of.step
        return Record(
            contact.version,
            contact.queue,
            step.spec.name,
            step.ranking.names,
            tuple([Candidate(bid[2], tuple(map(float, bid[0]))) for bid in takers[:LISTED]]),
            state.current.contact_ranking.names,
            tuple([Candidate(bid[3], tuple(map(float, bid[0]))) for bid in compared[:LISTED]]),
            self._not_chosen(contact, line),
            line.directed,
        )

    def _not_chosen(self, contact: Contact, line: Line) -> tuple[tuple[str, str], ...]:
        """Some who could not be chosen: who refused, then who may but is not free or is kept for others, then who may
        not."""
        state, index = self._state, self._index
        asker = None if contact.consult_of is None else self._state.asker(contact)
        refused, channel, free, agents = line.refused, line.of.channel, index.free, state.agents
        reasons = [(name, "asks" if name == asker else "refused this contact") for name in refused]
        for name in index.members(line.of)[:LOOKED_AT]:
            if len(reasons) >= LISTED:
                break
            if name in refused:
                continue
            if channel not in free.get(name, ()):
                reasons.append((name, agents[name].why_not_free()))
            elif kept := index.kept_back(name, line.of):
                reasons.append((name, kept))
        if len(reasons) < LISTED:
            reasons.extend(index.outsiders(line.of))
        return tuple(reasons[:LISTED])

    # Reservations

    def tell_held_back(self) -> None:
        """Of each line, the first contact is told of when a free agent does not get it because of a reservation."""
        state = self._state
        heads = [line for class_ in self._index.reserving.values() for line in class_.all_lines()]
        for line in sorted(heads, key=lambda line: line.entries[0]):
            contact = state.contacts[line.entries[0][2]]
            agent, reason = self._kept_from(line)
            if reason and reason != contact.held_back:
                contact.held_back = reason
                state.note(contact, f"{agent} is free, but {reason}")
                step = line.of.step.spec.name
                state.out.append(ContactHeldBack(contact.id, contact.queue, step, agent, reason))

    def _kept_from(self, line: Line) -> tuple[str, str]:
        """The first agent, in the order of the policy, who is free for this line and kept from it, and why."""
        index = self._index
        if line.directed:
            return "", ""
        free = [] if line.held_for is None else [line.held_for]
        if line.held_for is None:
            free = [name for number in line.of.reserved for name in index.pools[number].some_ready(line.of.channel)]
        for name in sorted(free, key=self._state.current.order.__getitem__):
            if name in line.refused or line.of.channel not in index.free.get(name, ()):
                continue
            if reason := index.kept_back(name, line.of):
                return name, reason
        return "", ""

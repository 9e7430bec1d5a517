"""The index: everything derived from the state that makes matching fast. It can be thrown away and rebuilt.

Agents that no condition can tell apart share a *pool*; contacts that none can tell apart share a *class*, and within
it *lines* of equal rank apart from age. Whether a pool may take a class is judged once, when either is new. So an
event costs in proportion to the pools or to the lines it may concern, never to waiting contacts times agents.

What this cannot help: a condition over something that differs for every contact (a customer number) makes a class of
each, and each is judged by every pool once.
"""

from typing import Any

from router.core.compiled import CompiledQueue, CompiledStep
from router.core.entities import Agent, Contact
from router.core.lines import ContactClass, Line, LineKey
from router.core.policy import Agent as AgentSpec
from router.core.pools import Pool, profile
from router.core.reservations import kept_for_others, note_reserved
from router.core.state import State
from router.core.strategies import AgentFacts

IDLE_CLASSES = 1_024
"""So many classes without a waiting contact are kept for the next such contact."""

LISTED = 8
"""At most so many candidates and others are in a record."""


class Index:
    """Where everybody stands.

    `waiting`: the classes with lines. `reserving`: those with anybody waiting for whom agents may be kept back. `held`:
    by agent, the lines held for that agent. `line_of`: each waiting contact's. `queue_lines`: all lines of a queue.
    `in_queue`: all in a queue, waiting or offered. `free`: the channels of which each agent takes one more contact.
    `ready_pools`: by channel, those with an agent free for it.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.pools: dict[int, Pool] = {}
        self.pool_of: dict[str, Pool] = {}
        self.ready_pools: dict[str, dict[int, Pool]] = {}
        self.waiting: dict[int, ContactClass] = {}
        self.reserving: dict[int, ContactClass] = {}
        self.held: dict[str, dict[tuple[int, LineKey], Line]] = {}
        self.line_of: dict[str, Line] = {}
        self.queue_lines: dict[str, dict[tuple[int, LineKey], Line]] = {}
        self.in_queue: dict[str, dict[str, None]] = {}
        self.free: dict[str, tuple[str, ...]] = {}
        self._levels: dict[str, int] = {}
        self._facts: dict[str, AgentFacts] = {}
        self._classes: dict[int, ContactClass] = {}
        self._class_keys: dict[tuple[object, ...], ContactClass] = {}
        self._idle: dict[int, ContactClass] = {}
        self._class_count = 0
        self.stale = False
        self.rebuild()

    def rebuild(self) -> None:
        """From the state alone: after a restore or a new policy."""
        state = self._state
        self.stale = False
        tables: tuple[dict[Any, Any], ...] = (
            *(self.pools, self.pool_of, self.ready_pools, self.free, self._facts, self._levels),
            *(self.waiting, self.reserving, self.held, self.line_of, self.queue_lines, self.in_queue),
            *(self._classes, self._class_keys, self._idle),
        )
        for table in tables:
            table.clear()
        self._with_name = with_name = any(policy.looks_at_name for policy in state.versions.values())
        by_profile: dict[tuple[object, ...], Pool] = {}
        for spec in state.current.spec.agents:
            key = profile(spec, with_name)
            pool = by_profile.get(key)
            if pool is None:
                pool = by_profile[key] = Pool(len(self.pools), spec)
                self.pools[pool.number] = pool
            self.pool_of[spec.name] = pool
            self._levels[spec.name] = sum(spec.skills.values())
            agent = state.agents[spec.name]
            if agent.presence != "offline":
                pool.signed_in += 1
            self.refresh(agent)
        for contact in state.contacts.values():
            if contact.waits:
                self.enter(contact)
            if contact.state == "queued":
                self.place(contact)

    # Agents

    def refresh(self, agent: Agent) -> bool:
        """Notes for what the agent is free now. Whether that is more than before."""
        name = agent.name
        free = self._state.free_channels(agent)
        before = self.free.get(name, ())
        if not free and not before:
            return False
        facts = self._facts_of(agent, self._state.current.agents[name]) if free else None
        if free == before and facts == self._facts.get(name):
            return False
        pool = self.pool_of[name]
        for channel in before:
            if not pool.remove(name, channel):
                del self.ready_pools[channel][pool.number]
        if facts is not None:
            self._facts[name] = facts
            for channel in free:
                pool.add(name, channel, facts)
                self.ready_pools.setdefault(channel, {})[pool.number] = pool
        self.free[name] = free
        return not before or not set(free) <= set(before)

    def _facts_of(self, agent: Agent, spec: AgentSpec) -> AgentFacts:
        return AgentFacts(
            order=self._state.current.order[agent.name],
            idle_since_ms=agent.idle_since_ms,
            occupancy=agent.occupancy,
            contacts=agent.answered,
            levels=self._levels[agent.name],
            cost_per_hour=spec.cost_per_hour,
            last_offer=agent.last_offer,
            turn=agent.turn,
            load=len(agent.offers) + len(agent.active),
            seed=self._state.seed,
        )

    def signed(self, name: str, by: int) -> None:
        """One more (+1) or one fewer (-1) signed in."""
        pool = self.pool_of.get(name)
        if pool is not None:
            pool.signed_in += by
            for number in pool.fits:
                self._classes[number].signed_in += by

    # Contacts

    def class_of(self, contact: Contact, number: int | None = None) -> ContactClass:
        """The contact's class, or what it is in the step of this number; a new one is judged by every pool."""
        queue = self._state.queue_of(contact)
        number = contact.step if number is None else number
        step = queue.steps[number]
        key = (contact.version, contact.queue, number, step.chain.class_of(contact.attributes))
        class_ = self._class_keys.get(key)
        return class_ if class_ is not None else self._new_class(key, contact, queue, step)

    def _new_class(
        self, key: tuple[object, ...], contact: Contact, queue: CompiledQueue, step: CompiledStep
    ) -> ContactClass:
        view = {**contact.attributes, "queue": contact.queue, "channel": contact.channel}
        class_ = ContactClass(self._class_count, key, queue, step, view)
        self._class_count += 1
        for pool in self.pools.values():
            if step.chain.holds(pool.example, view):
                class_.fits[pool.number] = pool.fits[class_.number] = step.chain.fit(pool.example, view)
                class_.signed_in += pool.signed_in
        if step.chain.reserves:
            note_reserved(class_, [self.pools[number] for number in class_.fits])
        self._classes[class_.number] = self._class_keys[key] = class_
        self._rest(class_)
        return class_

    def _rest(self, class_: ContactClass) -> None:
        """Nobody of this class waits; the one that rested longest is forgotten when they become too many."""
        self._idle[class_.number] = class_
        if len(self._idle) > IDLE_CLASSES:
            oldest = self._idle.pop(next(iter(self._idle)))
            del self._classes[oldest.number], self._class_keys[oldest.key]
            for number in oldest.fits:
                del self.pools[number].fits[oldest.number]

    def enter(self, contact: Contact) -> None:
        """The contact is now in its queue."""
        self.in_queue.setdefault(contact.queue, {})[contact.id] = None

    def leave(self, contact: Contact) -> None:
        del self.in_queue[contact.queue][contact.id]

    def place(self, contact: Contact) -> None:
        """Puts a queued contact into its line."""
        class_ = self.class_of(contact)
        held_for = None if contact.window_ms is None else contact.held_for
        directed = held_for is not None and contact.directed_to is not None
        own = contact.own_priority
        key = (class_.queue.spec.priority if own is None else own, contact.refused, held_for, directed)
        lines = class_.lines if held_for is None else class_.held_lines
        line = lines.get(key)
        if line is None:
            line = lines[key] = class_.new_line(key)
            self._idle.pop(class_.number, None)
            if class_.reserved:
                self.reserving[class_.number] = class_
            line_id = (class_.number, key)
            self.queue_lines.setdefault(contact.queue, {})[line_id] = line
            if held_for is None:
                self.waiting[class_.number] = class_
            else:
                self.held.setdefault(held_for, {})[line_id] = line
        line.add((contact.arrived_ms, contact.seq, contact.id))
        self.line_of[contact.id] = line

    def take(self, contact: Contact) -> None:
        """Takes a contact out of its line, if it is in one."""
        line = self.line_of.pop(contact.id, None)
        if line is None:
            return
        line.remove((contact.arrived_ms, contact.seq, contact.id))
        if line.entries:
            return
        class_ = line.of
        class_.emptied = line
        line_id = (class_.number, line.key)
        del self.queue_lines[class_.queue.spec.name][line_id]
        if line.held_for is None:
            del class_.lines[line.key]
            if not class_.lines:
                del self.waiting[class_.number]
        else:
            del class_.held_lines[line.key]
            del self.held[line.held_for][line_id]
        if not class_.lines and not class_.held_lines:
            self.reserving.pop(class_.number, None)
            self._rest(class_)

    def lines_for(self, agent: str, channels: tuple[str, ...]) -> list[Line]:
        """The lines whose first contact this agent may take now."""
        fits, waiting = self.pool_of[agent].fits, self.waiting
        few, many = (fits, waiting) if len(fits) < len(waiting) else (waiting, fits)
        lines = [
            line
            for number in few
            if number in many
            for line in waiting[number].lines.values()
            if agent not in line.refused and line.of.channel in channels
        ]
        if agent in self.held:
            held = self.held[agent].values()
            allowed = (line for line in held if line.directed or line.of.number in fits)
            lines += [line for line in allowed if line.of.channel in channels]
        if self.reserving:
            lines = [line for line in lines if line.directed or not self.kept_back(agent, line.of)]
        return lines

    def pools_for(self, class_: ContactClass) -> list[Pool]:
        """The pools with a ready agent that may take this class."""
        ready = self.ready_pools.get(class_.channel, {})
        fits = class_.fits
        if len(ready) < len(fits):
            pools = [pool for number, pool in ready.items() if number in fits]
        else:
            pools = [ready[number] for number in fits if number in ready]
        if class_.reserved:
            pools = [pool for pool in pools if not kept_for_others(self._state, class_, pool)]
        return pools

    def kept_back(self, agent: str, class_: ContactClass) -> str:
        """Why this agent, who may take the class, does not get its contacts even when free; "" if nothing does."""
        if not class_.reserved or (pool := self.pool_of.get(agent)) is None:
            return ""
        return kept_for_others(self._state, class_, pool)

    def may_take(self, agent: str, class_: ContactClass) -> bool:
        """Whether the conditions allow it; an agent who is not in the current policy may take nothing."""
        pool = self.pool_of.get(agent)
        return pool is not None and pool.number in class_.fits

    def retired(self) -> None:
        """A policy version is out of use. Pools must not be finer than the versions in use ask, or a restored router
        would have others; so they are made anew after the event (`stale`)."""
        self.stale = self._with_name != any(policy.looks_at_name for policy in self._state.versions.values())

    # What records and explanations name

    def members(self, class_: ContactClass) -> tuple[str, ...]:
        """The agents who may take this class, in the order of the policy."""
        if class_.members is None:
            pool_of = self.pool_of
            class_.members = tuple(name for name, pool in pool_of.items() if pool.number in class_.fits)
        return class_.members

    def outsiders(self, class_: ContactClass) -> tuple[tuple[str, str], ...]:
        """The first few agents of the queue who may not take this class, and why."""
        if class_.outsiders is None:
            queue = class_.queue.spec.name
            found: list[tuple[str, str]] = []
            for spec in self._state.current.spec.agents:
                if len(found) == LISTED:
                    break
                if self.pool_of[spec.name].number not in class_.fits and (spec.queues is None or queue in spec.queues):
                    found.append((spec.name, class_.step.chain.why_not(spec, class_.view)))
            class_.outsiders = tuple(found)
        return class_.outsiders

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
from router.core.lines import ContactClass, Line
from router.core.pools import Pool, Post, profile
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
    by agent, the lines held for that agent. `lines`: all, by number. `queue_lines`: all lines of a queue.
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
        self.held: dict[str, dict[int, Line]] = {}
        self.lines: dict[int, Line] = {}
        self.queue_lines: dict[str, dict[int, Line]] = {}
        self.in_queue: dict[str, dict[str, None]] = {}
        self.free: dict[str, tuple[str, ...]] = {}
        self._classes: dict[int, ContactClass] = {}
        self._class_keys: dict[tuple[object, ...], ContactClass] = {}
        self._idle: dict[int, ContactClass] = {}
        self._only_classes: dict[CompiledStep, ContactClass] = {}
        """Of steps whose conditions look at nothing in a contact."""
        self._class_count = 0
        self._line_count = 0
        self.stale = False
        self.rebuild()

    def rebuild(self) -> None:
        """From the state alone: after a restore or a new policy."""
        state = self._state
        self.stale = False
        tables: tuple[dict[Any, Any], ...] = (
            *(self.pools, self.pool_of, self.ready_pools, self.free),
            *(self.waiting, self.reserving, self.held, self.lines, self.queue_lines, self.in_queue),
            *(self._classes, self._class_keys, self._only_classes, self._idle),
        )
        for table in tables:
            table.clear()
        self._with_name = with_name = any(policy.looks_at_name for policy in state.versions.values())
        by_profile: dict[tuple[object, ...], Pool] = {}
        for agent in state.agents.values():
            agent.post = None
        for order, spec in enumerate(state.current.spec.agents):
            key = profile(spec, with_name)
            pool = by_profile.get(key)
            if pool is None:
                pool = by_profile[key] = Pool(len(self.pools), spec)
                self.pools[pool.number] = pool
            self.pool_of[spec.name] = pool
            agent = state.agents[spec.name]
            agent.post = Post(pool, order, sum(spec.skills.values()), spec.cost_per_hour)
            if agent.presence != "offline":
                pool.signed_in += 1
            self.refresh(agent)
        for contact in state.contacts.values():
            contact.line = None
            if contact.waits:
                self.enter(contact)
            if contact.state == "queued":
                self.place(contact)

    # Agents

    def refresh(self, agent: Agent) -> bool:
        """Notes for what the agent is free now. Whether that is more than before."""
        post = agent.post
        if post is None:
            return False
        free, before = self._state.free_channels(agent), post.free
        if not free and not before:
            return False
        facts = self._facts_of(agent, post) if free else None
        if facts is not None and free == before and facts == post.facts:
            return False
        name, pool = agent.name, post.pool
        for channel in before:
            if not pool.remove(name, channel):
                del self.ready_pools[channel][pool.number]
        if facts is not None:
            post.facts = facts
            for channel in free:
                if pool.add(name, channel, facts):
                    ready = self.ready_pools.get(channel)
                    if ready is None:
                        ready = self.ready_pools[channel] = {}
                    ready[pool.number] = pool
        self.free[name] = post.free = free
        if not before or not free:
            return bool(free)
        return not set(free) <= set(before)

    def _facts_of(self, agent: Agent, post: Post) -> AgentFacts:
        return AgentFacts(
            post.order,
            agent.idle_since_ms,
            agent.occupancy,
            agent.answered,
            post.levels,
            post.cost_per_hour,
            agent.last_offer,
            agent.turn,
            self._state.seed,
            len(agent.offers) + len(agent.active),
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
        class_ = self._only_classes.get(step)
        if class_ is not None:
            return class_
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
        if step.chain.looks_at == ():
            self._only_classes[step] = class_
        self._rest(class_)
        return class_

    def _rest(self, class_: ContactClass) -> None:
        """Nobody of this class waits; the one that rested longest is forgotten when they become too many."""
        self._idle[class_.number] = class_
        if len(self._idle) > IDLE_CLASSES:
            oldest = self._idle.pop(next(iter(self._idle)))
            del self._classes[oldest.number], self._class_keys[oldest.key]
            self._only_classes.pop(oldest.step, None)
            for number in oldest.fits:
                del self.pools[number].fits[oldest.number]

    def enter(self, contact: Contact) -> None:
        """The contact is now in its queue."""
        inside = self.in_queue.get(contact.queue)
        if inside is None:
            inside = self.in_queue[contact.queue] = {}
        inside[contact.id] = None

    def leave(self, contact: Contact) -> None:
        del self.in_queue[contact.queue][contact.id]

    def place(self, contact: Contact) -> None:
        """Puts a queued contact into its line."""
        class_ = self.class_of(contact)
        if contact.window_ms is None and contact.own_priority is None and not contact.refused:
            line = self._plain_line(class_)
        else:
            line = self._line(class_, contact)
        if not line.entries:
            self._open(line)
        line.add((contact.arrived_ms, contact.seq, contact.id))
        contact.line = line

    def _plain_line(self, class_: ContactClass) -> Line:
        if class_.plain is None:
            self._line_count += 1
            class_.plain = Line(self._line_count, class_, (class_.queue.priority, (), None, False))
        return class_.plain

    def _line(self, class_: ContactClass, contact: Contact) -> Line:
        held_for = None if contact.window_ms is None else contact.held_for
        directed = held_for is not None and contact.directed_to is not None
        own = contact.own_priority
        key = (class_.queue.priority if own is None else own, contact.refused, held_for, directed)
        plain = self._plain_line(class_)
        if key == plain.key:
            return plain
        line = (class_.lines if held_for is None else class_.held_lines).get(key)
        if line is not None:
            return line
        self._line_count += 1
        return Line(self._line_count, class_, key)

    def _open(self, line: Line) -> None:
        """Somebody will wait in this line, who is the first."""
        class_ = line.of
        if class_.number in self._idle:
            del self._idle[class_.number]
        if class_.reserved:
            self.reserving[class_.number] = class_
        self.lines[line.number] = line
        of_queue = self.queue_lines.get(class_.queue.name)
        if of_queue is None:
            of_queue = self.queue_lines[class_.queue.name] = {}
        of_queue[line.number] = line
        if line.held_for is None:
            class_.lines[line.key] = line
            self.waiting[class_.number] = class_
        else:
            class_.held_lines[line.key] = line
            self.held.setdefault(line.held_for, {})[line.number] = line

    def take(self, contact: Contact) -> None:
        """Takes a contact out of its line, if it is in one."""
        line = contact.line
        if line is None:
            return
        contact.line = None
        line.remove((contact.arrived_ms, contact.seq, contact.id))
        if not line.entries:
            self._close(line)

    def _close(self, line: Line) -> None:
        """Nobody waits in this line any more."""
        class_ = line.of
        del self.lines[line.number], self.queue_lines[class_.queue.name][line.number]
        if line.held_for is None:
            del class_.lines[line.key]
            if not class_.lines:
                del self.waiting[class_.number]
        else:
            del class_.held_lines[line.key]
            del self.held[line.held_for][line.number]
        if not class_.lines and not class_.held_lines:
            if class_.reserved:
                del self.reserving[class_.number]
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

"""The centre at this moment as a document, kept up to date from the router's decisions: the source of the state stream.

    centre, ready, policy
    calls     {ivr, waiting, talking, finished}
    queues    {NAME: {state, waiting, oldest_ms, goal_share, goal_s, and figures since the engine's start}}
    agents    {NAME: {state, reason, since_ms, contact, handled, occupancy_share}}
    contacts  {ID: {queue, channel, state, arrived_ms, offer, agent, deadline_ms, answered_ms, held_since_ms,
                    rests_since_ms, consult_of}}

Moments are Unix time in ms, so that nothing changes only because time passes. What is not there is left out. What
events change is gathered for a moment and published as one change; figures and the oldest wait are renewed once a
second. Without readers nothing is done.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from router.core.decisions import AnyDecision
from router.core.entities import Agent, Contact
from router.core.events import AnyEvent, PolicyPublished
from router.core.metrics import Metrics
from switchboard.stream.feed import KEPT, Feed
from switchboard.stream.patch import Json, difference

if TYPE_CHECKING:
    from switchboard.engine import Engine

CallLater = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
GATHER_S = 0.02
"""Changes of so long a time go out as one."""
FIGURES_EVERY_S = 1.0
WAITING, TALKING = ("queued", "offered"), ("reaching", "connected")
SHARE_OF_TIME = 1 / 20
"""Publishing takes no more than that, however many contacts there are: then changes are gathered for longer."""


class Board:
    """Observes the router, and publishes to `centre` (everything) and to a feed of each agent who follows (the agent's
    own state and contacts, those with their attributes)."""

    def __init__(self, engine: "Engine", call_later: CallLater | None = None, kept: int = KEPT) -> None:
        self._engine = engine
        self._call_later = call_later or (lambda delay_s, call: asyncio.get_running_loop().call_later(delay_s, call))
        self._epoch, self._kept = f"{engine.clock.now_ms():x}", kept
        self.centre = Feed(self._epoch, kept)
        self._mine: dict[str, Feed] = {}
        self._readers = 0
        self._figures = Metrics(engine.live.router.policy, start_ms=engine.clock.now_ms())
        self._contacts: set[str] = set()
        self._agents: set[str] = set()
        self._everything = True
        self._took_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._ticking: asyncio.TimerHandle | None = None

    # Readers

    def follow(self, agent: str | None = None) -> Feed:
        """The feed of the centre, or that of an agent, for one reader more; it is up to date."""
        if agent is not None and agent not in self._mine:
            self._mine[agent] = Feed(self._epoch, self._kept)
            self._agents.add(agent)
        self._everything = self._everything or not self._readers  # nobody has noted what happened meanwhile
        self._readers += 1
        self.refresh()
        if self._ticking is None:
            self._tick()
        return self.centre if agent is None else self._mine[agent]

    def leave(self) -> None:
        """One reader less."""
        self._readers -= 1
        if self._readers == 0:
            self.stop()
            self._everything = True  # what happens from now on is not noted

    @property
    def readers(self) -> int:
        return self._readers

    def now_ms(self) -> int:
        return self._engine.clock.now_ms()

    def stop(self) -> None:
        for timer in (self._timer, self._ticking):
            if timer:
                timer.cancel()
        self._timer = self._ticking = None

    # What happens

    def observe(self, event: AnyEvent, decisions: list[AnyDecision], now_ms: int) -> None:
        """Takes note of whom an event concerned."""
        if isinstance(event, PolicyPublished):
            self._figures.policy_published(event.policy)
            self._everything = True
        self._figures.handled(event, decisions, now_ms)
        if not self._readers:
            return
        for thing in (event, *decisions):
            if (contact := getattr(thing, "contact", None)) is not None:
                self._contacts.add(contact)
            if (agent := getattr(thing, "agent", None)) is not None:
                self._agents.add(agent)
        self.touch()

    def touch(self) -> None:
        """Something may have changed that is no event of the router: a call in the IVR, readiness."""
        if self._readers and self._timer is None:
            self._timer = self._call_later(max(GATHER_S, self._took_s / SHARE_OF_TIME), self._gathered)

    def _gathered(self) -> None:
        self._timer = None
        began = perf_counter()
        self._publish(figures=False)
        self._took_s = perf_counter() - began

    def _tick(self) -> None:
        self._ticking = self._call_later(FIGURES_EVERY_S, self._tick)
        self._publish(figures=True)

    def refresh(self) -> None:
        """Publishes what has changed, with all figures."""
        self._publish(figures=True)

    # The document

    def document(self) -> Json:
        """The document as of now, for somebody who does not follow."""
        self._everything = self._everything or not self._readers
        self.refresh()
        return self.centre.document

    def _publish(self, *, figures: bool) -> None:
        router, now_ms = self._engine.live.router, self._engine.clock.now_ms()
        document, figures = self.centre.document, figures or self._everything
        new = dict(document)
        if self._everything:
            new["contacts"] = {contact.id: self._contact(contact) for contact in router.contacts()}
            new["agents"] = {agent.name: self._agent(agent) for agent in router.agents()}
        else:
            new["contacts"] = _with(
                document["contacts"], {name: self._contact(router.contact(name)) for name in self._contacts}
            )
            new["agents"] = _with(document["agents"], {name: self._agent(router.agent(name)) for name in self._agents})
        if figures:
            self._add_figures(new, now_ms)
        self._count(new)
        concerned = set(self._mine) if self._everything else self._concerned()
        self._contacts.clear()
        self._agents.clear()
        self._everything = False
        self.centre.publish(difference(document, new), now_ms)
        for name in concerned:
            feed = self._mine[name]
            feed.publish(difference(feed.document, self._own(name)), now_ms)

    def _concerned(self) -> set[str]:
        """The agents who follow and whose own part may have changed."""
        if not self._mine:
            return set()
        had = {name for name, feed in self._mine.items() if self._contacts & feed.document.get("contacts", {}).keys()}
        return had | (self._mine.keys() & self._agents)

    def _contact(self, contact: Contact | None) -> Json | None:
        if contact is None:
            return None
        entry = _known(
            queue=contact.queue,
            channel=contact.channel,
            state=contact.state,
            arrived_ms=contact.arrived_ms,
            answered_ms=contact.answered_ms,
            held_since_ms=contact.held_since_ms,
            rests_since_ms=contact.rests_since_ms,
            consult_of=contact.consult_of,
        )
        if contact.offer is not None and (offer := self._engine.live.router.offer(contact.offer)):
            entry |= {"offer": offer.id, "agent": offer.agent}
            if offer.state == "ringing":
                entry["deadline_ms"] = offer.deadline_ms
        return entry

    @staticmethod
    def _agent(agent: Agent | None) -> Json | None:
        if agent is None:
            return None
        return _known(
            state=agent.state,
            reason=agent.shown_reason or None,
            suspended_after=agent.suspended_after or None,
            since_ms=agent.since_ms or None,
            contact=agent.contact,
        )

    def _own(self, name: str) -> Json:
        """What an agent sees: the own state, and the contacts that ring at or talk with the agent, with all that is
        known of them."""
        router = self._engine.live.router
        agent = router.agent(name)
        if agent is None:
            return {}
        contacts: Json = {}
        for held in (*agent.offers.values(), *agent.contacts):
            contact = router.contact(held)
            if contact is not None and (entry := self._contact(contact)):
                contacts[held] = entry | {"attributes": dict(contact.attributes), "caller": contact.caller}
        return {"agent": self._agent(agent), "contacts": contacts}

    def _count(self, new: Json) -> None:
        """Who is where."""
        engine, contacts = self._engine, new["contacts"]
        states = Counter(contact["state"] for contact in contacts.values())
        waiting = Counter(contact["queue"] for contact in contacts.values() if contact["state"] in WAITING)
        switches = {name: engine.live.router.switch(name) for name in new["queues"]}
        new["queues"] = {
            name: queue
            | {
                "waiting": waiting[name],
                "state": switch.state if (switch := switches[name]) else "open",
                "below_goal": engine.live.router.below_goal(name),
            }
            for name, queue in new["queues"].items()
        }
        new["centre"], new["ready"] = engine.centre.name, engine.ready
        new["policy"] = engine.live.router.policy.version
        new["calls"] = {
            **new.get("calls", {}),
            "ivr": sum(name not in contacts for name in engine.calls.contacts()),
            "waiting": waiting.total(),
            "talking": sum(states[state] for state in TALKING),
        }

    def _add_figures(self, new: Json, now_ms: int) -> None:
        whole = self._figures.report(now_ms).whole
        oldest: dict[str, int] = {}
        for contact in new["contacts"].values():
            if contact["state"] in WAITING:
                queue = contact["queue"]
                oldest[queue] = min(contact["arrived_ms"], oldest.get(queue, contact["arrived_ms"]))
        queues: Json = {}
        for queue in self._engine.live.router.policy.queues:
            tally, values = whole.queues[queue.name].tally, whole.queues[queue.name].values
            queues[queue.name] = _known(
                oldest_ms=oldest.get(queue.name),
                arrived=tally.arrived,
                answered=tally.answered,
                left=tally.abandoned + tally.left + tally.overflowed,
                service_level_share=_rounded(values["service_level_share"], 3),
                mean_wait_ms=_rounded(values["mean_wait_ms"], 0),
                goal_share=queue.goal.share,
                goal_s=queue.goal.answered_within_ms / 1000,
            )
        new["queues"] = queues
        new["agents"] = {
            name: entry
            | _known(
                handled=done.tally.answered if (done := whole.agents.get(name)) else 0,
                occupancy_share=_rounded(done.values["occupancy_share"], 2) if done else None,
            )
            for name, entry in new["agents"].items()
        }
        new["calls"] = {**new.get("calls", {}), "finished": whole.all_queues.tally.ended}


def _with(entries: Json, changed: dict[str, Json | None]) -> Json:
    """The entries with these changes; figures of an entry, which are renewed apart, stay."""
    new = dict(entries)
    for name, entry in changed.items():
        if entry is None:
            new.pop(name, None)
        else:
            kept = {key: value for key, value in entries.get(name, {}).items() if key in _FIGURES}
            new[name] = entry | kept
    return new


_FIGURES = ("handled", "occupancy_share")


def _known(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)

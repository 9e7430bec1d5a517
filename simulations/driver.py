"""The SimPy shell: sampled callers and agents around the very router core and flow machine that serve real calls.

Nothing here routes. A contact arrives, the core decides, and this file does what phones and people do: ring, answer
or not, talk, lose patience, press keys.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import simpy

from ivr.flow.inputs import Dequeued, HungUp, Input
from router.core.decisions import (
    AgentChanged,
    CancelOffer,
    Connect,
    ContactFinished,
    ContactQueued,
    ContactReleased,
    Decision,
    Offer,
    OfferEnded,
)
from router.core.events import (
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    AnyEvent,
    Attribute,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    OfferAccepted,
    OfferDeclined,
    WrapUpExtended,
)
from router.core.metrics import Metrics, MetricsReport
from router.core.router import Router
from simulations.arrivals import arrival_times_ms
from simulations.callers import IvrCallers
from simulations.scenario import Kind, Quantity, TracedContact
from simulations.setting import MINUTE_MS, Setting, Worker
from simulations.shell import Handled, SimulatedRouter
from simulations.streams import Draws, Streams, choose

GONE = ""
"""Instead of an exit: the caller hung up."""

Life = Generator[simpy.Event, str, None]
"""What a SimPy process of ours is: it waits for events, which may tell by which exit a caller comes back."""


@dataclass(slots=True, eq=False)
class Contact:
    """A caller in the simulation. `number` is its place among the arrivals of its kind: its draws hang on that."""

    name: str
    kind: str
    number: int
    traced: TracedContact | None
    queue: str = ""
    offers: int = 0
    patience_ms: int | None = None
    since_ms: int = 0
    gives_up_ms: int | None = None
    back: simpy.Event | None = None


@dataclass(slots=True, eq=False)
class Agent:
    """An agent in the simulation: the last change of state, the queue of the last talk, and how long the wrap-up after
    it takes (None: as the policy says)."""

    worker: Worker
    on_shift: bool = False
    change: AgentChanged | None = None
    pauses: int = 0
    queue: str = ""
    wrap_up_ms: int | None = None


class Replication:
    """One simulated run of a setting. Replications of equal number meet equal callers in every setting."""

    def __init__(self, setting: Setting, number: int = 0, keep_log: bool = False) -> None:
        scenario = setting.scenario
        self._setting = setting
        self._streams = Streams(scenario.seed, number)
        self._env = simpy.Environment()
        self._end_ms = round(scenario.duration_minutes * MINUTE_MS)
        self._last_ms = self._end_ms + round(scenario.run_off_minutes * MINUTE_MS)
        interval_ms = round(scenario.interval_minutes * MINUTE_MS)
        self._metrics = Metrics(setting.policy, 0, interval_ms, keep_intervals=self._last_ms // interval_ms + 1)
        router = Router(setting.policy, seed=scenario.seed)
        self._shell = SimulatedRouter(self._env, router, self._metrics, self._hands(), keep_log)
        library = setting.centre.library
        self._callers = IvrCallers(setting, self._streams, library) if library is not None else None
        self._channels = {queue.name: queue.channel for queue in setting.policy.queues}
        self._wrap_up_ms = {queue.name: queue.wrap_up_ms for queue in setting.policy.queues}
        self._agents = {worker.name: Agent(worker) for worker in setting.workers}
        self._contacts: dict[str, Contact] = {}
        self._ringing: set[str] = set()
        self._draws: dict[tuple[str, str, str], Draws | None] = {}

    def _hands(self) -> dict[type[Decision], Callable[[Any], None]]:
        """What carries out each decision; the others are for the metrics alone."""
        return {
            Offer: self._ring,
            Connect: self._talk,
            CancelOffer: self._stop_ringing,
            OfferEnded: self._stop_ringing,
            ContactQueued: self._queued,
            ContactReleased: self._released,
            ContactFinished: self._finished,
            AgentChanged: self._agent_changed,
        }

    def run(self) -> MetricsReport:
        """Runs the whole time and the run-off; returns the metrics since the warm-up."""
        scenario = self._setting.scenario
        for agent in self._agents.values():
            self._work(agent.worker)
        for kind in scenario.kinds:
            self._env.process(self._arrivals(kind))
        self._env.run(until=self._end_ms)
        while self._contacts and self._env.peek() <= self._last_ms:
            self._env.step()
        return self._metrics.report(int(self._env.now), since_ms=round(scenario.warm_up_minutes * MINUTE_MS))

    @property
    def log(self) -> list[Handled]:
        """Every event and its decisions, when `keep_log` was asked for."""
        return self._shell.log or []

    @property
    def unfinished(self) -> int:
        """Contacts that were still there when the run ended."""
        return len(self._contacts)

    # Contacts

    def _arrivals(self, kind: str) -> Life:
        scenario = self._setting.scenario
        arrivals = scenario.kinds[kind].arrivals
        times, traced = (
            arrival_times_ms(arrivals, scenario, self._streams.generator(f"{kind}/arrivals")),
            arrivals.traced,
        )
        enter = self._arrive if scenario.kinds[kind].number is None else self._call
        for number, at_ms in enumerate(times):
            if at_ms > self._env.now:
                yield self._env.timeout(at_ms - int(self._env.now))
            contact = Contact(f"{kind}-{number + 1}", kind, number, traced[number] if traced else None)
            self._contacts[contact.name] = contact
            enter(contact)

    def _arrive(self, contact: Contact) -> None:
        """A contact that needs no flow enters its queue."""
        kind, traced = self._setting.scenario.kinds[contact.kind], contact.traced
        assert kind.queue is not None
        attributes: dict[str, Attribute] = {
            name: self._drawn_attribute(contact, name, value) if isinstance(value, dict) else value
            for name, value in kind.attributes.items()
        }
        if traced is None:
            arrived = ContactArrived(contact.name, kind.queue, self._channels[kind.queue], attributes, kind.priority)
        else:
            queue, attributes = traced.queue or kind.queue, attributes | traced.attributes
            priority = kind.priority if traced.priority is None else traced.priority
            arrived = ContactArrived(
                contact.name, queue, self._channels[queue], attributes, priority, traced.preferred_agent
            )
        self._shell.feed(arrived)

    def _kind(self, contact: Contact) -> Kind:
        return self._setting.scenario.kinds[contact.kind]

    def _drawn_attribute(self, contact: Contact, name: str, shares: dict[str, float]) -> str:
        uniform = self._streams.uniforms(f"{contact.kind}/attribute/{name}")[contact.number]
        return choose(shares, uniform)

    def _call(self, contact: Contact) -> None:
        """A caller dials the kind's number and goes through the flow."""
        self._env.process(self._flow(contact))

    def _flow(self, contact: Contact) -> Life:
        assert self._callers is not None, "only a centre has numbers"
        caller = self._callers.caller(contact.kind, contact.number)
        step = caller.dial(int(self._env.now))
        queued = False
        while step is not None:
            if step.enqueue is None:
                yield self._env.timeout(step.delay_ms)
                assert step.answer is not None
                answer: Input = step.answer
            else:
                queued, enqueue = True, step.enqueue
                contact.back = self._env.event()
                channel = self._channels[enqueue.queue]
                priority = self._kind(contact).priority if enqueue.priority is None else enqueue.priority
                self._shell.feed(
                    ContactArrived(
                        contact.name, enqueue.queue, channel, enqueue.attributes, priority, enqueue.preferred_agent
                    )
                )
                exit = yield contact.back
                answer = HungUp() if exit == GONE else Dequeued(exit)
            step = caller.go_on(answer, int(self._env.now))
        self._contacts.pop(contact.name)
        self._metrics.flow_finished(contained=not queued and caller.served, now_ms=int(self._env.now))

    def _queued(self, decision: ContactQueued) -> None:
        contact = self._contacts[decision.contact]
        contact.queue = decision.queue
        if decision.moved_from is not None:
            return
        now_ms = int(self._env.now)
        contact.since_ms = now_ms
        if contact.patience_ms is None:
            contact.patience_ms = self._drawn_ms(contact, "patience")
            if contact.patience_ms is None:
                return
        contact.gives_up_ms = now_ms + contact.patience_ms
        self._shell.after(contact.patience_ms, lambda: self._lose_patience(contact))

    def _lose_patience(self, contact: Contact) -> None:
        if contact.gives_up_ms == self._env.now:
            self._shell.feed(ContactLeft(contact.name))

    def _released(self, decision: ContactReleased) -> None:
        contact = self._contacts[decision.contact]
        contact.gives_up_ms = None
        if contact.patience_ms is not None:
            contact.patience_ms = max(0, contact.patience_ms - int(self._env.now) + contact.since_ms)
        self._goes_on(contact, decision.action.target)

    def _finished(self, decision: ContactFinished) -> None:
        if decision.outcome != "overflowed":  # those are released
            self._goes_on(self._contacts[decision.contact], "answered" if decision.outcome == "answered" else GONE)

    def _goes_on(self, contact: Contact, exit: str) -> None:
        """Back to the flow, or, for a contact without one, away."""
        if contact.back is None:
            del self._contacts[contact.name]
        else:
            contact.back.succeed(exit)

    # Offers and talks

    def _ring(self, offer: Offer) -> None:
        contact, answering = self._contacts[offer.contact], self._agents[offer.agent].worker.answering
        stream, contact.offers = f"{contact.kind}/offer {contact.offers}", contact.offers + 1
        self._ringing.add(offer.offer)
        answer: AnyEvent = OfferAccepted(offer.offer)
        if answering.no_answer or answering.declined:
            uniform = self._streams.uniforms(f"{stream}/answer")[contact.number]
            if uniform < answering.no_answer:
                return  # the router's deadline ends it
            if uniform < answering.no_answer + answering.declined:
                answer = OfferDeclined(offer.offer)
        delay_ms = round(self._streams.draws(f"{stream}/delay", answering.delay_s)[contact.number] * 1000)
        if delay_ms:
            self._shell.after(delay_ms, lambda: self._answer(offer.offer, answer))
        else:
            self._shell.feed(answer)

    def _answer(self, offer: str, answer: AnyEvent) -> None:
        if offer in self._ringing:
            self._shell.feed(answer)

    def _stop_ringing(self, decision: CancelOffer | OfferEnded) -> None:
        self._ringing.discard(decision.offer)

    def _talk(self, connect: Connect) -> None:
        self._ringing.discard(connect.offer)
        contact, agent = self._contacts[connect.contact], self._agents[connect.agent]
        contact.gives_up_ms = None
        agent.queue = contact.queue
        agent.wrap_up_ms = self._drawn_ms(contact, "wrap-up")
        handle_ms = self._drawn_ms(contact, "handle time")
        assert handle_ms is not None, "the setting has seen to it"
        talk_ms = round(handle_ms * agent.worker.handle_time_factor)
        self._shell.after(talk_ms, lambda: self._shell.feed(ContactEnded(contact.name)))

    def _drawn_ms(self, contact: Contact, what: Quantity) -> int | None:
        """What was measured of this contact, or what is drawn for it; None: nobody says."""
        if contact.traced is not None and (measured := contact.traced.measured_s(what)) is not None:
            return round(measured * 1000)
        key = (what, contact.kind, contact.queue)
        if key not in self._draws:
            distribution = self._setting.distribution(*key)
            # One stream for all queues: who has a long story tells it to whoever answers.
            stream = f"{contact.kind}/{what}"
            self._draws[key] = None if distribution is None else self._streams.draws(stream, distribution)
        draws = self._draws[key]
        if draws is None:
            return None
        drawn_ms = round(draws[contact.number] * 1000)
        if what == "patience" and contact.traced is not None and contact.traced.waited_s is not None:
            drawn_ms += round(contact.traced.waited_s * 1000)
        return drawn_ms

    # Agents

    def _work(self, worker: Worker) -> None:
        for from_ms, to_ms in worker.shifts_ms:
            self._shell.after(from_ms, lambda: self._sign(worker.name, True))
            self._shell.after(to_ms, lambda: self._sign(worker.name, False))

    def _sign(self, name: str, on_shift: bool) -> None:
        self._agents[name].on_shift = on_shift
        self._shell.feed(AgentSignedIn(name) if on_shift else AgentSignedOut(name))

    def _agent_changed(self, change: AgentChanged) -> None:
        agent = self._agents[change.agent]
        agent.change = change
        if change.state == "paused":
            stream = self._streams.draws(f"agent/{change.agent}/back", agent.worker.answering.back_after_s)
            self._ready_after(agent, change, round(stream[agent.pauses] * 1000))
            agent.pauses += 1
        elif change.state == "wrap_up" and agent.wrap_up_ms is not None:
            allowed_ms = self._wrap_up_ms[agent.queue]
            if agent.wrap_up_ms > allowed_ms:
                self._shell.feed(WrapUpExtended(change.agent, agent.wrap_up_ms - allowed_ms))
            else:
                self._ready_after(agent, change, agent.wrap_up_ms)

    def _ready_after(self, agent: Agent, change: AgentChanged, delay_ms: int) -> None:
        """Ready again after this time, if nothing else has happened to the agent by then."""
        self._shell.after(delay_ms, lambda: self._is_ready(agent, change))

    def _is_ready(self, agent: Agent, change: AgentChanged) -> None:
        if agent.change is change and agent.on_shift:
            self._shell.feed(AgentReady(agent.worker.name))

"""Agents in the simulation: when they come and go, and when they are ready again. What they decide about contacts, the
router decides; how they answer and how long they talk is in `contacts`."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from router.core.decisions import AgentChanged, Decision
from router.core.events import AgentPaused, AgentReady, AgentSignedIn, AgentSignedOut, OfferFailed, WrapUpExtended
from simulations.clock import spans_ms
from simulations.features import breaks
from simulations.features.outages import Outage
from simulations.features.tenure import Seat
from simulations.roster import Worker, end_ms, midnight_ms, worked
from simulations.run import Run

if TYPE_CHECKING:
    from simulations.contact import Contact

ByName = Callable[[str], None]
"""Does something with the contact of this name."""


class Agent:
    """An agent in the simulation.

    `present`: on shift and not down; `down` counts outages. `change` is the last change of state, `queue` that of the
    last talk, `wrap_up_ms` how long the wrap-up after it takes (None: as the policy says), `break_ms` how long the
    break that is due will take. `answering` is equal for those who treat a ringing phone alike, `by_kind`: how long
    the agent takes depends on the contact. `talks` are kept where it depends on how many there are at once: those that
    do not rest, worked on until `paced_ms`.
    """

    on_shift: bool = False
    down: int = 0
    present: bool = False
    change: AgentChanged | None = None
    pauses: int = 0
    breaks: int = 0
    break_ms: int | None = None
    queue: str = ""
    wrap_up_ms: int | None = None
    seat: Seat | None = None
    paced_ms: int = 0

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.side_by_side = None if worker.speed is None else worker.speed.side_by_side
        self.talks: list[Contact] = []
        self.answering = id(worker.answering)
        self.by_kind = worker.speed is not None
        self.pace = worker.handle_time_factor

    def factor(self, kind: str, queue: str, now_ms: int) -> float:
        """On the handle time of such contacts."""
        factor = self.worker.factor(kind, queue) if self.by_kind else self.pace
        return factor if self.seat is None else factor * self.seat.factor(now_ms)

    def slower(self) -> float:
        """The factor on the handle time of every contact that the agent has now."""
        factors = self.side_by_side
        return 1.0 if factors is None else factors[min(len(self.talks), len(factors)) - 1]


class Agents:
    """The agents of one replication."""

    def __init__(self, run: Run, agents: Mapping[str, Agent], hand_back: ByName, cut_off: ByName) -> None:
        self._run, self._shell, self._streams = run, run.shell, run.streams
        self._agents = agents
        self._hand_back, self._cut_off = hand_back, cut_off
        self._wrap_up_ms = {queue.name: queue.wrap_up_ms for queue in run.setting.policy.queues}
        self._break_reason = breaks.reason(run.setting.policy.pause_reasons)
        self.hands: dict[type[Decision], Callable[[AgentChanged], None]] = {AgentChanged: self._changed}

    def start(self) -> None:
        """Everybody's day and every outage is in the calendar from now on."""
        for agent in self._agents.values():
            self._plan(agent)
        for outage in self._run.setting.scenario.outages:
            self._plan_outage(outage)

    def _plan(self, agent: Agent) -> None:
        worker = agent.worker
        shifts, agent.seat = worked(worker, self._run.setting.scenario, self._streams)
        for from_ms, to_ms in shifts:
            self._shell.after(from_ms, lambda: self._shift(agent, True))
            self._shell.after(to_ms, lambda: self._shift(agent, False))
        for from_ms, to_ms in worker.breaks_ms:
            self._shell.after(from_ms, partial(self._break, agent, to_ms - from_ms))

    def _shift(self, agent: Agent, begins: bool) -> None:
        agent.on_shift = begins
        if begins or not agent.present:
            self._come(agent)
            return
        contacts = self._contacts_of(agent)
        self._go(agent)
        if agent.worker.shift_end == "hand_back":
            for contact in contacts:
                self._hand_back(contact)

    def _come(self, agent: Agent) -> None:
        """If the agent is to be here and is not."""
        if agent.on_shift and not agent.down and not agent.present:
            agent.present = True
            self._shell.feed(AgentSignedIn(agent.worker.name))

    def _go(self, agent: Agent) -> None:
        agent.present, agent.break_ms = False, None
        self._shell.feed(AgentSignedOut(agent.worker.name))

    def _contacts_of(self, agent: Agent) -> list[str]:
        """Those in talk."""
        known = self._shell.router.agent(agent.worker.name)
        return [] if known is None else list(known.contacts)

    # Outages

    def _plan_outage(self, outage: Outage) -> None:
        scenario = self._run.setting.scenario
        struck = [
            agent
            for agent in self._agents.values()
            if outage.site in (None, agent.worker.site) and outage.group in (None, agent.worker.group)
        ]
        for from_ms, to_ms in spans_ms([outage.during], midnight_ms(scenario), end_ms(scenario)):
            self._shell.after(from_ms, lambda: self._down(outage, struck))
            self._shell.after(to_ms, lambda: self._up(struck))

    def _down(self, outage: Outage, struck: Iterable[Agent]) -> None:
        for agent in struck:
            agent.down += 1
            if agent.present:
                self._go(agent)
        ends: dict[str, ByName] = {"lost": self._cut_off, "handed_back": self._hand_back}
        end = ends.get(outage.talks)
        for agent in struck:
            known = self._shell.router.agent(agent.worker.name)
            for offer in list(known.offers) if known is not None else ():
                self._shell.feed(OfferFailed(offer, "unreachable"))
            if end is not None:
                for contact in self._contacts_of(agent):
                    end(contact)

    def _up(self, struck: Iterable[Agent]) -> None:
        for agent in struck:
            agent.down -= 1
            self._come(agent)

    # Pauses and wrap-up

    def _break(self, agent: Agent, length_ms: int) -> None:
        if not agent.present:
            return
        late = agent.worker.late
        late_ms = 0
        if late is not None:
            late_ms = late.late_ms(f"agent/{agent.worker.name}/late from break", agent.breaks, self._streams)
        agent.breaks += 1
        agent.break_ms = length_ms + late_ms
        self._shell.feed(AgentPaused(agent.worker.name, self._break_reason))

    def _changed(self, change: AgentChanged) -> None:
        agent, state = self._agents[change.agent], change.state
        agent.change = change
        if state == "paused":
            if agent.break_ms is not None:
                self._ready_after(agent, change, agent.break_ms)
                agent.break_ms = None
            else:
                stream = self._streams.draws(f"agent/{change.agent}/back", agent.worker.answering.back_after_s)
                self._ready_after(agent, change, round(stream[agent.pauses] * 1000))
                agent.pauses += 1
        elif state == "wrap_up" and agent.wrap_up_ms is not None:
            allowed_ms = self._wrap_up_ms[agent.queue]
            if agent.wrap_up_ms > allowed_ms:
                self._shell.feed(WrapUpExtended(change.agent, agent.wrap_up_ms - allowed_ms))
            elif agent.break_ms is None:  # ready would also end the break, before it begins
                self._ready_after(agent, change, agent.wrap_up_ms)

    def _ready_after(self, agent: Agent, change: AgentChanged, delay_ms: int) -> None:
        """Ready again after this time, if nothing else has happened to the agent by then."""
        self._shell.after(delay_ms, lambda: self._is_ready(agent, change))

    def _is_ready(self, agent: Agent, change: AgentChanged) -> None:
        if agent.change is change and agent.present:
            self._shell.feed(AgentReady(agent.worker.name))

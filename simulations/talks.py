"""Phones that ring and talks that follow: what agents and callers do from an offer to the end of the work."""

from collections.abc import Callable, Mapping
from typing import Any

from router.core.decisions import (
    CancelOffer,
    Connect,
    CustomerReached,
    Decision,
    Offer,
    OfferEnded,
    WorkInterrupted,
    WorkResumed,
)
from router.core.events import (
    AnyEvent,
    ContactEnded,
    ContactTransferred,
    OfferAccepted,
    OfferDeclined,
    OfferFailed,
)
from simulations.agents import Agent
from simulations.contact import Contact, Times
from simulations.distributions.constant import Constant
from simulations.run import Run
from simulations.scenario import Answering
from simulations.shell import Act
from simulations.side_by_side import SideBySide
from simulations.streams import Draws, milliseconds


class Answers:
    """What is drawn when a phone rings: whether it is answered, and after how long."""

    def __init__(self, answering: Answering, answer: Draws, delay_s: Draws) -> None:
        self.no_answer, self.declined = answering.no_answer, answering.declined
        self.at_once = answering.delay_s == Constant(value=0)
        self.answer = answer
        self.delay_s = delay_s


class Talks:
    """The offers and talks of one replication, of the contacts that are `inside`."""

    def __init__(self, run: Run, agents: Mapping[str, Agent], inside: Mapping[str, Contact], times: Times) -> None:
        self._shell, self._streams, self._agents = run.shell, run.streams, agents
        self._inside, self._times = inside, times
        self._ringing: set[str] = set()
        self._talk_ends: Act = self._end_talk
        self._side_by_side = SideBySide(run.shell, self._talk_ends)
        self._answers: dict[tuple[str, int, int], Answers] = {}
        said = [kind.announcement for kind in run.setting.scenario.kinds.values()]
        self._notes_waits = any(told is not None and told.by == "last" for told in said)
        self.last_waits_ms: dict[str, int] = {}
        """How long the contact waited that was last taken from each queue, where somebody is told."""
        self.hands: dict[type[Decision], Callable[[Any], None]] = {
            Offer: self._ring,
            Connect: self._connect,
            CancelOffer: self._stop_ringing,
            OfferEnded: self._stop_ringing,
            CustomerReached: self._connect,
            WorkInterrupted: self._interrupted,
            WorkResumed: self._resumed,
        }

    def _ring(self, offer: Offer) -> None:
        name = offer.offer
        contact, agent = self._inside[offer.contact], self._agents[offer.agent]
        key = (contact.kind, contact.offers, agent.answering)
        drawn = self._answers.get(key)
        if drawn is None:
            drawn = self._answers[key] = self._answers_of(contact, agent.worker.answering)
        contact.offers += 1
        self._ringing.add(name)
        answer: AnyEvent = OfferAccepted(name)
        if drawn.no_answer or drawn.declined:
            uniform = drawn.answer.at(contact.number)
            if uniform < drawn.no_answer:
                return  # the router's deadline ends it
            if uniform < drawn.no_answer + drawn.declined:
                answer = OfferDeclined(name)
        delay_ms = 0 if drawn.at_once else milliseconds(drawn.delay_s.at(contact.number))
        if delay_ms:
            self._shell.after(delay_ms, lambda: self._answer(name, answer))
        else:
            self._shell.feed(answer)

    def _answers_of(self, contact: Contact, answering: Answering) -> Answers:
        """The streams for this offer, which is the first, second... of its caller."""
        stream = f"{contact.kind}/offer {contact.offers}"
        return Answers(
            answering,
            self._streams.uniforms(f"{stream}/answer"),
            self._streams.draws(f"{stream}/delay", answering.delay_s),
        )

    def _answer(self, offer: str, answer: AnyEvent) -> None:
        if offer in self._ringing:
            self._shell.feed(answer)

    def _stop_ringing(self, decision: CancelOffer | OfferEnded) -> None:
        self._ringing.discard(decision.offer)

    def _connect(self, decision: Connect | CustomerReached) -> None:
        """The talk begins."""
        self._ringing.discard(decision.offer)
        contact, agent = self._inside[decision.contact], self._agents[decision.agent]
        contact.gives_up_ms = None
        if self._notes_waits:
            self.last_waits_ms[contact.queue] = self._shell.now_ms - contact.since_ms
        agent.queue = contact.queue
        agent.wrap_up_ms = self._times.drawn_ms(contact, "wrap-up", contact.talks)
        if contact.left_ms is None:
            own = agent.worker.handle_time(contact.kind, contact.queue) if agent.by_kind else None
            handle_ms = self._times.drawn_ms(contact, "handle time", contact.talks, own)
            assert handle_ms is not None, "the setting has seen to it"
            contact.left_ms = round(handle_ms * agent.factor(contact.kind, contact.queue, self._shell.now_ms))
        self._talks_on(contact, agent)

    def _talks_on(self, contact: Contact, agent: Agent) -> None:
        """What is left of the talk begins."""
        assert contact.left_ms is not None
        length_ms, contact.left_ms = contact.left_ms, None
        if agent.side_by_side is not None:
            self._side_by_side.joins(contact, agent, length_ms)
            return
        contact.ends_ms = self._shell.now_ms + length_ms
        self._shell.wake(length_ms, self._talk_ends, contact)

    def _end_talk(self, contact: Contact) -> None:
        if contact.ends_ms == self._shell.now_ms:
            contact.fate = "answered"
            self._shell.feed(ContactEnded(contact.name))

    def _break_off(self, contact: Contact) -> None:
        """The rest of the talk comes later, or never."""
        if contact.beside is not None:
            contact.left_ms, contact.ends_ms = max(0, round(self._side_by_side.leaves(contact))), None
        elif contact.ends_ms is not None:
            contact.left_ms, contact.ends_ms = contact.ends_ms - self._shell.now_ms, None

    def is_over(self, contact: Contact) -> None:
        """Its contact is finished."""
        contact.ends_ms = None
        if contact.beside is not None:
            self._side_by_side.leaves(contact)

    def _interrupted(self, decision: WorkInterrupted) -> None:
        self._break_off(self._inside[decision.contact])

    def _resumed(self, decision: WorkResumed) -> None:
        self._talks_on(self._inside[decision.contact], self._agents[decision.agent])

    def hand_back(self, name: str) -> None:
        """The agent has to go: the contact waits again for the rest of its talk."""
        contact = self._inside[name]
        if not self._leaves_ringing(name):
            self._break_off(contact)
            self._shell.feed(ContactTransferred(name, contact.queue))

    def cut_off(self, name: str) -> None:
        """The talk is torn apart, and the caller with it."""
        if self._leaves_ringing(name):
            return
        contact = self._inside[name]
        contact.ends_ms = None
        contact.fate = "cut_off"
        contact.tally.cut_off += 1
        self._shell.feed(ContactEnded(name))

    def _leaves_ringing(self, name: str) -> bool:
        """Whether the customer is still being rung for a callback: then another agent will do it, and the try does not
        count."""
        known = self._shell.router.contact(name)
        if known is None or known.state != "reaching":
            return False
        assert known.offer is not None
        self._shell.feed(OfferFailed(known.offer, "unreachable"))
        return True

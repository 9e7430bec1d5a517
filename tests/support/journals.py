"""Journals of busy days that never were: the real router, random but repeatable callers and agents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from ivr.flow.session import Caller, Session, Visit
from router.core import decisions as d
from router.core import events as e
from router.core.policy import CallbackRules, Goal, Policy
from router.core.router import ImpossibleEvent, Router
from router.live.journal import FORMAT, NOTHING, Fact, Handled, Header, Journal, Record, SessionSaved, policy_hash
from switchboard.facts import FLOW_ENDED, SURVEY
from tests.support.routing import VOICEMAIL, agents, queue, skilled

BEGIN_MS = 1_780_000_000_000
"""A Thursday in May 2026."""
AGENTS = ("anna", "ben", "cleo")


def day_policy(version: int = 1) -> Policy:
    goal = Goal(answered_within_ms=20_000, share=0.8, short_abandon_ms=4_000)
    rules = {"goal": goal, "wrap_up_ms": 8_000, "ring_ms": 15_000, "callback": CallbackRules(tries=2, retry_ms=30_000)}
    queues = (
        queue("billing", floor=skilled("billing"), longest_wait_ms=60_000, full_at=6, when_full=VOICEMAIL, **rules),
        queue("tech", longest_wait_ms=90_000, **rules),
    )
    return Policy(version, queues, agents(*AGENTS, skills={"billing": 5}), pause_reasons=("lunch",))


@dataclass
class Day:
    """A router with its journal in `directory`; `log` is all that was written."""

    directory: Path
    seed: int = 0
    now_ms: int = BEGIN_MS
    begin_with: Router | None = None
    log: list[Record] = field(default_factory=list)
    contacts: int = 0

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.router = self.begin_with or Router(day_policy(), self.seed)
        self.journal = Journal(self.directory / f"journal-{self.now_ms:020d}.jsonl", "never")
        snapshot = msgspec.Raw(self.router.snapshot()) if self.begin_with else NOTHING
        policy = self.router.policy
        self.write(Header(self.now_ms, FORMAT, "day", "hash", self.seed, policy_hash(policy), policy, snapshot))

    def write(self, record: Record) -> None:
        self.journal.append(record)
        self.log.append(record)

    def feed(self, event: e.AnyEvent) -> list[Any]:
        """What the router decides; nothing, and nothing written, if the event is impossible."""
        try:
            decided = self.router.handle(event, self.now_ms)
        except ImpossibleEvent:
            return []
        self.write(Handled(self.now_ms, event, tuple(decided)))
        return decided

    def fact(self, kind: str, contact: str = "", agent: str = "", actor: str = "", **data: Any) -> None:
        self.write(Fact(self.now_ms, kind, contact, agent, actor, data))

    def wait(self, ms: int) -> None:
        until_ms = self.now_ms + ms
        while (deadline_ms := self.router.next_deadline_ms()) is not None and deadline_ms <= until_ms:
            self.now_ms = max(self.now_ms, deadline_ms)
            self.feed(e.TimePassed())
        self.now_ms = until_ms

    def call(self, contact: str, intent: str = "", *, contained: bool = False) -> None:
        """A caller comes through two nodes of a flow; one who is contained is served by it."""
        trace = (Visit("main", "menu", "", self.now_ms), Visit("main", "ask", "1", self.now_ms + 5))
        session = Session(
            Caller("+34600111222", "5551000"),
            "main",
            "f",
            "ask",
            "en",
            self.now_ms,
            "Collect",
            attributes={"intent": intent} if intent else {},
            entered=2,
            trace=trace,
        )
        self.write(SessionSaved(self.now_ms, contact, msgspec.Raw(session.to_json())))
        if contained:
            end = {"outcome": "completed", "contained": True, "entered_queue": False, "entered": 2}
            self.fact(FLOW_ENDED, contact, trace=msgspec.to_builtins(trace), **end)
            self.write(SessionSaved(self.now_ms, contact, NOTHING))

    def answer_a_survey(self, contact: str, number: int, intent: str) -> None:
        """An answer, of a talk in a queue or without one."""
        question = ("csat", "nps", "ces", "comment")[number % 4]
        said = {"question": question, "score": 0 if question == "comment" else 1 + number % 5, "recording": ""}
        queue = ("billing", "tech", "")[number % 9 // 3]
        self.fact(SURVEY, contact, survey="after", queue=queue, intent=intent, **said)

    def busy(self, happenings: int) -> "Day":
        """That many things happen, mostly what happens on a good day."""
        for agent in AGENTS:
            self.feed(e.AgentSignedIn(agent))
        for _ in range(happenings):
            self.wait(self.dice.randrange(0, 4000))
            self.something()
        return self

    def something(self) -> None:
        dice, router = self.dice, self.router
        waiting = [c for c in router.contacts() if c.state in ("queued", "offered")]
        talking = [c for c in router.contacts() if c.state == "connected"]
        ringing = [o for o in router.offers() if o.state == "ringing"]
        reaching = [c for c in router.contacts() if c.state == "reaching"]
        agent = dice.choice(AGENTS)
        other = dice.choice(("billing", "tech"))
        choices: list[tuple[int, e.AnyEvent]] = []
        if ringing:
            offer = dice.choice(ringing).id
            choices += [(30, e.OfferAccepted(offer)), (3, e.OfferDeclined(offer)), (3, e.OfferNotAnswered(offer))]
            choices += [(2, e.OfferFailed(offer, "unreachable"))]
        if talking:
            contact = dice.choice(talking)
            choices += [(20, e.ContactEnded(contact.id, dice.choice(("agent", "caller"))))]
            choices += [(2, e.ContactTransferred(contact.id, other, keeps_age=dice.random() < 0.5))]
            choices += [(3, e.ContactHeld(contact.id, "looking")), (3, e.ContactResumed(contact.id))]
            choices += [(6, e.ContactArrived(f"{contact.id}-consult", other, consult_of=contact.id))]
            if contact.consult:
                choices += [(20, e.TransferCompleted(contact.id, contact.consult))]
            if contact.offer:
                choices += [(1, e.OfferFailed(contact.offer, "error"))]
        if waiting:
            contact = dice.choice(waiting)
            choices += [(5, e.ContactLeft(contact.id)), (2, e.ContactLeft(contact.id, "left", "1"))]
            choices += [(2, e.ContactMoved(contact.id, other))]
            choices += [(2, e.CallbackRequested(contact.id, e.Callback("+34600111222")))]
        if reaching:
            contact = dice.choice(reaching)
            choices += [(8, e.CallbackReached(contact.id)), (4, e.CallbackFailed(contact.id, "no_answer"))]
        choices += [(2, e.AgentPaused(agent, "lunch")), (5, e.AgentReady(agent)), (1, e.AgentUnreachable(agent))]
        choices += [(1, e.AgentSignedOut(agent)), (3, e.AgentSignedIn(agent))]
        arrivals = 20
        picked = dice.choices([None, *(event for _, event in choices)], [arrivals, *(weight for weight, _ in choices)])[
            0
        ]
        self.feed(picked) if picked is not None else self.arrive(other)

    def arrive(self, queue_name: str) -> None:
        self.contacts += 1
        contact = f"{self.seed}.{self.contacts}"
        intent = self.dice.choice(("", "invoice", "=HYPERLINK(1)"))
        self.call(contact, intent, contained=self.dice.random() < 0.1)
        if self.contacts % 3 == 0:
            self.answer_a_survey(contact, self.contacts, intent)
        attributes = {"intent": intent, "language": "en"} if intent else {}
        self.feed(e.ContactArrived(contact, queue_name, attributes=attributes, caller=f"+3460{self.contacts % 40}"))

    def decisions(self) -> Iterator[tuple[int, d.AnyDecision]]:
        for record in self.log:
            if isinstance(record, Handled):
                for decision in record.decisions:
                    yield record.at_ms, decision

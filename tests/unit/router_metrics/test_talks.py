"""Holds, transfers, consultations, callbacks and repeat contacts, counted by hand over the real router."""

from collections.abc import Iterable

import pytest

from router.core import events as e
from router.core.decisions import AnyDecision, ContactFinished, ContactQueued
from router.core.measures import Value
from router.core.metrics import Figures, Metrics
from router.core.policy import Agent, CallbackRules, Channel
from router.core.repeats import REMEMBERED, WITHIN_MS, Repeats
from router.core.tallies import ContactTally
from tests.support.routing import Floor, agents, queue

MINUTE = 60_000
HOUR = 60 * MINUTE


class Counted(Floor):
    """A floor whose decisions are counted; two queues, and `experts` the second level of `help`."""

    def __init__(self, *people: str) -> None:
        self.metrics: Metrics | None = None
        rules = {"callback": CallbackRules(tries=1), "wrap_up_ms": 10_000}
        super().__init__(queue("help", **rules), queue("experts", **rules), agents=agents(*people), ready=False)
        self.metrics = Metrics(self.router.policy, escalations={"help": "experts"})
        for name in people:
            self.send(e.AgentSignedIn(name))

    def _handle(self, event: e.Event) -> list[AnyDecision]:
        decisions = super()._handle(event)
        assert self.metrics is not None
        self.metrics.handled(event, decisions, self.now_ms)
        return decisions

    def call(self, contact: str, queue: str = "help", at_ms: int | None = None, **fields: object) -> None:
        """It comes and is answered at once."""
        self.arrive(contact, queue, at_ms, **fields)
        self.send(e.OfferAccepted(self.offer(contact)))

    def figures(self) -> Figures:
        assert self.metrics is not None
        return self.metrics.report(self.now_ms).whole

    def values(self, queue: str, names: Iterable[str]) -> list[Value]:
        return [self.figures().queues[queue].values[name] for name in names]

    def tally(self, queue: str) -> ContactTally:
        return self.figures().queues[queue].tally


def test_handle_time_is_talk_and_hold_and_wrap_up() -> None:
    floor = Counted("anna")
    floor.call("c1")
    floor.send(e.ContactHeld("c1"), at_ms=30_000)
    floor.send(e.ContactResumed("c1"), at_ms=50_000)
    floor.send(e.ContactEnded("c1"), at_ms=60_000)
    floor.wait_until(90_000)
    names = ("mean_talk_ms", "mean_hold_ms", "mean_wrap_up_ms", "aht_ms")
    assert floor.values("help", names) == [40_000, 20_000, 10_000, 70_000]


def test_a_transferred_contact_counts_in_both_queues_and_is_one_that_was_passed_on() -> None:
    floor = Counted("anna", "bob")
    floor.call("c1")
    floor.send(e.ContactTransferred("c1", "experts"), at_ms=MINUTE)
    floor.send(e.OfferAccepted(floor.offer("c1")), at_ms=MINUTE + 5_000)
    floor.send(e.ContactEnded("c1"), at_ms=2 * MINUTE)
    floor.call("c2", at_ms=3 * MINUTE)
    floor.send(e.ContactEnded("c2"), at_ms=4 * MINUTE)
    names = ("arrived", "answered", "asa_ms", "transfer_share", "escalation_share", "mean_talk_ms")
    assert floor.values("help", names) == [2, 2, 0, 0.5, 0.5, MINUTE]
    assert floor.values("experts", names) == [1, 1, 5_000, 0, 0, 55_000]
    whole = floor.figures().all_queues.values
    assert (whole["arrived"], whole["transfer_share"]) == (3, pytest.approx(1 / 3))


def test_a_transfer_to_another_queue_is_no_escalation() -> None:
    floor = Counted("anna", "bob")
    floor.call("c1", "experts")
    floor.send(e.ContactTransferred("c1", "help"))
    assert floor.values("experts", ("transfer_share", "escalation_share")) == [1, 0]


def test_a_consultation_is_no_contact_but_the_agents_work() -> None:
    floor = Counted("anna", "bob")
    floor.call("c1")
    floor.send(e.ContactHeld("c1"), at_ms=20_000)
    floor.send(e.ContactArrived("ask", "experts", consult_of="c1"))
    floor.send(e.OfferAccepted(floor.offer("ask")), at_ms=25_000)
    floor.send(e.TransferCompleted("c1", "ask"), at_ms=40_000)
    floor.send(e.ContactEnded("c1"), at_ms=100_000)
    floor.wait_until(2 * MINUTE)
    names = ("arrived", "answered", "transfer_share", "mean_talk_ms", "mean_hold_ms", "mean_wrap_up_ms")
    assert floor.values("help", names) == [1, 1, 0.5, 80_000, 20_000, 20_000]
    assert floor.values("experts", ("arrived", "answered", "offers", "mean_queue_length")) == [0, 0, 0, 0]
    assert {name: agent.tally.answered for name, agent in floor.figures().agents.items()} == {"anna": 1, "bob": 1}


def test_callbacks_have_figures_of_their_own() -> None:
    floor = Counted("anna")
    for contact in ("c1", "c2", "c3"):
        floor.send(e.ContactArrived(contact, "help", callback=e.Callback(f"+3460000000{contact[1]}")), at_ms=0)
    floor.send(e.OfferAccepted(floor.offer("c1")), at_ms=10_000)
    floor.send(e.CallbackReached("c1"), at_ms=15_000)
    floor.send(e.ContactEnded("c1"), at_ms=75_000)
    floor.wait_until(86_000)
    floor.send(e.OfferAccepted(floor.offer("c2")))
    floor.send(e.CallbackFailed("c2", "no_answer"), at_ms=90_000)
    floor.send(e.ContactLeft("c3", "left"), at_ms=91_000)
    names = ("arrived", "offered", "answered", "left", "callbacks", "callbacks_unreached", "callbacks_kept_share")
    assert floor.values("help", names) == [3, 0, 0, 0, 3, 1, 0.5]
    assert floor.values("help", ("mean_time_to_callback_ms", "aht_ms")) == [15_000, 70_000]
    assert floor.figures().agents["anna"].tally.answered == 1


def test_a_parked_callback_is_in_no_line() -> None:
    floor = Counted("anna")
    callback = e.Callback("+34600000001", not_before_ms=HOUR)
    floor.send(e.ContactArrived("c1", "help", callback=callback), at_ms=0)
    floor.wait_until(HOUR - 1)
    assert floor.tally("help").waiting_ms == 0


def test_a_merged_contact_is_not_lost() -> None:
    floor = Counted()
    for contact in ("c1", "c2"):
        floor.send(e.ContactArrived(contact, "help", caller="+34600", callback=e.Callback("+34600000001")))
    names = ("arrived", "merged", "offered", "callbacks", "abandoned", "overflowed")
    assert floor.values("help", names) == [2, 1, 0, 0, 0, 0]


# Repeats


def test_who_comes_again_soon_has_not_been_served_at_first() -> None:
    floor = Counted("anna")
    for contact, caller, at_ms in (
        ("c1", "zoe", 0),
        ("c2", "max", HOUR),
        ("c3", "zoe", 2 * HOUR),
        ("c4", "", 3 * HOUR),
    ):
        floor.call(contact, caller=caller, at_ms=at_ms)
        floor.send(e.ContactEnded(contact), at_ms=at_ms + MINUTE)
    names = ("repeat_contact_share", "first_contact_resolution_share")
    assert floor.values("help", names) == [pytest.approx(1 / 3), pytest.approx(2 / 3)]


def test_a_repeat_counts_whatever_the_queue_and_only_within_the_time() -> None:
    floor = Counted("anna")
    floor.call("c1", caller="zoe")
    floor.send(e.ContactEnded("c1"), at_ms=MINUTE)
    floor.call("c2", "experts", caller="zoe", at_ms=MINUTE + WITHIN_MS)
    floor.send(e.ContactEnded("c2"))
    assert (floor.tally("help").followed, floor.tally("experts").repeated) == (1, 1)
    floor.call("c3", caller="zoe", at_ms=floor.now_ms + WITHIN_MS + 1)
    assert floor.tally("help").repeated == 0


def test_who_hung_up_unserved_and_comes_again_is_a_repeat_but_follows_no_answer() -> None:
    floor = Counted("anna")
    floor.send(e.AgentPaused("anna", "lunch"))
    floor.arrive("c1", "help", caller="zoe")
    floor.send(e.ContactLeft("c1"), at_ms=MINUTE)
    floor.arrive("c2", "help", caller="zoe")
    tally = floor.tally("help")
    assert (tally.identified, tally.repeated, tally.identified_answered, tally.followed) == (2, 1, 0, 0)


def test_a_transferred_contact_is_one_contact() -> None:
    floor = Counted("anna", "bob")
    floor.call("c1", caller="zoe")
    floor.send(e.ContactTransferred("c1", "experts"), at_ms=MINUTE)
    floor.send(e.OfferAccepted(floor.offer("c1")))
    floor.send(e.ContactEnded("c1"), at_ms=2 * MINUTE)
    floor.call("c2", caller="zoe", at_ms=3 * MINUTE)
    assert (floor.tally("help").identified, floor.tally("experts").identified) == (2, 0)
    assert (floor.tally("experts").identified_answered, floor.tally("experts").followed) == (1, 1)


def test_a_contact_that_comes_back_by_its_flow_follows_nothing() -> None:
    repeats: Repeats[str] = Repeats()
    repeats.ended("c1", "zoe", 0, "first")
    assert repeats.arrived("c1", "zoe", 1) is None
    assert repeats.arrived("c2", "zoe", 2) == "first"
    assert repeats.arrived("c3", "zoe", 3) is None, "a contact is followed once"


def test_only_the_latest_callers_are_remembered() -> None:
    repeats: Repeats[int] = Repeats()
    for n in range(REMEMBERED + 2):
        repeats.ended(f"c{n}", f"caller {n}", n, n)
    assert repeats.arrived("x", "caller 1", REMEMBERED) is None
    assert repeats.arrived("x", "caller 2", REMEMBERED) == 2


def test_figures_by_channel() -> None:
    capacity = {"voice": 1, "chat": 1}
    floor = Floor(
        queue("help"),
        queue("sales"),
        queue("chats", channel="chat"),
        agents=(Agent("anna", capacity=capacity),),
        ready=False,
        channels=(Channel("voice"), Channel("chat")),
    )
    metrics = Metrics(floor.router.policy)
    for name, contact, channel in (("help", "c1", "voice"), ("sales", "c2", "voice"), ("chats", "c3", "chat")):
        for decision in floor.send(e.ContactArrived(contact, name, channel)):
            metrics.observe(decision, 0)
    for decision in floor.send(e.ContactMoved("c1", "sales")):
        metrics.observe(decision, 0)
    channels = metrics.report(1_000).whole.channels
    assert {name: section.values["arrived"] for name, section in channels.items()} == {"voice": 2, "chat": 1}


def test_an_end_without_a_beginning_counts() -> None:
    """The metrics began in the middle of a talk."""
    metrics = Metrics(Floor(queue("help"), agents=()).router.policy)
    metrics.observe(ContactFinished("c1", "help", "answered", 0, 5_000, 60_000, "anna"), 65_000)
    metrics.observe(ContactQueued("c2", "help", consult=True), 65_000)
    values = metrics.report(70_000).whole.queues["help"].values
    assert (values["arrived"], values["asa_ms"], values["mean_talk_ms"]) == (1, 5_000, 60_000)

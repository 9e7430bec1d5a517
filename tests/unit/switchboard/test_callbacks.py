"""Booking callbacks, and looking again just before the customer is rung: the number, the time, the hours."""

from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from ivr.flow.effects import BookCallback
from ivr.flow.hours import Hours, HoursEntry
from ivr.flow.inputs import CallbackBooked, EffectFailed
from ivr.flow.session import Caller, Session
from router.core.decisions import RingCustomer
from router.core.events import AgentSignedIn, CallbackFailed, ContactArrived, OfferAccepted
from router.core.policy import Agent, CallbackRules, Goal, LastAction, Policy, Queue, Step
from router.core.router import Router
from router.live.clock import EngineClock
from router.live.journal import FORMAT, Fact, Header, Journal, policy_hash, read
from router.live.shell import LiveRouter
from switchboard import facts
from switchboard.callbacks import BookingRefused, Callbacks, Dialling
from switchboard.centre.settings import OutboundSettings
from switchboard.destinations import Destinations

LEAVE = LastAction("exit", "nobody")
GOAL, STEPS = Goal(20_000, 0.8), (Step("all"),)
POLICY = Policy(
    version=1,
    queues=(
        Queue("help", GOAL, STEPS, LEAVE, callback=CallbackRules(ring_ms=12_000)),
        Queue("sales", GOAL, STEPS, LEAVE),
    ),
    agents=(Agent("anna"),),
)
CALLER, NUMBER = "1700000000.1", "911234567"
SESSION = Session(Caller(NUMBER, "100"), "flow", "fingerprint", "node", "en", 0)
HOUR_MS = 3_600_000


def hours(*, closed: bool = False) -> Hours:

    return Hours(HoursEntry.model_validate({"weekly": {} if closed else {"mon-sun": ["00:00-24:00"]}}), UTC)


class Desk:
    """Callbacks and dialling over a router of their own."""

    def __init__(self, directory: Path, **outbound: Any) -> None:
        self.journal = Journal(directory / "journal-1.jsonl", "never")
        self.clock = EngineClock()
        self.journal.append(Header(self.clock.now_ms(), FORMAT, "Test", "c0ffee", 0, policy_hash(POLICY), POLICY))
        self.live = LiveRouter(Router(POLICY), self.journal, self.clock)
        self.hours: Hours | None = None
        settings = {"trunk": "provider", "country_code": "34", "allow": ["+34"]} | outbound
        self.destinations = Destinations(
            OutboundSettings.model_validate(settings), lambda kind, contact, data: None, lambda name, now_ms: True
        )
        self.callbacks = Callbacks(self.live, self.destinations, hours_of=lambda queue: self.hours)
        self.dialling = Dialling(self.live, self.destinations, hours_of=lambda queue: self.hours)
        self.rung: list[RingCustomer] = []
        self.live.observe(
            lambda event, decisions, now_ms: self.rung.extend(
                decision for decision in decisions if isinstance(decision, RingCustomer)
            )
        )

    def reach(self, contact: str) -> tuple[str, int] | None:
        """anna takes the callback; what the dialling says."""
        self.live.feed(AgentSignedIn("anna"))
        (offer,) = self.live.router.offers()
        self.live.feed(OfferAccepted(offer.id))
        return self.dialling.begin(contact, offer.id, self.rung[-1].number, "sb-1.")

    def close(self) -> None:
        self.live.stop()
        self.journal.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def state(desk: Desk, contact: str) -> str:
    known = desk.live.router.contact(contact)
    return known.state if known else "gone"


async def test_a_waiting_caller_s_contact_becomes_the_callback(desk: Desk) -> None:
    desk.live.feed(ContactArrived(CALLER, "help", caller=NUMBER))
    booked = desk.callbacks.book_callback(CALLER, SESSION, BookCallback("help", NUMBER))
    assert booked == CallbackBooked()
    contact = desk.live.router.contact(CALLER)
    assert contact is not None
    assert contact.callback is not None
    assert contact.callback.number == "+34911234567"
    fact = [record for record in read(desk.journal.path) if isinstance(record, Fact)][-1]
    assert (fact.kind, fact.contact, fact.data["call"]) == (facts.CALLBACK_BOOKED, CALLER, CALLER)


async def test_who_does_not_wait_there_gets_a_contact_of_its_own_and_only_one(desk: Desk) -> None:
    desk.live.feed(ContactArrived(CALLER, "sales", caller=NUMBER))
    first = desk.callbacks.book_callback(CALLER, SESSION, BookCallback("help", NUMBER))
    again = desk.callbacks.book_callback(CALLER, SESSION, BookCallback("help", "+34 911 234 567"))
    assert (first, again) == (CallbackBooked(), CallbackBooked(merged=True))
    assert len(desk.live.router.waiting("help")) == 1
    assert state(desk, CALLER) == "queued"


@pytest.mark.parametrize("effect", [
    BookCallback("help", "+18765551234"),
    BookCallback("help", "112"),
    BookCallback("help", "911234567&PJSIP/ben"),
    BookCallback("sales", NUMBER),
    BookCallback("nowhere", NUMBER),
    BookCallback("help", NUMBER, at_ms=1),
    BookCallback("help", NUMBER, at_ms=4_000_000_000_000),
])  # fmt: skip
async def test_what_cannot_be_booked_fails_and_changes_nothing(desk: Desk, effect: BookCallback) -> None:
    desk.live.feed(ContactArrived(CALLER, "help", caller=NUMBER))
    assert isinstance(desk.callbacks.book_callback(CALLER, SESSION, effect), EffectFailed)
    assert [contact.id for contact in desk.live.router.contacts()] == [CALLER]
    contact = desk.live.router.contact(CALLER)
    assert contact is not None
    assert contact.callback is None


async def test_a_chosen_time_must_be_within_the_queue_s_hours(desk: Desk) -> None:
    at_ms = desk.clock.now_ms() + HOUR_MS
    desk.hours = hours(closed=True)
    with pytest.raises(BookingRefused, match="closed at that time"):
        desk.callbacks.book("help", NUMBER, at_ms=at_ms)
    desk.hours = hours()
    booked = desk.callbacks.book("help", NUMBER, at_ms=at_ms)
    assert state(desk, booked.contact) == "parked"


async def test_the_customer_is_rung_by_the_trunk_as_long_as_the_queue_says(desk: Desk) -> None:
    booked = desk.callbacks.book("help", NUMBER)
    assert desk.reach(booked.contact) == ("PJSIP/+34911234567@provider", 12_000)
    assert desk.destinations.calls() == ["sb-1."]
    desk.dialling.failed("sb-1.")
    assert desk.destinations.calls() == []


async def test_a_queue_that_has_closed_puts_the_callback_off_and_costs_no_try(desk: Desk) -> None:
    booked = desk.callbacks.book("help", NUMBER)
    desk.hours = hours(closed=True)
    assert desk.reach(booked.contact) is None
    contact = desk.live.router.contact(booked.contact)
    assert contact is not None
    assert contact.callback is not None
    assert (contact.state, contact.callback.tries) == ("parked", 0)
    assert contact.callback.until_ms is not None
    assert contact.callback.until_ms > desk.clock.now_ms()
    assert desk.destinations.calls() == []


async def test_a_number_that_may_not_be_dialled_any_more_counts_as_a_try(desk: Desk) -> None:
    booked = desk.callbacks.book("help", NUMBER)
    desk.destinations.settings = OutboundSettings(trunk="provider", country_code="34", allow=["+351"])
    told: list[object] = []
    desk.live.observe(lambda event, decisions, now_ms: told.append(event))
    assert desk.reach(booked.contact) is None
    assert CallbackFailed(booked.contact, "error") in told
    assert state(desk, booked.contact) == "parked"


async def test_another_time_and_another_number(desk: Desk) -> None:
    booked = desk.callbacks.book("help", NUMBER, at_ms=desk.clock.now_ms() + HOUR_MS)
    desk.callbacks.reschedule(booked.contact, None, "922222222")
    contact = desk.live.router.contact(booked.contact)
    assert contact is not None
    assert contact.callback is not None
    assert (contact.state, contact.callback.number) == ("queued", "+34922222222")
    with pytest.raises(BookingRefused, match="not on the list"):
        desk.callbacks.reschedule(booked.contact, None, "+18765551234")
    with pytest.raises(BookingRefused, match="no callback"):
        desk.callbacks.reschedule("nobody", None)

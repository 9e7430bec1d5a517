"""Customers of callbacks against a fake manager: every way an attempt can end, in the orders Asterisk may tell it."""

import pytest

from router.core.decisions import ContactFinished, ContactParked
from router.core.events import (
    AgentSignedIn,
    Callback,
    CallbackFailed,
    CallbackReached,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    ContactTransferred,
    OfferFailed,
)
from tests.support.bench import Bench, listing, status

CONTACT, NUMBER = "callback-1", "+34911234567"
LEG, CUSTOMER = "sb-1-o1.", "sb-1-o1-customer."


async def reaching(bench: Bench) -> None:
    """anna has taken the callback, and the customer is being rung."""
    bench.live.feed(AgentSignedIn("anna"))
    bench.live.feed(ContactArrived(CONTACT, "help", callback=Callback(NUMBER)))
    await bench.asterisk.wait_for("Originate")
    bench.originated(LEG)
    await bench.asterisk.wait_for("Originate", 2)


async def talking(bench: Bench) -> None:
    await reaching(bench)
    bench.originated(CUSTOMER)
    await bench.until(lambda: bench.legs.talked(CONTACT))


def told(bench: Bench, kind: type) -> list[object]:
    return [event for event in bench.told if isinstance(event, kind)]


def failures(bench: Bench) -> list[CallbackFailed]:
    return [event for event in bench.told if isinstance(event, CallbackFailed)]


async def test_the_agent_hears_ringing_while_the_customer_is_rung(bench: Bench) -> None:
    await reaching(bench)
    _, originate = await bench.asterisk.wait_for("Originate", 2)
    assert originate["channel"] == f"PJSIP/{NUMBER}@provider"
    assert originate["channelid"] == CUSTOMER
    assert originate["context"] == "sb-callback"
    (redirect,) = await bench.asterisk.wait_for("Redirect")
    assert (redirect["channel"], redirect["context"]) == (LEG, "sb-reaching")


async def test_the_two_are_joined_by_ids_that_are_nobody_else_s_prefix(bench: Bench) -> None:
    await talking(bench)
    (bridge,) = await bench.asterisk.wait_for("Bridge")
    assert {bridge["channel1"], bridge["channel2"]} == {LEG, CUSTOMER}
    assert told(bench, CallbackReached) == [CallbackReached(CONTACT)]


async def test_the_customer_hangs_up_and_the_talk_is_over(bench: Bench) -> None:
    await talking(bench)
    bench.hung_up(CUSTOMER)
    await bench.until(lambda: told(bench, ContactEnded))
    assert told(bench, ContactEnded) == [ContactEnded(CONTACT, "caller")]
    assert bench.lines.rung(CONTACT) is None


@pytest.mark.parametrize("hangup_first", [True, False])
@pytest.mark.parametrize(
    ("cause", "status_code", "failure"),
    [(17, 486, "busy"), (19, 480, "no_answer"), (21, 603, "declined"), (1, 404, "unreachable")],
)
async def test_why_the_customer_was_not_reached(
    bench: Bench, hangup_first: bool, cause: int, status_code: int, failure: str
) -> None:
    await reaching(bench)
    if hangup_first:
        bench.hung_up(CUSTOMER, cause, status_code)
        bench.originated(CUSTOMER, "Failure", 0)
    else:
        bench.originated(CUSTOMER, "Failure", 0)
        bench.hung_up(CUSTOMER, cause, status_code)
    await bench.until(lambda: told(bench, CallbackFailed))
    assert [(event.contact, event.cause) for event in failures(bench)] == [(CONTACT, failure)]
    assert any(isinstance(decision, ContactParked) for decision in bench.decided)
    assert (await bench.asterisk.wait_for("Redirect", 2))[1]["context"] == "sb-agent-released"


async def test_a_customer_without_a_channel_is_unreachable_in_half_a_second(bench: Bench) -> None:
    await reaching(bench)
    bench.originated(CUSTOMER, "Failure", 0)
    await bench.until(lambda: told(bench, CallbackFailed))
    assert told(bench, CallbackFailed) == [CallbackFailed(CONTACT, "unreachable")]


async def test_one_who_answers_and_is_gone_at_once_has_declined(bench: Bench) -> None:
    await reaching(bench)
    bench.hung_up(CUSTOMER)
    bench.originated(CUSTOMER)
    await bench.until(lambda: told(bench, CallbackFailed))
    assert told(bench, CallbackFailed) == [CallbackFailed(CONTACT, "declined")]


async def test_the_agent_goes_and_the_customer_is_rung_no_longer(bench: Bench) -> None:
    await reaching(bench)
    bench.hung_up(LEG)
    await bench.until(lambda: told(bench, OfferFailed))
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == CUSTOMER
    bench.hung_up(CUSTOMER, 19)
    bench.originated(CUSTOMER, "Failure", 0)
    await bench.until(lambda: bench.lines.rung(CONTACT) is None)
    assert told(bench, CallbackFailed) == []


async def test_called_off_while_the_customer_is_rung(bench: Bench) -> None:
    await reaching(bench)
    bench.live.feed(ContactLeft(CONTACT, "left"))
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == CUSTOMER
    bench.originated(CUSTOMER)  # who answers in this very moment is hung up all the same
    await bench.asterisk.wait_for("Hangup", 2)
    assert not bench.legs.joined(CONTACT)


async def test_asterisk_will_not_dial(bench: Bench) -> None:
    bench.asterisk.answers["originate"] = lambda action: (
        f"Response: Error\r\nActionID: {action['actionid']}\r\nMessage: no\r\n\r\n"
        if action["channelid"] == CUSTOMER
        else f"Response: Success\r\nActionID: {action['actionid']}\r\n\r\n"
    )
    await reaching(bench)
    await bench.until(lambda: told(bench, CallbackFailed))
    assert told(bench, CallbackFailed) == [CallbackFailed(CONTACT, "error")]
    assert bench.dialling.not_dialled == [CUSTOMER]


async def test_a_customer_sent_on_to_a_queue_waits_and_may_hang_up(bench: Bench) -> None:
    await talking(bench)
    bench.live.feed(ContactTransferred(CONTACT, "help"))
    contact = bench.live.router.contact(CONTACT)
    assert contact is not None
    assert bench.lines.has_line(contact)
    bench.hung_up(CUSTOMER)
    await bench.until(lambda: told(bench, ContactLeft))
    assert [d.outcome for d in bench.decided if isinstance(d, ContactFinished)] == ["answered", "abandoned"]


# What a resync finds


def leg(*lines: str) -> str:
    return status(LEG, "PJSIP/anna-00000002", "Variable: SB_OFFER=o1", "ChannelState: 6", *lines)


def customer(*lines: str) -> str:
    variables = ("Variable: SB_CALLBACK=o1", f"Variable: SB_CONTACT={CONTACT}")
    return status(CUSTOMER, "PJSIP/provider-00000003", *variables, *lines)


async def test_a_callback_that_waits_is_no_caller_who_is_gone(bench: Bench) -> None:
    bench.live.feed(ContactArrived(CONTACT, "help", callback=Callback(NUMBER)))
    await bench.resync()
    assert bench.live.router.contact(CONTACT) is not None


async def test_a_customer_who_answered_meanwhile_is_joined(bench: Bench) -> None:
    await reaching(bench)
    bench.asterisk.answers["status"] = lambda action: listing(action, leg(), customer("ChannelState: 6"))
    found = await bench.resync()
    assert found.counts["customers being reached"] == 1
    await bench.until(lambda: bench.legs.talked(CONTACT))


async def test_a_customer_who_still_rings_is_waited_for(bench: Bench) -> None:
    await reaching(bench)
    bench.asterisk.answers["status"] = lambda action: listing(action, leg(), customer("ChannelState: 5"))
    await bench.resync()
    assert told(bench, CallbackFailed) == told(bench, CallbackReached) == []
    bench.originated(CUSTOMER)
    await bench.until(lambda: bench.legs.talked(CONTACT))


async def test_a_customer_who_is_gone_was_not_reached(bench: Bench) -> None:
    await reaching(bench)
    bench.asterisk.answers["status"] = lambda action: listing(action, leg())
    await bench.resync()
    assert told(bench, CallbackFailed) == [CallbackFailed(CONTACT, "error")]


async def test_without_its_agent_the_callback_waits_again_and_nobody_is_rung(bench: Bench) -> None:
    await reaching(bench)
    bench.asterisk.answers["status"] = lambda action: listing(action, customer("ChannelState: 5"))
    await bench.resync()
    assert told(bench, OfferFailed) == [OfferFailed("o1", "error")]
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == CUSTOMER


async def test_a_customer_of_nobody_is_a_foreign_leg(bench: Bench) -> None:
    bench.asterisk.answers["status"] = lambda action: listing(action, customer("ChannelState: 6"))
    found = await bench.resync()
    assert found.counts["foreign legs"] == 1


async def test_a_talk_goes_on(bench: Bench) -> None:
    await talking(bench)
    bridge = "BridgeID: 1"
    bench.asterisk.answers["status"] = lambda action: listing(
        action, leg(bridge), customer("ChannelState: 6", bridge, "Variable: SB_TALKED=yes")
    )
    found = await bench.resync()
    assert found.counts["talks kept"] == 1
    assert told(bench, ContactEnded) == []

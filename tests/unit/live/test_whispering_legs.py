"""Legs whose agents hear a whisper first, against a fake Asterisk: the key and the events in every order."""

import pytest

from asterisk_conf.names import VAR_OFFER, VAR_WHISPER
from router.core.decisions import OfferEnded
from router.core.events import ContactLeft, OfferAccepted, OfferDeclined
from router.live.legs import Leg
from tests.support.bench import CALLER, CALLER_CHANNEL, Bench, listing, status


@pytest.fixture
async def leg(bench: Bench) -> Leg:
    """Rings; its agent has not answered."""
    bench.legs._variables_of = lambda offer: {VAR_WHISPER: "yes"}
    channel = await bench.ring()
    found = bench.legs.whispering(channel)
    assert found is not None
    return found


def causes(bench: Bench) -> list[str]:
    return [decision.cause for decision in bench.decided if isinstance(decision, OfferEnded)]


async def test_an_answer_is_no_acceptance_but_the_key_is(bench: Bench, leg: Leg) -> None:
    bench.originated(leg.channel_id)
    await bench.until(lambda: leg.state == "answered")
    assert bench.agent == "ringing"
    bench.legs.accepted(leg)
    await bench.until(lambda: bench.legs.talked(CALLER))
    assert bench.legs.whispering(leg.channel_id) is None


async def test_the_key_may_come_before_the_event_of_the_answer(bench: Bench, leg: Leg) -> None:
    bench.legs.accepted(leg)
    bench.originated(leg.channel_id)
    await bench.until(lambda: bench.legs.talked(CALLER))
    assert [told for told in bench.told if isinstance(told, OfferAccepted)] == [OfferAccepted(leg.offer)]


async def test_hanging_up_declines(bench: Bench, leg: Leg) -> None:
    bench.originated(leg.channel_id)
    bench.hung_up(leg.channel_id)
    await bench.until(lambda: causes(bench) == ["declined"])
    assert bench.legs.offers() == []


async def test_the_key_that_declines_ends_the_leg(bench: Bench, leg: Leg) -> None:
    bench.originated(leg.channel_id)
    await bench.until(lambda: leg.state == "answered")
    bench.legs.declined(leg)
    assert causes(bench) == ["declined"]
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == leg.channel_id
    bench.hung_up(leg.channel_id)
    await bench.until(lambda: not bench.legs.offers())
    assert causes(bench) == ["declined"]


async def test_a_key_for_a_caller_who_is_gone_does_nothing(bench: Bench, leg: Leg) -> None:
    bench.originated(leg.channel_id)
    bench.live.feed(ContactLeft(CALLER))
    bench.legs.accepted(leg)
    bench.legs.declined(leg)
    assert not [told for told in bench.told if isinstance(told, OfferAccepted | OfferDeclined)]


async def test_after_a_crash_the_whisper_begins_anew_and_after_a_cut_it_goes_on(bench: Bench, leg: Leg) -> None:
    bench.originated(leg.channel_id)
    await bench.until(lambda: leg.state == "answered")
    of_anna = status(
        leg.channel_id,
        "PJSIP/anna-00000002",
        "ChannelState: 6",
        f"Variable: {VAR_OFFER}={leg.offer}",
        f"Variable: {VAR_WHISPER}=yes",
    )
    channels = (of_anna, status(CALLER, CALLER_CHANNEL, "ChannelState: 6"))
    bench.asterisk.answers["status"] = lambda action: listing(action, *channels)
    await bench.resync()
    assert bench.legs.whispering(leg.channel_id) is leg  # we still whisper
    assert not [action for action in bench.asterisk.actions if action["action"] == "Redirect"]

    bench.legs.forget(leg.offer)  # as an engine that has just started
    await bench.resync()
    (redirect,) = await bench.asterisk.wait_for("Redirect")
    assert redirect["channel"] == leg.channel_id
    assert bench.legs.whispering(leg.channel_id) is not None
    assert bench.agent == "ringing"

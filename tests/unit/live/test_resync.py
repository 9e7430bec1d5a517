"""Core and Asterisk laid side by side: every situation of a contact, an offer and a leg has one consequence."""

import asyncio

from router.core.decisions import ContactFinished, OfferEnded
from router.core.events import AgentSignedIn, ContactArrived, ContactEnded, ContactLeft
from router.live.resync import Findings
from tests.support.bench import CALLER, CALLER_CHANNEL, Bench, listing, status

UP, RINGING = "ChannelState: 6", "ChannelState: 5"


def caller(*lines: str) -> str:
    return status(CALLER, CALLER_CHANNEL, "Application: AGI", *lines)


def leg(channel_id: str, *lines: str, offer: str = "o1") -> str:
    return status(channel_id, "PJSIP/anna-00000002", f"Variable: SB_OFFER={offer}", *lines)


async def run(bench: Bench, *channels: str) -> Findings:
    bench.asterisk.answers["status"] = lambda action: listing(action, *channels)
    return await bench.resync()


async def talk(bench: Bench) -> str:
    channel_id = await bench.ring()
    bench.originated(channel_id)
    await bench.until(lambda: bench.legs.talked(CALLER))
    return channel_id


def causes(bench: Bench) -> list[str]:
    return [decision.cause for decision in bench.decided if isinstance(decision, OfferEnded)]


def finished(bench: Bench) -> list[str]:
    return [decision.outcome for decision in bench.decided if isinstance(decision, ContactFinished)]


async def test_a_waiting_caller_stays_where_they_are(bench: Bench) -> None:
    bench.live.feed(ContactArrived(CALLER, "help"))
    told = len(bench.told)
    found = await run(bench, caller())
    assert set(found.channels) == {CALLER}
    assert len(bench.told) == told


async def test_a_waiting_caller_who_is_gone_leaves(bench: Bench) -> None:
    bench.live.feed(ContactArrived(CALLER, "help"))
    found = await run(bench)
    assert finished(bench) == ["abandoned"]
    assert found.counts["callers gone"] == 1


async def test_a_caller_who_comes_while_asterisk_is_listing_is_not_taken_for_gone(bench: Bench) -> None:
    def slow(action: dict[str, str]) -> str:
        bench.live.feed(ContactArrived(CALLER, "help"))
        return listing(action)

    bench.asterisk.answers["status"] = slow
    await bench.resync()
    assert bench.live.router.contact(CALLER) is not None


async def test_a_leg_that_comes_while_asterisk_is_listing_is_not_taken_for_foreign(bench: Bench) -> None:
    def slow(action: dict[str, str]) -> str:
        bench.live.feed(AgentSignedIn("anna"))
        bench.live.feed(ContactArrived(CALLER, "help"))
        return listing(action, leg("sb-1-o1.", RINGING))

    bench.asterisk.answers["status"] = slow
    found = await bench.resync()
    assert found.counts["foreign legs"] == 0
    assert causes(bench) == []


async def test_a_caller_in_the_fallback_queue_is_left_there(bench: Bench) -> None:
    bench.live.feed(ContactArrived(CALLER, "help"))
    found = await run(bench, status(CALLER, CALLER_CHANNEL, "Application: Queue"))
    assert bench.told[-1] == ContactLeft(CALLER, "left")
    assert found.counts["callers in the fallback queue"] == 1


async def test_nobody_is_offered_a_caller_who_is_gone(bench: Bench) -> None:
    await bench.ring()
    await run(bench)
    assert bench.told[-1] == ContactLeft(CALLER)
    assert causes(bench) == ["cancelled"]
    assert bench.agent == "ready"
    await bench.until(lambda: not bench.legs.offers())


async def test_an_offer_whose_leg_is_gone_goes_back_to_the_queue(bench: Bench) -> None:
    await bench.ring()
    found = await run(bench, caller())
    assert causes(bench) == ["error"]
    assert found.counts["back to queue"] == 1
    assert bench.legs.offers() == []


async def test_an_offer_that_rings_goes_on_and_one_that_was_answered_is_joined(bench: Bench) -> None:
    channel_id = await bench.ring()
    found = await run(bench, caller(), leg(channel_id, RINGING))
    assert found.counts["offers kept"] == 1
    assert bench.agent == "ringing"
    await run(bench, caller(), leg(channel_id, UP))
    await bench.until(lambda: bench.legs.talked(CALLER))
    assert bench.agent == "busy"


async def test_a_talk_goes_on(bench: Bench) -> None:
    channel_id = await talk(bench)
    found = await run(bench, caller("BridgeID: b1"), leg(channel_id, UP, "BridgeID: b1"))
    assert found.counts["talks kept"] == 1
    assert bench.agent == "busy"
    assert len(await bench.asterisk.wait_for("Bridge")) == 1


async def test_two_who_were_not_joined_yet_are_joined(bench: Bench) -> None:
    channel_id = await talk(bench)
    found = await run(bench, caller(), leg(channel_id, UP))
    assert found.counts["joined again"] == 1
    await bench.asterisk.wait_for("Bridge", 2)


async def test_a_caller_who_is_back_from_the_talk_has_been_served(bench: Bench) -> None:
    await talk(bench)
    await run(bench, caller("Variable: SB_TALKED=yes"))
    assert finished(bench) == ["answered"]
    assert bench.agent == "ready"
    assert bench.legs.offers() == []


async def test_a_caller_whose_agent_was_gone_before_the_talk_waits_again(bench: Bench) -> None:
    await talk(bench)
    await run(bench, caller("Variable: SB_TALKED=(null)"))
    contact = bench.live.router.contact(CALLER)
    assert contact is not None
    assert contact.state == "queued"
    assert bench.legs.offers() == []


async def test_a_talk_whose_caller_is_gone_is_over_and_the_leg_is_hung_up(bench: Bench) -> None:
    channel_id = await talk(bench)
    await run(bench, leg(channel_id, UP))
    assert bench.told[-1] == ContactEnded(CALLER)
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == channel_id
    assert bench.legs.offers() == []


async def test_a_leg_of_no_offer_is_hung_up_and_other_channels_are_left_alone(bench: Bench) -> None:
    found = await run(bench, leg("sb-0-7.", UP, offer="o7"), status("1700000000.9", "PJSIP/anna-00000009", UP))
    assert [action["channel"] for action in await bench.asterisk.wait_for("Hangup")] == ["sb-0-7."]
    assert found.counts["foreign legs"] == 1


async def test_a_leg_whose_end_was_missed_is_forgotten(bench: Bench) -> None:
    await bench.ring()
    bench.asterisk.cut()
    await asyncio.wait_for(bench.ups.get(), 5)
    bench.live.feed(ContactLeft(CALLER))
    await run(bench)
    assert bench.legs.offers() == []


async def test_after_an_asterisk_restart_nobody_is_left(bench: Bench) -> None:
    await talk(bench)
    bench.live.feed(ContactArrived("1700000000.2", "help"))
    await run(bench)
    assert bench.live.router.contacts() == ()
    assert bench.live.router.offers() == ()
    assert bench.legs.offers() == []

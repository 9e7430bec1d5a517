"""Talks against a fake Asterisk: what is commanded in which order, and what becomes of everybody when it fails."""

import pytest

from asterisk_conf.names import CONTEXT_AGENT_APART, CONTEXT_BACK
from router.core.decisions import ContactFinished
from router.core.events import (
    AgentSignedIn,
    ContactArrived,
    ContactEnded,
    ContactHeld,
    ContactLeft,
    ContactResumed,
    ContactTransferred,
    OfferDeclined,
    TransferCompleted,
)
from router.live.recovery import replay
from tests.support.bench import CALLER, CALLER_CHANNEL, Bench, listing, status
from tests.support.fake_ami import Headers, error, event

CONSULT, OUTSIDE = "consultation", "sb-1-outside-1."
UP = "ChannelState: 6"


async def talk(bench: Bench) -> str:
    leg = await bench.ring()
    bench.originated(leg)
    await bench.until(lambda: bench.legs.talked(CALLER))
    return leg


async def hold(bench: Bench) -> str:
    leg = await talk(bench)
    bench.live.feed(ContactHeld(CALLER))
    await bench.asterisk.wait_for("Redirect")
    return leg


async def ask_ben(bench: Bench) -> str:
    """Anna holds and asks ben, whose phone rings; his leg."""
    await hold(bench)
    bench.live.feed(AgentSignedIn("ben"))
    bench.live.feed(ContactArrived(CONSULT, "help", directed_to="ben", consult_of=CALLER))
    return (await bench.asterisk.wait_for("Originate", 2))[1]["channelid"]


async def consult_ben(bench: Bench) -> str:
    leg = await ask_ben(bench)
    bench.originated(leg)
    await bench.until(lambda: bench.legs.talked(CONSULT))
    return leg


async def dial_outside(bench: Bench, purpose: str) -> None:
    await hold(bench)
    assert purpose in ("consult", "transfer")
    bench.outside.dial(CALLER, OUTSIDE, "PJSIP/1@world", "", "consult" if purpose == "consult" else "transfer")
    await bench.asterisk.wait_for("Originate", 2)


async def bridges(bench: Bench, times: int) -> list[tuple[str, str]]:
    return [(action["channel1"], action["channel2"]) for action in await bench.asterisk.wait_for("Bridge", times)]


def contact_state(bench: Bench) -> str:
    contact = bench.live.router.contact(CALLER)
    return contact.state if contact else "gone"


def ends(bench: Bench) -> list[tuple[str, str | None]]:
    return [(end.contact, end.transferred_to) for end in bench.decided if isinstance(end, ContactFinished)]


async def test_a_hold_sends_both_elsewhere_at_one_stroke_and_the_caller_is_not_served_yet(bench: Bench) -> None:
    leg = await hold(bench)
    (redirect,) = await bench.asterisk.wait_for("Redirect")
    assert (redirect["channel"], redirect["context"]) == (CALLER, CONTEXT_BACK)
    assert (redirect["extrachannel"], redirect["extracontext"]) == (leg, CONTEXT_AGENT_APART)
    assert [action["value"] for action in await bench.asterisk.wait_for("Setvar", 2)] == ["yes", "no"]
    assert bench.legs.joined(CALLER)
    assert not bench.legs.talked(CALLER)
    bench.live.feed(ContactResumed(CALLER))
    await bench.until(lambda: bench.legs.talked(CALLER))
    assert await bridges(bench, 2) == [(CALLER_CHANNEL, leg)] * 2


async def test_a_hold_and_its_end_before_the_first_bridge_is_answered_leave_them_joined(bench: Bench) -> None:
    leg = await bench.ring()
    bench.originated(leg)
    await bench.asterisk.wait_for("Setvar")
    bench.live.feed(ContactHeld(CALLER))
    bench.live.feed(ContactResumed(CALLER))
    await bench.until(lambda: bench.legs.talked(CALLER))
    assert not [action for action in bench.asterisk.actions if action["action"] == "Redirect"]


async def test_a_resume_that_fails_is_a_hold_again(bench: Bench) -> None:
    await hold(bench)
    bench.asterisk.answers["bridge"] = lambda action: error(action, "Unable to add Channel2 to bridge")
    bench.live.feed(ContactResumed(CALLER))
    await bench.until(lambda: bench.told[-1] == ContactHeld(CALLER, "they could not be joined"))
    assert bench.legs.joined(CALLER)
    assert bench.agent == "busy"


async def test_the_agent_of_a_caller_on_hold_hangs_up_and_the_caller_waits_again(bench: Bench) -> None:
    leg = await hold(bench)
    bench.hung_up(leg)
    await bench.until(lambda: contact_state(bench) == "queued")
    assert bench.told[-1] == ContactTransferred(CALLER, "help")


async def test_a_caller_on_hold_hangs_up(bench: Bench) -> None:
    leg = await hold(bench)
    bench.hung_up(CALLER)
    await bench.until(lambda: bench.told[-1] == ContactEnded(CALLER, "caller"))
    assert (await bench.asterisk.wait_for("Hangup"))[0]["channel"] == leg


async def test_a_transferred_caller_is_brought_back_before_the_agents_leg_ends(bench: Bench) -> None:
    leg = await talk(bench)
    bench.live.feed(ContactTransferred(CALLER, "help"))
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == leg
    assert bench.legs.joined(CALLER), "the end of the old FastAGI connection is no hang-up"
    names = [action["action"] for action in bench.asterisk.actions]
    assert names[-3:] == ["Setvar", "Redirect", "Hangup"]
    bench.hung_up(leg)
    await bench.until(lambda: bench.agent != "busy")
    assert contact_state(bench) in ("queued", "offered")


async def test_the_one_consulted_is_joined_with_who_asks_and_then_with_the_caller(bench: Bench) -> None:
    anna = bench.legs.of_contact(CALLER)
    assert anna is None
    ben = await consult_ben(bench)
    asking = bench.legs.of_contact(CALLER)
    assert asking
    assert (await bridges(bench, 2))[1] == (asking.channel_id, ben)
    bench.live.feed(TransferCompleted(CALLER, CONSULT))
    assert (await bridges(bench, 3))[2] == (CALLER_CHANNEL, ben)
    assert [action["channel"] for action in await bench.asterisk.wait_for("Hangup")] == [asking.channel_id]
    await bench.until(lambda: bench.legs.talked(CALLER))
    bench.hung_up(asking.channel_id)
    bench.hung_up(ben)
    await bench.until(lambda: contact_state(bench) == "gone")


async def test_who_asks_hangs_up_and_the_one_consulted_takes_over(bench: Bench) -> None:
    ben = await consult_ben(bench)
    asking = bench.legs.of_contact(CALLER)
    assert asking
    bench.hung_up(asking.channel_id)
    assert (await bridges(bench, 3))[2] == (CALLER_CHANNEL, ben)
    assert bench.told[-1] == TransferCompleted(CALLER, CONSULT)


async def test_a_hand_over_that_fails_lets_the_caller_wait_again(bench: Bench) -> None:
    await consult_ben(bench)
    bench.asterisk.answers["bridge"] = lambda action: error(action, "Channel2 does not exist")
    bench.live.feed(TransferCompleted(CALLER, CONSULT))
    await bench.until(lambda: contact_state(bench) in ("queued", "offered"))  # anna is free
    assert not bench.legs.joined(CALLER)


async def test_the_one_asked_declines_and_nobody_else_is_asked(bench: Bench) -> None:
    told: list[str] = []
    bench.talks.consult_failed = told.append
    ben = await ask_ben(bench)
    bench.hung_up(ben, 21, 603)
    bench.originated(ben, "Failure", 0)
    await bench.until(lambda: told == [CALLER])
    assert bench.told[-2:] == [OfferDeclined("o2"), ContactLeft(CONSULT, "left")]
    assert contact_state(bench) == "connected"


async def test_a_cancelled_consultation_is_no_news_for_who_cancelled_it(bench: Bench) -> None:
    told: list[str] = []
    bench.talks.consult_failed = told.append
    ben = await ask_ben(bench)
    bench.live.feed(ContactLeft(CONSULT, "left"))
    assert (await bench.asterisk.wait_for("Hangup"))[0]["channel"] == ben
    assert told == []


async def test_the_caller_hangs_up_during_a_consultation_and_both_legs_end(bench: Bench) -> None:
    await consult_ben(bench)
    bench.hung_up(CALLER)
    assert len(await bench.asterisk.wait_for("Hangup", 2)) == 2
    assert ends(bench) == [(CONSULT, None), (CALLER, None)]


@pytest.mark.parametrize("purpose", ["consult", "transfer"])
async def test_nobody_is_reached_outside(bench: Bench, purpose: str) -> None:
    told: list[str] = []
    bench.outside.failed = told.append
    await dial_outside(bench, purpose)
    bench.originated(OUTSIDE, "Failure", 0)
    if purpose == "consult":
        await bench.until(lambda: told == [CALLER])
        assert contact_state(bench) == "connected"
    else:
        await bench.until(lambda: contact_state(bench) == "queued")
    assert bench.outside.channels() == []


async def test_an_outside_party_is_joined_with_the_caller_who_has_then_been_answered(bench: Bench) -> None:
    await dial_outside(bench, "transfer")
    bench.originated(OUTSIDE)
    assert (await bridges(bench, 2))[1] == (CALLER_CHANNEL, OUTSIDE)
    await bench.until(lambda: ends(bench) == [(CALLER, None)])
    assert bench.legs.joined(CALLER), "the end of the caller's FastAGI connection is no hang-up"
    bench.hung_up(OUTSIDE)
    await bench.until(lambda: not bench.legs.joined(CALLER))


async def test_an_outside_party_who_cannot_be_joined_with_the_caller(bench: Bench) -> None:
    await dial_outside(bench, "transfer")
    bench.asterisk.answers["bridge"] = lambda action: error(action, "Channel2 does not exist")
    bench.originated(OUTSIDE)
    await bench.until(lambda: contact_state(bench) == "queued")
    assert OUTSIDE in [action["channel"] for action in await bench.asterisk.wait_for("Hangup", 2)]


async def test_the_caller_hangs_up_while_the_outside_party_rings(bench: Bench) -> None:
    await dial_outside(bench, "transfer")
    bench.hung_up(CALLER)
    await bench.until(lambda: ends(bench) == [(CALLER, None)])
    await bench.until(lambda: OUTSIDE in [action.get("channel") for action in bench.asterisk.actions])


# After a lost connection


def channels(bench: Bench, *blocks: str) -> None:
    bench.asterisk.answers["status"] = lambda action: listing(action, *blocks)


def caller(*lines: str) -> str:
    return status(CALLER, CALLER_CHANNEL, "Application: AGI", *lines)


def leg(channel_id: str, *lines: str, offer: str = "o1") -> str:
    return status(channel_id, "PJSIP/anna-00000002", UP, f"Variable: SB_OFFER={offer}", *lines)


async def test_a_hold_that_asterisk_has_not_heard_of_is_made_up_for(bench: Bench) -> None:
    channel_id = await hold(bench)
    channels(bench, caller("BridgeID: b"), leg(channel_id, "BridgeID: b"))
    found = await bench.resync()
    assert found.counts["on hold"] == 1
    assert len(await bench.asterisk.wait_for("Redirect", 2)) == 2


async def test_a_caller_on_hold_whose_agent_is_gone_waits_again(bench: Bench) -> None:
    await hold(bench)
    channels(bench, caller())
    await bench.resync()
    assert contact_state(bench) == "queued"


async def test_a_consultation_goes_on_and_one_without_who_asks_becomes_a_transfer(bench: Bench) -> None:
    ben = await consult_ben(bench)
    asking = bench.legs.of_contact(CALLER)
    assert asking
    both = leg(asking.channel_id, "BridgeID: b"), leg(ben, "BridgeID: b", offer="o2")
    channels(bench, caller(), *both)
    found = await bench.resync()
    assert (found.counts["consultations kept"], found.counts["on hold"]) == (1, 1)
    assert len(bench.live.router.offers()) == 2
    channels(bench, caller(), both[1])
    await bench.resync()
    assert (await bridges(bench, 3))[2] == (CALLER_CHANNEL, ben)


async def test_an_outside_party_who_talks_with_the_caller_is_left_alone_and_one_who_does_not_is_hung_up(
    bench: Bench,
) -> None:
    await dial_outside(bench, "transfer")
    bench.originated(OUTSIDE)
    await bench.until(lambda: ends(bench) == [(CALLER, None)])
    party = status(OUTSIDE, "PJSIP/world-00000003", UP, f"Variable: SB_OUTSIDE={CALLER}", "BridgeID: b")
    stray = status("sb-0-outside-7.", "PJSIP/world-00000004", UP, "Variable: SB_OUTSIDE=1700000000.9")
    channels(bench, caller("BridgeID: b"), party, stray)
    await bench.resync()
    await bench.until(lambda: "sb-0-outside-7." in hung_up(bench))
    assert OUTSIDE not in hung_up(bench)


def hung_up(bench: Bench) -> list[str]:
    return [action["channel"] for action in bench.asterisk.actions if action["action"] == "Hangup"]


async def test_a_call_outside_that_begins_while_asterisk_is_listing_is_kept(bench: Bench) -> None:
    channel_id = await hold(bench)

    def slow(action: Headers) -> str:
        bench.outside.dial(CALLER, OUTSIDE, "PJSIP/1@world", "", "consult")
        return listing(action, caller(), leg(channel_id))

    bench.asterisk.answers["status"] = slow
    await bench.resync()
    assert bench.outside.channels() == [OUTSIDE]


async def test_an_answer_outside_that_was_not_heard_is_found(bench: Bench) -> None:
    await dial_outside(bench, "transfer")
    channels(bench, caller(), status(OUTSIDE, "PJSIP/world-00000003", UP, f"Variable: SB_OUTSIDE={CALLER}"))
    await bench.resync()
    assert (await bridges(bench, 2))[1] == (CALLER_CHANNEL, OUTSIDE)


async def test_all_of_it_replays_to_the_same_decisions(bench: Bench) -> None:
    ben = await consult_ben(bench)
    bench.live.feed(TransferCompleted(CALLER, CONSULT))
    await bridges(bench, 3)
    bench.live.feed(ContactHeld(CALLER))
    bench.live.feed(ContactTransferred(CALLER, "help", {"notes": "x"}))
    bench.hung_up(ben)
    await bench.until(lambda: not bench.legs.of_contact(CONSULT))
    replayed = replay(bench.journal)
    assert replayed.divergence is None
    assert replayed.router.snapshot() == bench.live.router.snapshot()


def fell_silent(bench: Bench, leg: str, *, flag: int = 1) -> None:
    """Asterisk hangs a phone up from which no sound has come, in the order of events seen on a real one."""
    bench.asterisk.send(event("SoftHangupRequest", f"Uniqueid: {leg}", f"Cause: {flag}"))
    bench.hung_up(leg, cause=44)


async def test_the_caller_of_a_phone_that_died_waits_again_and_the_agent_is_paused(bench: Bench) -> None:
    leg = await talk(bench)
    fell_silent(bench, leg)
    await bench.until(lambda: bench.agent == "paused unreachable")
    assert contact_state(bench) == "queued"
    assert ends(bench) == [(CALLER, "help")]
    (redirect,) = await bench.asterisk.wait_for("Redirect")
    assert (redirect["channel"], redirect["context"]) == (CALLER, CONTEXT_BACK)


async def test_a_phone_that_a_command_hangs_up_has_not_died(bench: Bench) -> None:
    leg = await talk(bench)
    fell_silent(bench, leg, flag=32)
    await bench.until(lambda: contact_state(bench) == "gone")
    assert bench.agent == "ready"


async def test_the_caller_on_hold_of_a_phone_that_died_waits_again(bench: Bench) -> None:
    leg = await hold(bench)
    fell_silent(bench, leg)
    await bench.until(lambda: contact_state(bench) == "queued")
    assert ends(bench) == [(CALLER, "help")]
    assert bench.agent == "paused unreachable"


async def test_a_phone_that_died_while_its_agent_is_consulted_costs_nobody_else_anything(bench: Bench) -> None:
    ben = await consult_ben(bench)
    fell_silent(bench, ben)
    await bench.until(lambda: bench.live.router.contact(CONSULT) is None)
    assert contact_state(bench) == "connected"
    assert bench.talks.on_hold(CALLER)
    found = bench.live.router.agent("ben")
    assert found
    assert (found.state, found.shown_reason) == ("paused", "unreachable")

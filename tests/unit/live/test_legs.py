"""Agents' legs against a fake Asterisk: events in every order, late ones, failed joins, a lost connection."""

import asyncio

import pytest

from router.core.decisions import OfferEnded
from router.core.events import AgentSignedIn, ContactArrived, ContactEnded, ContactLeft, OfferAccepted, OfferFailed
from router.live.legs import Party
from router.live.recovery import replay
from tests.support.bench import CALLER, CALLER_CHANNEL, Bench
from tests.support.fake_ami import error, event, success


def causes(bench: Bench) -> list[str]:
    return [decision.cause for decision in bench.decided if isinstance(decision, OfferEnded)]


async def talk(bench: Bench) -> str:
    """Until the two are joined."""
    leg = await bench.ring()
    bench.originated(leg)
    await bench.until(lambda: bench.legs.talked(CALLER))
    return leg


async def test_an_answer_joins_the_two_by_the_callers_whole_channel_name(bench: Bench) -> None:
    leg = await talk(bench)
    (bridge,) = await bench.asterisk.wait_for("Bridge")
    assert (bridge["channel1"], bridge["channel2"]) == (CALLER_CHANNEL, leg)
    names = [action["action"] for action in bench.asterisk.actions]
    assert names.index("Setvar") < names.index("Bridge")  # SB_TALKED must be there when the caller comes back
    assert bench.agent == "busy"


async def test_the_agents_hang_up_ends_the_talk(bench: Bench) -> None:
    leg = await talk(bench)
    bench.hung_up(leg)
    await bench.until(lambda: bench.told[-1] == ContactEnded(CALLER, "agent"))
    assert bench.agent == "ready"
    assert bench.legs.offers() == []
    assert not bench.legs.joined(CALLER)


async def test_the_callers_hang_up_ends_the_talk_and_the_agents_leg(bench: Bench) -> None:
    leg = await talk(bench)
    bench.hung_up(CALLER)
    await bench.until(lambda: bench.told[-1] == ContactEnded(CALLER, "caller"))
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == leg
    bench.hung_up(leg)
    await bench.until(lambda: not bench.legs.offers())


@pytest.mark.parametrize("first", ["agent", "caller"])
@pytest.mark.parametrize("told_first", ["agent", "caller"])
async def test_who_ended_a_talk_is_who_asked_first_however_asterisk_tells_of_the_two_ends(
    bench: Bench, first: Party, told_first: Party
) -> None:
    channels = {"agent": await talk(bench), "caller": CALLER}
    for who in sorted(channels, key=lambda who: who != first):
        bench.asterisk.send(event("HangupRequest", f"Uniqueid: {channels[who]}"))
    bench.hung_up(channels[told_first])
    await bench.until(lambda: isinstance(bench.told[-1], ContactEnded))
    assert bench.told[-1] == ContactEnded(CALLER, first)


@pytest.mark.parametrize("hangup_first", [True, False])
@pytest.mark.parametrize(
    ("reason", "cause", "sip", "expected"),
    [
        (0, 21, 603, "declined"),
        (0, 17, 486, "busy"),
        (3, 19, 480, "no_answer"),
        (0, 34, 503, "congestion"),
        (0, 21, 403, "error"),
    ],
)
async def test_the_cause_is_known_in_whatever_order_the_two_events_come(
    bench: Bench, hangup_first: bool, reason: int, cause: int, sip: int, expected: str
) -> None:
    leg = await bench.ring()
    if hangup_first:
        bench.hung_up(leg, cause, sip)
    bench.originated(leg, "Failure", reason)
    if not hangup_first:
        bench.hung_up(leg, cause, sip)
    await bench.until(lambda: causes(bench))
    assert causes(bench)[0] == expected
    assert leg not in {bench.legs._by_offer[offer].channel_id for offer in bench.legs.offers()}


async def test_a_failure_without_any_channel_is_an_unreachable_phone(bench: Bench) -> None:
    leg = await bench.ring()
    bench.originated(leg, "Failure", 0)
    await bench.until(lambda: causes(bench) == ["unreachable"])
    assert bench.legs.offers() == []


async def test_a_leg_that_answered_and_was_gone_before_the_answer_was_told_is_not_joined(bench: Bench) -> None:
    leg = await bench.ring()
    bench.hung_up(leg)
    bench.originated(leg)
    await bench.until(lambda: causes(bench) == ["error"])
    assert OfferAccepted("o1") not in bench.told
    assert bench.legs.offers() == []


async def test_a_late_answer_to_an_offer_that_was_cancelled_is_hung_up(bench: Bench) -> None:
    leg = await bench.ring()
    bench.live.feed(ContactLeft(CALLER))
    await bench.asterisk.wait_for("Hangup")
    bench.originated(leg)  # it was on its way
    assert len(await bench.asterisk.wait_for("Hangup", 2)) == 2
    bench.hung_up(leg)
    await bench.until(lambda: not bench.legs.offers())
    assert OfferAccepted("o1") not in bench.told
    assert bench.agent == "ready"


async def test_an_answer_of_which_nobody_knows_is_hung_up(bench: Bench) -> None:
    bench.originated("sb-0-99.")
    (hangup,) = await bench.asterisk.wait_for("Hangup")
    assert hangup["channel"] == "sb-0-99."


async def test_a_bridge_that_fails_while_the_caller_is_there_lets_the_caller_wait_again(bench: Bench) -> None:
    bench.asterisk.answers["bridge"] = lambda action: error(action, "Unable to add Channel2 to bridge")
    leg = await bench.ring()
    bench.originated(leg)
    await bench.until(lambda: causes(bench) == ["error"])
    contact = bench.live.router.contact(CALLER)
    assert contact is not None
    assert contact.state == "queued"
    assert not bench.legs.joined(CALLER)
    assert [action["value"] for action in await bench.asterisk.wait_for("Setvar", 2)] == ["yes", "no"]
    await bench.asterisk.wait_for("Hangup")


async def test_a_bridge_that_fails_because_the_caller_is_gone_ends_the_contact(bench: Bench) -> None:
    bench.asterisk.answers["setvar"] = bench.asterisk.answers["bridge"] = lambda action: error(
        action, "No such channel"
    )
    leg = await bench.ring()
    bench.originated(leg)
    await bench.until(lambda: bench.live.router.contact(CALLER) is None)
    await bench.asterisk.wait_for("Hangup")
    bench.hung_up(leg)
    await bench.until(lambda: not bench.legs.offers())
    assert bench.agent == "ready"


async def test_a_leg_that_goes_while_it_is_being_joined_frees_both_once(bench: Bench) -> None:
    def refuse(action: dict[str, str]) -> str:
        bench.hung_up(leg)
        return error(action, "Channel2 does not exist")

    bench.asterisk.answers["bridge"] = refuse
    leg = await bench.ring()
    bench.originated(leg)
    await bench.until(lambda: causes(bench) == ["error"])
    await bench.until(lambda: not bench.legs.offers())
    assert bench.told.count(OfferFailed("o1", "error")) == 1


async def test_a_phone_that_cannot_be_rung_for_want_of_a_connection_fails_at_once(bench: Bench) -> None:
    await bench.asterisk.shut()
    await bench.until(lambda: not bench.client.connected)
    bench.live.feed(ContactArrived(CALLER, "help"))
    bench.live.feed(AgentSignedIn("anna"))
    await bench.until(lambda: causes(bench) == ["error"])
    assert bench.legs.offers() == []


async def test_an_originate_without_an_answer_may_ring_and_is_left_to_the_offers_deadline(bench: Bench) -> None:
    bench.asterisk.answers["originate"] = None
    leg = await bench.ring()
    await asyncio.sleep(0.7)  # the action's time is over
    assert causes(bench) == []
    bench.originated(leg)
    await bench.until(lambda: bench.legs.talked(CALLER))


async def test_a_cancelled_leg_that_never_came_to_be_is_forgotten(bench: Bench) -> None:
    bench.asterisk.answers["hangup"] = lambda action: error(action, "No such channel")
    await bench.ring()
    bench.live.feed(ContactLeft(CALLER))
    await bench.until(lambda: not bench.legs.offers())


async def test_what_happened_replays_to_the_same_decisions(bench: Bench) -> None:
    leg = await talk(bench)
    bench.hung_up(leg)
    await bench.until(lambda: bench.agent == "ready")
    replayed = replay(bench.journal)
    assert replayed.divergence is None
    assert replayed.events == len(bench.told)
    assert replayed.decisions == len(bench.decided)
    assert replayed.router.snapshot() == bench.live.router.snapshot()


async def test_callers_text_cannot_break_out_of_the_action(bench: Bench) -> None:
    bench.legs._caller_id_of = lambda contact: "1\r\nAction: Logoff"
    bench.asterisk.answers["logoff"] = lambda action: success(action)
    bench.live.feed(AgentSignedIn("anna"))
    bench.live.feed(ContactArrived(CALLER, "help"))
    await bench.until(lambda: causes(bench) == ["error"])
    assert "Logoff" not in [action["action"] for action in bench.asterisk.actions]
    assert bench.legs.offers() == []

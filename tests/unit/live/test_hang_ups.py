"""Hang-ups that were asked for, in the order of events seen on a real Asterisk when one crossed a Bridge: HangupRequest
of the leg, the Bridge's success, and then nothing more."""

import asyncio

import pytest

from router.core.events import ContactEnded
from router.live import hang_ups
from tests.support.bench import CALLER, Bench
from tests.support.fake_ami import Headers, error, event, success


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hang_ups, "GRACE_S", 0.05)


def asked(bench: Bench, channel: str, name: str = "HangupRequest") -> None:
    bench.asterisk.send(event(name, f"Channel: PJSIP/someone-{channel}", f"Uniqueid: {channel}"))


async def crossed(bench: Bench, who: str | None = None) -> str:
    """A call whose agent (or `who`) hangs up while the Bridge is under way; Asterisk joins the two all the same."""

    def bridge(action: Headers) -> str:
        asked(bench, who or leg)
        return success(action)

    bench.asterisk.answers["bridge"] = bridge
    leg = await bench.ring()
    bench.originated(leg)
    await bench.until(lambda: bench.legs.talked(CALLER))
    return leg


async def test_an_agent_whose_hang_up_was_lost_in_the_joining_is_hung_up(bench: Bench) -> None:
    leg = await crossed(bench)
    (hang_up,) = await bench.asterisk.wait_for("Hangup")
    assert hang_up["channel"] == leg
    bench.hung_up(leg)
    await bench.until(lambda: bench.told[-1] == ContactEnded(CALLER, "agent"))
    assert bench.agent == "ready"
    assert bench.legs.offers() == []


async def test_a_caller_whose_hang_up_was_lost_in_the_joining_is_hung_up(bench: Bench) -> None:
    await crossed(bench, CALLER)
    (hang_up,) = await bench.asterisk.wait_for("Hangup")
    assert hang_up["channel"] == CALLER
    bench.hung_up(CALLER)
    await bench.until(lambda: bench.told[-1] == ContactEnded(CALLER, "caller"))


@pytest.mark.parametrize("name", ["HangupRequest", "SoftHangupRequest"])
async def test_who_goes_in_time_needs_nobody(bench: Bench, name: str) -> None:
    leg = await bench.ring()
    asked(bench, leg, name)
    bench.hung_up(leg)
    await asyncio.sleep(4 * hang_ups.GRACE_S)
    assert "Hangup" not in [action["action"] for action in bench.asterisk.actions]


async def test_a_hang_up_that_is_lost_again_is_repeated_until_the_channel_is_gone(bench: Bench) -> None:
    answers = iter([success, success, lambda action: error(action, "No such channel")])
    bench.asterisk.answers["hangup"] = lambda action: next(answers)(action)
    leg = await crossed(bench)
    assert {action["channel"] for action in await bench.asterisk.wait_for("Hangup", 3)} == {leg}
    await asyncio.sleep(12 * hang_ups.GRACE_S)  # longer than to the next try
    assert len(await bench.asterisk.wait_for("Hangup", 3)) == 3


async def test_a_lost_connection_is_waited_for(bench: Bench) -> None:
    leg = await bench.ring()
    asked(bench, leg)
    await bench.until(lambda: bench.hang_ups.pending)
    await bench.asterisk.shut()
    await bench.until(lambda: not bench.client.connected)
    await asyncio.sleep(2 * hang_ups.GRACE_S)
    await bench.asterisk.listen()
    assert (await bench.asterisk.wait_for("Hangup"))[0]["channel"] == leg


async def test_channels_of_others_are_none_of_our_business(bench: Bench) -> None:
    asked(bench, "1699999999.7")
    leg = await bench.ring()
    asked(bench, leg)
    assert [action["channel"] for action in await bench.asterisk.wait_for("Hangup")] == [leg]

"""Actions that would not mean what was asked are refused before they are sent."""

from collections.abc import Callable

import pytest

from router.ami import actions
from router.ami.codec import encode
from router.ami.errors import AmiMisuse

LEG = actions.own_channel_id("3f2a", "17")
CALLER = "PJSIP/trunk-0000001a"


def leg(**changed: object) -> actions.Action:
    arguments = {"channel": "PJSIP/anna", "channel_id": LEG, "context": "sb-agent-leg", "extension": "s"} | changed
    return actions.originate(**arguments)  # type: ignore[arg-type]


def test_originate_is_asynchronous_and_has_its_own_channel_id() -> None:
    action = leg(timeout_ms=22_000, caller_id="100", variables={"SB_OFFER": "o1"})
    assert action == {
        "Channel": "PJSIP/anna",
        "ChannelId": LEG,
        "Context": "sb-agent-leg",
        "Exten": "s",
        "Priority": 1,
        "CallerID": "100",
        "Timeout": 22_000,
        "Async": True,
        "Variable": ["SB_OFFER=o1"],
    }


def test_no_value_sets_a_second_variable() -> None:
    assert leg(variables={"A": '1,B=2 "x" (y) \\'})["Variable"] == ['A=1\\,B=2 \\"x\\" \\(y\\) \\\\']


def test_a_caller_s_name_stays_within_its_quotes() -> None:
    assert actions.caller_id('Eve" <911>\r\nVariable: X=1', "55>5\0") == '"Eve 911Variable: X=1" <555>'
    assert actions.caller_id("", "555") == "555"
    assert len(actions.caller_id("x" * 500, "1")) < 100


def test_no_own_channel_id_is_the_prefix_of_another() -> None:
    short, long = actions.own_channel_id("e", "1"), actions.own_channel_id("e", "10")
    assert not long.startswith(short)
    assert actions.bridge(CALLER, short) == {"Channel1": CALLER, "Channel2": short, "Tone": "no"}


@pytest.mark.parametrize("channel", ["1700000000.1", "sb-e-1", "PJSIP/trunk", "PJSIP/", "", "sb-a.b."])
def test_bridge_takes_nothing_that_may_be_the_beginning_of_a_stranger(channel: str) -> None:
    with pytest.raises(AmiMisuse, match="would take any channel that begins so"):
        actions.bridge(channel, LEG)
    with pytest.raises(AmiMisuse, match="would take any channel that begins so"):
        actions.bridge(CALLER, channel)


@pytest.mark.parametrize("name", [CALLER, "Local/s@sb-call-00000003;2", "DAHDI/i1/5551234-1b"])
def test_bridge_takes_whole_channel_names(name: str) -> None:
    assert actions.bridge(name, LEG)["Channel1"] == name


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda: leg(channel="anna"), "no dial string"),
        (lambda: leg(channel="PJSIP/" + "a" * 255), "no dial string"),
        (lambda: leg(channel_id=""), "cannot be a ChannelId"),
        (lambda: leg(channel_id="a b"), "cannot be a ChannelId"),
        (lambda: leg(channel_id="a" * 150), "cannot be a ChannelId"),
        (lambda: leg(timeout_ms=0), "time-out of 0 ms"),
        (lambda: leg(caller_id="x" * 256), "caller id"),
        (lambda: leg(context=""), "no place in a dialplan"),
        (lambda: leg(priority=0), "no place in a dialplan"),
        (lambda: leg(variables={"A,B": "1"}), "neither a channel variable nor a function"),
        (lambda: actions.hangup(""), "no channel"),
        (lambda: actions.hangup("/.*/"), "regular expression"),
        (lambda: actions.hangup(CALLER, 0), "not within 1-127"),
        (lambda: actions.setvar("", "A", "1"), "no channel"),
        (lambda: actions.setvar(CALLER, "A=1", "1"), "neither a channel variable nor a function"),
        (lambda: actions.redirect(CALLER, "c", ""), "no place in a dialplan"),
        (lambda: actions.redirect("", "c", "s"), "no channel"),
        (lambda: actions.status(variables=["A", "B C"]), "neither a channel variable nor a function"),
        (lambda: actions.own_channel_id("a.b"), "cannot be a ChannelId"),
        (lambda: actions.own_channel_id("a" * 150), "cannot be a ChannelId"),
    ],
)
def test_misuse_is_named(wrong: Callable[[], object], why: str) -> None:
    with pytest.raises(AmiMisuse, match=why):
        wrong()


def test_status_and_the_small_ones_read_as_asterisk_wants_them() -> None:
    status = encode("Status", "1", actions.status(variables=["SB_OFFER", "TIMEOUT(absolute)"]))
    assert b"Variables: SB_OFFER,TIMEOUT(absolute)\r\n" in status
    assert b"Channel:" not in status
    assert actions.hangup(CALLER, 21) == {"Channel": CALLER, "Cause": 21}
    assert actions.setvar(CALLER, "TIMEOUT(absolute)", "0")["Variable"] == "TIMEOUT(absolute)"
    assert actions.redirect(CALLER, "sb-call", "s", 3) == {
        "Channel": CALLER,
        "Context": "sb-call",
        "Exten": "s",
        "Priority": 3,
    }

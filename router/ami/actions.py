"""The manager actions that the engine uses, as header mappings for `AmiClient.action` and `collect`, checked.

`AmiMisuse` says what would not mean what was asked: Asterisk itself takes odd values for something else (a number it
cannot read for the default, a channel name for a prefix) and says Success.

Source: Asterisk 22 `main/manager.c` and `main/features.c` (`action_bridge`). What is said to be
seen was seen on 22.10.1.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from asterisk_conf.names import CHANNEL_PREFIX
from router.ami.codec import Value
from router.ami.errors import AmiMisuse

Action = dict[str, Value | Sequence[str]]

CHANNEL_ID_LIMIT: Final = 149  # AST_MAX_PUBLIC_UNIQUEID
DIAL_STRING_LIMIT: Final = 255  # Asterisk copies Channel and CallerID into 256 bytes and cuts off the rest

_CHANNEL_ID: Final = re.compile(r"[A-Za-z0-9._-]+")
_CHANNEL_NAME: Final = re.compile(r"[A-Za-z0-9_]+/\S.*-[0-9A-Za-z]+(;[12])?")
_OWN_ID: Final = re.compile(re.escape(CHANNEL_PREFIX) + r"[A-Za-z0-9_-]+\.")
_VARIABLE: Final = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*|[A-Z][A-Z0-9_]*\([^()]*\)")


def originate(
    *,
    channel: str,
    channel_id: str,
    context: str,
    extension: str,
    priority: int = 1,
    caller_id: str = "",
    timeout_ms: int = 30_000,
    variables: Mapping[str, str] | None = None,
) -> Action:
    """Rings `channel` (`PJSIP/anna`) and, once answered, lets it go on in the dialplan.

    Success only means that the attempt has begun; an `OriginateResponse` event with this ActionID and `channel_id` as
    its Uniqueid tells how it ended (see `causes`). That event may come before the Response. A `channel_id` in use makes
    no second channel and touches not the first: Success, then OriginateResponse with Failure and Reason 0.
    A dialplan place that does not exist is refused at once ("Extension does not exist."). Variables are set before the
    phone rings; `__NAME` is inherited by channels made from this one. `caller_id` is what the agent's phone shows
    (see `caller_id()`). Asynchronous always: otherwise Asterisk answers nothing else on this connection
    until the phone is answered.
    """
    if "/" not in channel or len(channel.encode()) > DIAL_STRING_LIMIT:
        raise AmiMisuse(
            f"Originate: {channel[:80]!r} is no dial string; like PJSIP/anna, at most {DIAL_STRING_LIMIT} bytes"
        )
    if not _CHANNEL_ID.fullmatch(channel_id) or len(channel_id) > CHANNEL_ID_LIMIT:
        raise AmiMisuse(
            f"Originate: {channel_id!r} cannot be a ChannelId: letters, digits, . _ - up to {CHANNEL_ID_LIMIT}"
        )
    if timeout_ms <= 0:
        raise AmiMisuse(f"Originate: a time-out of {timeout_ms} ms")
    if len(caller_id.encode()) > DIAL_STRING_LIMIT:
        raise AmiMisuse(f"Originate: a caller id of more than {DIAL_STRING_LIMIT} bytes")
    return {
        "Channel": channel,
        "ChannelId": channel_id,
        **_place(context, extension, priority),
        "CallerID": caller_id or None,
        "Timeout": timeout_ms,
        "Async": True,
        "Variable": [f"{_variable_name(name)}={_escaped(value)}" for name, value in (variables or {}).items()],
    }


def own_channel_id(*parts: str) -> str:
    """A ChannelId of the engine's own, such as `sb-3f2a-17.`: the full stop is only at its end, so that none is the
    prefix of another (see `bridge`). Parts are of letters, digits, _ and -."""
    channel_id = f"{CHANNEL_PREFIX}{'-'.join(parts)}."
    if not _OWN_ID.fullmatch(channel_id) or len(channel_id) > CHANNEL_ID_LIMIT:
        raise AmiMisuse(f"{channel_id!r} cannot be a ChannelId: letters, digits, _ and -, up to {CHANNEL_ID_LIMIT}")
    return channel_id


def bridge(channel1: str, channel2: str) -> Action:
    """Joins two channels, taking each out of whatever it does (seen: 2 ms, in mid-prompt too).

    Asterisk searches here, unlike in the other actions, by *prefix*, of names and then of Uniqueids: `1700000000.1`
    also finds 1700000000.18, a stranger. So each must be the whole name of a channel (those of PJSIP and Local have
    numbers of fixed width) or an id made by `own_channel_id`.

    A channel in a bridge already is stolen from it. A channel taken out of an AGI loses it: the AGI goes on with a
    corpse (`Surrogate/...`), whose variables are not the channel's. When the talk ends because the other one hung up,
    a channel goes on at the dialplan line after the one it was taken from; AGISTATUS is then not set, and
    TIMEOUT(absolute) is gone. Refused when one is not there ("Channel1 does not exist: ..."); when only the second
    cannot be added, the first has been taken out already and goes on in its dialplan.
    """
    for channel in (channel1, channel2):
        if not _CHANNEL_NAME.fullmatch(channel) and not _OWN_ID.fullmatch(channel):
            raise AmiMisuse(
                f"Bridge: {channel!r} is neither the whole name of a channel nor from own_channel_id(); Asterisk would "
                "take any channel that begins so"
            )
    return {"Channel1": channel1, "Channel2": channel2, "Tone": "no"}


def hangup(channel: str, cause: int = 16) -> Action:
    """Hangs up one channel, by its name or Uniqueid. `cause` (Q.850, 1-127) becomes the channel's. Refused with "No
    such channel" when it is gone. A name in slashes is a regular expression to Asterisk and hangs up every match."""
    if channel.startswith("/"):
        raise AmiMisuse(f"Hangup: {channel!r} would be a regular expression")
    if not 1 <= cause <= 127:
        raise AmiMisuse(f"Hangup: cause {cause} is not within 1-127; Asterisk would hang up without a cause")
    return {"Channel": _channel("Hangup", channel), "Cause": cause}


def status(*, channel: str = "", variables: Sequence[str] = ()) -> Action:
    """For `collect(..., until="StatusComplete")`: one `Status` event for each channel, or for `channel` only (refused
    with "No such channel" when it is gone).

    Of use in it: Channel, Uniqueid, Linkedid, Context, Exten, Priority, ChannelState, BridgeID (empty unless talking),
    Application (`AGI`; `(null)` in a bridge), TimeToHangup, and the asked `variables` (`Message.variables`). Seconds
    counts from the channel's latest masquerade, not from its beginning.
    """
    for name in variables:
        _variable_name(name)
    return {"Channel": channel or None, "Variables": ",".join(variables) or None}


def setvar(channel: str, name: str, value: str) -> Action:
    """Sets a channel's variable or function (`TIMEOUT(absolute)`). Without a channel Asterisk would set a global."""
    return {"Channel": _channel("Setvar", channel), "Variable": _variable_name(name), "Value": value}


def redirect(channel: str, context: str, extension: str, priority: int = 1) -> Action:
    """Sends a channel elsewhere in the dialplan, taking it out of its application or bridge; its partner there goes on
    in its own dialplan. To a place that does not exist Asterisk says Success and hangs up: check places beforehand.
    """
    return {"Channel": _channel("Redirect", channel), **_place(context, extension, priority)}


def redirect_both(channel: str, place: tuple[str, str], partner: str, partners_place: tuple[str, str]) -> Action:
    """Sends two channels that talk with each other to (context, extension) each, at one stroke, so that neither goes on
    in its own dialplan. Names and Uniqueids stay. Refused, and nobody is moved, when one of them is gone."""
    extra = {f"Extra{name}": value for name, value in _place(*partners_place, 1).items()}
    return {**redirect(channel, *place), "ExtraChannel": _channel("Redirect", partner), **extra}


def mix_monitor_mute(channel: str, muted: bool) -> Action:
    """Makes every recording of the channel silent, in both directions, or lets it sound again. Takes the right `call`;
    to begin a recording by AMI takes `system`, which lets run commands on Asterisk's machine (`app_mixmonitor.c`)."""
    return {"Channel": _channel("MixMonitorMute", channel), "Direction": "both", "State": "1" if muted else "0"}


def caller_id(name: str, number: str) -> str:
    """`"Name" <number>` of words that a caller may have chosen: what would end the name or the number is left out."""
    name, number = (re.sub(r'[\x00-\x1f\x7f"<>\\]', "", text).strip()[:80] for text in (name, number))
    return f'"{name}" <{number}>' if name else number


def _escaped(value: str) -> str:
    """A value of `Variable: NAME=value`: Asterisk splits the line at commas, so that `1,OTHER=2` would set a second
    variable; it takes off quotes and minds brackets, too."""
    return re.sub(r'([\\",()\[\]])', r"\\\1", value)


def _place(context: str, extension: str, priority: int) -> Action:
    if not context or not extension or priority < 1:
        raise AmiMisuse(f"({context!r}, {extension!r}, {priority!r}) is no place in a dialplan")
    return {"Context": context, "Exten": extension, "Priority": priority}


def _channel(action: str, channel: str) -> str:
    if not channel:
        raise AmiMisuse(f"{action}: no channel")
    return channel


def _variable_name(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise AmiMisuse(f"{name!r} is neither a channel variable nor a function such as TIMEOUT(absolute)")
    return name

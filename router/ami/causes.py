"""What became of a call we originated: Asterisk's numbers -> the router's words.

An Originate with `Async: true` ends in two events, in either order: `OriginateResponse` (its `Reason`) and, when a
channel was made at all, `Hangup` (its `Cause`, and in Asterisk 20+ `TechCause`, the SIP status). Seen on Asterisk
22.10.1: `Reason` is 4 for an answer, 3 when our own `Timeout` ran out, and mostly 0 for everything else, so that a
decline and a busy phone differ only in the Hangup. Without a channel (no contact registered, no such endpoint) only
`OriginateResponse` comes, with Reason 0.

Sources: `include/asterisk/frame.h` (AST_CONTROL_*: Reason), `include/asterisk/causes.h` (ITU-T Q.850), `res_pjsip.c`
(`ast_sip_hangup_sip2cause`), `main/pbx.c` (`pbx_dial_reason`).
"""

from typing import Final, Literal

Outcome = Literal["answered", "no_answer", "declined", "busy", "unreachable", "congestion", "error"]

ANSWERED: Final = 4  # AST_CONTROL_ANSWER

_BY_REASON: Final[dict[int, Outcome]] = {
    1: "error",  # AST_CONTROL_HANGUP
    2: "no_answer",  # RING: still being called when the time ran out
    3: "no_answer",  # RINGING: likewise
    5: "busy",
    8: "congestion",
}

_BY_CAUSE: Final[dict[int, Outcome]] = {
    1: "unreachable",  # no such number (SIP 404)
    2: "unreachable",  # no route
    3: "unreachable",
    5: "unreachable",  # misdialled trunk prefix
    17: "busy",  # SIP 486, 600
    18: "unreachable",  # the phone has never answered our request (SIP 408)
    19: "no_answer",  # SIP 480, or we gave up while it rang
    20: "unreachable",  # not registered
    21: "declined",  # SIP 603 (and 401, 403, 407: see _BY_SIP)
    22: "unreachable",  # number changed (SIP 410)
    26: "no_answer",  # answered elsewhere
    27: "unreachable",  # out of order (SIP 502)
    28: "unreachable",  # incomplete address (SIP 484)
    34: "congestion",  # SIP 503
    38: "congestion",  # network out of order (SIP 500)
    41: "congestion",
    42: "congestion",
    44: "congestion",
    102: "unreachable",  # a timer ran out (SIP 504)
}

_BY_SIP: Final[dict[int, Outcome]] = {
    # Cause 21 as well, yet nobody declined: the phone or its proxy does not let us in.
    401: "error",
    403: "error",
    407: "error",
}


def outcome(reason: int, cause: int | None = None, tech_cause: int | None = None, *, rang: bool = True) -> Outcome:
    """How an Originate ended, from OriginateResponse's `Reason` and the leg's Hangup `Cause` and `TechCause`.

    `cause` None: no Hangup came, so no channel was ever made. `rang` false: the phone never said that it rings
    (`Newstate` with ChannelState 5), so that time running out means a phone that is not there. The cause counts more
    than the reason, which says `congestion` for a decline. What no table knows is `error`; so is cause 16, our own
    hanging up, after which nobody should ask.
    """
    if reason == ANSWERED:
        return "answered"
    if cause is not None and tech_cause in _BY_SIP:
        return _BY_SIP[tech_cause]
    if cause in _BY_CAUSE:
        found = _BY_CAUSE[cause]
    elif cause is None and reason == 0:
        found = "unreachable"
    else:
        found = _BY_REASON.get(reason, "error")
    return "unreachable" if found == "no_answer" and not rang else found

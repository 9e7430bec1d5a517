"""Asterisk's applications, and what becomes of each in a flow."""

from collections.abc import Callable

from ivr.importing.dialplan import asking, connecting, going
from ivr.importing.dialplan.translate import Here, Went

_NOTHING = (
    "answer noop verbose log progress ringing proceeding wait waitforsilence resetcdr nocdr forkcdr stopplaytones "
    "stopmusiconhold celgenuserevent userevent dumpchan stackpop setamaflags"
)
"""What callers do not notice, or what a flow does by itself."""

_ADVICE = {
    "voicemailmain": "listening to messages: `switchboard voicemail`, or *97 at a phone of the centre",
    "directory": "let callers choose from a menu, or connect them with a person",
    "confbridge": "conferences are no part of a call centre's flows",
    "meetme": "conferences are no part of a call centre's flows",
    "system": "a program: tell another system by a notify node",
    "trysystem": "a program: tell another system by a notify node",
    "authenticate": "ask for a PIN by a verify node",
    "vmauthenticate": "ask for a PIN by a verify node",
    "disa": "callers cannot dial out through a flow; a dial node connects with one number",
    "mixmonitor": "talks are recorded by `recording` of the queue",
    "monitor": "talks are recorded by `recording` of the queue",
    "musiconhold": "music is played by queues",
    "startmusiconhold": "music is played by queues",
    "setmusiconhold": "music is played by queues",
    "page": "nobody is paged by a flow",
    "park": "agents hold and transfer calls instead",
    "parkedcall": "agents hold and transfer calls instead",
    "transfer": "a dial node connects with an outside number",
    "sipaddheader": "a thing of the channel",
    "playtones": "play a prompt instead",
    "mailboxexists": "mailboxes of a flow always exist",
    "lookupblacklist": "ask a list of your own by a lookup node",
    "dbget": "ask a list of your own by a lookup node",
    "dbput": "tell another system by a notify node",
}


def _nothing(here: Here) -> Went:
    return here.place.next


def _advised(advice: str) -> Callable[[Here], Went]:
    def handler(here: Here) -> Went:
        here.find("left out", f"{here.application} has no counterpart; callers go on behind it", advice)
        return here.place.next

    return handler


APPLICATIONS: dict[str, Callable[[Here], Went]] = {
    **dict.fromkeys(_NOTHING.split(), _nothing),
    **{name: _advised(advice) for name, advice in _ADVICE.items()},
    "playback": asking.playback,
    "background": asking.background,
    "backgrounddetect": asking.background,
    "waitexten": asking.wait_exten,
    "read": asking.read,
    "festival": asking.speak,
    "flite": asking.speak,
    "swift": asking.speak,
    "agi": asking.agi,
    "eagi": asking.agi,
    "deadagi": asking.agi,
    "saydigits": asking.say("digits"),
    "sayalpha": asking.say("digits"),
    "saynumber": asking.say("number"),
    "sayunixtime": asking.say_time,
    "datetime": asking.say_time,
    "goto": going.goto,
    "gotoif": going.goto_if,
    "gotoiftime": going.goto_if_time,
    "execif": going.exec_if,
    "gosub": going.gosub,
    "gosubif": going.gosub_if,
    "macro": going.macro,
    "macroexit": going.return_,
    "return": going.return_,
    "set": going.set_,
    "setvar": going.set_,
    "mset": going.mset,
    "while": going.while_,
    "endwhile": going.end_while,
    "queue": connecting.queue,
    "dial": connecting.dial,
    "voicemail": connecting.voicemail,
    "record": connecting.record,
    "hangup": connecting.hangup("normal"),
    "busy": connecting.hangup("busy"),
    "congestion": connecting.hangup("congestion"),
    "zapateller": connecting.hangup("not in service"),
}

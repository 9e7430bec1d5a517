"""The applications that connect a caller, take a message, or end the call: Dial, Queue, Voicemail, Hangup..."""

import re
from collections.abc import Callable

from ivr.importing.dialplan.expressions import value
from ivr.importing.dialplan.operators import Untranslatable, quoted
from ivr.importing.dialplan.places import Place
from ivr.importing.dialplan.translate import Here, Node, Went
from ivr.importing.draft import mailbox

_NUMBER = re.compile(r"\+?[0-9]{5,20}")
_LONG_S = 3_600


def queue(here: Here) -> Went:
    name, options, _, _, seconds, *_ = [*here.split(), *[""] * 5]
    wait = here.constant(seconds)
    made = here.flow.draft.queue(here.constant(name), float(wait) if wait.isdecimal() else _LONG_S)
    here.find(
        "to do", f"who answers the queue {made!r} is not in a dialplan", "agents.yaml, and its goal in queues.yaml"
    )
    if "c" in options:
        here.find("changed", "after the talk the call ends (option c)")

    def node() -> Node:
        late, else_ = (
            here.to(here.flow.outcome(here.place.next, "QUEUESTATUS", status)) for status in ("TIMEOUT", "JOINUNAVAIL")
        )
        return {"type": "enqueue", "queue": made, **_priority(here), "exits": {"timeout": late}, "otherwise": else_}

    return node


def _priority(here: Here) -> dict[str, int]:
    written = here.place.value("QUEUE_PRIO") or ""
    return {"priority": int(written)} if written.isdecimal() else {}


def dial(here: Here) -> Went:
    to, seconds, options, *_ = [*here.split(), *[""] * 3]
    wait = here.constant(seconds)
    ring_s = float(wait) if wait.isdecimal() and int(wait) else 0.0
    ends = "g" not in re.sub(r"\(.*?\)", "", options)
    if (unheeded := re.sub(r"\(.*?\)", "", options).translate(str.maketrans("", "", "gtTrRkKwWhHiI"))) != "":
        here.find("changed", f"the options {unheeded!r} of Dial are not heeded")
    if to.lower().startswith("local/") and "&" not in to:
        return _local(here, to)
    outside = _outside(here, to)
    if outside:
        here.find("to do", f"outside number {outside}", "allow it in settings.outbound of centre.yaml, with a trunk")
        return lambda: _dialled(here, outside, ring_s, ends)
    return lambda: _phones(here, to, ring_s, ends)


def _local(here: Here, to: str) -> Went:
    extension, _, context = here.constant(to).partition("/")[2].removesuffix("/n").partition("@")
    here.find("changed", "a Local channel: the call goes on there and does not come back")
    return here.place.at(context.split("/")[0] or here.place.context, extension)


def _outside(here: Here, to: str) -> str:
    """The number of an outside call as an expression; empty: none."""
    if "&" in to:
        return ""
    _, _, rest = to.partition("/")
    number = ""
    if "@" in rest and "/" not in rest.partition("@")[0]:
        number = rest.partition("@")[0]
    elif "/" in rest:
        number = re.sub(r"^sips?:", "", rest.rpartition("/")[2]).partition("@")[0]
    if not number:
        return ""
    found = value(number, here.scope)
    if found.constant is not None:
        return quoted(found.constant) if _NUMBER.fullmatch(found.constant) else ""
    return found.cel


def _dialled(here: Here, number: str, ring_s: float, ends: bool) -> Node:
    ways = {
        name: here.to(here.flow.outcome(here.place.next, "DIALSTATUS", status))
        for name, status in (("busy", "BUSY"), ("no_answer", "NOANSWER"), ("otherwise", "CHANUNAVAIL"))
    }
    if not ends:
        ways = {"answered": here.to(here.flow.outcome(here.place.next, "DIALSTATUS", "ANSWER")), **ways}
    rings = {"ring_s": min(max(ring_s, 1.0), 120.0)} if ring_s else {}
    return {"type": "dial", "number": number, **rings, **ways}


def _phones(here: Here, to: str, ring_s: float, ends: bool) -> Node:
    """Phones of one's own are rung by a queue: its agents sign in there."""
    attributes = {}
    try:
        name = "phone-" + "-".join(part.partition("/")[2] or part for part in here.constant(to).split("&"))
    except Untranslatable:
        name, attributes = "phones", {"phone": value(to.partition("/")[2] or to, here.scope).cel}
    made = here.flow.draft.queue(name, ring_s or _LONG_S)
    do = f"let whoever has this phone answer {made!r}: agents.yaml"
    here.find("changed", f"phones of one's own are rung as the queue {made!r}", do)
    behind = here.to(here.flow.outcome(here.place.next, "DIALSTATUS", "NOANSWER"))
    node: Node = {"type": "enqueue", "queue": made}
    if attributes:
        node["attributes"] = attributes
    if not ends:
        node["answered"] = here.to(here.flow.outcome(here.place.next, "DIALSTATUS", "ANSWER"))
    return {**node, "exits": {"timeout": behind}, "otherwise": behind}


def voicemail(here: Here) -> Went:
    to, options, *_ = [*here.split(), ""]
    first = to.split("&")[0]
    attributes = {}
    try:
        box = mailbox(here.constant(first).partition("@")[0])
    except Untranslatable:
        box, attributes = "messages", {"mailbox": value(first.partition("@")[0], here.scope).cel}
        here.find("changed", "which mailbox only the call knows: all go to 'messages', with contact.mailbox")
    if "&" in to:
        here.find("changed", f"only one mailbox takes the message: {box!r}")
    if any(letter in options for letter in "ub"):
        here.find("to do", f"the greeting of mailbox {box!r} is a recording of its owner", "record it as a prompt")
    say = [] if "s" in options else [here.flow.draft.sound("vm-intro", here.step.file, here.step.line)]

    def node() -> Node:
        ways = (here.to(_left(here, status)) for status in ("SUCCESS", "FAILED"))
        taken: Node = {"type": "voicemail", **({"say": say} if say else {}), "mailbox": box}
        if attributes:
            taken["attributes"] = attributes
        return {**taken, "next": next(ways), "too_short": next(ways)}

    return node


def _left(here: Here, status: str) -> Place:
    place = here.flow.outcome(here.place.next, "VMSTATUS", status)
    return here.flow.outcome(place, "VOICEMAILSTATUS", status)


def record(here: Here) -> Went:
    file, silence, longest, *_ = [*here.split(), "", ""]
    silence_s, longest_s = here.constant(silence), here.constant(longest)
    here.find("changed", f"recorded as a message of the mailbox 'recordings', not as the file {file}")

    def node() -> Node:
        times = {"max_s": min(int(longest_s), 1_800)} if longest_s.isdecimal() and int(longest_s) else {}
        if silence_s.isdecimal() and int(silence_s):
            times["silence_s"] = min(int(silence_s), 60)
        behind = here.to(here.place.next)
        return {"type": "record", "say": [here.flow.draft.silence()], **times, "next": behind, "too_short": behind}

    return node


def hangup(reason: str) -> Callable[[Here], Went]:
    """The handler of an application that ends the call for this reason."""

    def handler(here: Here) -> Went:
        return here.flow.end(reason)

    return handler

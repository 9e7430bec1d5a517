"""FreePBX's destinations, such as `ext-queues,600,1`: what they are by their names alone."""

import re
from collections.abc import Callable, Collection

from ivr.importing.draft import Draft, FlowDraft, mailbox

NAMED_ONLY = frozenset(
    {"ext-group", "ext-local", "from-did-direct", "from-internal", "from-internal-xfer", "app-blackhole"}
)
"""The contexts that FreePBX writes in many lines of its own for what a flow has a node for."""

HOUSEKEEPING = frozenset({"user-callerid", "blkvm-set", "blkvm-setifempty", "blkvm-clr"})
"""The macros by which FreePBX keeps its own books; callers notice nothing of them."""

_REASONS = {"busy": "busy", "congestion": "congestion", "zapateller": "not in service", "no-service": "not in service"}
_LEFT_OUT = {
    "app-directory": "let callers choose from a menu, or connect them with a person",
    "app-pbdirectory": "let callers choose from a menu, or connect them with a person",
    "directory": "let callers choose from a menu, or connect them with a person",
    "ext-meetme": "conferences are no part of a call centre's flows",
    "disa": "callers cannot dial out through a flow; a dial node connects with one number",
    "ext-fax": "faxes are no part of a call centre's flows",
    "callback": "a callback node rings callers back",
    "ext-trunk": "a dial node connects with an outside number",
    "app-vmmain": "listening to messages: `switchboard voicemail`",
    "ext-featurecodes": "codes are dialled by agents: docs/agents.md",
    "callrecording": "talks are recorded by `recording` of the queue",
    "dynroute": "ask by a lookup node, and lead on by a branch",
    "ext-paging": "nobody is paged by a flow",
}


def is_freepbx(contexts: Collection[str]) -> bool:
    """Whether FreePBX wrote these contexts."""
    return any(re.fullmatch(r"ivr-\d+", name) for name in contexts) and bool(
        {"from-did-direct", "ext-queues", "app-blackhole", "ext-local", "macro-hangupcall"} & set(contexts)
    )


def split_destination(destination: str) -> tuple[str, str]:
    """`ext-queues,600,1` as `ext-queues` and `600`."""
    context, _, rest = destination.strip().partition(",")
    return context.strip(), rest.partition(",")[0].strip()


def named_destination(
    draft: Draft,
    flow: FlowDraft,
    end: Callable[[str], str],
    destination: str,
    known: Collection[str] = (),
    file: str = "",
    line: int = 0,
) -> str | None:
    """The node for a destination; None where its name says nothing. `end` makes a node that hangs up."""
    context, extension = split_destination(destination)
    box = re.fullmatch(r"vm[usbi](\w+)", extension)
    if context == "app-blackhole":
        return end(_REASONS.get(extension, "normal"))
    if context == "ext-local" and box:
        return _voicemail(draft, flow, end, box[1], file, line)
    if context == "ext-queues":
        return _queue(draft, flow, end, extension, 3_600, destination, "who answers the queue", file, line)
    if context == "ext-group":
        return _queue(draft, flow, end, f"group-{extension}", 60, destination, "who is in the ring group", file, line)
    if context in ("from-did-direct", "ext-local", "from-internal", "from-internal-xfer"):
        return _queue(draft, flow, end, f"phone-{extension}", 60, destination, "whose phone this is", file, line)
    kind = next((kind for kind in _LEFT_OUT if context == kind or context.startswith(f"{kind}-")), None)
    if kind:
        why = "this destination has no counterpart; the call ends there"
        draft.find("left out", file, line, destination, why, _LEFT_OUT[kind])
        return end(f"not imported: {context}")
    if context in known:
        return None
    draft.find("left out", file, line, destination, "where this leads is not in the files; the call ends there",
               "import it together with the others")  # fmt: skip
    return end(f"not imported: {context}")


def _queue(
    draft: Draft,
    flow: FlowDraft,
    end: Callable[[str], str],
    wanted: str,
    longest_s: float,
    destination: str,
    who: str,
    file: str,
    line: int,
) -> str:
    made = draft.queue(wanted, longest_s)
    draft.find("to do", file, line, destination, f"{who} is not said: queue {made!r}", "agents.yaml and queues.yaml")
    return enqueue(flow, made, made, end("normal"))


def enqueue(flow: FlowDraft, name: str, queue: str, behind: str) -> str:
    """A node that puts callers into the queue; `behind` is where they go who are not answered."""
    node = {"type": "enqueue", "queue": queue, "exits": {"timeout": behind}, "otherwise": behind}
    for known, other in flow.nodes.items():
        if other == node:
            return known
    made = flow.new_id(name)
    flow.nodes[made] = node
    return made


def _voicemail(draft: Draft, flow: FlowDraft, end: Callable[[str], str], box: str, file: str, line: int) -> str:
    behind = end("normal")
    say = [draft.sound("vm-intro", file, line)]
    node = {"type": "voicemail", "say": say, "mailbox": mailbox(box), "next": behind, "too_short": behind}
    for known, other in flow.nodes.items():
        if other == node:
            return known
    made = flow.new_id(f"voicemail-{box}")
    flow.nodes[made] = node
    return made

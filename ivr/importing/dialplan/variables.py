"""Which variables of a dialplan are followed while it is imported, and which become attributes."""

import re
from dataclasses import dataclass

from ivr.importing.dialplan.operators import Operand, Scope, quoted
from ivr.importing.dialplan.source import Dialplan
from ivr.importing.draft import attribute

OUTCOMES = ("DIALSTATUS", "QUEUESTATUS", "VMSTATUS", "VOICEMAILSTATUS", "READSTATUS", "PLAYBACKSTATUS")
TIMEOUTS = ("TIMEOUT(digit)", "TIMEOUT(response)")
_FIXED = (
    "playback", "background", "backgrounddetect", "read", "goto", "gotoif", "gotoiftime", "gosub", "gosubif", "macro",
    "queue", "voicemail", "waitexten", "record", "execif", "dial",
)  # fmt: skip
"""The applications whose arguments our documents need as they are."""
_USED = re.compile(r"\$\{(?:GLOBAL\()?_*(\w+)")
_SET = re.compile(r"^\s*(?:LOCAL\(|GLOBAL\()?_*(\w+)\)?\s*=(.*)$", re.DOTALL)
ASSIGNING = ("set", "setvar", "setglobalvar", "mset")


@dataclass(frozen=True, slots=True)
class Variables:
    """`followed`: those that must be known while importing. `numbers` are set by arithmetic, `blanks` to nothing;
    `used` are all that something looks at."""

    followed: frozenset[str]
    numbers: frozenset[str]
    blanks: frozenset[str]
    used: frozenset[str]

    def assignment(self, name: str, found: Operand, scope: Scope) -> dict[str, str]:
        """What a `set` node writes for this variable."""
        own = attribute(name)
        if found.constant is not None:
            if name in self.numbers and re.fullmatch(r"-?\d{1,15}", found.constant):
                return {own: found.constant}
            return {own: quoted(found.constant)}
        if found.kind == "truth":
            return {own: f"{found.full or found.cel} ? '1' : '0'"}
        if found.variable:
            return {own: scope.missing(found, "''")}
        return {own: found.cel}


def variables_of(plan: Dialplan) -> Variables:
    """What the whole dialplan does with its variables."""
    sets = list(_assignments(plan))
    numbers = frozenset(name for name, text in sets if re.fullmatch(r"\s*\$\[[^\"]*[-+*/%][^\"]*\]\s*", text))
    counters = frozenset(name for name, text in sets if name in _USED.findall(text) and name in numbers)
    followed = {*OUTCOMES, *TIMEOUTS, "QUEUE_PRIO"}
    for _, _, _, step in plan.steps():
        if step.application.lower() in _FIXED:
            followed |= set(_USED.findall(_without_conditions(step.application.lower(), step.arguments)))
    while more := {used for name, text in sets if name in followed for used in _USED.findall(text)} - followed:
        followed |= more
    asked = {name for _, _, _, step in plan.steps() if step.application.lower() == "read"
             for name in [step.arguments.partition(",")[0].strip()]}  # fmt: skip
    blanks = frozenset(name for name, text in sets if not text.strip())
    used = frozenset(name for _, _, _, step in plan.steps() for name in _USED.findall(step.arguments))
    return Variables(frozenset(followed - counters - asked - {"EXTEN", "CALLERID"}), numbers, blanks, used)


def split_assignment(text: str) -> tuple[str, str] | None:
    """`NAME` and its value of a Set."""
    found = _SET.fullmatch(text)
    return (found[1], found[2].strip().strip('"')) if found else None


def _assignments(plan: Dialplan) -> list[tuple[str, str]]:
    texts = [step.arguments for _, _, _, step in plan.steps() if step.application.lower() in ASSIGNING]
    texts += [
        inner
        for _, _, _, step in plan.steps()
        if step.application.lower() == "execif"
        for inner in re.findall(r"[Ss]et\((.*?)\)(?:$|:)", step.arguments)
    ]
    return [found for text in texts if (found := split_assignment(text)) is not None]


def _without_conditions(application: str, arguments: str) -> str:
    """What is asked need not be known, only what follows from it."""
    if application in ("gotoif", "gosubif", "execif"):
        return arguments[_end_of_condition(arguments) :]
    return arguments


def _end_of_condition(arguments: str) -> int:
    depth = 0
    for position, character in enumerate(arguments):
        depth += (character in "[{(") - (character in "]})")
        if character == "?" and depth <= 0:
            return position
    return 0

"""What a shell tells the flow machine: the answers to its effects."""

from typing import Any, Literal

import msgspec


class Input(msgspec.Struct, frozen=True, tag_field="input", tag=True):
    """Base of all inputs."""


class Played(Input, frozen=True):
    """The prompts were played to their end, or until one of `Play.keys`: that `key`."""

    key: str = ""


class Keys(Input, frozen=True):
    """The keys pressed. `ended_by` says why no more came: enough digits, a terminator, or time."""

    digits: str = ""
    ended_by: Literal["length", "terminator", "timeout"] = "timeout"


class LookedUp(Input, frozen=True):
    """The lookup answered with this JSON value and HTTP status."""

    status: int
    data: Any = None


class LookupFailed(Input, frozen=True):
    """The lookup gave nothing usable: `cause` for the caller's exit, `detail` for the admin's log."""

    cause: Literal["timeout", "refused", "unreachable", "bad_response"]
    detail: str = ""


class Verified(Input, frozen=True):
    """Whether the PIN was right; `locked`: too many were wrong, so it was not looked at (any more)."""

    result: Literal["right", "wrong", "locked"]


class Dequeued(Input, frozen=True):
    """The caller came back from the queue: `exit` is `answered` after a talk, otherwise the exit that the queue's
    last action names (`overflow`, `voicemail`, ...)."""

    exit: str


class WayOut(Input, frozen=True):
    """The caller pressed this key of `Enqueue.keys` while waiting."""

    key: str


class CallbackBooked(Input, frozen=True):
    """The caller will be rung. `merged`: there was one already for this caller, and it stands."""

    merged: bool = False


class VoicemailTaken(Input, frozen=True):
    """The message is stored; with an empty `voicemail` it was too short and was thrown away."""

    voicemail: str
    duration_ms: int = 0


DialOutcome = Literal["answered", "busy", "no_answer", "unavailable", "refused"]


class DialEnded(Input, frozen=True):
    """The outside call is over. `refused`: the centre does not dial this number; `unavailable`: nobody can reach it."""

    outcome: DialOutcome
    talk_ms: int = 0


class HungUp(Input, frozen=True):
    """The caller is gone. Allowed in every state; the session ends."""


class EffectFailed(Input, frozen=True):
    """The shell could not do the effect (a sound file that will not play, say); the node's error exit is taken."""

    detail: str = ""


AnyInput = (
    Played
    | Keys
    | LookedUp
    | LookupFailed
    | Verified
    | Dequeued
    | WayOut
    | CallbackBooked
    | VoicemailTaken
    | DialEnded
    | HungUp
    | EffectFailed
)

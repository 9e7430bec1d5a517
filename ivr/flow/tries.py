"""Asking again: silence and wrong keys, counted apart, each with its own prompts, limit and way out."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ivr.flow.names import Target
from ivr.flow.node import Part
from ivr.flow.speak import SayItem, SayList

if TYPE_CHECKING:
    from ivr.flow.turn import Turn

Why = Literal["no_input", "no_match"]


class Retries(Part):
    """How often to ask again, what to say first, and where to go when it is enough."""

    retries: int = Field(2, ge=0, le=10, description="How often to ask again.")
    say: SayList = Field((), description="Said before asking again.")
    to: Target = Field(description="Where to go after the last try.")


def may_try_again(turn: "Turn", why: Why, limit: Retries) -> bool:
    """Whether one more try is left; counts it."""
    tried = turn.memory.get(why, 0)
    if tried >= limit.retries:
        return False
    turn.memory |= {why: tried + 1, "last": why}
    return True


def said_first(turn: "Turn", no_input: Retries, no_match: Retries) -> tuple[SayItem, ...]:
    """What comes before the question: why it is asked again, if it is."""
    last = turn.memory.get("last")
    return no_input.say if last == "no_input" else no_match.say if last == "no_match" else ()

"""What a waiting caller hears besides music: the place in the queue and the likely wait, in Asterisk's own sounds."""

from ivr.flow.effects import Prompt, Say, Spoken
from router.core.ewt import WaitEstimate

# Sounds of Asterisk's core set, which exists in every language it speaks.
_NEXT = Prompt("queue-youarenext", "Your call is now first in line.", ("queue-youarenext",))
_THERE_ARE = Prompt("queue-thereare", "You are currently caller number", ("queue-thereare",))
_WAITING = Prompt("queue-callswaiting", "waiting to speak with a representative.", ("queue-callswaiting",))
_HOLD_TIME = Prompt("queue-holdtime", "The estimated hold time is currently", ("queue-holdtime",))
_LESS_THAN = Prompt("queue-less-than", "less than", ("queue-less-than",))
_MINUTES = Prompt("queue-minutes", "minutes.", ("queue-minutes",))
_THANKS = Prompt("queue-thankyou", "Thank you for your patience.", ("queue-thankyou",))


def waiting_announcement(
    position: int, estimate: WaitEstimate | None, *, say_position: bool, say_wait: bool
) -> tuple[Spoken, ...]:
    """The announcement for a caller at `position` (1 is first). The wait is spoken as a bound that holds for four
    callers of five (the 80 % quantile, in whole minutes), never as a single number that is mostly wrong."""
    spoken: list[Spoken] = []
    if say_position:
        spoken += [_NEXT] if position <= 1 else [_THERE_ARE, Say("number", str(position)), _WAITING]
    if say_wait and estimate is not None:
        minutes = max(2, -(-estimate.p80_ms // 60_000))
        spoken += [_HOLD_TIME, _LESS_THAN, Say("number", str(minutes)), _MINUTES]
    return (*spoken, _THANKS) if spoken else ()

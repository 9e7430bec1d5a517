"""What all channels have in common that we ring ourselves: agents' legs, customers of callbacks, outside parties.

Each is made by an Originate with a ChannelId of our own. Two events tell what became of it, in either order: the
OriginateResponse, whether it was answered, and the Hangup, which knows the cause.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from router.ami import actions, causes
from router.ami.client import AmiClient, AmiDisconnected, AmiError, AmiRefused, AmiTimeout, Event
from router.core.events import AnyEvent, OfferDeclined, OfferFailed, OfferNotAnswered

log = logging.getLogger(__name__)

# A channel that was only just ordered may not exist yet when we want it gone again.
HANGUP_TRIES = 10
HANGUP_RETRY_S = 0.05
# After an OriginateResponse without a Hangup before it: how long we wait for the Hangup, which knows the cause.
CAUSE_GRACE_S = 0.5


@dataclass(slots=True)
class Rung:
    """A channel that is rung for a contact. `unwanted`: it is to go, and what becomes of it concerns nobody. `hangup`
    and `failed` are the events that have told of its end and of an answer that did not come."""

    contact: str
    channel_id: str
    unwanted: bool = field(default=False, kw_only=True)
    hangup: Event | None = field(default=None, kw_only=True)
    failed: Event | None = field(default=None, kw_only=True)

    def not_answered(self, event: Event, then: Callable[[], None]) -> None:
        """The OriginateResponse was no success: `then` can say why, at once or after the Hangup has had its time."""
        self.failed = event
        if self.hangup is not None:
            then()
        else:
            asyncio.get_running_loop().call_later(CAUSE_GRACE_S, then)

    def outcome(self) -> causes.Outcome:
        """Why nobody answered."""
        reason = _number_in(self.failed, "Reason") or 0
        return causes.outcome(reason, _number_in(self.hangup, "Cause"), _number_in(self.hangup, "TechCause"))


def may_ring(error: AmiError) -> bool:
    """Whether an Originate that failed so may have rung all the same: a deadline or the next resync finds out."""
    return isinstance(error, AmiTimeout) or (isinstance(error, AmiDisconnected) and error.sent)


async def hang_up(client: AmiClient, channel_id: str, gone: Callable[[], bool]) -> bool:
    """Hangs up a channel that is rung or talks. While Asterisk knows no such channel it may be about to come, unless it
    is `gone`. Returns whether there is none to hang up."""
    for _ in range(HANGUP_TRIES):
        try:
            await client.action("Hangup", actions.hangup(channel_id))
            return False
        except AmiRefused:
            if gone():
                return True
            await asyncio.sleep(HANGUP_RETRY_S)
        except AmiError as error:
            log.warning("cannot hang up %s: %s", channel_id, error)
            return False
    return True


def _number_in(event: Event | None, name: str) -> int | None:
    text = event.get(name, "") if event else ""
    return int(text) if text.isascii() and text.isdigit() else None


def offer_failure(offer: str, outcome: causes.Outcome) -> AnyEvent:
    """The router's event for a leg that did not come to an answer."""
    match outcome:
        case "declined":
            return OfferDeclined(offer)
        case "no_answer":
            return OfferNotAnswered(offer)
        case "busy" | "unreachable" | "congestion":
            return OfferFailed(offer, outcome)
        case _:
            return OfferFailed(offer, "error")

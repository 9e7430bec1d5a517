"""Which sums of a tally a contact or an agent's time goes into: for the running metrics and for reports alike."""

import math

from router.core.decisions import AgentState
from router.core.tallies import RATIO, AgentTally, ContactTally, Waits

_LOG_RATIO = math.log(RATIO)


def bucket_of(wait_ms: int) -> int:
    """The bucket of this wait: -1 for none, else the smallest b with RATIO^b >= `wait_ms`."""
    return math.ceil(math.log(wait_ms) / _LOG_RATIO) if wait_ms > 0 else -1


def count_one(waits: Waits, wait_ms: int, sign: int = 1) -> None:
    """Counts this wait; `sign` -1 takes back one that was counted."""
    buckets, bucket = waits.buckets, bucket_of(wait_ms)
    buckets[bucket] = buckets.get(bucket, 0) + sign
    waits.count += sign


def count_answer(tally: ContactTally, wait_ms: int, within_ms: int, callback: bool = False, sign: int = 1) -> None:
    """Counts a contact that an agent took after this wait, `within_ms` being the goal; `sign` -1 takes it back."""
    if callback:
        tally.callbacks += sign
        tally.callbacks_reached += sign
        tally.callback_wait_ms += sign * wait_ms
        return
    tally.answered += sign
    tally.wait_answered_ms += sign * wait_ms
    if wait_ms <= within_ms:
        tally.answered_within += sign
    count_wait(tally, wait_ms, sign)


def count_unanswered(tally: ContactTally, outcome: str, wait_ms: int, short_ms: int, callback: bool = False) -> None:
    """Counts a contact that ended (`ContactFinished.outcome`) without an agent; `short_ms`: the short abandon's."""
    if outcome == "merged":
        tally.merged += 1
        return
    if callback:
        tally.callbacks += 1
        tally.callbacks_unreached += outcome == "unreached"
        return
    if outcome == "abandoned":
        tally.abandoned += 1
        tally.wait_abandoned_ms += wait_ms
        tally.short_abandons += wait_ms < short_ms
    elif outcome == "left":
        tally.left += 1
    else:
        tally.overflowed += 1
    count_wait(tally, wait_ms)


def count_wait(tally: ContactTally, wait_ms: int, sign: int = 1) -> None:
    """Counts the wait of a contact whose waiting ended here; `sign` -1 takes back one that was counted."""
    if wait_ms > 0:
        tally.wait_all_ms += sign * wait_ms
        tally.had_to_wait += sign
        tally.longest_wait_ms = max(tally.longest_wait_ms, wait_ms)
    count_one(tally.waits, wait_ms, sign)


def count_span(tally: AgentTally, state: AgentState, span_ms: int) -> None:
    """Counts time that the agent spent in this state."""
    if state == "ready":
        tally.ready_ms += span_ms
    elif state == "busy":
        tally.busy_ms += span_ms
    elif state == "ringing":
        tally.ringing_ms += span_ms
    elif state == "wrap_up":
        tally.wrap_up_ms += span_ms
    elif state == "paused":
        tally.paused_ms += span_ms

"""Which sums of a tally a contact or an agent's time goes into: for the running metrics and for reports alike."""

import math

from router.core.decisions import AgentState
from router.core.tallies import RATIO, AgentTally, ContactTally

_LOG_RATIO = math.log(RATIO)


def bucket_of(wait_ms: int) -> int:
    """The bucket of this wait: -1 for none, else the smallest b with RATIO^b >= `wait_ms`."""
    return math.ceil(math.log(wait_ms) / _LOG_RATIO) if wait_ms > 0 else -1


class ContactSums:
    """What nearly every contact adds to a tally, in numbers of its own, which compiled code adds up at once. The tally
    has them after `settle`."""

    arrived: int = 0
    offers: int = 0
    answered: int = 0
    answered_within: int = 0
    wait_answered_ms: int = 0
    waits: int = 0
    wait_all_ms: int = 0
    had_to_wait: int = 0
    longest_wait_ms: int = 0
    waiting_ms: int = 0
    finished: int = 0
    talk_ms: int = 0

    def __init__(self, of: ContactTally) -> None:
        self.of = of
        self._buckets: dict[int, int] = of.waits.buckets

    def answer(self, wait_ms: int, within_ms: int, sign: int = 1) -> None:
        """Counts a contact that an agent took after this wait, `within_ms` being the goal; `sign` -1 takes it back."""
        self.answered += sign
        self.wait_answered_ms += sign * wait_ms
        if wait_ms <= within_ms:
            self.answered_within += sign
        self.wait(wait_ms, sign)

    def wait(self, wait_ms: int, sign: int = 1) -> None:
        """Counts the wait of a contact whose waiting ended here; `sign` -1 takes back one that was counted."""
        bucket = bucket_of(wait_ms)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + sign
        self.waits += sign
        if wait_ms > 0:
            self.had_to_wait += sign
            self.wait_all_ms += sign * wait_ms
            self.longest_wait_ms = max(self.longest_wait_ms, wait_ms)

    def settle(self) -> None:
        """Adds all of it to the tally, and begins anew."""
        of = self.of
        of.arrived += self.arrived
        of.offers += self.offers
        of.answered += self.answered
        of.answered_within += self.answered_within
        of.wait_answered_ms += self.wait_answered_ms
        of.waits.count += self.waits
        of.wait_all_ms += self.wait_all_ms
        of.had_to_wait += self.had_to_wait
        of.longest_wait_ms = max(of.longest_wait_ms, self.longest_wait_ms)
        of.waiting_ms += self.waiting_ms
        of.finished += self.finished
        of.talk_ms += self.talk_ms
        self.arrived = self.offers = self.answered = self.answered_within = self.wait_answered_ms = self.waits = 0
        self.wait_all_ms = self.had_to_wait = self.waiting_ms = self.finished = self.talk_ms = 0


class AgentSums:
    """The like of an agent."""

    offers: int = 0
    answered: int = 0
    ready_ms: int = 0
    ringing_ms: int = 0
    busy_ms: int = 0
    wrap_up_ms: int = 0
    paused_ms: int = 0

    def __init__(self, of: AgentTally) -> None:
        self.of = of

    def span(self, state: AgentState, span_ms: int) -> None:
        """Counts time that the agent spent in this state."""
        if state == "ready":
            self.ready_ms += span_ms
        elif state == "busy":
            self.busy_ms += span_ms
        elif state == "ringing":
            self.ringing_ms += span_ms
        elif state == "wrap_up":
            self.wrap_up_ms += span_ms
        elif state == "paused":
            self.paused_ms += span_ms

    def settle(self) -> None:
        """Adds all of it to the tally, and begins anew."""
        of = self.of
        of.offers += self.offers
        of.answered += self.answered
        of.ready_ms += self.ready_ms
        of.ringing_ms += self.ringing_ms
        of.busy_ms += self.busy_ms
        of.wrap_up_ms += self.wrap_up_ms
        of.paused_ms += self.paused_ms
        self.offers = self.answered = 0
        self.ready_ms = self.ringing_ms = self.busy_ms = self.wrap_up_ms = self.paused_ms = 0


def count_answer(tally: ContactTally, wait_ms: int, within_ms: int, callback: bool = False, sign: int = 1) -> None:
    """Counts a contact that an agent took, see `ContactSums.answer`."""
    if callback:
        tally.callbacks += sign
        tally.callbacks_reached += sign
        tally.callback_wait_ms += sign * wait_ms
        return
    sums = ContactSums(tally)
    sums.answer(wait_ms, within_ms, sign)
    sums.settle()


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
    sums = ContactSums(tally)
    sums.wait(wait_ms)
    sums.settle()

"""What is counted of contacts and agents: the sums from which `router.core.measures` makes the metrics.

Sums add up, so that tallies of intervals, queues or replications can be pooled. What counts where is in `tallying`.
"""

import math

import msgspec

from router.core.ewt import EstimateError

RATIO = 1.02
"""Of the bounds of neighbouring buckets."""


class Waits(msgspec.Struct):
    """A bounded sketch of how waits are distributed: counts in buckets whose bounds grow by 2 %.

    A quantile read from it is at most 1 % off, for any number of waits; there are at most some 1,100 buckets up to
    30 days. After C. Masson, J. Rim and H. Lee, "DDSketch", PVLDB 12 (2019).
    """

    count: int = 0
    buckets: dict[int, int] = {}

    def quantile_ms(self, share: float) -> int | None:
        """The smallest wait that at least `share` of all waits do not exceed; None without any."""
        if not self.count:
            return None
        missing = math.ceil(share * self.count)
        for bucket in sorted(self.buckets):
            missing -= self.buckets[bucket]
            if missing <= 0:
                break
        return round(2 * RATIO**bucket / (1 + RATIO)) if bucket >= 0 else 0

    def add(self, other: "Waits") -> None:
        self.count += other.count
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count


class ContactTally(msgspec.Struct):
    """The sums behind the metrics of a queue (or of all), for some span of time. Tallies of replications add up."""

    span_ms: int = 0
    arrived: int = 0
    moved_in: int = 0
    moved_out: int = 0
    answered: int = 0
    answered_within: int = 0
    abandoned: int = 0
    short_abandons: int = 0
    left: int = 0
    overflowed: int = 0
    had_to_wait: int = 0
    wait_answered_ms: int = 0
    wait_all_ms: int = 0
    wait_abandoned_ms: int = 0
    longest_wait_ms: int = 0
    waiting_ms: int = 0
    finished: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    transferred: int = 0
    handed_over: int = 0
    escalated: int = 0
    callbacks: int = 0
    callbacks_reached: int = 0
    callbacks_unreached: int = 0
    callback_wait_ms: int = 0
    merged: int = 0
    identified: int = 0
    repeated: int = 0
    identified_answered: int = 0
    followed: int = 0
    offers: int = 0
    declined: int = 0
    no_answer: int = 0
    offer_failed: int = 0
    flows: int = 0
    contained: int = 0
    csat_answers: int = 0
    csat_satisfied: int = 0
    nps_answers: int = 0
    nps_promoters: int = 0
    nps_detractors: int = 0
    ces_answers: int = 0
    ces_sum: int = 0
    waits: Waits = msgspec.field(default_factory=Waits)
    estimates: EstimateError = msgspec.field(default_factory=EstimateError)

    @property
    def ended(self) -> int:
        """Contacts whose waiting on the line ended here, and not by moving on."""
        return self.answered + self.abandoned + self.left + self.overflowed

    @property
    def offered(self) -> int:
        return self.ended + self.moved_out

    @property
    def talks(self) -> int:
        """Agents' talks that are over: a contact that was handed over has had several."""
        return self.finished + self.handed_over

    def count_survey(self, question: str, score: int) -> None:
        """Counts the answer to a question of a survey: `csat` (1 to 5), `nps` (0 to 10) or `ces` (1 to 7)."""
        match question:
            case "csat":
                self.csat_answers += 1
                self.csat_satisfied += score >= 4
            case "nps":
                self.nps_answers += 1
                self.nps_promoters += score >= 9
                self.nps_detractors += score <= 6
            case "ces":
                self.ces_answers += 1
                self.ces_sum += score
            case _:
                pass

    def add(self, other: "ContactTally") -> None:
        """Adds the other's sums: of other contacts in the same span."""
        for name in _CONTACT_SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_wait_ms = max(self.longest_wait_ms, other.longest_wait_ms)
        self.waits.add(other.waits)
        self.estimates.add(other.estimates)


_CONTACT_SUMS = tuple(
    name for name in ContactTally.__struct_fields__ if name not in ("span_ms", "longest_wait_ms", "waits", "estimates")
)


class AgentTally(msgspec.Struct):
    """The sums behind the metrics of an agent (or of all)."""

    ready_ms: int = 0
    ringing_ms: int = 0
    busy_ms: int = 0
    wrap_up_ms: int = 0
    paused_ms: int = 0
    offers: int = 0
    answered: int = 0
    declined: int = 0
    no_answer: int = 0
    offer_failed: int = 0

    @property
    def handling_ms(self) -> int:
        return self.busy_ms + self.wrap_up_ms

    @property
    def available_ms(self) -> int:
        return self.ready_ms + self.ringing_ms

    def add(self, other: "AgentTally") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

"""Whether a canary does worse than the version in force: the statistics of a trial. Pure.

What is compared. Calls that began since the canary did and are over, by the version they began with. An error: a node
could not do its work, or the flow failed. An abandon: the caller hung up in the IVR, before any queue.

When. At looks: when 10 calls of the canary are over, and then each time that they have grown by half (15, 23, 35, ...).
A look needs 10 calls in the version in force too.

The rule. For errors and for abandons Fisher's exact test, one-sided: with n calls in the canary, m in the version in
force, and k bad ones among all n + m, the number of bad ones among the n is hypergeometric if the versions do not
differ; p is the probability of as many as there were, or more (R. A. Fisher, The Design of Experiments, 1935, ch. 2).
It is exact however few calls there are. The canary is halted at look i if p < ALPHA / 2 / (i (i + 1)) for one of the
two: over all looks and both kinds these limits add up to ALPHA, so a canary that is no worse is halted with a
probability of at most ALPHA, however long the trial (Boole's inequality).
"""

from math import exp, lgamma

import msgspec

ALPHA = 0.05
LEAST_CALLS = 10
GROWTH = 1.5
KINDS = ("errors", "abandons")


class Arm(msgspec.Struct):
    """The calls of one of the two versions that are over."""

    calls: int = 0
    errors: int = 0
    abandons: int = 0

    def add(self, *, error: bool, abandon: bool) -> None:
        self.calls += 1
        self.errors += error
        self.abandons += abandon


class Trial(msgspec.Struct):
    """A canary beside the version in force, as far as it has come."""

    canary: Arm = msgspec.field(default_factory=Arm)
    in_force: Arm = msgspec.field(default_factory=Arm)

    def verdict(self) -> str:
        """Why the canary is to be halted, in words; empty: it goes on. To be asked whenever a call of the canary is
        over."""
        look = look_at(self.canary.calls)
        if look == 0 or self.in_force.calls < LEAST_CALLS:
            return ""
        limit = ALPHA / len(KINDS) / (look * (look + 1))
        for kind in KINDS:
            bad, beside = getattr(self.canary, kind), getattr(self.in_force, kind)
            p = fisher(bad, self.canary.calls, beside, self.in_force.calls)
            if p < limit:
                return (
                    f"{kind} have risen: {_share(bad, self.canary.calls)} in the canary, "
                    f"{_share(beside, self.in_force.calls)} in the version in force (Fisher's exact test, one-sided: "
                    f"p = {p:.2g}, the limit of look {look} is {limit:.2g})"
                )
        return ""


def look_at(calls: int) -> int:
    """The number of the look that is due when so many calls of the canary are over, from 1 on; 0: none."""
    look, due = 1, LEAST_CALLS
    while due < calls:
        look, due = look + 1, int(due * GROWTH + 0.5)
    return look if due == calls else 0


def fisher(bad: int, calls: int, bad_beside: int, calls_beside: int) -> float:
    """The probability of `bad` or more bad ones among `calls`, if those of both are spread over all at random."""
    all_bad, everybody = bad + bad_beside, calls + calls_beside
    whole = _log_choose(everybody, all_bad)
    most = min(calls, all_bad)
    terms = (
        exp(_log_choose(calls, one) + _log_choose(calls_beside, all_bad - one) - whole)
        for one in range(max(bad, all_bad - calls_beside), most + 1)
    )
    return min(1.0, sum(terms))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} calls ({part / whole:.0%})"

"""Reserved capacity: agents who are free and still do not get a contact, because the policy keeps them for others.

A step reserves those whom its condition lets in, in that step and in every later one whose condition is added to it:

* `keep_free: K`: one of them takes the contact only while more than K of them are free for its channel, so K remain.
  This is the idle-server threshold-priority rule: I. Gurvich, M. Armony and A. Mandelbaum, "Service-Level
  Differentiation in Call Centers with Fully Flexible Servers", Management Science 54 (2008).
* `lent_by: [Q...]`: they belong to these queues, and help only while none of them is below its goal (`goals`). Avaya's
  reserve agents and Genesys' shared agents are opened by the trouble of the borrower (here: `until` of the step
  before) and closed by that of the lender; so is this.

Who is let in by a condition that reserves nothing is not held back. Nor is an agent to whom somebody directed the
contact.
"""

from collections.abc import Iterable

from router.core.lines import ContactClass
from router.core.policy import Step
from router.core.pools import Pool
from router.core.state import State


def note_reserved(class_: ContactClass, pools: Iterable[Pool]) -> None:
    """Notes in a new class who of `pools`, all that may take it, may do so only by conditions that reserve."""
    chain = class_.step.chain
    truths = {pool: chain.truths(pool.example, class_.view) for pool in pools}
    class_.let_in = tuple(
        tuple([pool for pool, true in truths.items() if true[link]]) for link in range(len(chain.links))
    )
    for pool, true in truths.items():
        if not chain.fold(one and step is None for one, step in zip(true, chain.reserving, strict=True)):
            class_.reserved[pool.number] = true


def kept_for_others(state: State, class_: ContactClass, pool: Pool) -> str:
    """Why the free agents of this pool, which may take the class, do not get its contacts; "" if they do."""
    true = class_.reserved.get(pool.number)
    if true is None:
        return ""
    chain = class_.step.chain
    reasons = ["" if step is None else _why(state, class_, link, step) for link, step in enumerate(chain.reserving)]
    if chain.fold(one and not reason for one, reason in zip(true, reasons, strict=True)):
        return ""
    return next(reason for one, reason in zip(true, reasons, strict=True) if one and reason)


def _why(state: State, class_: ContactClass, link: int, step: Step) -> str:
    """What keeps those back whom this condition lets in; "" if nothing does."""
    for lender in step.lent_by:
        if state.below_goal(lender):
            return f"reserved: {lender}, which lends, is below its goal"
    if step.keep_free is not None:
        ready = sum(pool.ready(class_.channel) for pool in class_.let_in[link])
        if ready <= step.keep_free:
            return f"reserved: {step.keep_free} are kept free by the step {step.name}"
    return ""

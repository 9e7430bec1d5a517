"""Callers who were cut off, while waiting or in talk, and ring again (see `policy.Reentry`).

What is promised is what the queue's current policy says when the caller comes again. Whoever hangs up while waiting
may have been cut off, and so may whoever's talk is over: nobody can tell, so all are remembered who have a name
(`caller`), the latest CUT_OFF_REMEMBERED of them. Not remembered are those who took a way out, those sent on, and
callbacks that were not reached. A promise is kept once.
"""

from router.core.entities import Contact
from router.core.events import ContactArrived
from router.core.parts import CutOff
from router.core.state import CUT_OFF_REMEMBERED, State


def remember(state: State, contact: Contact) -> None:
    """The contact, whose caller has a name, is gone: it gave up waiting, or its talk is over."""
    queue = state.current.queues.get(contact.queue)
    if contact.consult_of is not None or queue is None or queue.spec.reentry is None:
        return
    now_ms, key = state.clock_ms, (contact.queue, contact.caller)
    if contact.state == "connected":
        cut_off = CutOff(*key, now_ms, agent=contact.agent)
    elif contact.callback is None:
        cut_off = CutOff(*key, now_ms, arrived_ms=contact.arrived_ms)
    else:
        return
    state.cut_off.pop(key, None)
    state.cut_off[key] = cut_off
    if len(state.cut_off) > CUT_OFF_REMEMBERED:
        del state.cut_off[next(iter(state.cut_off))]


def recall(state: State, event: ContactArrived) -> CutOff | None:
    """What the caller, by name, who arrives is promised, at most: the old age or the old agent."""
    if event.consult_of is not None:
        return None
    cut_off = state.cut_off.pop((event.queue, event.caller), None)
    reentry = state.current.queues[event.queue].spec.reentry
    if cut_off is None or reentry is None or state.clock_ms - cut_off.at_ms > reentry.within_ms:
        return None
    promised = reentry.agent if cut_off.agent is not None else reentry.place
    return cut_off if promised else None


def forget(state: State) -> None:
    """After a new policy: what no queue promises any more."""
    queues = state.current.queues
    state.cut_off = {
        key: cut_off
        for key, cut_off in state.cut_off.items()
        if key[0] in queues and queues[key[0]].spec.reentry is not None
    }

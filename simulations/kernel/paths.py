"""Where contacts may go: from queue to queue, by last actions and by the keys that waiting callers press."""

from collections.abc import Iterable, Mapping

from router.core.policy import Queue
from simulations.setting import Setting


def _following(setting: Setting) -> Mapping[str, list[str]]:
    """The queues that contacts may go to from each, in one step."""
    keys = [key for kind in setting.scenario.kinds.values() for key in (kind.waiting_keys or {}).values()]
    return {
        queue.name: [
            *_actions(queue),
            *(key.to_queue for key in keys if key.to_queue is not None and key.queue in (None, queue.name)),
        ]
        for queue in setting.policy.queues
    }


def _actions(queue: Queue) -> list[str]:
    actions = (queue.last_action, queue.when_full, queue.when_unstaffed)
    return [action.target for action in actions if action is not None and action.kind == "queue"]


def reached(setting: Setting, first: Iterable[str]) -> list[str]:
    """These queues and those to which their contacts may go on."""
    following = _following(setting)
    found: list[str] = []
    ahead = [*first]
    while ahead:
        name = ahead.pop()
        if name in following and name not in found:
            found.append(name)
            ahead += following[name]
    return found


def entered(setting: Setting) -> list[str]:
    """The queues that contacts come to at first."""
    kinds = setting.scenario.kinds.values()
    names = [name for kind in kinds for name in (kind.queue, *kind.arrivals.traced.summary.queues)]
    return [name for name in dict.fromkeys(names) if name is not None]


def go_round(setting: Setting) -> bool:
    """Whether a contact could come back to a queue that it was in."""
    following = _following(setting)
    return any(name in reached(setting, following[name]) for name in reached(setting, entered(setting)))


def most_waits(setting: Setting) -> int:
    """So many queues a contact waits in at most, if nobody goes round."""
    following = _following(setting)
    known: dict[str, int] = {}

    def longest(name: str) -> int:
        if name not in known:
            known[name] = 1 + max((longest(other) for other in following[name]), default=0)
        return known[name]

    return max((longest(name) for name in entered(setting)), default=1)

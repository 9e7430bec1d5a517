"""The policy: who may take which contact, who first, and what happens when nobody can. Plain data, versioned.

The centre's configuration (`switchboard.centre`) is what people write; this is what the router needs of it. Times are
integer milliseconds, money is per hour, skills have levels 1-10.
"""

from typing import Literal

import msgspec


class KeySpec(msgspec.Struct, frozen=True):
    """One ranking key by its registered name, with its parameters (see `router.core.strategies`)."""

    key: str
    parameters: dict[str, int | float | str | bool] = {}


class Condition(msgspec.Struct, frozen=True):
    """Who may take a contact: every named skill at its least level, and the CEL condition if there is one.

    A skill name of the form `contact.language` stands for the skill that the contact's attribute names.
    `where` is over `agent` (name, team, site, skills) and `contact` (attributes, queue, channel).
    A missing skill or attribute is false.
    """

    skills: dict[str, int] = {}
    where: str | None = None


class Until(msgspec.Struct, frozen=True):
    """When a step ends: as soon as any of these holds. Nothing set: it never ends by itself. `below_goal`: the queue
    does not keep its goal (see `router.core.goals`)."""

    after_ms: int | None = None
    clock: Literal["step", "age"] = "step"
    none_logged_in: bool = False
    none_available: bool = False
    refusals: int | None = None
    ewt_over_ms: int | None = None
    below_goal: bool = False


class Step(msgspec.Struct, frozen=True):
    """Who may take a contact from some moment on.

    `combine`: `replace` the previous step's condition, `add` to it (either suffices) or `narrow` it (both needed).
    `agent_ranking` replaces the queue's while the step lasts.

    Whom this condition lets in (and no earlier one that is not reserved) may be reserved for others, in this and every
    later step: `keep_free` so many of them stay free, and they help only while no queue of `lent_by`, the lenders, is
    below its goal (see `router.core.reservations`).
    """

    name: str
    condition: Condition = Condition()
    combine: Literal["replace", "add", "narrow"] = "replace"
    until: Until = Until()
    agent_ranking: tuple[KeySpec, ...] | None = None
    keep_free: int | None = None
    lent_by: tuple[str, ...] = ()

    @property
    def reserves(self) -> bool:
        return self.keep_free is not None or bool(self.lent_by)


class LastAction(msgspec.Struct, frozen=True):
    """What happens when the last step has ended or the longest wait is over; always explicit.

    `queue`: the contact goes to the queue `target` and keeps its age. `exit`: the contact leaves the router through
    the exit `target` (the flow's enqueue node goes on there: a message, self-service, hang up, ...).
    """

    kind: Literal["queue", "exit"]
    target: str


class Goal(msgspec.Struct, frozen=True):
    """`share` of contacts answered within `answered_within_ms`; leaving before `short_abandon_ms` does not count.

    For decisions, the goal is looked at over the last `window_ms`: a queue is below it when its share is lower, and
    keeps it again when its share is higher by `margin` (at most 1)."""

    answered_within_ms: int
    share: float
    short_abandon_ms: int = 0
    window_ms: int = 15 * 60_000
    margin: float = 0.05


class CallbackRules(msgspec.Struct, frozen=True):
    """How customers are rung back: at most `tries` times, `retry_ms` apart; `ring_ms` each. A callback that has not
    succeeded `expires_ms` after it was asked for (or its chosen time) ends as unreached."""

    tries: int = 3
    retry_ms: int = 10 * 60_000
    ring_ms: int = 30_000
    expires_ms: int | None = None


class Reentry(msgspec.Struct, frozen=True):
    """What a caller gets who was cut off, while waiting or in talk, and comes again within `within_ms`: the old age
    (`place`, for one who waited), or the old agent as the preferred one (`agent`, for one who talked)."""

    within_ms: int
    place: bool = True
    agent: bool = True


class Channel(msgspec.Struct, frozen=True):
    """A kind of contact. An agent has contacts of one channel at a time, but for two exceptions: one of this channel
    may come `beside` those of the channels listed, and it may interrupt (`interrupts`) those of the channels listed,
    which rest meanwhile. `auto_accept`: agents take offers without being asked."""

    name: str
    beside: tuple[str, ...] = ()
    interrupts: tuple[str, ...] = ()
    auto_accept: bool = False


class Queue(msgspec.Struct, frozen=True):
    """Where contacts wait. `floor` conditions hold in every step and never relax.

    A contact's priority is `priority + priority_per_minute x wait`, at most `priority_cap`. `full_at` waiting contacts,
    a further one meets `when_full` at once.

    A closed queue: who comes meets `when_closed` at once; who waits meets `at_closing`, or (None) is still served. In
    an emergency everybody meets `when_closed`. With no agent signed in who could take a contact in any step, it meets
    `when_unstaffed`, if there is one. `directed_ms`: how long a contact waits for the agent it was directed to alone.
    """

    name: str
    goal: Goal
    steps: tuple[Step, ...]
    last_action: LastAction
    channel: str = "voice"
    floor: Condition = Condition()
    priority: int = 0
    priority_per_minute: float = 0.0
    priority_cap: int | None = None
    weight: int = 1
    ring_ms: int = 20_000
    wrap_up_ms: int = 0
    preferred_agent_ms: int = 0
    longest_wait_ms: int | None = None
    full_at: int | None = None
    when_full: LastAction | None = None
    agent_ranking: tuple[KeySpec, ...] = (KeySpec("longest_idle"),)
    when_closed: LastAction | None = None
    at_closing: LastAction | None = None
    when_unstaffed: LastAction | None = None
    callback: CallbackRules | None = None
    reentry: Reentry | None = None
    directed_ms: int = 30_000


class Agent(msgspec.Struct, frozen=True):
    """Someone who takes contacts. `queues` limits an agent to these queues; None: every queue that the skills allow."""

    name: str
    skills: dict[str, int] = {}
    team: str = ""
    site: str = ""
    queues: tuple[str, ...] | None = None
    capacity: dict[str, int] = msgspec.field(default_factory=lambda: {"voice": 1})
    cost_per_hour: float = 0.0


class AfterFailure(msgspec.Struct, frozen=True):
    """What becomes of the agent after each way an offer can fail: paused with this reason, or (None) ready again.
    Paused only by so many failures of this kind in a row (`..._limit`), counted anew when an offer is accepted."""

    no_answer: str | None = "no answer"
    declined: str | None = None
    unreachable: str | None = "unreachable"
    busy: str | None = None
    no_answer_limit: int = 1
    declined_limit: int = 1
    unreachable_limit: int = 1
    busy_limit: int = 1


class Policy(msgspec.Struct, frozen=True):
    """All of it. `contact_ranking` compares contacts of all queues when an agent becomes free."""

    version: int
    queues: tuple[Queue, ...]
    agents: tuple[Agent, ...]
    contact_ranking: tuple[KeySpec, ...] = (KeySpec("priority"), KeySpec("age"))
    after_failure: AfterFailure = AfterFailure()
    pause_reasons: tuple[str, ...] = ()
    short_busy_retry_ms: int = 5_000
    channels: tuple[Channel, ...] = (Channel("voice"),)

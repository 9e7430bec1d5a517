"""What the kernel works on: records of whole numbers in flat arrays, the same things that the core has as objects.

Names are the core's. Times are milliseconds; -1 stands for what the core calls None, and NEVER for no timer.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy

NEVER = 1 << 60
NONE = -1
NO_KEY = 1 << 62
"""After every event."""

# What wakes the kernel: SimPy's events, by what is to be done; arrivals and the ends of talks are kept apart.
SIGN_IN, SIGN_OUT, PATIENCE, ANSWER, DECLINE, BACK, WAKE, REDIAL, BREAK, DOWN, UP, KEY, SELF_SERVICE_OVER = range(13)
WHAT_BITS = 4
"""So many bits for these, in a word with whom it is about."""

# What is told to the core: its events. The numbers are those of the log.
ARRIVED, LEFT, ENDED, ACCEPTED, DECLINED, READY, SIGNED_IN, SIGNED_OUT, EXTENDED, TIME_PASSED = range(1, 11)
# What it decides.
QUEUED, STEP, OFFER, CANCEL, CONNECT, OFFER_ENDED, RELEASED, FINISHED, CHANGED, SUSPENDED, RELEASE_AGENT = range(11, 22)
AGENT_PAUSED, OFFER_FAILED, TRANSFERRED = range(22, 25)
WENT, MOVED = range(26, 28)
"""More events."""
END_TALK = 25
"""Another decision."""

# States of an agent; the presence is one of OFFLINE, IDLE and PAUSED.
OFFLINE, IDLE, RINGING, BUSY, WRAP_UP, PAUSED = range(6)
# States of a contact.
GONE, WAITING, OFFERED, CONNECTED = range(4)
# How a contact ended, the first three for the core; all are fates of calls.
ANSWERED, ABANDONED, OVERFLOWED, TURNED_AWAY, CUT_OFF, BY_KEY, SERVED_BY_FLOW = range(7)
FATES = ("answered", "abandoned", "overflowed", "blocked", "cut_off", "none", "served_by_flow")
"""What `features.redials` calls them."""
# How an offer ended, and why an agent is paused.
CANCELLED, NO_ANSWER, REFUSED, ON_BREAK, UNREACHABLE = range(5)
# Why a step or a queue was left.
FIRST, AFTER_STEP, AFTER_AGE, NOBODY_SIGNED_IN, REFUSALS, NOBODY_AVAILABLE, LONGEST_WAIT, FULL = range(8)
# What becomes of talks in an outage.
LOST_TALKS, KEPT_TALKS, HANDED_TALKS = range(3)
# Which last action.
NO_ACTION, LAST_ACTION, WHEN_UNSTAFFED, WHEN_FULL = range(4)

# Why `run` came back.
TRIES = -2
"""For MORE_BACK, instead of an agent: callers call more often than was thought of."""
DONE, MORE_ARRIVALS, MORE_LANES, MORE_BACK, MORE_ROOM, MORE_LOG, MORE_NUMBERS = range(7)

# Columns of what is counted of contacts, by interval and queue.
(
    ARRIVED_N,
    MOVED_IN,
    MOVED_OUT,
    ANSWERED_N,
    ANSWERED_WITHIN,
    ABANDONED_N,
    SHORT_ABANDONS,
    OVERFLOWED_N,
    HAD_TO_WAIT,
    WAIT_ANSWERED,
    WAIT_ALL,
    WAIT_ABANDONED,
    LONGEST,
    WAITING_TIME,
    FINISHED_N,
    TALK,
    WRAP,
    OFFERS_N,
    DECLINED_N,
    NO_ANSWER_N,
    IDENTIFIED,
    REPEATED,
    IDENTIFIED_ANSWERED,
    FOLLOWED,
    OFFERS_FAILED,
    TRANSFERRED_N,
    LEFT_N,
) = range(27)
COUNTED = (
    *("arrived", "moved_in", "moved_out", "answered", "answered_within", "abandoned", "short_abandons", "overflowed"),
    *(
        "had_to_wait",
        "wait_answered_ms",
        "wait_all_ms",
        "wait_abandoned_ms",
        "longest_wait_ms",
        "waiting_ms",
        "finished",
    ),
    *("talk_ms", "wrap_up_ms", "offers", "declined", "no_answer"),
    *("identified", "repeated", "identified_answered", "followed", "offer_failed", "transferred", "left"),
)
"""The fields of `ContactTally` in these columns."""

# Columns of what is counted of agents, by interval and group; the first six are times by state.
W_OFFERS, W_ANSWERED, W_DECLINED, W_NO_ANSWER, W_OFFER_FAILED, W_SEEN = range(6, 12)
WORKED = (
    *("", "ready_ms", "ringing_ms", "busy_ms", "wrap_up_ms", "paused_ms"),
    *("offers", "answered", "declined", "no_answer", "offer_failed"),
)
"""The fields of `AgentTally` in these columns; the last column says whether anything was."""

# Columns of what is counted of callers, by interval and kind.
CALLERS, AGAIN, BLOCKED, LOST, TORN, AT_ONCE, PRESSED, IN_SELF_SERVICE, CONTAINED = range(9)

DAY_MS = 86_400_000

LEADING_BITS = 7
"""So many bits of a wait behind its first tell all but two of the buckets that it may be in."""

SEQ_BITS = 27
"""Events of one millisecond are in the order of their numbers, which are renewed when they need more bits."""


def _record(whole: str, real: str = "", words: str = "", small: str = "") -> numpy.dtype[Any]:
    """`small` whole numbers have 32 bits: records are so short that all that is in use stays near the processor."""
    fields: list[tuple[str, type]] = [(name, numpy.int64) for name in whole.split()]
    fields += [(name, numpy.float64) for name in real.split()] + [(name, numpy.uint64) for name in words.split()]
    fields += [(name, numpy.int32) for name in small.split()]
    return numpy.dtype(fields, align=True)


CLOCK = _record(
    "now seq end_ms last_ms wake_ms interval_ms interval from_ms to_ms alive arrivals offers heap timers "
    "pending_head pending_tail fed arriving over dirty_now dirty_next dirty_agents special free logged keep_log "
    "retry_ms pauses_no_answer pauses_declined no_answer_limit declined_limit lanes lanes_short back_short "
    "contact_keys order_count bids started patient quiet_ms trunks "
    "redials tries tries_delays remembers within_ms recalled recall_first recall_next "
    "declined_reason break_reason midnight_ms outages outage outage_phase outage_place torn "
    "hands_back handing key tells hearing learns presses hear_width keys_first self_service self_service_first",
    "half three",
    words="seed",
)
AGENT = _record(
    "since_ms shown_contact handled_ms ready_ms idle_since_ms wrap_up_ms timer_ms contacts last_offer turn change "
    "drawn_wrap_up_ms delay_ms back_ms break_ms levels load",
    "factor cost_per_hour no_answer declined",
    small="order profile presence reason state shown_reason contact free queue group handled_interval handled_queue "
    "answers no_answers declines on_shift delay_lane pauses breaks pace seated down",
)
CONTACT = _record(
    "seq number arrived_ms queued_ms step_ms gives_up_ms patience_key timer_ms line_from_ms offer deadline_ms "
    "answered_ms waited_ms ask_again_ms ended_ms",
    small="kind type queue step line state agent interval placed previous next place refused refusals offers due "
    "due_reason now_mark next_mark trunk attempt talks recall ended_interval ended_queue ended_answered called",
)
DRAIN = _record("at_ms departed_ms known", "starts leaves busy_ms waited_ms")
ANNOUNCEMENT = _record("tells draws points", "z from_ms leave_at_once factor")
KEY_RECORD = _record("queue to_queue", "share over_ms")
HANDED = _record("from_ms left_ms patience_ms interval end_key")
KIND = _record("queue position filled complete number most_calls self_service", "served")
QUEUE = _record(
    "ring_ms wrap_up_ms answered_within_ms short_ms longest_ms full_at full_queue full_exit last_queue last_exit "
    "unstaffed unstaffed_queue unstaffed_exit steps first_step inside weight plain plain_wait",
    "priority_per_minute priority_cap",
)
STEP_RECORD = _record("after_ms by_age none_logged_in none_available refusals ranking")
LINE = _record("queue step priority signed head tail")
RANKING = _record("keys order")

PLAIN: dict[str, dict[str, float]] = {
    "clock": {
        **{"timers": 0, "special": 0, "lanes": 0, "lanes_short": 0, "back_short": NONE, "trunks": 0, "redials": 0},
        **{"tries": 0, "keep_log": 0, "outages": 0, "hands_back": 0, "tells": 0, "learns": 0},
        **{"presses": 0, "self_service": 0},
    },
    "agents": {"answers": 1, "delay_ms": 0, "factor": 1, "wrap_up_ms": NONE, "timer_ms": NEVER},
    "contacts": {"refused": 0},
    "queues": {"wrap_up_ms": 0, "plain": 1, "plain_wait": 1, "full_at": NONE, "longest_ms": NONE, "unstaffed": 0},
    "steps": {"after_ms": NONE, "refusals": NONE, "none_logged_in": 0, "none_available": 0},
}
"""Fields that have one value in a plain world, from the beginning to the end: nobody calls again or lets the phone
ring, there is no wrap-up, no outage, no timer and no log. For plain worlds the loop is compiled once more with these
values as constants, so that what they do not use costs them nothing (see `structure`). Of something new it is enough to
add the field of the clock, or of another record, that says whether it is used, and to compile what it needs by
`not_plain`."""


def holds(fixed: dict[str, dict[str, float]], arrays: Mapping[str, Any]) -> bool:
    """Whether these records have the values, as far as they are among the arrays."""
    return all(
        bool((arrays[name][field] == value).all())
        for name, fields in fixed.items()
        if name in arrays
        for field, value in fields.items()
    )


class World(NamedTuple):
    """Everything there is. See `plan` for what fills it."""

    clock: Any
    agents: Any
    contacts: Any
    draws: Any  # contact x variate: ms
    lanes: Any  # contact x (lane x what): uniform, then delays in ms
    tries: Any  # contact x (call x what): uniform, then delays until the next call, then the draws for that
    hears: Any  # contact x (call x what): after the announcement, uniform and patience; for each wait, uniform and when
    handed: Any  # contact: what only those have who may be handed back, see `handing`
    refused: Any  # contact x word: bits of agents
    kinds: Any
    arrival_ms: Any  # kind x position
    arrival_type: Any
    arrival_draws: Any  # kind x position x variate
    arrival_lanes: Any
    arrival_tries: Any
    arrival_hears: Any
    announcements: Any  # kind
    leaving: Any  # kind x point x (s, share of those who leave at once)
    keys: Any  # kind x key that callers press
    key_count: Any  # kind
    began: Any  # contact: how often it has begun to wait, where callers press keys
    drains: Any  # queue: what `router.core.ewt` knows of it
    variates: Any  # kind x queue x (handle time, patience, wrap-up): column of draws
    quantities: Any  # kind x column of draws: 0 handle time, 1 patience, 2 wrap-up
    redial_share: Any  # kind x fate
    redial_delay: Any  # kind x fate: column of a call's tries
    recall: Any  # ring of the named callers whose call is over, see `callers`
    queues: Any
    steps: Any
    lines: Any
    line_of: Any  # type x queue x step
    type_queue: Any  # type: the queue that it enters
    fits: Any  # line x profile: the fit, or -1
    can: Any  # profile x word: bits of lines
    able: Any  # line x word: bits of profiles
    waiting: Any  # word: lines where somebody waits
    ready: Any  # word: profiles with a free agent
    first: Any  # profile x order: agent
    last: Any
    following: Any  # agent x order
    before: Any
    standing: Any  # agent x order x key
    orders: Any  # order x key: code, -1 for none
    order_parameters: Any
    rankings: Any
    ranking_keys: Any  # ranking x key: code, -1 for an agent's key (taken from its standing)
    ranking_parameters: Any
    contact_keys: Any
    contact_parameters: Any
    ends: Any  # the tree of the ends of talks: place 1 is above all, agents are in the second half
    ends_of: Any
    arrivals: Any  # the same of the next arrivals, by kind
    arrivals_of: Any
    heap_key: Any  # NO_KEY behind the last
    heap_what: Any
    heap_check: Any
    timer_ms: Any
    timer_order: Any
    timer_of: Any
    due: Any
    pending: Any  # ring of (event, what, check)
    dirty_now: Any
    dirty_next: Any
    dirty_agents: Any
    special: Any
    free: Any
    bid_contact: Any
    bid_agent: Any
    bid_rank: Any
    counted: Any  # interval x queue x column
    waits: Any  # interval x queue x bucket
    callers: Any  # interval x kind x column
    trunk_free: Any  # group of lines: how many are free
    trunk_of: Any  # kind x place: the groups that its calls may use, -1 behind the last
    worked: Any  # interval x group x column
    bucket_of: Any  # by the leading bits of a wait
    bucket_from: Any  # the least wait of each bucket
    back_draws: Any  # agent x position
    back_position: Any
    break_late: Any  # agent x break: ms
    pace: Any  # pace x kind x queue: factor
    pace_column: Any  # pace x kind x queue: column of draws in the place of the common one
    struck: Any  # outage x place: the agents who are gone, -1 behind the last
    outage_talks: Any  # outage: what becomes of talks
    hands: Any  # agent: whether talks are handed back at the end of the shift
    seats: Any  # agent x day: the factor of who sits there
    log: Any

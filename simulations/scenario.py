"""The scenario: what a planner writes down about callers, agents and a day, as a typed document.

Lengths of the day are in minutes, times of a call in seconds, shares between 0 and 1. What is not written does not
happen: nobody loses patience, every offer is answered at once.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, Tag, field_validator, model_validator

from simulations.clock import clock, shift_minutes
from simulations.distributions import AnyDistribution
from simulations.distributions.base import NotNegative, Positive
from simulations.distributions.constant import Constant
from simulations.features.announcement import Announcement
from simulations.features.busyness import Busyness
from simulations.features.callbacks import Callbacks
from simulations.features.interarrival import Gaps
from simulations.features.late import Late
from simulations.features.lines import Lines
from simulations.features.outages import Outage
from simulations.features.pauses import Pauses
from simulations.features.redials import Redials
from simulations.features.self_service import SelfService
from simulations.features.shift_end import ShiftEnd
from simulations.features.speed import Speed
from simulations.features.tenure import Tenure
from simulations.features.waiting_keys import WaitingKeys
from simulations.fields import BY_FORM, Level, Model, Share, Shares, ValueOrShares, all_of_one
from simulations.money import Money
from simulations.stopping import UntilHalfWidth
from simulations.traced import HeldTrace, Trace, TracedContact, in_order

SILENCE = "silence"
HANG_UP = "hang up"


OneOrMany = Annotated[Annotated[NotNegative, Tag("one")] | Annotated[tuple[NotNegative, ...], Tag("many")], BY_FORM]
FileOrContacts = Annotated[
    Annotated[str, Tag("one")] | Annotated[tuple[TracedContact, ...], AfterValidator(in_order), Tag("many")], BY_FORM
]


class Arrivals(Model):
    """When contacts come: a Poisson stream whose rate is constant within each interval, or a recorded trace.

    `per_hour` is one rate for the whole time or one for each interval, `per_interval` the expected number in each
    interval, `trace` the recorded contacts or the name of a CSV file with a column `at_s` and any of the others.
    `interarrival` is another distribution of the gaps between arrivals than the exponential of a Poisson stream.
    """

    per_hour: OneOrMany | None = None
    per_interval: tuple[NotNegative, ...] | None = None
    trace: FileOrContacts | None = None
    interarrival: Gaps | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.per_hour, self.per_interval, self.trace)) != 1:
            raise ValueError("arrivals need exactly one of 'per_hour', 'per_interval' and 'trace'")
        if self.trace is not None and self.interarrival is not None:
            raise ValueError("a trace has its own times; 'interarrival' is for 'per_hour' and 'per_interval'")
        return self

    @property
    def is_poisson(self) -> bool:
        return self.trace is None and self.interarrival is None

    _of_file: Trace | None = PrivateAttr(None)

    def read(self, trace: Trace) -> "Arrivals":
        """The same with what the file holds that `trace` names."""
        read = self.model_copy()
        read._of_file = trace
        return read

    @property
    def traced(self) -> Trace:
        """The recorded contacts, none without a trace (a file must have been read)."""
        if self._of_file is not None:
            return self._of_file
        assert not isinstance(self.trace, str)
        return HeldTrace(self.trace or ())


class LookupAnswer(Model):
    """What a lookup brings for this share of the callers: `data`, or a failure of the kind `fails`."""

    share: Share = 1.0
    status: int = 200
    data: Any = None
    fails: Literal["timeout", "refused", "unreachable", "bad_response"] | None = None


def _answers_of_one(answers: tuple[LookupAnswer, ...]) -> tuple[LookupAnswer, ...]:
    all_of_one({str(position): answer.share for position, answer in enumerate(answers)})
    return answers


class Kind(Model):
    """One kind of contact. It dials `number` and goes through the centre's real flow, or enters `queue` at once.

    In the flow, `choices` says for each node that takes keys (`NODE` or `FLOW.NODE`) what callers press, as shares of
    keys, of `silence` and of `hang up`; `lookups` says for each lookup node what it brings. Both add up to 1.
    Without the flow, `attributes` are fixed values or shares of values; routing conditions see them as `contact.*`.
    `handle_time_s` (talk, without wrap-up) and `patience_s` stand above those of the queue, and so does `priority`,
    unless the flow or the trace says another.
    """

    arrivals: Arrivals
    number: str | None = None
    queue: str | None = None
    caller: str = ""
    choices: dict[str, Shares] = {}
    lookups: dict[str, Annotated[tuple[LookupAnswer, ...], AfterValidator(_answers_of_one)]] = {}
    attributes: dict[str, ValueOrShares] = {}
    handle_time_s: AnyDistribution | None = None
    patience_s: AnyDistribution | None = None
    priority: int | None = None
    redials: Redials | None = None
    announcement: Announcement | None = None
    callbacks: Callbacks | None = None
    waiting_keys: WaitingKeys | None = None
    self_service: SelfService | None = None

    @model_validator(mode="after")
    def _one_entry(self) -> Self:
        if (self.number is None) == (self.queue is None):
            raise ValueError("a kind enters by exactly one of 'number' and 'queue'")
        if self.number is not None and self.attributes:
            raise ValueError("'attributes' are for kinds that enter a queue; here the flow of the number sets them")
        if self.queue is not None and (self.choices or self.lookups or self.caller):
            raise ValueError("'choices', 'lookups' and 'caller' are for kinds that dial a number")
        if self.number is not None and any(key.to_queue for key in (self.waiting_keys or {}).values()):
            raise ValueError("where a waiting key leads is said by the flow; 'to_queue' is for kinds without one")
        if self.number is not None and self.self_service is not None:
            raise ValueError("'self_service' is for kinds that enter a queue; here the flow serves callers")
        return self


class QueueTimes(Model):
    """What contacts of this queue are like, unless their kind says otherwise.

    `wrap_up_s` is how long agents really take; without it, the policy's time. It needs a wrap-up in the policy.
    """

    handle_time_s: AnyDistribution | None = None
    patience_s: AnyDistribution | None = None
    wrap_up_s: AnyDistribution | None = None


class Answering(Model):
    """How agents treat a ringing phone: the delay until they answer, and the shares not answered or declined.

    Whom the policy pauses after an offer that failed is back after `back_after_s`.
    """

    delay_s: AnyDistribution = Constant(value=0)
    no_answer: Share = 0.0
    declined: Share = 0.0
    back_after_s: AnyDistribution = Constant(value=60)

    @model_validator(mode="after")
    def _some_left(self) -> Self:
        if self.no_answer + self.declined > 1:
            raise ValueError("'no_answer' and 'declined' together are above 1")
        return self


class Staff(Model):
    """Who works when: `agents` of the centre by name, or `count` agents of a `group` described here. `capacity` is how
    many contacts of each channel one of them has at once (`{voice: 1}`).

    `shifts` such as `08:00-12:00` are by the scenario's clock; without any they work the whole time. A break is the
    gap between two shifts. `handle_time_factor` 1.1 means that these agents take 10 % longer.
    """

    agents: tuple[str, ...] | Literal["all"] | None = None
    group: Annotated[str, Field(min_length=1)] | None = None
    count: Annotated[int, Field(ge=0)] | None = None
    skills: dict[str, Level] = {}
    team: str = ""
    queues: tuple[str, ...] | None = None
    shifts: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    handle_time_factor: Positive = 1.0
    answering: Answering | None = None
    site: str = ""
    capacity: dict[str, Annotated[int, Field(ge=0, le=100)]] | None = None
    cost_per_hour: NotNegative = 0.0
    speed: Speed | None = None
    breaks: tuple[str, ...] = ()
    pauses: Pauses | None = None
    absence: Share | None = None
    late: Late | None = None
    shift_end: ShiftEnd | None = None
    tenure: Tenure | None = None

    @field_validator("shifts", "breaks")
    @classmethod
    def _readable(cls, shifts: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for shift in shifts or ():
            shift_minutes(shift)
        return shifts

    @model_validator(mode="after")
    def _named_or_described(self) -> Self:
        if (self.agents is None) == (self.group is None):
            raise ValueError("staff are either 'agents' of the centre or a 'group' with a 'count'")
        if self.group is not None and self.count is None:
            raise ValueError("'count' is missing: how many agents are in this group?")
        described = ("count", "skills", "team", "queues", "site", "capacity", "cost_per_hour")
        if self.agents is not None and self.model_fields_set.intersection(described):
            names = ", ".join(repr(name) for name in described)
            raise ValueError(f"{names} describe a 'group'; agents have theirs already")
        return self


class Ivr(Model):
    """How long callers spend on a prompt, on a prompt with keys pressed, on a lookup, and with an outside number."""

    play_s: AnyDistribution = Constant(value=4)
    collect_s: AnyDistribution = Constant(value=6)
    look_up_s: AnyDistribution = Constant(value=0.2)
    dial_s: AnyDistribution = Constant(value=180)


RankingKey = str | Annotated[dict[str, dict[str, int | float | str | bool]], Field(min_length=1, max_length=1)]
"""The name of a ranking key, or the name with its parameters: `{least_occupied: {step: 0.05}}`."""


class StandaloneStep(Model):
    """Who may take a contact of this age: agents with these `skills`, for whom the CEL condition `where` holds.
    `combine`: instead of the step before (`replace`), as well as it (`add`), or both (`narrow`). The step begins before
    that age as soon as one of `sooner` is true of the step before it. Of whom it lets in, `keep_free` stay free for
    others, and they help only while no queue of `lent_by` is below its goal."""

    after_s: Positive
    sooner: tuple[Literal["none_available", "none_logged_in", "below_goal"], ...] = ()
    skills: dict[str, Level] = {}
    where: str | None = None
    combine: Literal["replace", "add", "narrow"] = "replace"
    keep_free: Annotated[int, Field(ge=1)] | None = None
    lent_by: tuple[str, ...] = ()


class StandaloneCallback(Model):
    """How customers are rung back: at most `tries` times, `retry_s` apart, ringing for `ring_s`; it `expires_s` after
    it was asked for."""

    tries: Annotated[int, Field(ge=1)] = 3
    retry_s: Positive = 600
    ring_s: Positive = 30
    expires_s: Positive | None = None


class StandaloneQueue(Model):
    """A queue of a scenario that needs no centre.

    `skills` and `where` say who may take a contact, later `steps` who may from an age on. `keep_free`: a contact is
    taken only while more than so many of them are free, for the sake of the other queues. Contacts who wait
    `longest_wait_s` leave by the exit `overflow`, or go to the queue `overflow_to`; so do those who find `full_at`
    others waiting. `callback`: callers may ask to be rung back.
    """

    answered_within_s: NotNegative = 20
    share: Share = 0.8
    short_abandon_s: NotNegative = 0
    channel: str = "voice"
    skills: dict[str, Level] = {}
    where: str | None = None
    keep_free: Annotated[int, Field(ge=1)] | None = None
    steps: tuple[StandaloneStep, ...] = ()
    priority: int = 0
    priority_per_minute: NotNegative = 0
    priority_cap: int | None = None
    weight: Annotated[int, Field(ge=1)] = 1
    agent_ranking: tuple[RankingKey, ...] = ("longest_idle",)
    ring_s: Positive = 20
    wrap_up_s: NotNegative = 0
    longest_wait_s: Positive | None = None
    full_at: Annotated[int, Field(ge=1)] | None = None
    overflow_to: str | None = None
    callback: StandaloneCallback | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        ages = [step.after_s for step in self.steps]
        if ages != sorted(set(ages)):
            raise ValueError("'after_s' of the steps must grow from step to step")
        return self


class StandaloneChannel(Model):
    """A channel beside `voice`: whether one contact of it may come `beside` those of other channels, or interrupts
    (`interrupts`) them, and whether agents take it without being asked (`auto_accept`)."""

    beside: tuple[str, ...] = ()
    interrupts: tuple[str, ...] = ()
    auto_accept: bool = False


class StandalonePolicy(Model):
    """A small routing policy written into the scenario, for the questions that need no whole centre."""

    queues: Annotated[dict[str, StandaloneQueue], Field(min_length=1)]
    contact_ranking: tuple[RankingKey, ...] = ("priority", "age")
    channels: dict[str, StandaloneChannel] = {}


class Scenario(Model):
    """Callers, agents and a day. Either `centre` (a directory, seen from this file) or an own `policy`.

    `start` is a time such as `2026-03-02 08:00` in the centre's zone, or `08:00` for a Monday. What happens in the
    `warm_up_minutes` is not counted. After the day no one arrives; those still there are served for at most
    `run_off_minutes`.
    """

    name: str
    centre: str | None = None
    policy: StandalonePolicy | None = None
    start: str = "00:00"
    duration_minutes: Positive
    interval_minutes: Positive = 30
    warm_up_minutes: NotNegative = 0
    run_off_minutes: NotNegative = 60
    replications: Annotated[int, Field(ge=1, le=100_000)] = 20
    seed: Annotated[int, Field(ge=0)] = 1
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    until_half_width: UntilHalfWidth | None = None
    control_variates: bool = False
    kinds: Annotated[dict[str, Kind], Field(min_length=1)]
    queues: dict[str, QueueTimes] = {}
    staff: tuple[Staff, ...] | None = None
    answering: Answering = Answering()
    ivr: Ivr = Ivr()
    money: Money | None = None
    busyness: Busyness | None = None
    lines: tuple[Lines, ...] = ()
    outages: tuple[Outage, ...] = ()

    @field_validator("start")
    @classmethod
    def _time(cls, start: str) -> str:
        clock(start)
        return start

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.centre is not None and self.policy is not None:
            raise ValueError("a scenario has either 'centre' or its own 'policy'")
        if self.warm_up_minutes >= self.duration_minutes:
            raise ValueError("'warm_up_minutes' leaves nothing of 'duration_minutes'")
        for name in ("duration_minutes", "warm_up_minutes"):
            count = getattr(self, name) / self.interval_minutes
            if abs(count - round(count)) > 1e-9:
                raise ValueError(f"{name!r} must be a multiple of 'interval_minutes'")
        return self

    @property
    def started(self) -> datetime:
        """The wall time at which the scenario starts, without a zone."""
        return clock(self.start)

    @property
    def most_replications(self) -> int:
        return self.replications if self.until_half_width is None else self.until_half_width.maximum

    @property
    def intervals(self) -> int:
        return round(self.duration_minutes / self.interval_minutes)

"""What people write about a centre: `centre.yaml`, `skills.yaml`, `agents.yaml` and `queues.yaml`, typed.

Units are in the names of the fields and times are in seconds; `switchboard.centre.policy` makes the router's policy
of them. Hours, prompts and flows have their models in `ivr.flow`.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from router.core.strategies import registry
from switchboard.centre.secrets import PinSource, SecretSource
from switchboard.centre.settings import AnnouncementSettings, Settings
from switchboard.centre.values import (
    AtOnce,
    Count,
    Document,
    Extension,
    Language,
    Level,
    Name,
    Number,
    PositiveSeconds,
    Seconds,
    SipAddress,
    SkillReference,
    Text,
    TimeZone,
)


class CentreDocument(Document):
    """`centre.yaml`: the centre as a whole."""

    name: Text
    """What people call the centre."""
    time_zone: TimeZone
    """The zone of opening hours and spoken times, such as `Europe/Madrid`."""
    languages: Annotated[list[Language], Field(min_length=1)]
    """The languages callers may hear; the first one is the default."""
    numbers: Annotated[dict[Number, Name], Field(min_length=1)]
    """The flow that answers each number, as the trunk delivers the number."""
    settings: Settings = Settings()
    """Ports, hosts, directories and secrets; every setting has a default."""


class SkillsDocument(Document):
    """`skills.yaml`: what agents can know."""

    skills: dict[Name, Text]
    """Each skill and what it means. A language is a skill too, named as in `languages`."""


class Phone(Document):
    """How an agent's phone is reached: it registers with a password, or it has a fixed address."""

    password: SecretSource | None = None
    """Where the password is found with which the phone registers."""
    contact: SipAddress | None = None
    """The fixed address of a phone that does not register, such as `sip:101@10.0.0.7:5060`."""

    @model_validator(mode="after")
    def _one_way(self) -> "Phone":
        if (self.password is None) == (self.contact is None):
            raise ValueError("a phone has either 'password' (it registers) or 'contact' (a fixed address)")
        return self


class AgentDocument(Document):
    """Someone who takes contacts."""

    name: Text | None = None
    """The agent's name for people; the key by default."""
    team: Text | None = None
    """The team, seen by conditions as `agent.team`."""
    site: Text | None = None
    """The site, seen by conditions as `agent.site`."""
    skills: dict[Name, Level] = Field(default_factory=dict)
    """The level, 1 to 10, of each skill the agent has."""
    queues: list[Name] | None = None
    """The only queues the agent works for; by default every queue that the skills allow."""
    cost_per_hour: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """What an hour of the agent's time costs, for ranking by cost and for planning."""
    capacity: dict[Name, AtOnce] = Field(default_factory=lambda: {"voice": 1})
    """How many contacts of each channel the agent has at once; by default one call and nothing else."""
    extension: Extension | None = None
    """The number of the agent's phone."""
    phone: Phone | None = None
    """How the phone is reached."""
    pin: PinSource | None = None
    """The PIN with which the agent signs in at a phone."""
    supervisor: bool = False
    """The agent's phone may be rung to listen to other agents' talks, to whisper to them and to barge in."""


class PauseAfterDocument(Document):
    """A pause, but not at the first failure."""

    pause_after: Annotated[int, Field(ge=1, le=100)]
    """So many failures of this kind in a row pause the agent; an offer accepted between them starts the count anew."""


Consequence = Literal["pause", "ready"] | PauseAfterDocument


class AfterFailureDocument(Document):
    """What becomes of an agent after each way an offer can fail: `pause`, `ready` again, or `{pause_after: 3}`."""

    no_answer: Consequence = "pause"
    """The phone rang and nobody answered."""
    declined: Consequence = "ready"
    """The agent refused."""
    unreachable: Consequence = "pause"
    """The phone is not registered or does not reply."""
    busy: Consequence = "ready"
    """The phone is engaged with a call of its own."""


class AgentsDocument(Document):
    """`agents.yaml`: who takes contacts."""

    pause_reasons: list[Text] = Field(default_factory=list)
    """The reasons an agent may give for a pause; key 1 at the phone is the first one."""
    after_failure: AfterFailureDocument = AfterFailureDocument()
    """What becomes of an agent whose phone did not answer, and the like."""
    dispositions: dict[Name, Text] = Field(default_factory=dict)
    """What an agent may say of how a contact ended; key 1 at the phone is the first one."""
    hold_reasons: list[Text] = Field(default_factory=list)
    """Why a caller may be on hold; key 1 at the phone, during the hold, is the first one."""
    phones: dict[Name, Phone] = Field(default_factory=dict)
    """Phones that belong to nobody (hot desks): who signs in at one, with number and PIN, is rung there."""
    agents: dict[Name, AgentDocument]
    """Every agent by a short name."""


class GoalDocument(Document):
    """The service goal: a share of the contacts answered within a time."""

    answered_within_s: PositiveSeconds
    """The time within which a contact should be answered."""
    share: Annotated[float, Field(gt=0, le=1)]
    """The share of contacts for which that should hold, above 0 and at most 1."""
    short_abandon_s: Seconds = 0
    """A contact that leaves before this many seconds does not count."""
    window_s: Annotated[float, Field(ge=60, le=86_400)] = 900
    """For decisions (`below_goal`, `lent_by`) the goal is looked at over so many of the last seconds."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.05
    """A queue that was below its goal keeps it again when its share is higher than the goal by so much."""


class PriorityDocument(Document):
    """Priority grows with waiting: base + per_minute x minutes, at most cap."""

    base: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """The priority on arrival; higher goes first."""
    per_minute: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = 0.0
    """What each minute of waiting adds."""
    cap: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None = None
    """The most it can become."""


class LastActionDocument(Document):
    """What happens when the steps have ended or the longest wait is over: one of two."""

    queue: Name | None = None
    """The contact goes on waiting in this queue and keeps its age."""
    exit: Name | None = None
    """The contact leaves by this exit of the flow's enqueue node."""

    @model_validator(mode="after")
    def _one(self) -> "LastActionDocument":
        if (self.queue is None) == (self.exit is None):
            raise ValueError("a last action is either 'queue: NAME' or 'exit: NAME'")
        return self


class CallbackDocument(Document):
    """How customers of the queue are rung back."""

    tries: Annotated[int, Field(ge=1, le=20)] = 3
    """How often at most."""
    retry_s: PositiveSeconds = 600
    """The time between two tries."""
    ring_s: PositiveSeconds = 30
    """How long the customer's phone rings."""
    expires_s: PositiveSeconds | None = None
    """So long after it was asked for, or after its chosen time, a callback that has not succeeded ends as unreached."""


class ReentryDocument(Document):
    """What callers get who were cut off and ring again soon."""

    within_s: PositiveSeconds
    """How soon."""
    place: bool = True
    """One who waited gets the old place."""
    agent: bool = True
    """For one who talked, the same agent is the preferred one."""

    @model_validator(mode="after")
    def _something(self) -> "ReentryDocument":
        if not (self.place or self.agent):
            raise ValueError("with neither 'place' nor 'agent' nothing is promised; leave 'reentry' out")
        return self


class UntilDocument(Document):
    """When a step ends: as soon as any of these holds."""

    after_s: PositiveSeconds | None = None
    """So many seconds have passed."""
    clock: Literal["step", "age"] = "step"
    """Since when `after_s` counts: the beginning of the step, or the contact's arrival."""
    none_logged_in: bool = False
    """No agent who may take the contact is signed in."""
    none_available: bool = False
    """No agent who may take the contact is free."""
    refusals: Count | None = None
    """So many offers were refused or not answered."""
    ewt_over_s: PositiveSeconds | None = None
    """The estimated wait is longer than this."""
    below_goal: bool = False
    """The queue is below its goal."""


KeyName = Annotated[Name, Field(json_schema_extra={"enum": [*registry()]})]
RankingKey = KeyName | Annotated[dict[Name, dict[Name, int | float | str | bool]], Field(min_length=1, max_length=1)]
Ranking = Annotated[list[RankingKey], Field(min_length=1)]


def _longest_idle() -> Ranking:
    return ["longest_idle"]


def _priority_then_age() -> Ranking:
    return ["priority", "age"]


class StepDocument(Document):
    """Who may take a contact from some moment on."""

    name: Text
    """What people call the step."""
    skills: dict[SkillReference, Level] = Field(default_factory=dict)
    """The least level of each skill. `contact.language` is the skill that the contact's language names."""
    where: str | None = None
    """A condition (CEL) over `agent` and `contact`, such as `agent.team != 'trainees'`."""
    combine: Literal["replace", "add", "narrow"] = "replace"
    """Replace the previous step's condition, add to it (either suffices), or narrow it (both are needed)."""
    until: UntilDocument = UntilDocument()
    """When the step ends; by default never."""
    agent_ranking: Ranking | None = None
    """Who first while this step lasts; by default as the queue says."""
    keep_free: Count | None = None
    """Whom this step lets in takes the contact only while more than so many of them are free."""
    lent_by: list[Name] = Field(default_factory=list)
    """Whom this step lets in belongs to these queues and helps only while none of them is below its goal."""


class WhisperDocument(Document):
    """What the agent who answers hears before the talk, while the caller still hears music."""

    say: Annotated[list[Literal["queue", "intent", "wait"]], Field(min_length=1)]
    """What is said, in this order: the queue's name, what the caller wants, how long the caller has waited."""
    queue: Name | None = None
    """The prompt that says the queue's name."""
    intents: dict[Text, Name] = Field(default_factory=dict)
    """The prompt for each value of the contact's attribute `intent`; other values are not said."""
    accept: Literal["none", "key"] = "none"
    """`key`: the talk begins only when the agent presses 1; 2 declines."""

    @model_validator(mode="after")
    def _sayable(self) -> "WhisperDocument":
        if ("queue" in self.say) != (self.queue is not None):
            raise ValueError("'say: [queue]' and the prompt 'queue' go together")
        if ("intent" in self.say) != bool(self.intents):
            raise ValueError("'say: [intent]' and the prompts 'intents' go together")
        return self


class RecordingDocument(Document):
    """Which talks of the queue are recorded."""

    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of the contacts whose talks are recorded, such as 0.1."""
    announce: Name | None = None
    """The prompt that tells callers, before they wait. Who has not heard it to its end is not recorded."""


class QueueDocument(Document):
    """Where contacts wait."""

    channel: Name = "voice"
    """The kind of contacts: `voice`, or one of `channels`."""
    goal: GoalDocument
    """The service goal."""
    skills: dict[SkillReference, Level] = Field(default_factory=dict)
    """The floor: the least level of each skill in every step."""
    where: str | None = None
    """The floor: a condition (CEL) over `agent` and `contact` that holds in every step."""
    steps: Annotated[list[StepDocument], Field(min_length=1)]
    """Who may take a contact, from the first choice to the widest circle."""
    last_action: LastActionDocument
    """What happens when the steps have ended or the longest wait is over."""
    longest_wait_s: PositiveSeconds | None = None
    """After so long in the queue the last action happens, whatever the step."""
    full_at: Count | None = None
    """With so many contacts waiting the queue is full."""
    when_full: LastActionDocument | None = None
    """What happens to a contact that meets a full queue."""
    hours: Name | None = None
    """The opening hours by which the queue opens and closes by itself; supervisors may always do it."""
    when_closed: LastActionDocument | None = None
    """What happens to a contact that meets a closed queue, and to everybody in an emergency; by default the last
    action."""
    at_closing: LastActionDocument | None = None
    """What happens to those who still wait when the queue closes; by default they are served."""
    when_unstaffed: LastActionDocument | None = None
    """What happens when no agent who could ever take the contact is signed in; by default it waits."""
    callback: CallbackDocument | None = None
    """How customers are rung back; without it the queue takes no callbacks."""
    reentry: ReentryDocument | None = None
    """What callers get who were cut off and ring again soon; by default nothing."""
    extension: Extension | None = None
    """The number by which agents transfer callers to the queue."""
    escalates_to: Name | None = None
    """The queue of the second level, to which agents escalate."""
    announcements: AnnouncementSettings | None = None
    """What callers hear while they wait here; what is not said is as in the centre's settings."""
    whisper: WhisperDocument | None = None
    """What the agent hears before the talk; by default nothing. It takes of the time that `ring_s` gives the agent."""
    recording: RecordingDocument | None = None
    """Which talks are recorded; by default none."""
    ring_s: PositiveSeconds = 20
    """How long an agent's phone rings."""
    wrap_up_s: Seconds = 0
    """The agent's time for work after the talk."""
    preferred_agent_s: Seconds = 0
    """How long a contact waits for its preferred agent alone."""
    directed_s: PositiveSeconds = 30
    """How long a contact that was sent to one agent waits for that agent alone, before the steps begin."""
    priority: PriorityDocument = PriorityDocument()
    """How urgent the contacts of this queue are against those of others."""
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """The queue's weight for the ranking key `queue_weight`."""
    agent_ranking: Ranking = Field(default_factory=_longest_idle)
    """Which agent first: ranking keys, the most important one first; by default `longest_idle`."""

    @model_validator(mode="after")
    def _full(self) -> "QueueDocument":
        if (self.full_at is None) != (self.when_full is None):
            raise ValueError("'full_at' and 'when_full' go together")
        if self.hours is not None and self.when_closed is None:
            raise ValueError(
                "a queue with 'hours' needs 'when_closed': what happens to those who come too late or early"
            )
        return self


class ChannelDocument(Document):
    """A kind of contact, and how it goes together with others at one agent."""

    beside: list[Name] = Field(default_factory=list)
    """An agent who has contacts of these channels may be given one of this channel too."""
    interrupts: list[Name] = Field(default_factory=list)
    """A contact of this channel may interrupt those of these channels, which rest until it is over."""
    auto_accept: bool = False
    """Agents get these contacts at once, without being asked."""


class QueuesDocument(Document):
    """`queues.yaml`: where contacts wait, and who takes them."""

    contact_ranking: Ranking = Field(default_factory=_priority_then_age)
    """Which contact first, of all queues, when an agent becomes free; by default `priority`, then `age`."""
    busy_retry_s: PositiveSeconds = 5
    """How long an agent whose phone was busy is left alone before the next offer."""
    channels: dict[Name, ChannelDocument] = Field(default_factory=dict)
    """The kinds of contacts besides `voice`, such as `chat` or `email`. An agent has contacts of one channel at a time,
    unless the channels say otherwise."""
    queues: dict[Name, QueueDocument]
    """Every queue by name."""

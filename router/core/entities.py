"""The three things that the router moves: contacts, agents, and the offers between them. See `state` for how.

Plain classes, so that a compiled core (`make compiled`) reads and writes their fields directly.
"""

from typing import TYPE_CHECKING, Literal

from router.core.compiled import CompiledQueue
from router.core.decisions import AgentState
from router.core.errors import Happening
from router.core.events import Attribute
from router.core.ewt import WaitEstimate
from router.core.parts import Due, PendingCallback

if TYPE_CHECKING:
    from router.core.lines import Line
    from router.core.pools import Post

ContactState = Literal["queued", "offered", "parked", "reaching", "connected"]
AT_AGENT: tuple[ContactState, ...] = ("connected", "reaching")


class Contact:
    """A contact in the router. Times are ms; `seq` numbers the arrivals.

    `version`: the policy it began with. `step_ms`: when it entered its step. `refusals`: in this step. `refused`: the
    agents who did, until `ask_again_ms` (and for good, the one who asks in a consultation). `window_ms`: until then
    only the agent it was directed to, or the preferred agent, takes it. `ewt_ms`: when its estimated wait is looked at
    again. `told`: the wait it was told on entering the queue. `wait_from_ms`: when the wait that is counted began, if
    not with `arrived_ms`. `waited_ms`: that wait, once answered. `answered_ms`: when its talk with `agent` began, of
    which `hold_ms` were past holds and `held_since_ms` began the present one; a rest (since `rests_since_ms`, if it is
    interrupted now) puts both off by its length. `consult_of`: the talk that this
    consultation asks about; `consult`: the consultation about this talk. `judged`: it has counted for the goal of its
    queue, or does not count. `held_back`: the reservation for which it was last told in this step that it waits.

    Derived, and in no snapshot: `rules` are those of its queue (see `State.queue_of`), `line` is where it waits now
    (see `Index`).
    """

    state: ContactState = "queued"
    offer: str | None = None
    agent: str | None = None
    offers: int = 0
    refusals: int = 0
    refused: tuple[str, ...] = ()
    ask_again_ms: int | None = None
    window_ms: int | None = None
    ewt_ms: int | None = None
    told: WaitEstimate | None = None
    answered_ms: int | None = None
    due: Due | None = None
    waited_ms: int | None = None
    directed_to: str | None = None
    hold_ms: int = 0
    held_since_ms: int | None = None
    callback: PendingCallback | None = None
    consult: str | None = None
    rests_since_ms: int | None = None
    judged: bool = True
    held_back: str = ""
    rules: CompiledQueue | None = None
    line: "Line | None" = None

    def __init__(
        self,
        id: str,
        seq: int,
        queue: str,
        channel: str,
        version: int,
        attributes: dict[str, Attribute],
        own_priority: int | None,
        preferred: str | None,
        arrived_ms: int,
        queued_ms: int,
        step: int,
        step_ms: int,
        caller: str = "",
        wait_from_ms: int | None = None,
        consult_of: str | None = None,
        history: list[Happening] | None = None,
    ) -> None:
        self.id = id
        self.seq = seq
        self.queue = queue
        self.channel = channel
        self.version = version
        self.attributes = attributes
        self.own_priority = own_priority
        self.preferred = preferred
        self.arrived_ms = arrived_ms
        self.queued_ms = queued_ms
        self.step = step
        self.step_ms = step_ms
        self.caller = caller
        self.wait_from_ms = wait_from_ms
        self.consult_of = consult_of
        self.history: list[Happening] = [] if history is None else history

    @property
    def waits(self) -> bool:
        """It is in its queue, and perhaps rings at an agent."""
        return self.state in ("queued", "offered")

    @property
    def has_agent(self) -> bool:
        """An agent has accepted it."""
        return self.state in AT_AGENT

    @property
    def held_for(self) -> str | None:
        """Who alone takes it now."""
        return None if self.window_ms is None else self.directed_to or self.preferred

    def held_ms(self, now_ms: int) -> int:
        """How long it was on hold in the talk with this agent."""
        if self.held_since_ms is None:
            return self.hold_ms
        until_ms = now_ms if self.rests_since_ms is None else self.rests_since_ms
        return self.hold_ms + max(0, until_ms - self.held_since_ms)


class Agent:
    """An agent of the policy (or, `removed`, of an earlier one, who finishes what is under way).

    `offers` ring (each with its contact), `contacts` talk, those of them in `resting` have been interrupted.
    `wrap_up_ms`: when the wrap-up ends. `retry_ms`: no offers until then, because the last one met a busy phone or an
    error; shown as a pause. `failures` counts the offers that failed in a row, by cause; `suspended_after` so many, the
    agent was paused.
    `handled_ms` and `ready_ms` add up since sign-in until `since_ms`, the last change of the visible `state`.
    `turn`: how often the agent became ready. `post` is derived (see `Index`), and in no snapshot.
    """

    presence: Literal["offline", "ready", "paused"] = "offline"
    reason: str = ""
    wrap_up_ms: int | None = None
    retry_ms: int | None = None
    retry_reason: str = ""
    suspended_after: int = 0
    removed: bool = False
    state: AgentState = "offline"
    shown_reason: str = ""
    contact: str | None = None
    since_ms: int = 0
    handled_ms: int = 0
    ready_ms: int = 0
    idle_since_ms: int = 0
    occupancy: float = 0.0
    answered: int = 0
    last_offer: int = 0
    turn: int = 0
    post: "Post | None" = None

    def __init__(
        self,
        name: str,
    ) -> None:
        self.name = name
        self.offers: dict[str, str] = {}
        self.contacts: list[str] = []
        self.resting: list[str] = []
        self.failures: dict[str, int] = {}
        self.history: list[Happening] = []

    @property
    def working(self) -> bool:
        return bool(self.offers or self.contacts) or self.wrap_up_ms is not None

    @property
    def active(self) -> list[str]:
        """The contacts that the agent works on right now, the latest last."""
        return [contact for contact in self.contacts if contact not in self.resting] if self.resting else self.contacts

    def visible(self) -> tuple[AgentState, str, str | None]:
        """State, reason and contact as everybody sees them."""
        if self.contacts and (active := self.active):
            return "busy", "", active[-1]
        if self.offers:
            return "ringing", "", list(self.offers.values())[-1]
        if self.wrap_up_ms is not None:
            return "wrap_up", "", self.contact
        if self.presence == "ready" and self.retry_ms is not None:
            return "paused", self.retry_reason, None
        return self.presence, self.reason, None

    def why_not_free(self) -> str:
        """For people: what keeps the agent from taking a contact."""
        text = self.state.replace("_", " ")
        return f"{text}: {self.shown_reason}" if self.shown_reason else text


class LiveOffer:
    """An offer that rings or whose talk is under way; `policy` is the version that was current when it was made."""

    state: Literal["ringing", "accepted"] = "ringing"

    def __init__(
        self,
        id: str,
        seq: int,
        contact: str,
        agent: str,
        policy: int,
        made_ms: int,
        deadline_ms: int,
    ) -> None:
        self.id = id
        self.seq = seq
        self.contact = contact
        self.agent = agent
        self.policy = policy
        self.made_ms = made_ms
        self.deadline_ms = deadline_ms

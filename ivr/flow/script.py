"""What a file of flow tests says: callers who dial, press keys, keep silent or hang up, and what is expected then."""

import re
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ivr.flow import effects, inputs
from ivr.flow.names import ExitName, FlowName, HoursName, LanguageTag, PromptName, QueueName
from ivr.flow.node import Part
from ivr.flow.session import Attribute
from ivr.flow.told import url_of
from ivr.words import What

_KEYS = r"^[0-9A-D*#]{1,1000}$"
_DEFAULT_AT = datetime(2026, 1, 5, 10)


class LookupStub(Part):
    """How a lookup is answered in a test."""

    url: str | None = Field(None, min_length=1, description="The address, with its query; `*` stands for anything.")
    database: str | None = Field(None, description="Instead of `url`: the database that is asked.")
    parameters: dict[str, Attribute] = Field(
        default_factory=dict, description="Of a database: only when it is asked with these."
    )
    status: int = Field(200, ge=100, le=599)
    data: Any = Field(None, description="The answer's JSON.")
    fails: Literal["timeout", "refused", "unreachable", "bad_response"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.url is None) == (self.database is None):
            raise ValueError("either 'url' or 'database' is needed")
        return self

    def matches(self, effect: effects.LookUp | effects.Query) -> bool:
        if isinstance(effect, effects.Query):
            asked = effect.parameters.items()
            return self.database == effect.database and self.parameters.items() <= asked
        return self.url is not None and _fits_pattern(self.url, url_of(effect))

    def answer(self) -> inputs.LookedUp | inputs.LookupFailed:
        return inputs.LookupFailed(self.fails) if self.fails else inputs.LookedUp(self.status, self.data)


def _fits_pattern(pattern: str, url: str) -> bool:
    return re.fullmatch(".*".join(re.escape(piece) for piece in pattern.split("*")), url, re.DOTALL) is not None


class Given(Part):
    """Who calls, when, and what lookups answer."""

    dials: str | None = Field(None, description="A number of the centre.")
    flow: FlowName | None = Field(None, description="Instead of `dials`: the flow to begin with.")
    caller: str = Field("", description="The caller's number; by default it is withheld.")
    name: str = Field("", description="The caller's display name.")
    at: datetime = Field(_DEFAULT_AT, description="The centre's wall clock; by default Monday, 2026-01-05T10:00.")
    emergency: tuple[HoursName, ...] = Field((), description="Opening hours that the emergency switch has closed.")
    lookups: tuple[LookupStub, ...] = Field((), description="The first one that fits answers.")
    pins: dict[str, str] = Field(default_factory=dict, description="The PINs of customers, for `verify`.")

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if (self.dials is None) == (self.flow is None):
            raise ValueError("either 'dials' or 'flow' is needed")
        return self


class Press(Part):
    """The caller presses keys at a prompt (the terminator is one of them), or a key of a way out while waiting."""

    press: str = Field(pattern=_KEYS)


class FromQueue(Part):
    """The caller comes back from the queue: `answered` after a talk, else by an exit of the queue's last actions."""

    from_queue: ExitName


class Booking(Part):
    """What becomes of the callback that the flow books; without this item it is booked."""

    callback: Literal["booked", "merged", "refused"]


class Message(Part):
    """The caller speaks a voicemail of so many seconds."""

    voicemail_s: float = Field(ge=0)


class OutsideCall(Part):
    """What becomes of the outside number that the flow dials; without this item it is answered."""

    dial: inputs.DialOutcome


Action = Literal["silence", "hang_up"] | Press | FromQueue | Booking | Message | OutsideCall


class SaidValue(Part):
    """A spoken value, such as `{say: number, value: 1250}`."""

    say: What
    value: str | int | float

    def __str__(self) -> str:
        return f"{self.say} {self.value}"


Heard = PromptName | SaidValue
Outcome = Literal["completed", "hungup", "failed", "in_queue", "asked"]


class Expect(Part):
    """What must be true when the caller has done everything. Only what is written is checked."""

    hears: tuple[Heard, ...] | None = Field(None, description="In this order; more may be heard in between.")
    hears_exactly: tuple[Heard, ...] | None = Field(None, description="This and nothing else.")
    never_hears: tuple[Heard, ...] = ()
    queue: QueueName | None = Field(None, description="The last queue that the caller was put into.")
    priority: int | None = Field(None, description="The priority in that queue.")
    preferred_agent: str | None = Field(None, description="The agent to be tried first in that queue.")
    callback: str | None = Field(None, description="The number of the last callback that the flow booked.")
    mailbox: str | None = Field(None, description="The mailbox of the last voicemail or recording.")
    notifies: tuple[str, ...] | None = Field(None, description="The webhooks and addresses told, in this order.")
    dials: str | None = Field(None, description="The last outside number that the flow dialled.")
    attributes: dict[str, Attribute | None] = Field(default_factory=dict, description="`null`: not set.")
    language: LanguageTag | None = None
    node: str | None = Field(None, description="The last node entered.")
    outcome: Outcome | None = Field(
        None, description="The flow ended the call, the caller did, it failed, or the caller still waits or is asked."
    )
    reason: str | None = Field(None, description="The reason of the hang-up.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a test that expects nothing proves nothing")
        return self


class FlowTest(Part):
    """One caller."""

    name: str = Field(min_length=1, max_length=200)
    given: Given
    does: tuple[Action, ...] = Field((), description="What the caller does, one item for each time it is their turn.")
    expect: Expect


class FlowTests(Part):
    """A file of flow tests."""

    tests: tuple[FlowTest, ...] = Field(min_length=1)

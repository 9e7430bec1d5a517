from collections.abc import Iterator
from typing import ClassVar, Literal

from msgspec.structs import replace
from pydantic import Field

from ivr.flow import effects
from ivr.flow.effects import Collect, HangUp, Prompt, Recorded, Reviewed
from ivr.flow.inputs import EffectFailed, Keys, VoicemailTaken
from ivr.flow.names import AttributeName, Target
from ivr.flow.node import Fixture, Result, WrongInput
from ivr.flow.nodes.voicemail import Mailbox
from ivr.flow.reviewing import RecordingNode
from ivr.flow.speak import SayList
from ivr.flow.turn import Turn

_ATTRIBUTES: dict[str, str | int | float | bool] = {"language": "en", "number": "+15550100", "dialled": "100"}
_TAKE = effects.TakeVoicemail(
    (Prompt("what-happened", "what-happened"),),
    "claims",
    None,
    _ATTRIBUTES,
    max_ms=60_000,
    min_ms=1_000,
    message=False,
    review=True,
)
_PLEASE = replace(_TAKE, spoken=(Prompt("too-short", "too-short"), *_TAKE.spoken))
_REVIEW = Collect((Prompt("keep-or-not", "keep-or-not"),), 1, first_digit_ms=5_000)
_LISTEN = Collect((Recorded("vm-1"), *_REVIEW.spoken), 1, first_digit_ms=5_000)
_TAKEN = VoicemailTaken("vm-1", 9_000)


class Record(RecordingNode):
    """Records what the caller says after a beep, for later: a description of the damage, a name, a consent.

    It ends at a key of `terminators`, at silence, or after the longest time. The recording is kept in its `mailbox`,
    beside the messages and as long as they, and is heard and deleted there. Its id goes into the attribute `into`,
    so that agents find it. One that is too short is asked for again `retries` times. With a `review` the caller hears
    it and keeps it, records anew or cancels; who hangs up meanwhile has kept it.
    """

    type: Literal["record"]
    say: SayList = Field(min_length=1, description="Said before the beep.")
    into: AttributeName = Field("recording", description="The attribute that takes the recording's id.")
    mailbox: Mailbox = Field("recordings", description="Under which name it is stored and listed.")
    max_s: float = Field(60, gt=0, le=1_800, description="The longest recording.")
    min_s: float = Field(1, ge=0, le=60, description="A shorter one is thrown away.")
    silence_s: int = Field(5, ge=1, le=60, description="So much silence ends it.")
    terminators: str = Field("#", pattern=r"^[0-9*#]{0,12}$", description="The keys that end it.")
    retries: int = Field(1, ge=0, le=10, description="How often to ask again when it was too short.")
    again: SayList = Field(default_factory=list, description="Said before asking again.")
    next: Target = Field(description="Where to go with a recording.")
    too_short: Target = Field(description="Where to go without one.")

    waits: ClassVar[bool] = True
    example: ClassVar[str] = """
        tell-us:
          type: record
          say: [what-happened]
          again: [too-short]
          into: damage
          mailbox: claims
          review: {say: [keep-or-not], cancelled: operator}
          next: told
          too_short: operator
        told:
          type: branch
          conditions: [{when: contact.damage == 'vm-1', to: to-claims}]
          otherwise: operator
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture(
            "keeps it",
            (
                (None, (_TAKE,)),
                (_TAKEN, (_REVIEW,)),
                (Keys("1", "length"), (Reviewed("vm-1"), HangUp("to-claims"))),
            ),
        ),
        Fixture(
            "lets it be heard, and replaced by another",
            (
                (None, (_TAKE,)),
                (_TAKEN, (_REVIEW,)),
                (Keys("2", "length"), (_LISTEN,)),
                (Keys("3", "length"), (_TAKE,)),
                (VoicemailTaken("vm-2", 5_000), (Reviewed("vm-1", kept=False), _REVIEW)),
                (Keys("*", "length"), (Reviewed("vm-2", kept=False), HangUp("operator"))),
            ),
        ),
        Fixture(
            "asks again, once",
            (
                (None, (_TAKE,)),
                (VoicemailTaken("", 300), (_PLEASE,)),
                (VoicemailTaken("", 300), (HangUp("operator"),)),
            ),
        ),
        WrongInput(
            "keeps it where no key fits, and the old one where the new one is too short",
            (
                (None, (_TAKE,)),
                (_TAKEN, (_REVIEW,)),
                (Keys("3", "length"), (_TAKE,)),
                (VoicemailTaken("", 300), (_REVIEW,)),
                (Keys("7", "length"), (_REVIEW,)),
                (Keys(), (_REVIEW,)),
                (Keys(), (Reviewed("vm-1"), HangUp("to-claims"))),
            ),
        ),
        WrongInput(
            "fails where nothing can be recorded", ((None, (_TAKE,)), (EffectFailed("disk full"), (HangUp("error"),)))
        ),
    )

    def exits(self) -> dict[str, str]:
        return {"next": self.next, "too_short": self.too_short, **super().exits()}

    def sets(self) -> Iterator[str]:
        yield f"contact.{self.into}"

    def record(self, turn: Turn) -> effects.TakeVoicemail:
        return effects.TakeVoicemail(
            turn.speak([*(self.again if "tried" in turn.memory else ()), *self.say]),
            self.mailbox,
            None,
            turn.contact(),
            round(self.max_s * 1000),
            round(self.min_s * 1000),
            self.silence_s * 1000,
            self.terminators,
            message=False,
            review=self.review is not None,
        )

    def kept(self, turn: Turn, recording: str) -> Result:
        turn.set(self.into, recording)
        return "next"

    def too_short_one(self, turn: Turn) -> Result:
        tried = turn.memory.get("tried", 0)
        if tried >= self.retries:
            return "too_short"
        turn.memory = {"tried": tried + 1}
        return self.record(turn)

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.flow import effects
from ivr.flow.effects import Collect, HangUp, Prompt, Reviewed
from ivr.flow.inputs import EffectFailed, Keys, VoicemailTaken
from ivr.flow.names import AttributeName, Computed, Matching, QueueName, Target
from ivr.flow.node import Fixture, Result, WrongInput
from ivr.flow.reviewing import RecordingNode
from ivr.flow.speak import SayList
from ivr.flow.turn import Turn

Mailbox = Annotated[
    str,
    Field(max_length=40),
    Matching(r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "a mailbox's name has only letters a to z, digits, _ and -"),
]

_TAKE = effects.TakeVoicemail(
    (Prompt("leave-a-message", "leave-a-message"),),
    "billing",
    "messages",
    {"reason": "voicemail", "language": "en", "number": "+15550100", "dialled": "100"},
    max_ms=120_000,
    review=True,
)
_REVIEW = Collect((Prompt("keep-or-not", "keep-or-not"),), 1, first_digit_ms=5_000)


class Voicemail(RecordingNode):
    """Takes a message: says what to do, beeps and records until a key of `terminators`, silence, or the longest time.

    A caller who hangs up has left the message too. It is stored under its `mailbox` and, with a `queue`, waits there
    for an agent as a contact of its own, with all attributes set so far. With a `review` the caller hears it first and
    keeps it, records anew or cancels.
    """

    type: Literal["voicemail"]
    say: SayList = Field(default_factory=list, description="Said before the beep.")
    mailbox: Mailbox = Field(description="Under which name messages are stored and listed.")
    queue: QueueName | None = Field(None, description="Where the message waits for an agent; by default nowhere.")
    attributes: dict[AttributeName, Computed] = Field(
        default_factory=dict, description="Set first; values are expressions."
    )
    max_s: float = Field(180, gt=0, le=1_800, description="The longest message.")
    min_s: float = Field(2, ge=0, le=60, description="A shorter one is thrown away.")
    silence_s: int = Field(5, ge=1, le=60, description="So much silence ends the message.")
    terminators: str = Field("#", pattern=r"^[0-9*#]{0,12}$", description="The keys that end the message.")
    next: Target = Field(description="Where to go with a message.")
    too_short: Target = Field(description="Where to go when it was too short to be one.")

    waits: ClassVar[bool] = True
    example: ClassVar[str] = """
        leave-message:
          type: voicemail
          say: [leave-a-message]
          mailbox: billing
          queue: messages
          attributes: {reason: "'voicemail'"}
          max_s: 120
          review: {say: [keep-or-not], cancelled: goodbye}
          next: thanks
          too_short: goodbye
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        *(
            Fixture(
                title,
                (
                    (None, (_TAKE,)),
                    (VoicemailTaken("vm-1", 9_000), (_REVIEW,)),
                    (Keys(key, "length"), (Reviewed("vm-1", kept), HangUp(where))),
                ),
            )
            for title, key, kept, where in (
                ("goes on with a message", "1", True, "thanks"),
                ("throws a cancelled one away", "*", False, "goodbye"),
            )
        ),
        Fixture("goes on without one", ((None, (_TAKE,)), (VoicemailTaken("", 800), (HangUp("goodbye"),)))),
        WrongInput(
            "fails where nothing can be recorded", ((None, (_TAKE,)), (EffectFailed("disk full"), (HangUp("error"),)))
        ),
    )

    def exits(self) -> dict[str, str]:
        return {"next": self.next, "too_short": self.too_short, **super().exits()}

    def sets(self) -> Iterator[str]:
        return (f"contact.{name}" for name in self.attributes)

    def record(self, turn: Turn) -> effects.TakeVoicemail:
        for name, expression in self.attributes.items():
            turn.set(name, turn.value(expression))
        return effects.TakeVoicemail(
            turn.speak(self.say),
            self.mailbox,
            str(self.queue) if self.queue else None,
            turn.contact(),
            round(self.max_s * 1000),
            round(self.min_s * 1000),
            self.silence_s * 1000,
            self.terminators,
            review=self.review is not None,
        )

    def kept(self, turn: Turn, recording: str) -> Result:
        return "next"

    def too_short_one(self, turn: Turn) -> Result:
        return "too_short"

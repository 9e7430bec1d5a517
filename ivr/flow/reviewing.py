"""What nodes share that record the caller: the review, in which a caller hears the recording before it counts.

The keys are those of Asterisk's own voicemail (`app_voicemail.c`, its option `review`): 1 keeps, 2 plays, 3 records
anew; * cancels here, where the node has a way for it. As there, who hangs up or presses nothing has kept it.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from ivr.flow.effects import Collect, Recorded, Reviewed, Spoken, TakeVoicemail
from ivr.flow.inputs import Keys, VoicemailTaken
from ivr.flow.names import Matching, Target
from ivr.flow.node import Node, Part, Result
from ivr.flow.speak import SayList

if TYPE_CHECKING:
    from ivr.flow.turn import Turn

Key = Annotated[str, Matching(r"^[0-9*#]$", "this is one key: 0 to 9, * or #")]


class Review(Part):
    """After the recording the caller decides by a key. Who hangs up, goes another way or at last presses nothing that
    fits has kept it."""

    say: SayList = Field(min_length=1, description="Says what the keys do; Asterisk has the sound `vm-review`.")
    keep: Key = Field("1", description="The key that keeps the recording.")
    listen: Key = Field("2", description="The key that plays it.")
    again: Key = Field("3", description="The key that records anew; until then the old one is kept.")
    cancel: Key = Field("*", description="The key that throws it away, where `cancelled` says what then.")
    cancelled: Target | None = Field(None, description="Where to go without a recording; by default none can cancel.")
    retries: int = Field(2, ge=0, le=10, description="How often to ask again after silence or a wrong key.")
    first_digit_s: float = Field(5, gt=0, le=60, description="How long to wait for the key.")

    @model_validator(mode="after")
    def _each_key_once(self) -> Self:
        meanings = [("keep", self.keep), ("listen", self.listen), ("again", self.again)]
        meanings += [("cancel", self.cancel)] if self.cancelled else []
        for position, (name, key) in enumerate(meanings):
            for before, same in meanings[:position]:
                if key == same:
                    raise ValueError(f"the key {key!r} means both {before!r} and {name!r}; give one of them another")
        return self

    @property
    def keys(self) -> str:
        return self.keep + self.listen + self.again + (self.cancel if self.cancelled else "")


class RecordingNode(Node):
    """Base of the nodes that record the caller and may let it be reviewed."""

    review: Review | None = Field(
        None, description="Lets the caller hear it, keep it, record anew or cancel; by default it is kept at once."
    )

    # `turn.memory`: `recording` is the one that is reviewed, `missed` how often no key has fitted since it was there.

    @property
    def asks(self) -> bool:
        return self.review is not None

    def own_keys(self) -> str:
        return self.review.keys if self.review else ""

    def exits(self) -> dict[str, str]:
        cancelled = {"cancelled": self.review.cancelled} if self.review and self.review.cancelled else {}
        return {**cancelled, **super().exits()}

    def enter(self, turn: "Turn") -> Result:
        return self._ask(turn) if "recording" in turn.memory else self.record(turn)

    def take(self, turn: "Turn", answer: Keys | VoicemailTaken) -> Result:
        if isinstance(answer, Keys):
            return self._decided(turn, answer)
        before = turn.memory.get("recording")
        if not answer.voicemail:
            return self._ask(turn) if before else self.too_short_one(turn)
        if self.review is None:
            return self.kept(turn, answer.voicemail)
        if before:
            turn.effects.append(Reviewed(before, kept=False))
        turn.memory = {"recording": answer.voicemail}
        return self._ask(turn)

    @abstractmethod
    def record(self, turn: "Turn") -> TakeVoicemail:
        """What is recorded, and what is said before."""

    @abstractmethod
    def kept(self, turn: "Turn", recording: str) -> Result:
        """There is a recording."""

    @abstractmethod
    def too_short_one(self, turn: "Turn") -> Result:
        """There is none."""

    def _ask(self, turn: "Turn", *first: Spoken) -> Result:
        assert self.review, "only a review waits for a key"
        spoken = (*first, *turn.speak(self.review.say))
        return Collect(spoken, 1, first_digit_ms=round(self.review.first_digit_s * 1000))

    def _decided(self, turn: "Turn", answer: Keys) -> Result:
        review, recording = self.review, str(turn.memory["recording"])
        assert review, "only a review waits for a key"
        key = answer.digits
        if key == review.listen:
            turn.memory |= {"missed": 0}
            return self._ask(turn, Recorded(recording))
        if key == review.again:
            turn.memory |= {"missed": 0}
            return self.record(turn)
        if key == review.cancel and review.cancelled:
            turn.effects.append(Reviewed(recording, kept=False))
            return "cancelled"
        if key != review.keep:
            if turn.flow.operator and key == turn.flow.operator.key:
                turn.effects.append(Reviewed(recording))
                return "operator"
            turn.miss("no_match" if key or answer.ended_by != "timeout" else "no_input")
            missed = turn.memory.get("missed", 0)
            if missed < review.retries:
                turn.memory |= {"missed": missed + 1}
                return self._ask(turn)
        turn.effects.append(Reviewed(recording))
        return self.kept(turn, recording)

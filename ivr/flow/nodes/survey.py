from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.flow import effects
from ivr.flow.effects import Collect, HangUp, Prompt
from ivr.flow.inputs import EffectFailed, Keys, VoicemailTaken
from ivr.flow.names import ExitName, Target
from ivr.flow.node import Fixture, Node, Part, Result, WrongInput
from ivr.flow.nodes.voicemail import Mailbox
from ivr.flow.speak import SayList
from ivr.flow.turn import Turn

Score = Literal["csat", "nps", "ces"]
SCALES: dict[str, tuple[int, int]] = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
"""The lowest and the highest answer. Of 7 and 10 the field knows no other use; CSAT has its usual five steps."""
COMMENT: Literal["comment"] = "comment"

_ATTRIBUTES: dict[str, str | int | float | bool] = {"language": "en", "number": "+15550100", "dialled": "100"}
_HOW_SATISFIED = Collect((Prompt("how-satisfied", "how-satisfied"),), 1, first_digit_ms=5_000, inter_digit_ms=2_000)
_ONE_TO_FIVE = Collect(
    (Prompt("one-to-five", "one-to-five"), *_HOW_SATISFIED.spoken), 1, first_digit_ms=5_000, inter_digit_ms=2_000
)
_RECOMMEND = Collect((Prompt("recommend", "recommend"),), 2, "#", first_digit_ms=5_000, inter_digit_ms=2_000)


def _comment(**attributes: int) -> effects.TakeVoicemail:
    return effects.TakeVoicemail(
        (Prompt("tell-us-more", "tell-us-more"),),
        "surveys",
        None,
        {**attributes, **_ATTRIBUTES},
        max_ms=60_000,
        min_ms=1_000,
        message=False,
    )


class Question(Part):
    """One question, to be answered by a number."""

    score: Score = Field(description="`csat` (1 to 5), `nps` (0 to 10) or `ces` (1 to 7).")
    say: SayList = Field(min_length=1, description="The question.")
    again: SayList = Field(default_factory=list, description="Said before asking again.")


class Comment(Part):
    """A spoken comment in the end."""

    say: SayList = Field(min_length=1, description="Said before the beep.")
    mailbox: Mailbox = Field("surveys", description="Under which name comments are stored and listed.")
    max_s: float = Field(60, gt=0, le=600, description="The longest comment.")


class Survey(Node):
    """Asks how it was, usually behind an enqueue node's `answered`: CSAT (how satisfied, 1 to 5), NPS (would you
    recommend us, 0 to 10), CES (how easy was it, 1 to 7), and a spoken comment.

    Every answer is stored at once with the contact, its queue and its agent, and counts in their CSAT, NPS and CES; so
    who hangs up after two questions has answered two. A question that is not answered is left out. The answers are also
    attributes (`contact.csat`, `contact.nps`, `contact.ces`, and `contact.comment`, the recording's id).
    """

    type: Literal["survey"]
    name: ExitName = Field("survey", description="The name of the survey, in the records.")
    questions: list[Question] = Field(min_length=1, max_length=3, description="In this order; each score once.")
    comment: Comment | None = Field(None, description="A spoken comment: `{say, mailbox, max_s}`.")
    retries: int = Field(1, ge=0, le=10, description="How often a question is asked again.")
    first_digit_s: float = Field(5, gt=0, le=60, description="How long to wait for the answer.")
    next: Target = Field(description="Where to go afterwards, whatever was answered.")

    waits: ClassVar[bool] = True
    takes_keys: ClassVar[bool] = True
    example: ClassVar[str] = """
        how-was-it:
          type: survey
          questions:
            - {score: csat, say: [how-satisfied], again: [one-to-five]}
            - {score: nps, say: [recommend]}
          comment: {say: [tell-us-more]}
          next: thanks
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture(
            "takes every answer",
            (
                (None, (_HOW_SATISFIED,)),
                (Keys("4", "length"), (effects.SurveyAnswered("survey", "csat", 4), _RECOMMEND)),
                (Keys("10", "length"), (effects.SurveyAnswered("survey", "nps", 10), _comment(csat=4, nps=10))),
                (
                    VoicemailTaken("vm-1", 9_000),
                    (effects.SurveyAnswered("survey", "comment", recording="vm-1"), HangUp("thanks")),
                ),
            ),
        ),
        WrongInput(
            "asks again, and leaves out what is not answered",
            (
                (None, (_HOW_SATISFIED,)),
                (Keys("9", "length"), (_ONE_TO_FIVE,)),
                (Keys(), (_RECOMMEND,)),
                (Keys("0", "terminator"), (effects.SurveyAnswered("survey", "nps", 0), _comment(nps=0))),
                (VoicemailTaken("", 100), (HangUp("thanks"),)),
            ),
        ),
        Fixture(
            "goes on where nothing can be asked",
            ((None, (_HOW_SATISFIED,)), (EffectFailed("no sound"), (HangUp("thanks"),))),
        ),
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        asked = [question.score for question in self.questions]
        for score in asked:
            if asked.count(score) > 1:
                raise ValueError(f"{score} is asked twice")
        return self

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def sets(self) -> Iterator[str]:
        for question in self.questions:
            yield f"contact.{question.score}"
        if self.comment:
            yield f"contact.{COMMENT}"

    # `turn.memory` counts the questions that are done (`done`) and the tries of the present one (`tried`).

    def enter(self, turn: Turn) -> Result:
        done, tried = turn.memory.get("done", 0), turn.memory.get("tried", 0)
        if done < len(self.questions):
            question = self.questions[done]
            highest = SCALES[question.score][1]
            spoken = turn.speak([*(question.again if tried else ()), *question.say])
            long = highest > 9
            first_ms = round(self.first_digit_s * 1000)
            return Collect(spoken, 1 + long, "#" if long else "", first_digit_ms=first_ms, inter_digit_ms=2_000)
        if self.comment is None or done > len(self.questions):
            return "next"
        return effects.TakeVoicemail(
            turn.speak(self.comment.say),
            self.comment.mailbox,
            None,
            turn.contact(),
            round(self.comment.max_s * 1000),
            min_ms=1_000,
            message=False,
        )

    def take(self, turn: Turn, answer: Keys | VoicemailTaken) -> Result:
        done, tried = turn.memory.get("done", 0), turn.memory.get("tried", 0)
        if isinstance(answer, VoicemailTaken):
            if answer.voicemail:
                turn.set(COMMENT, answer.voicemail)
                turn.effects.append(effects.SurveyAnswered(self.name, COMMENT, recording=answer.voicemail))
            return "next"
        score = self.questions[done].score
        lowest, highest = SCALES[score]
        digits = answer.digits
        if digits.isdecimal() and digits.isascii() and len(digits) <= 2 and lowest <= int(digits) <= highest:
            turn.set(score, int(digits))
            turn.effects.append(effects.SurveyAnswered(self.name, score, int(digits)))
        elif turn.flow.operator and digits == turn.flow.operator.key:
            return "operator"
        elif tried < self.retries:
            turn.memory = {"done": done, "tried": tried + 1}
            return self.enter(turn)
        turn.memory = {"done": done + 1}
        return self.enter(turn)

    def failed(self, turn: Turn, detail: str) -> Result:
        return "error" if self.error else "next"

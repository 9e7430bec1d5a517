from typing import ClassVar, Literal

from pydantic import Field

from ivr.flow import effects
from ivr.flow.effects import HangUp, Prompt, Say
from ivr.flow.inputs import EffectFailed, Played
from ivr.flow.names import Target
from ivr.flow.node import Fixture, Node, Result, WrongInput
from ivr.flow.session import Caller
from ivr.flow.speak import SayList
from ivr.flow.turn import Turn

_WELCOME = effects.Play((Prompt("welcome", "welcome"), Say("digits", "15550100")))


class Play(Node):
    """Plays prompts and values to their end. What cannot be played is skipped, unless `error` says otherwise."""

    type: Literal["play"]
    say: SayList = Field(min_length=1, description="Prompts (by name) and values, in order.")
    next: Target = Field(description="Where to go afterwards.")

    waits: ClassVar[bool] = True
    plays: ClassVar[bool] = True
    example: ClassVar[str] = """
        welcome:
          type: play
          say: [welcome, {say: digits, value: contact.number, otherwise: unknown-caller}]
          next: main-menu
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture("plays, then goes on", ((None, (_WELCOME,)), (Played(), (HangUp("main-menu"),)))),
        WrongInput("skips what cannot be played", ((None, (_WELCOME,)), (EffectFailed(), (HangUp("main-menu"),)))),
        Fixture(
            "says something else for a value that is missing",
            ((None, (effects.Play((Prompt("welcome", "welcome"), Prompt("unknown-caller", "unknown-caller"))),)),),
            caller=Caller(""),
        ),
    )

    def exits(self) -> dict[str, str]:
        return {"next": self.next, **super().exits()}

    def enter(self, turn: Turn) -> Result:
        return turn.play(self.say)

    def take(self, turn: Turn, answer: Played) -> Result:
        return "operator" if answer.key else "next"

    def failed(self, turn: Turn, detail: str) -> Result:
        return "error" if self.error else "next"

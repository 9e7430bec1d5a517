import re
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import SchemaValidator

from ivr.flow import effects
from ivr.flow.asking import AskingNode
from ivr.flow.effects import Collect, HangUp, Prompt, Spoken
from ivr.flow.inputs import CallbackBooked, EffectFailed, Keys
from ivr.flow.names import Computed, HoursName, PromptName, QueueName, Target
from ivr.flow.node import Fixture, NodeError, Part, Result, WrongInput
from ivr.flow.patterns import Pattern, whole
from ivr.flow.session import Caller
from ivr.flow.speak import SayList, say
from ivr.flow.turn import Turn

YES, OTHER = "1", "2"
"""The keys: it is right (as soon as possible), and another number (another time)."""

_MONDAY = 1_767_607_200_000  # 5 January 2026, 10:00 UTC


def _says(*items: str) -> tuple[Spoken, ...]:
    return tuple(effects.Say("digits", item) if item.isdecimal() else Prompt(item, item) for item in items)


def _at(moment: str, key: str) -> tuple[Spoken, ...]:
    at = effects.Say("datetime", f"2026-01-05T{moment}:00+00:00")
    return (Prompt("for", "for"), at, Prompt("press", "press"), effects.Say("digits", key))


_ATTRIBUTES: dict[str, str | int | float | bool] = {"language": "en", "number": "+15550100", "dialled": "100"}
_OFFER = Collect(_says("call-you-at", "15550100", "right-or-another"), max_digits=1)
_ASK = Collect(_says("enter-number"), max_digits=15, terminators="#")
_REFUSED = Collect(_says("cannot-call-it", "enter-number"), max_digits=15, terminators="#")
_CONFIRM = Collect(_says("call-you-at", "5550123", "right-or-another"), max_digits=1)
_WHEN = Collect(_says("now-or-later"), max_digits=1)
_WHICH = Collect((*_at("11:00", "1"), *_at("11:30", "2")), max_digits=1)
_BOOK = effects.BookCallback("billing", "+15550100", None, _ATTRIBUTES)
_BOOK_OTHER = effects.BookCallback("billing", "5550123", None, _ATTRIBUTES)
_BOOK_LATER = effects.BookCallback("billing", "+15550100", _MONDAY + 5_400_000, _ATTRIBUTES)


class Times(Part):
    """The times from which a caller may choose."""

    hours: HoursName = Field(description="Only while these opening hours are open.")
    ask: SayList = Field(min_length=1, description="1: as soon as possible, 2: at a time of the caller's choice.")
    before: PromptName = Field(description="Said before each time, such as: for.")
    press: PromptName = Field(description="Said between each time and its key, such as: press.")
    every_min: int = Field(30, ge=5, le=240, description="So far apart, on the wall clock.")
    after_min: int = Field(60, ge=0, le=10_080, description="The first one is so long from now.")
    most: int = Field(4, ge=1, le=9, description="So many are offered.")


class Callback(AskingNode):
    """Offers to ring the caller back: says the number the caller calls from, or asks for one, and has it confirmed.

    At the number, `1` is yes and `2` asks for another one; a number that is entered is said back and confirmed alike.
    With `times` the caller then chooses between as soon as possible (`1`) and a time (`2`, then the key of the time).
    A number that may not be called leads back to asking, and by `refused` when it is enough. A caller who keeps a place
    in the queue leaves it to the callback.
    """

    type: Literal["callback"]
    queue: QueueName | None = Field(None, description="The queue whose agents ring back.")
    queue_from: Computed | None = Field(None, description="Instead of `queue`: the queue's name as an expression.")
    say: SayList = Field(min_length=1, description="Said before the number, such as: we can ring you back at.")
    confirm: SayList = Field(min_length=1, description="Said after it: 1 if that is right, 2 for another number.")
    ask_number: SayList = Field(min_length=1, description="Asks for a number, to be ended by #.")
    refusal: SayList = Field(default_factory=list, description="Said when a number may not be called.")
    min_digits: int = Field(5, ge=3, le=15, description="Shorter numbers do not fit.")
    max_digits: int = Field(15, ge=3, le=15, description="Longer numbers do not fit (E.164 allows 15 digits).")
    pattern: Pattern | None = Field(
        None, max_length=200, description="A regular expression that all of a number matches, without its `+`."
    )
    times: Times | None = Field(None, description="The caller may choose a time.")
    next: Target = Field(description="Where to go when the callback is booked.")
    refused: Target = Field(description="Where to go when no number could be booked.")

    example: ClassVar[str] = """
        offer-callback:
          type: callback
          queue: billing
          say: [call-you-at]
          confirm: [right-or-another]
          ask_number: [enter-number]
          refusal: [cannot-call-it]
          times: {hours: office, ask: [now-or-later], before: for, press: press, most: 2}
          next: booked
          refused: sorry
          no_input: {retries: 0, to: keep-waiting}
          no_match: {retries: 1, to: keep-waiting}
        """
    fixtures: ClassVar[tuple[Fixture, ...]] = (
        Fixture(
            "books the caller's own number",
            (
                (None, (_OFFER,)),
                (Keys("1", "length"), (_WHEN,)),
                (Keys("1", "length"), (_BOOK,)),
                (CallbackBooked(), (HangUp("booked"),)),
            ),
        ),
        Fixture(
            "takes another number, says it back and has it confirmed",
            (
                (None, (_OFFER,)),
                (Keys("2", "length"), (_ASK,)),
                (Keys("12", "terminator"), (_ASK,)),
                (Keys("5550123", "terminator"), (_CONFIRM,)),
                (Keys("1", "length"), (_WHEN,)),
                (Keys("1", "length"), (_BOOK_OTHER,)),
                (CallbackBooked(merged=True), (HangUp("booked"),)),
            ),
        ),
        Fixture(
            "offers times",
            (
                (None, (_OFFER,)),
                (Keys("1", "length"), (_WHEN,)),
                (Keys("2", "length"), (_WHICH,)),
                (Keys("2", "length"), (_BOOK_LATER,)),
            ),
        ),
        WrongInput(
            "asks again for a number that may not be called, and gives up in the end",
            (
                (None, (_OFFER,)),
                (Keys("1", "length"), (_WHEN,)),
                (Keys("1", "length"), (_BOOK,)),
                (EffectFailed("not on the list"), (_REFUSED,)),
                (Keys("5550123", "terminator"), (_CONFIRM,)),
                (Keys("1", "length"), (_WHEN,)),
                (Keys("1", "length"), (_BOOK_OTHER,)),
                (EffectFailed("not on the list"), (HangUp("sorry"),)),
            ),
        ),
        Fixture(
            "asks who calls without a number, and lets the silent go",
            ((None, (_ASK,)), (Keys(), (HangUp("keep-waiting"),))),
            caller=Caller("", "100"),
        ),
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.queue is None) == (self.queue_from is None):
            raise ValueError("either 'queue' or 'queue_from' is needed")
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is more than max_digits")
        return self

    def exits(self) -> dict[str, str]:
        return {"next": self.next, "refused": self.refused, **super().exits()}

    # What is asked is kept in `turn.memory["stage"]`, the number in `number`, the times offered in `times`.

    def enter(self, turn: Turn) -> Result:
        memory = turn.memory
        if "stage" not in memory:
            own = self._fits(turn.caller.number)
            memory |= {"stage": "confirm", "number": turn.caller.number} if own else {"stage": "number"}
        match memory["stage"]:
            case "number":
                refused = turn.speak(self.refusal) if memory.get("refused_last") else ()
                question = (*refused, *turn.speak(self.ask_number))
                return self.ask(turn, self.max_digits, "#", question=question)
            case "confirm":
                number = say(turn, "digits", memory["number"])
                return self._choose(turn, (*turn.speak(self.say), number, *turn.speak(self.confirm)))
            case "when" if self.times:
                return self._choose(turn, turn.speak(self.times.ask))
            case "time" if self.times:
                return self._choose(turn, self._offered(turn, self.times))
        return self._book(turn, memory.get("at_ms"))

    def take(self, turn: Turn, answer: Keys | CallbackBooked) -> Result:
        if isinstance(answer, CallbackBooked):
            return "next"
        memory, key = turn.memory, answer.digits
        match memory["stage"]:
            case "number" if self._fits(key):
                memory["number"] = key
                return self._go(turn, "confirm")
            case "confirm" if key == YES:
                memory["times"] = self._times(turn)
                return self._go(turn, "when" if memory["times"] else "book")
            case "confirm" if key == OTHER:
                return self._go(turn, "number")
            case "when" if key == YES:
                return self._go(turn, "book")
            case "when" if key == OTHER:
                return self._go(turn, "time")
            case "time" if key in _KEYS[: len(memory["times"])] and key:
                memory["at_ms"] = memory["times"][int(key) - 1]
                return self._go(turn, "book")
        return self.ask_again(turn, answer)

    def failed(self, turn: Turn, detail: str) -> Result:
        if turn.memory["stage"] != "book":
            raise NodeError(detail)
        refusals = turn.memory.get("refusals", 0) + 1
        if refusals > self.no_match.retries:
            return "refused"
        turn.memory |= {"refusals": refusals, "at_ms": None}
        return self._go(turn, "number", refused=True)

    def _go(self, turn: Turn, stage: str, refused: bool = False) -> Result:
        turn.memory |= {"stage": stage, "last": "", "refused_last": refused}
        return self.enter(turn)

    def _choose(self, turn: Turn, question: tuple[Spoken, ...]) -> Result:
        return self.ask(turn, 1, "", question=question)

    def _book(self, turn: Turn, at_ms: int | None) -> Result:
        queue = turn.value(self.queue_from) if self.queue_from else str(self.queue)
        if not isinstance(queue, str) or not queue:
            raise NodeError(f"{queue!r} is no queue's name")
        return effects.BookCallback(queue, turn.memory["number"], at_ms, turn.contact())

    def _times(self, turn: Turn) -> list[int]:
        if self.times is None:
            return []
        hours = turn.library.hours.get(self.times.hours)
        if hours is None:
            raise NodeError(f"there are no hours {str(self.times.hours)!r}")
        after_ms = turn.now_ms + self.times.after_min * 60_000 - 1
        return hours.open_times(after_ms, self.times.every_min, self.times.most)

    def _offered(self, turn: Turn, times: Times) -> tuple[Spoken, ...]:
        before, press = turn.speak([times.before]), turn.speak([times.press])
        spoken: list[Spoken] = []
        for key, at_ms in zip(_KEYS, turn.memory["times"], strict=False):
            at = say(turn, "datetime", turn.library.local(at_ms).isoformat())
            spoken += (*before, at, *press, effects.Say("digits", key))
        return tuple(spoken)

    @cached_property
    def _pattern(self) -> SchemaValidator:
        return whole(self.pattern or "[0-9]*")

    def _fits(self, number: str) -> bool:
        digits = number.removeprefix("+")
        return (
            re.fullmatch(r"[0-9]+", digits, re.ASCII) is not None
            and self.min_digits <= len(digits) <= self.max_digits
            and self._pattern.isinstance_python(digits)
        )


_KEYS = "123456789"

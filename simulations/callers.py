"""The caller's side of a flow: the real machine, with keys, prompts' lengths and lookups' answers from the scenario."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeVar

from documents import DocumentError, Problem
from ivr.flow.effects import BookCallback, Collect, Dial, Effect, Enqueue, LookUp, Play, Query, TakeVoicemail, Verify
from ivr.flow.inputs import (
    CallbackBooked,
    DialEnded,
    HungUp,
    Input,
    Keys,
    LookedUp,
    LookupFailed,
    Played,
    Verified,
    VoicemailTaken,
)
from ivr.flow.library import Library
from ivr.flow.machine import Machine
from ivr.flow.session import Caller, Session
from simulations.distributions import Distribution
from simulations.scenario import HANG_UP, SILENCE, LookupAnswer
from simulations.setting import Setting
from simulations.streams import Streams, choose

Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Step:
    """What the caller comes to: a queue, or `answer` to the flow after `delay_ms`; for a callback that is to be booked
    (`book`), the answer if there is no router to ask."""

    enqueue: Enqueue | None = None
    delay_ms: int = 0
    answer: Input | None = None
    book: BookCallback | None = None


class IvrCallers:
    """The callers of one replication who go through flows. Times are ms since the scenario's start."""

    def __init__(self, setting: Setting, streams: Streams, library: Library) -> None:
        self.scenario, self.file = setting.scenario, setting.file
        self.numbers = setting.centre.numbers or {}
        self.streams = streams
        self.machine = Machine(library)
        self.start_unix_ms = round(setting.scenario.started.replace(tzinfo=library.zone).timestamp() * 1000)

    def caller(self, kind: str, number: int) -> "IvrCaller":
        """Caller `number` of this kind."""
        return IvrCaller(self, kind, number)


class IvrCaller:
    """One caller in the flow of the number that callers of this kind dial."""

    def __init__(self, callers: IvrCallers, kind: str, number: int) -> None:
        self._all, self._kind, self._number = callers, kind, number
        self._what, self._ivr = callers.scenario.kinds[kind], callers.scenario.ivr
        self._streams, self._machine = callers.streams, callers.machine
        self._session: Session | None = None
        self._visits: Counter[str] = Counter()

    def dial(self, now_ms: int) -> Step | None:
        """Calls; None when the flow hangs up at once."""
        dialled = self._what.number or ""
        caller = Caller(number=self._what.caller, dialled=dialled)
        at_ms = self._all.start_unix_ms + now_ms
        return self._comes_to(self._machine.start(self._all.numbers[dialled], caller, at_ms))

    def go_on(self, answer: Input, now_ms: int) -> Step | None:
        """Tells the flow; None when the call is over."""
        assert self._session is not None, "dial comes first"
        return self._comes_to(self._machine.resume(self._session, answer, self._all.start_unix_ms + now_ms))

    @property
    def session(self) -> Session:
        """Where the caller is in the flows; there is one once the caller has dialled."""
        assert self._session is not None, "dial comes first"
        return self._session

    @property
    def served(self) -> bool:
        """Whether the flow came to its end with the caller still there."""
        return self._session is not None and self._session.outcome == "completed"

    def _comes_to(self, step: tuple[Session, list[Effect]]) -> Step | None:
        self._session, effects = step
        if self._session.finished:
            return None
        effect = effects[-1]
        if isinstance(effect, Enqueue):
            return Step(enqueue=effect)
        node = f"{self._session.flow}.{self._session.node}"
        self._visits[node] += 1
        stream = f"{self._kind}/{node}/{self._visits[node]}"
        match effect:
            case Play():
                return Step(None, self._ms(stream, self._ivr.play_s), Played())
            case Collect():
                return Step(None, self._ms(stream, self._ivr.collect_s), self._presses(effect, node, stream))
            case LookUp() | Query():
                return Step(None, self._ms(stream, self._ivr.look_up_s), self._brings(node, stream))
            case TakeVoicemail():
                speaks_ms = self._ms(stream, self._ivr.play_s)
                return Step(None, speaks_ms, VoicemailTaken("" if speaks_ms < effect.min_ms else node, speaks_ms))
            case Verify():
                result: Literal["right", "wrong"] = "right" if self._knows(node, stream) else "wrong"
                return Step(None, self._ms(stream, self._ivr.look_up_s), Verified(result))
            case Dial():
                talk_ms = min(effect.max_ms, self._ms(stream, self._ivr.dial_s))
                return Step(None, talk_ms, DialEnded("answered", talk_ms))
            case BookCallback():
                return Step(answer=CallbackBooked(), book=effect)
        raise DocumentError([Problem(f"no simulated caller can do {type(effect).__name__}", path=node)])

    def _ms(self, stream: str, distribution: Distribution) -> int:
        return round(self._streams.draws(f"{stream}/time", distribution)[self._number] * 1000)

    def _presses(self, collect: Collect, node: str, stream: str) -> Input:
        shares = self._said_of(self._what.choices, node, "choices", "what callers press there")
        choice = choose(shares, self._streams.uniforms(f"{stream}/choice")[self._number])
        if choice == HANG_UP:
            return HungUp()
        if choice == SILENCE:
            return Keys("", "timeout")
        digits = choice[: collect.max_digits]
        if len(digits) == collect.max_digits:
            return Keys(digits, "length")
        return Keys(digits, "terminator" if collect.terminators else "timeout")

    def _brings(self, node: str, stream: str) -> Input:
        answers = self._said_of(self._what.lookups, node, "lookups", "what it brings")
        shares = {str(position): answer.share for position, answer in enumerate(answers)}
        answer: LookupAnswer = answers[int(choose(shares, self._streams.uniforms(f"{stream}/lookup")[self._number]))]
        return LookupFailed(answer.fails) if answer.fails else LookedUp(answer.status, answer.data)

    def _knows(self, node: str, stream: str) -> bool:
        """Whether the PIN is right: the lookup of that node says so, or it always is."""
        if self._what.lookups.keys().isdisjoint((node, node.rpartition(".")[2])):
            return True
        answer = self._brings(node, stream)
        return isinstance(answer, LookedUp) and 200 <= answer.status < 300

    def _said_of(self, said: dict[str, Said], node: str, field: str, what: str) -> Said:
        """What the scenario says of `FLOW.NODE`, or of `NODE` in any flow."""
        found = said.get(node, said.get(node.rpartition(".")[2]))
        if found is None:
            message = f"callers of this kind come to the node {node!r}, and nothing says {what}"
            raise DocumentError([Problem(message, self._all.file, path=f"kinds.{self._kind}.{field}")])
        return found

"""The flow machine: runs callers through flows. Pure; what it wants done it returns as effects.

Rules
- Time is `now_ms`, integer milliseconds since the Unix epoch, given with every call; the machine reads no clock.
- All effects but the last are done at once; the last one waits for its answer (see `ANSWERS`) or is `HangUp`.
- A node leaves by a named exit. Where that leads is the flow's table `exits`; an exit that is not there is
  `otherwise` if the node has that.
- A node that cannot do its work leaves by its `error` exit, else to the flow's `on_error`, else its flow ends with an
  error and so does the subflow node that called it, and so on; in the end the call is hung up (`failed: WHY`).
  The shell never gets an exception for what a flow or a caller did, only MachineError for its own mistakes.
- MAX_ALONE nodes may be entered without the caller having a part in it (an answered lookup is none, nor is an effect
  that failed), and MAX_ENTERED in a call: more is a loop (`failed: loop`). A node that has waited MAX_ASKED times since
  it was entered cannot do its work. So every call ends, whoever has written the flow and whatever the caller does.
- A node whose time limit has passed waits no more: it cannot do its work. Where the flow's has passed, the flow goes to
  its `on_error` and has so long once more; after that its flow ends with an error. What is waited for is not cut short,
  and the way to a person (`Enqueue`, `Dial`) is never barred.
- A session goes on in the version of the flow that it began with: keep the machine that started it. After a restart
  `again` takes it over to the flow as it is now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from ivr.flow import inputs
from ivr.flow.document import Flow
from ivr.flow.effects import Effect, HangUp, SetLanguage
from ivr.flow.inputs import Dequeued, EffectFailed, HungUp, Input
from ivr.flow.library import Library
from ivr.flow.node import Call, NodeError, Result, Return
from ivr.flow.session import Attribute, Caller, Frame, MachineError, Session
from ivr.flow.turn import AskAgain, Turn

ANSWERS: dict[str, tuple[type[Input], ...]] = {
    "Play": (inputs.Played,),
    "Collect": (inputs.Keys,),
    "LookUp": (inputs.LookedUp, inputs.LookupFailed),
    "Query": (inputs.LookedUp, inputs.LookupFailed),
    "Verify": (inputs.Verified,),
    "Enqueue": (inputs.Dequeued, inputs.WayOut),
    "BookCallback": (inputs.CallbackBooked,),
    "TakeVoicemail": (inputs.VoicemailTaken,),
    "Dial": (inputs.DialEnded,),
}
"""What each effect that waits is answered by; besides, `EffectFailed` and `HungUp` always are answers, and
so is `Dequeued` while a place in a queue is kept: the flow then goes on behind the enqueue node."""

_TAKEN: dict[str, tuple[type[Input], ...]] = {effect: (*answers, EffectFailed) for effect, answers in ANSWERS.items()}
_FOR_A_PERSON = frozenset({"Enqueue", "Dial"})
"""Time that is not the flow's."""

MAX_ALONE = 100
MAX_ENTERED = 2_000
MAX_ASKED = 100
MAX_DEPTH = 10
_MAX_TEXT = 200

Step = tuple[Session, list[Effect]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a node could not do its work."""

    detail: str


class Machine:
    """Runs the flows of one library."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def start(self, flow: str, caller: Caller, now_ms: int, attributes: Mapping[str, Attribute] | None = None) -> Step:
        """A new session at the start of `flow`, with what is already known of the contact.

        Raises MachineError when there is no such flow, and for attributes that no node could set.
        """
        document = self._flow(flow)
        session = Session(
            caller=Caller(_tame(caller.number), _tame(caller.dialled), _tame(caller.name)),
            flow=document.name,
            fingerprint=document.fingerprint,
            node=document.start,
            language=self.library.default_language,
            started_ms=now_ms,
            since_ms=now_ms,
            version=self.library.version,
        )
        turn = Turn(self.library, session, document, now_ms)
        try:
            for name, value in (attributes or {}).items():
                turn.set(name, value)
        except NodeError as error:
            raise MachineError(str(error)) from None
        turn.effects.append(SetLanguage(turn.language))
        turn.go(document, document.start, (), "start")
        return self._run(turn, document.nodes[document.start].enter)

    def resume(self, session: Session, answer: Input, now_ms: int) -> Step:
        """What follows from an answer.

        Raises MachineError when nobody waits for such an answer, and when the session belongs to another version
        of its flow.
        """
        if isinstance(answer, HungUp):
            return (session if session.finished else session.ended("hungup")), []
        if session.finished:
            raise MachineError(f"the session has ended ({session.outcome}); it takes no {type(answer).__name__}")
        if isinstance(answer, Dequeued) and session.place is not None:
            session = session.back_in_place()
        if not isinstance(answer, _TAKEN[session.waiting_for]):
            wanted = " or ".join(kind.__name__ for kind in ANSWERS[session.waiting_for])
            raise MachineError(
                f"{session.flow}.{session.node} waits for {wanted} (or HungUp, EffectFailed), "
                f"not {type(answer).__name__}"
            )
        turn = self._turn(session, now_ms)
        if session.waiting_for not in _FOR_A_PERSON:
            turn.spent_ms += max(0, now_ms - session.since_ms)
        turn.forget_secrets(len(turn.frames) + 1)  # of flows that an agent's answer has cut short
        node = turn.flow.nodes[turn.node]
        if isinstance(answer, EffectFailed):
            return self._run(turn, node.failed, answer.detail or "the effect failed")
        if node.waits:
            turn.alone = 0
        return self._run(turn, node.take, answer)

    def again(self, session: Session, now_ms: int) -> Step:
        """After a restart: does once more what the session waits for (prompts are played again, the same queue is
        entered).

        If the node is no longer in the flow, the flow begins anew, with what is known of the caller. If sensitive
        digits are needed that were lost, they are asked for again. A session that has ended yields nothing.
        Raises MachineError when there is no such flow any more.
        """
        if session.finished:
            return session, []
        begun = (session.frames[0] if session.frames else session).flow
        if not self._exist(session.frames, session.flow, session.node):
            flow = self._flow(begun)
            turn = Turn(self.library, session, flow, now_ms)
            turn.forget_secrets(0)
            turn.go(flow, flow.start, (), "changed")
        else:
            flow = self._flow(session.flow)
            turn = Turn(self.library, session, flow, now_ms)
            turn.frames = self._as_they_are_now(session.frames)
            turn.asked = max(0, turn.asked - 1)  # what is asked again is not asked more
        if (place := session.place) is not None:
            turn.place = None
            if self._exist(place.frames, place.flow, place.node):
                now, frames = self._flow(place.flow), self._as_they_are_now(place.frames)
                turn.place = msgspec.structs.replace(place, fingerprint=now.fingerprint, frames=frames)
        turn.effects.append(SetLanguage(turn.language))
        return self._run(turn, turn.flow.nodes[turn.node].enter)

    def _exist(self, frames: tuple[Frame, ...], flow: str, node: str) -> bool:
        places = [*((frame.flow, frame.node) for frame in frames), (flow, node)]
        return all(flow in self.library.flows and node in self.library.flows[flow].nodes for flow, node in places)

    def _as_they_are_now(self, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        replace = msgspec.structs.replace
        return tuple(replace(frame, fingerprint=self._flow(frame.flow).fingerprint) for frame in frames)

    def _flow(self, name: str) -> Flow:
        try:
            return self.library.flows[name]
        except KeyError:
            raise MachineError(f"there is no flow {name!r}") from None

    def _turn(self, session: Session, now_ms: int) -> Turn:
        flow = self._flow(session.flow)
        self._same_version(flow, session.fingerprint)
        for frame in session.frames:
            self._same_version(self._flow(frame.flow), frame.fingerprint)
        return Turn(self.library, session, flow, now_ms)

    def _same_version(self, flow: Flow, fingerprint: str) -> None:
        if flow.fingerprint != fingerprint:
            raise MachineError(
                f"the flow {flow.name!r} has changed since the session began: resume it with the machine that "
                "started it, or take it over with `again`"
            )

    def _run(self, turn: Turn, act: Callable[..., Result], *arguments: object) -> Step:
        """Carries out `act`, the present node's part, and enters nodes until one waits or the session ends."""
        result = _attempt(turn, act, *arguments)
        while turn.alone <= MAX_ALONE and turn.entered <= MAX_ENTERED:
            if type(result) is Return and not turn.frames:
                result = HangUp()
            if isinstance(result, Effect):
                kind = type(result).__name__
                if kind == "HangUp":
                    turn.effects.append(result)
                    return turn.session("").ended("completed"), turn.effects
                late = "" if kind in _FOR_A_PERSON else turn.over_time()
                turn.asked += 1
                if late:
                    failure = self._too_late(turn, f"{turn.flow.name}.{turn.node}: {late}")
                elif turn.asked > MAX_ASKED:
                    failure = self._recover(turn, Failure(f"{turn.flow.name}.{turn.node}: asks for ever"))
                else:
                    turn.effects.append(result)
                    return turn.session(kind), turn.effects
            else:
                failure = self._move(turn, result)
            if failure is not None:
                return _end(turn, failure.detail, "error")
            result = _attempt(turn, turn.flow.nodes[turn.node].enter)
        return _end(turn, "loop", "loop")

    def _move(self, turn: Turn, result: str | Call | Return | AskAgain | Failure) -> Failure | None:
        """Enters the node that `result` leads to. Returns the failure when there is none."""
        if type(result) is str:
            return self._take_exit(turn, result)
        if isinstance(result, AskAgain):
            if result.node in turn.flow.nodes:
                turn.go(turn.flow, result.node, turn.frames, "forgotten")
                return None
            result = Failure(f"{turn.flow.name}.{turn.node}: what the caller entered is lost, and so is who asked")
        if isinstance(result, Call):
            called = self.library.flows.get(result.flow)
            if called is not None and len(turn.frames) < MAX_DEPTH:
                turn.go(called, called.start, (*turn.frames, turn.frame()), "start")
                turn.flow_at, turn.late = turn.spent_ms, False
                return None
            why = "subflows are nested too deeply" if called else f"there is no flow {result.flow!r}"
            result = Failure(f"{turn.flow.name}.{turn.node}: {why}")
        if isinstance(result, Return):
            self._leave_subflow(turn)
            return self._take_exit(turn, result.exit)
        assert isinstance(result, Failure)
        return self._recover(turn, result)

    def _take_exit(self, turn: Turn, name: str) -> Failure | None:
        exits = turn.flow.exits[turn.node]
        target = exits.get(name) or ("" if name == "error" else exits.get("otherwise"))
        if target:
            turn.go(turn.flow, target, turn.frames, name if name in exits else _tame(name))
            return None
        return self._recover(turn, Failure(_tame(f"{turn.flow.name}.{turn.node}: no exit {name!r}")))

    def _too_late(self, turn: Turn, why: str) -> Failure | None:
        """A time limit has passed: that of the node, or else that of the flow."""
        flow, node = turn.flow, turn.flow.nodes[turn.node]
        if node.time_limit_s is not None and turn.spent_ms - turn.node_at > node.time_limit_s * 1000:
            return self._recover(turn, Failure(why))
        if flow.on_error and not turn.late:
            turn.errors, turn.last_error = turn.errors + 1, why
            turn.flow_at, turn.late = turn.spent_ms, True
            turn.go(flow, flow.on_error, turn.frames, "error")
            return None
        if not turn.frames:
            turn.errors, turn.last_error = turn.errors + 1, why
            return Failure(why)
        self._leave_subflow(turn)
        return self._recover(turn, Failure(why))

    def _recover(self, turn: Turn, failure: Failure) -> Failure | None:
        """Takes the nearest `error` exit, outwards through the calling flows."""
        turn.errors += 1
        turn.last_error = failure.detail
        while True:
            target = turn.flow.exits[turn.node].get("error")
            if target:
                turn.go(turn.flow, target, turn.frames, "error")
                return None
            if not turn.frames:
                return failure
            self._leave_subflow(turn)

    def _leave_subflow(self, turn: Turn) -> None:
        frame = turn.frames[-1]
        turn.forget_secrets(len(turn.frames))
        turn.flow, turn.node, turn.frames = self._flow(frame.flow), frame.node, turn.frames[:-1]
        turn.flow_at, turn.late = frame.flow_at, frame.late


def _attempt(turn: Turn, act: Callable[..., Result], *arguments: object) -> Result | AskAgain | Failure:
    try:
        return act(turn, *arguments)
    except AskAgain as forgotten:
        return forgotten
    except NodeError as error:
        detail = str(error)
    except Exception as error:  # a fault of ours must not cost the caller more than a fault of the flow
        detail = f"internal error: {type(error).__name__}: {error}"
    return Failure(_tame(f"{turn.flow.name}.{turn.node}: {detail}"))


def _end(turn: Turn, why: str, reason: str) -> Step:
    turn.effects.append(HangUp(reason))
    return turn.session("").ended(f"failed: {why}"), turn.effects


def _tame(text: str) -> str:
    """What comes from networks and servers is neither bounded nor always text."""
    text = text[:_MAX_TEXT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")

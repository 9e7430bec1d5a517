"""Flow tests as data: given a caller who dials, presses keys, keeps silent or hangs up, expect what is heard and where
the call goes. No phone, no clock, no network; the machine that answers is the one that answers callers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from documents import Problem, Source, nearest, validate
from ivr.flow import effects, inputs
from ivr.flow.effects import Effect, Recorded, Say, Spoken
from ivr.flow.inputs import Input
from ivr.flow.library import Library
from ivr.flow.machine import Machine
from ivr.flow.node import Path
from ivr.flow.script import Action, Booking, Expect, FlowTest, FlowTests, FromQueue, Message, OutsideCall, Press
from ivr.flow.session import Caller, Session, Visit
from ivr.flow.told import asked_of, left_message, press, told, told_when
from ivr.flow.ways import new_visits

_MOST_EFFECTS = 1_000
RECORDED = "(recorded)"
"""What a caller hears who listens to the own recording, in `hears`."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a test went: passed without `problems`; `story` is what happened, line by line, `visits` are the nodes that
    the caller came through."""

    name: str
    problems: tuple[Problem, ...]
    story: tuple[str, ...]
    visits: tuple[Visit, ...] = ()


def run_tests(source: Source, library: Library, numbers: Mapping[str, str]) -> list[Result]:
    """Runs a file of tests against the flows of a library; `numbers` are the flows by number.

    Raises documents.DocumentError when the file is no file of tests.
    """
    machine = Machine(library)
    tests = validate(source, FlowTests).tests
    return [_Run(_of(machine, test), numbers, test, source, ("tests", i)).result() for i, test in enumerate(tests)]


def _of(machine: Machine, test: FlowTest) -> Machine:
    """The machine, in the emergency that the test gives."""
    closed = frozenset(test.given.emergency)
    return Machine(replace(machine.library, emergencies=closed)) if closed else machine


@dataclass(slots=True)
class _Run:
    """One test as it goes."""

    machine: Machine
    numbers: Mapping[str, str]
    test: FlowTest
    source: Source
    at: Path
    story: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    queued: effects.Enqueue | None = None
    callback: effects.BookCallback | None = None
    voicemail: effects.TakeVoicemail | None = None
    recorded: int = 0
    thrown_away: int = 0
    dialled: effects.Dial | None = None
    wrong_pins: int = 0
    notified: list[str] = field(default_factory=list)
    reason: str | None = None

    def result(self) -> Result:
        session = self._play_out()
        if session is not None and not self.problems:
            self._compare(session)
        return Result(self.test.name, tuple(self.problems), tuple(self.story), tuple(self.visits))

    def _problem(self, path: Path, message: str, hint: str = "") -> None:
        self.problems.append(self.source.problem((*self.at, *path), message, hint))

    def _play_out(self) -> Session | None:
        given = self.test.given
        flow = str(given.flow) if given.flow else self.numbers.get(given.dials or "")
        if flow is None:
            hint = nearest(given.dials, self.numbers)
            self._problem(("given", "dials"), f"the centre has no number {given.dials!r}", hint)
            return None
        flows = self.machine.library.flows
        if flow not in flows:
            self._problem(("given", "flow"), f"there is no flow {flow!r}", nearest(flow, flows))
            return None
        hours = self.machine.library.hours
        for position, name in enumerate(given.emergency):
            if name not in hours:
                path = ("given", "emergency", position)
                self._problem(path, f"there are no opening hours {str(name)!r}", nearest(name, hours))
                return None
        zone = self.machine.library.zone
        at = given.at if given.at.tzinfo else given.at.replace(tzinfo=zone)
        now_ms = int(at.timestamp() * 1000)
        self.story.append(f"{given.caller or 'somebody'} calls {given.dials or 'the flow ' + flow} at {at:%a %F %H:%M}")
        session, done = self.machine.start(flow, Caller(given.caller, given.dials or "", given.name), now_ms)
        self.visits += new_visits(None, session)
        actions = list(enumerate(self.test.does))
        for _ in range(_MOST_EFFECTS):
            self._tell(done)
            if session.finished or self.problems:
                break
            answer = self._answer(session, done[-1], actions)
            if answer is None:
                break
            before = session
            session, done = self.machine.resume(session, answer, now_ms)
            self.visits += new_visits(before, session)
        if session.finished and session.outcome != "completed":
            self.story.append(f"the call ended: {session.outcome}")
        if actions and not self.problems:
            position, action = actions[0]
            where = "the call has ended" if session.finished else f"{session.node!r} waits for something else"
            self._problem(("does", position), f"the caller {_words(action)}, but {where}")
        return session

    def _tell(self, done: Iterable[Effect]) -> None:
        for effect in done:
            if isinstance(effect, effects.Play | effects.Collect | effects.TakeVoicemail):
                self.heard += [_name(item) for item in effect.spoken]
                self.story += [f"hears {line}" for line in told(effect.spoken)]
            elif isinstance(effect, effects.SetLanguage):
                self.story.append(f"language is {effect.language}")
            elif isinstance(effect, effects.Enqueue):
                self.queued = effect
                self.story.append(f"waits in queue {effect.queue!r}")
            elif isinstance(effect, effects.BookCallback):
                self.callback = effect
                self.story.append(f"a callback to {effect.number}, {told_when(effect, self.machine.library)}")
            elif isinstance(effect, effects.Notify):
                self.notified += [effect.webhook] if effect.webhook else effect.to
                self.story.append(f"notifies {effect.webhook or ', '.join(effect.to)}")
            elif isinstance(effect, effects.SurveyAnswered):
                self.story.append(f"answers {effect.question}: {effect.recording or effect.score}")
            elif isinstance(effect, effects.Reviewed):
                self.thrown_away += not effect.kept
                self.story.append("keeps the recording" if effect.kept else "throws the recording away")
            elif isinstance(effect, effects.Dial):
                self.dialled = effect
                self.story.append(f"is connected with {effect.number}")
            elif isinstance(effect, effects.HangUp):
                self.reason = effect.reason
                self.story.append(f"the flow hangs up ({effect.reason})")
            if isinstance(effect, effects.TakeVoicemail):
                self.voicemail = effect

    def _answer(self, session: Session, effect: Effect, actions: list[tuple[int, Action]]) -> Input | None:
        """The answer to what the session waits for, or None when the caller does nothing more."""
        position, action = actions[0] if actions else (0, None)
        if isinstance(effect, effects.Play) and not (isinstance(action, Press) and _interrupts(effect, action.press)):
            return inputs.Played()
        if isinstance(effect, effects.LookUp | effects.Query):
            return self._looked_up(effect)
        if isinstance(effect, effects.Verify):
            return self._verified(effect)
        if isinstance(effect, effects.Dial) and not isinstance(action, OutsideCall) and action != "hang_up":
            return inputs.DialEnded("answered")
        if isinstance(effect, effects.BookCallback) and not isinstance(action, Booking):
            return inputs.CallbackBooked()
        if action is None or not _fits(session, effect, action):
            return None
        del actions[0]
        self.story.append(_words(action) if not getattr(effect, "sensitive", False) else "presses secret keys")
        if action == "hang_up":
            return inputs.HungUp()
        if isinstance(action, FromQueue):
            return inputs.Dequeued(action.from_queue)
        if isinstance(action, Booking):
            refused = action.callback == "refused"
            return inputs.EffectFailed("refused") if refused else inputs.CallbackBooked(action.callback == "merged")
        if isinstance(action, OutsideCall):
            return inputs.DialEnded(action.dial)
        if isinstance(effect, effects.Play) and isinstance(action, Press):
            return inputs.Played(action.press)
        if isinstance(action, Message) and isinstance(effect, effects.TakeVoicemail):
            taken = left_message(effect, round(action.voicemail_s * 1000))
            self.recorded += bool(taken.voicemail)
            return taken
        if isinstance(effect, effects.Enqueue) and isinstance(action, Press):
            return inputs.WayOut(action.press)
        if not isinstance(action, Press) or not isinstance(effect, effects.Collect):
            return inputs.Keys("", "timeout")
        keys, left = press(effect, action.press)
        if left:
            self._problem(("does", position), f"after {keys.digits!r} the flow goes on; {left!r} is too much")
        return keys

    def _looked_up(self, effect: effects.LookUp | effects.Query) -> inputs.LookedUp | inputs.LookupFailed | None:
        asked = asked_of(effect)
        for stub in self.test.given.lookups:
            if stub.matches(effect):
                shown = (stub.url or stub.database) if effect.sensitive else asked
                self.story.append(f"looks up {shown}: {stub.fails or stub.status}")
                return stub.answer()
        shown = "something secret" if effect.sensitive else asked
        self._problem(("given",), f"the flow looks up {shown}, which no 'lookups' answers", "add one that does")
        return None

    def _verified(self, effect: effects.Verify) -> Input | None:
        if self.wrong_pins >= effect.attempts:
            return inputs.Verified("locked")
        right = self.test.given.pins.get(effect.who) == effect.pin
        if effect.check is not None:
            answer = self._looked_up(effect.check)
            if answer is None:
                return None
            if isinstance(answer, inputs.LookupFailed):
                return inputs.EffectFailed(answer.cause)
            right = 200 <= answer.status < 300 and answer.status != 204
        self.wrong_pins = 0 if right else self.wrong_pins + 1
        self.story.append(f"the PIN of {effect.who} is {'right' if right else 'wrong'}")
        if right:
            return inputs.Verified("right")
        return inputs.Verified("locked" if self.wrong_pins >= effect.attempts else "wrong")

    # What was expected

    def _compare(self, session: Session) -> None:
        expect = self.test.expect
        self._compare_heard(expect)
        self._same("queue", expect.queue, self.queued.queue if self.queued else None)
        self._same("priority", expect.priority, self.queued.priority if self.queued else None)
        self._same("preferred_agent", expect.preferred_agent, self.queued.preferred_agent if self.queued else None)
        self._same("callback", expect.callback, self.callback.number if self.callback else None)
        cancelled = 0 < self.recorded == self.thrown_away
        self._same("mailbox", expect.mailbox, self.voicemail.mailbox if self.voicemail and not cancelled else None)
        self._same("notifies", expect.notifies, tuple(self.notified))
        self._same("dials", expect.dials, self.dialled.number if self.dialled else None)
        self._same("language", expect.language, session.language)
        self._same("node", expect.node, session.node)
        outcome = _outcome(session)
        self._same("outcome", expect.outcome, outcome)
        if outcome == "failed" and expect.outcome is None:
            self._problem(("expect",), f"the call {session.outcome}", "if that is meant: outcome: failed")
        self._same("reason", expect.reason, self.reason)
        for name, value in expect.attributes.items():
            actual = session.attributes.get(name)
            if actual != value or isinstance(actual, bool) != isinstance(value, bool):
                self._problem(("expect", "attributes", name), f"expected {_shown(value)}, but it is {_shown(actual)}")

    def _same(self, what: str, expected: object, actual: object) -> None:
        if expected is not None and expected != actual:
            self._problem(("expect", what), f"expected {_shown(expected)}, but it is {_shown(actual)}")

    def _compare_heard(self, expect: Expect) -> None:
        position = 0
        for number, item in enumerate(map(str, expect.hears or ())):
            try:
                position = self.heard.index(item, position) + 1
            except ValueError:
                when = f" after {self.heard[position - 1]!r}" if position and item in self.heard else ""
                self._problem(("expect", "hears", number), f"{item!r} was not heard{when}", self._nearest(item))
                break
        if expect.hears_exactly is not None:
            self._compare_exactly([str(item) for item in expect.hears_exactly])
        for number, item in enumerate(map(str, expect.never_hears)):
            if item in self.heard:
                self._problem(("expect", "never_hears", number), f"{item!r} was heard")

    def _compare_exactly(self, wanted: list[str]) -> None:
        for number, item in enumerate(wanted):
            actual = self.heard[number] if number < len(self.heard) else None
            if item != actual:
                message = f"expected {item!r} here, but {_shown(actual)} was heard"
                self._problem(("expect", "hears_exactly", number), message, self._nearest(item))
                return
        if len(self.heard) > len(wanted):
            self._problem(("expect", "hears_exactly"), f"after all this {self.heard[len(wanted)]!r} was heard too")

    def _nearest(self, item: str) -> str:
        names = {*self.machine.library.prompts.entries, *self.heard}
        return "" if item in names else nearest(item, names)


def _name(item: Spoken) -> str:
    """What a test calls it."""
    if isinstance(item, Recorded):
        return RECORDED
    return f"{item.what} {item.value}" if isinstance(item, Say) else item.name


def _fits(session: Session, effect: Effect, action: Action) -> bool:
    """Whether the caller can do this now; out of a queue whose place is kept, an agent may answer at any time."""
    match action:
        case "hang_up":
            return True
        case "silence":
            return isinstance(effect, effects.Collect)
        case Press():
            return isinstance(effect, effects.Collect | effects.Play) or (
                isinstance(effect, effects.Enqueue) and len(action.press) == 1 and action.press in effect.keys
            )
        case FromQueue():
            return isinstance(effect, effects.Enqueue) or session.place is not None
        case Booking():
            return isinstance(effect, effects.BookCallback)
        case Message():
            return isinstance(effect, effects.TakeVoicemail)
        case OutsideCall():
            return isinstance(effect, effects.Dial)


def _interrupts(effect: effects.Play, keys: str) -> bool:
    return len(keys) == 1 and keys in effect.keys


def _outcome(session: Session) -> str:
    if not session.finished:
        return {"Enqueue": "in_queue"}.get(session.waiting_for, "asked")
    return session.outcome.partition(":")[0]


def _words(action: Action) -> str:
    if isinstance(action, Press):
        return f"presses {action.press}"
    if isinstance(action, FromQueue):
        return f"comes back from the queue: {action.from_queue}"
    if isinstance(action, Booking):
        return f"gets the answer: the callback is {action.callback}"
    if isinstance(action, OutsideCall):
        return f"gets the answer: the outside call is {action.dial}"
    if isinstance(action, Message):
        return f"speaks for {action.voicemail_s:g} s"
    return "keeps silent" if action == "silence" else "hangs up"


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(str(value) if isinstance(value, str) else value)

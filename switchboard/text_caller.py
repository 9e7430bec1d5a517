"""A caller in the terminal: hears prompts as text, types keys, and plays the parts of lookups and queues."""

import json
import re
from collections.abc import Callable
from typing import Literal, cast, get_args

from ivr.flow import effects, inputs
from ivr.flow.effects import Effect
from ivr.flow.inputs import Input
from ivr.flow.machine import Machine
from ivr.flow.session import Caller, Session
from ivr.flow.told import asked_of, left_message, press, told, told_when, url_of

_KEYS = re.compile(r"[0-9A-D*#]{1,1000}")
_FAILURES = {
    failure.cause: failure
    for failure in (
        inputs.LookupFailed("timeout"),
        inputs.LookupFailed("refused"),
        inputs.LookupFailed("unreachable"),
        inputs.LookupFailed("bad_response"),
    )
}

_QUESTIONS = {
    effects.Play: "keys",
    effects.Collect: "keys",
    effects.LookUp: "answer",
    effects.Query: "answer",
    effects.Verify: "PIN is",
    effects.Enqueue: "comes back by",
    effects.BookCallback: "booked",
    effects.TakeVoicemail: "seconds",
    effects.Dial: "outside call",
}

HELP = """\
At a prompt type keys (the # too, where one ends the entry); an empty line keeps silent; `hangup` hangs up.
A lookup is answered by you: JSON, a status such as 404, or an empty line for no answer in time.
A PIN is `right` (an empty line), `wrong` or `locked`.
In a queue say how the caller comes back: `answered` (an empty line), the name of an exit, or the key of a way out.
A callback is booked by an empty line, `merged` or `refused`; of a voicemail say how many seconds it lasts.
An outside call ends `answered` (an empty line), `busy`, `no_answer`, `unavailable` or `refused`."""


class TextCaller:
    """One call. `ask` shows its text and returns a line, or None at the end of the input; `say` shows a line."""

    def __init__(self, machine: Machine, ask: Callable[[str], str | None], say: Callable[[str], None]) -> None:
        self._machine = machine
        self._ask = ask
        self._say = say

    def call(self, flow: str, caller: Caller, now_ms: Callable[[], int]) -> Session:
        """From the first prompt to the end of the call; the session as it ended."""
        session, done = self._machine.start(flow, caller, now_ms())
        while True:
            for effect in done:
                self._show(effect)
            if session.finished:
                break
            session, done = self._machine.resume(session, self._answer(session, done[-1]), now_ms())
        self._say(f"The call has ended: {session.outcome}.")
        for name, value in sorted(session.attributes.items()):
            self._say(f"  contact.{name} = {value!r}")
        return session

    def _show(self, effect: Effect) -> None:
        if isinstance(effect, effects.Play | effects.Collect | effects.TakeVoicemail):
            for line in told(effect.spoken):
                self._say(line)
        elif isinstance(effect, effects.SetLanguage):
            self._say(f"[language {effect.language}]")
        elif isinstance(effect, effects.LookUp):
            body = f" {json.dumps(effect.body)}" if effect.body is not None else ""
            self._say(f"[lookup {effect.method} {url_of(effect)}{body}]")
        elif isinstance(effect, effects.Query):
            self._say(f"[lookup {effect.sql} in {asked_of(effect)}]")
        elif isinstance(effect, effects.Verify):
            self._say(f"[checks the PIN of {effect.who}]")
        elif isinstance(effect, effects.Enqueue):
            more = f", priority {effect.priority}" if effect.priority is not None else ""
            more += f", first {effect.preferred_agent}" if effect.preferred_agent else ""
            more += f"; ways out: {' '.join(effect.keys)}" if effect.keys else ""
            self._say(f"[waits in queue {effect.queue}{more}]")
        elif isinstance(effect, effects.BookCallback):
            when = told_when(effect, self._machine.library)
            self._say(f"[books a callback from queue {effect.queue} to {effect.number}, {when}]")
        elif isinstance(effect, effects.Notify):
            whom = effect.webhook or ", ".join(effect.to)
            self._say(f"[notifies {whom}: {effect.subject or json.dumps(effect.data)}]")
        elif isinstance(effect, effects.SurveyAnswered):
            self._say(f"[{effect.survey}: {effect.question} {effect.recording or effect.score}]")
        elif isinstance(effect, effects.Reviewed):
            self._say(f"[the recording is {'kept' if effect.kept else 'thrown away'}]")
        elif isinstance(effect, effects.Dial):
            self._say(f"[dials the outside number {effect.number}]")
        elif isinstance(effect, effects.HangUp):
            self._say(f"[the flow hangs up: {effect.reason}]")
        if isinstance(effect, effects.TakeVoicemail):
            self._say(f"[beep; records into mailbox {effect.mailbox}]")

    def _answer(self, session: Session, effect: Effect) -> Input:
        if isinstance(effect, effects.Play) and not effect.keys:
            return inputs.Played()
        answer: Input | None = None
        while answer is None:
            line = self._ask(f"{_QUESTIONS[type(effect)]}> ")
            if line is None or line.strip().lower() in ("hangup", "hang up"):
                return inputs.HungUp()
            if isinstance(effect, effects.Play):
                answer = self._listened(effect, line.strip())
            elif isinstance(effect, effects.Dial):
                answer = self._dialled(line.strip())
            elif isinstance(effect, effects.Collect):
                answer = self._keys(effect, line.strip())
            elif isinstance(effect, effects.Verify):
                answer = self._verified(line.strip())
            elif isinstance(effect, effects.LookUp | effects.Query):
                answer = self._looked_up(line.strip())
            elif isinstance(effect, effects.BookCallback):
                answer = self._booked(line.strip())
            elif isinstance(effect, effects.TakeVoicemail):
                answer = self._recorded(effect, line.strip())
            elif isinstance(effect, effects.Enqueue) and len(line.strip()) == 1 and line.strip() in effect.keys:
                answer = inputs.WayOut(line.strip())
            else:
                answer = self._dequeued(session, line.strip())
        return answer

    def _keys(self, effect: effects.Collect, line: str) -> Input | None:
        if not line:
            return inputs.Keys("", "timeout")
        if not _KEYS.fullmatch(line):
            self._say("Keys are 0-9, *, # and A-D; an empty line keeps silent, `hangup` hangs up.")
            return None
        keys, left = press(effect, line)
        if left:
            self._say(f"[{left} comes after the last key that was asked for, and is lost]")
        return keys

    def _looked_up(self, line: str) -> Input | None:
        if not line or line in _FAILURES:
            return _FAILURES[line or "timeout"]
        if re.fullmatch(r"[1-5][0-9][0-9]", line):
            return inputs.LookedUp(int(line))
        try:
            return inputs.LookedUp(200, json.loads(line))
        except ValueError as error:
            self._say(f"Not JSON ({error}); a status such as 404, one of {', '.join(_FAILURES)}, or an empty line.")
            return None

    def _verified(self, line: str) -> Input | None:
        if line not in ("", "right", "wrong", "locked"):
            self._say("`right` (an empty line), `wrong` or `locked`.")
            return None
        return inputs.Verified(cast(Literal["right", "wrong", "locked"], line or "right"))

    def _booked(self, line: str) -> Input | None:
        if line not in ("", "merged", "refused"):
            self._say("An empty line books it, `merged` finds an earlier one, `refused` refuses the number.")
            return None
        return inputs.EffectFailed("refused") if line == "refused" else inputs.CallbackBooked(line == "merged")

    def _listened(self, effect: effects.Play, line: str) -> Input | None:
        if line and line not in effect.keys:
            self._say(f"Here only {effect.keys} does something; an empty line listens to the end.")
            return None
        return inputs.Played(line)

    def _dialled(self, line: str) -> Input | None:
        if line not in ("", *get_args(inputs.DialOutcome)):
            self._say(f"One of {', '.join(get_args(inputs.DialOutcome))}; an empty line is answered.")
            return None
        return inputs.DialEnded(cast(inputs.DialOutcome, line or "answered"))

    def _recorded(self, effect: effects.TakeVoicemail, line: str) -> Input | None:
        if not re.fullmatch(r"[0-9]{1,5}", line):
            self._say("So many seconds, such as 20.")
            return None
        return left_message(effect, int(line) * 1000)

    def _dequeued(self, session: Session, line: str) -> Input:
        exits = ["answered", *self._machine.library.flows[session.flow].exits[session.node]]
        if line and line not in exits:
            self._say(f"[no exit {line!r} here ({', '.join(dict.fromkeys(exits))}): the caller goes by 'otherwise']")
        return inputs.Dequeued(line or "answered")
